/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: when a picture is out.
 */

#ifndef __XEN_DRM_FRONT_FLIP_H__
#define __XEN_DRM_FRONT_FLIP_H__

#include <linux/hrtimer.h>
#include <linux/types.h>

#include "xen_drm_front_flip_state.h"

struct drm_crtc;
struct drm_pending_vblank_event;
struct xen_drm_call;
struct xen_drm_chan;

/** struct xen_drm_flip_stats - counters, since the pipe was made */
struct xen_drm_flip_stats {
	/** @flips: PG_FLIPs sent */
	u64 flips;
	/** @refused: flips that the backend refused */
	u64 refused;
	/** @overdue: flips that were not answered in time */
	u64 overdue;
};

/**
 * struct xen_drm_flip - the flips of one pipe, and its vertical blanking
 *
 * Under &drm_device.event_lock, since the events are sent under it anyway.
 */
struct xen_drm_flip {
	/** @crtc: constant */
	struct drm_crtc *crtc;
	/** @name: connector, for messages; constant */
	const char *name;
	/** @core: state */
	struct xen_drm_flip_core core;
	/** @chan: channel of the present connection, NULL while nobody is there */
	struct xen_drm_chan *chan;
	/** @number: number of the connection of @chan */
	u64 number;
	/** @refused: number of the connection that refused the present mode, or 0 */
	u64 refused;
	/** @lit: the backend has a mode of ours */
	bool lit;
	/** @cookie: framebuffer of the newest picture, 0 without one */
	u64 cookie;
	/** @told: number of the connection that knows the framebuffer */
	u64 told;
	/** @event: to be sent as &xen_drm_flip_core.event says, or NULL */
	struct drm_pending_vblank_event *event;
	/** @serial: number of the flip that is out */
	u32 serial;
	/** @sent: when it went out */
	ktime_t sent;
	/** @on: the CRTC is active, so vblanks can be had */
	bool on;
	/** @wanted: the pipe itself wants vblanks, and holds a reference for that */
	bool wanted;
	/** @stats: counters */
	struct xen_drm_flip_stats stats;

	/** @config_chan: channel that a mode was sent on; commit tail only */
	struct xen_drm_chan *config_chan;

	/** @timer: the next vblank */
	struct hrtimer timer;
	/** @ticking: somebody wants vblanks; written under the vblank locks of DRM */
	bool ticking;
	/** @late: the vblank that is due waits for the backend's event */
	bool late;
	/** @rephase: time of the vblank that is just being handled, 0 for the timer's */
	ktime_t rephase;
	/** @period: of the mode; constant while the CRTC is active */
	ktime_t period;
	/**
	 * @vblank: time of a vblank, from which the others are counted. Written
	 * with &drm_device.vblank_time_lock held, too, which is enough for reading
	 */
	ktime_t vblank;
	/** @told_vblank: latest time of a vblank that DRM was told; as @vblank */
	ktime_t told_vblank;
};

void xen_drm_flip_init(struct xen_drm_flip *flip, struct drm_crtc *crtc, const char *name);
void xen_drm_flip_fini(struct xen_drm_flip *flip);
void xen_drm_flip_join(struct xen_drm_flip *flip, struct xen_drm_chan *chan, u64 number);
void xen_drm_flip_leave(struct xen_drm_flip *flip);
void xen_drm_flip_answers(struct xen_drm_flip *flip);
void xen_drm_flip_enable(struct xen_drm_flip *flip, u64 period_ns);
void xen_drm_flip_disable(struct xen_drm_flip *flip, struct drm_pending_vblank_event *event);
void xen_drm_flip_set_picture(struct xen_drm_flip *flip, u64 cookie, u64 told);
void xen_drm_flip_commit(struct xen_drm_flip *flip, bool picture,
			 struct drm_pending_vblank_event *event);
void xen_drm_flip_damage(struct xen_drm_flip *flip, u64 cookie);
void xen_drm_flip_panic(struct xen_drm_flip *flip);
bool xen_drm_flip_wants_config(struct xen_drm_flip *flip, bool modeset);
bool xen_drm_flip_lacks_picture(struct xen_drm_flip *flip);
bool xen_drm_flip_is_lit(struct xen_drm_flip *flip);
int xen_drm_flip_send_config(struct xen_drm_flip *flip, struct xen_drm_call *call,
			     u32 width, u32 height, u32 bpp);
int xen_drm_flip_end_config(struct xen_drm_flip *flip, struct xen_drm_call *call, bool on);

int xen_drm_flip_enable_vblank(struct xen_drm_flip *flip);
void xen_drm_flip_disable_vblank(struct xen_drm_flip *flip);
bool xen_drm_flip_vblank_time(struct xen_drm_flip *flip, ktime_t *time, bool in_irq);

#endif /* __XEN_DRM_FRONT_FLIP_H__ */
