/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: when a picture is out.
 */

#ifndef __XEN_DRM_FRONT_FLIP_H__
#define __XEN_DRM_FRONT_FLIP_H__

#include <linux/hrtimer.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include <drm/drm_crtc.h>
#include <drm/drm_device.h>

#include "xen_drm_front.h"
#include "xen_drm_front_flip_state.h"

struct drm_pending_vblank_event;
struct xen_drm_chan;

/**
 * struct xen_drm_flip_stats - counters, since the pipe was made
 */
struct xen_drm_flip_stats {
	/** @flips: number of PG_FLIPs sent */
	u64 flips;
	/** @refused: number of flips that the backend refused */
	u64 refused;
	/** @overdue: number of flips that were not answered in time */
	u64 overdue;
	/** @chan: sum over the channels that the pipe has used before the present one */
	struct xen_drm_chan_stats chan;
};

/**
 * struct xen_drm_flip - the flips of one pipe, and its vertical blanking
 *
 * &drm_device.event_lock protects it, since events are sent under that anyway.
 */
struct xen_drm_flip {
	/** @crtc: CRTC of the pipe; constant */
	struct drm_crtc *crtc;
	/** @name: name of the connector, for messages; constant */
	const char *name;
	/**
	 * @mode_answered: the backend has taken a mode, or refused it with @error; does not
	 * sleep. Constant
	 */
	void (*mode_answered)(struct xen_drm_flip *flip, int error);
	/** @core: state of the pipe */
	struct xen_drm_flip_core core;
	/** @chan: channel of the present connection, or NULL */
	struct xen_drm_chan *chan;
	/** @number: number of the connection of @chan */
	u64 number;
	/** @refused: number of the connection that refused the present mode, or 0 */
	u64 refused;
	/** @lacked: cookie of the framebuffer for which link-status became BAD, or 0 */
	u64 lacked;
	/** @lit: whether the backend has a mode of ours, or may have one */
	bool lit;
	/** @asked: whether the latest mode that was sent still counts, and has no answer yet */
	bool asked;
	/** @mode: number of the latest mode that was sent, never 0 then */
	u32 mode;
	/** @mode_cookie: framebuffer that it was sent with */
	u64 mode_cookie;
	/** @again: whether it is sent again, after one with a former picture was refused */
	bool again;
	/** @width: number of visible pixels per line of the latest mode that was sent */
	u32 width;
	/** @height: number of its visible lines */
	u32 height;
	/** @cookie: framebuffer of the newest picture, 0 without one */
	u64 cookie;
	/** @bpp: number of bits per pixel of the framebuffer */
	u32 bpp;
	/** @told: number of the connection that knows the framebuffer */
	u64 told;
	/** @tried: number of the connection to which it was offered, whatever came of it */
	u64 tried;
	/** @event: event that &xen_drm_flip_core.event is about, or NULL */
	struct drm_pending_vblank_event *event;
	/** @serial: number of the latest flip, 0 if a mode has been sent since */
	u32 serial;
	/** @sent: time when the latest flip or mode went out, KTIME_MAX while it waits for room */
	ktime_t sent;
	/** @on: whether the CRTC is active, so that vblanks can be had */
	bool on;
	/** @wanted: whether the pipe itself wants vblanks, and holds a reference for that */
	bool wanted;
	/** @stats: counters */
	struct xen_drm_flip_stats stats;

	/** @retry_work: work that sends a picture once more which was refused twice */
	struct delayed_work retry_work;
	/** @retry_gap: time until the work runs the next time, in jiffies; 0 at first */
	unsigned long retry_gap;

	/** @timer: timer of the next vblank */
	struct hrtimer timer;
	/** @ticking: whether vblanks are wanted; written under the vblank locks of DRM */
	bool ticking;
	/** @postponed: whether the vblank that is due waits for the backend's event */
	bool postponed;
	/** @quiet: whether the timer looks for the next event, as no interrupt may tell of it */
	bool quiet;
	/** @rephase: time of an event that becomes a vblank just now, 0 otherwise */
	ktime_t rephase;
	/** @period: time from vblank to vblank; constant while the CRTC is active */
	ktime_t period;
	/**
	 * @vblank: time of a vblank, from which the others are counted. Written
	 * with &drm_device.vblank_time_lock held, too, which is enough for reading
	 */
	ktime_t vblank;
	/** @latest_vblank: latest time of a vblank that DRM was told; locked as @vblank */
	ktime_t latest_vblank;
};

static inline spinlock_t *xen_drm_flip_lock(const struct xen_drm_flip *flip)
{
	return &flip->crtc->dev->event_lock;
}

/* xen_drm_front_flip.c */
void xen_drm_flip_init(struct xen_drm_flip *flip, struct drm_crtc *crtc, const char *name,
		       void (*mode_answered)(struct xen_drm_flip *flip, int error));
void xen_drm_flip_fini(struct xen_drm_flip *flip);
void xen_drm_flip_join(struct xen_drm_flip *flip, struct xen_drm_chan *chan, u64 number);
void xen_drm_flip_leave(struct xen_drm_flip *flip);
void xen_drm_flip_answers(struct xen_drm_flip *flip);
void xen_drm_flip_enable(struct xen_drm_flip *flip, u64 period_ns);
void xen_drm_flip_disable(struct xen_drm_flip *flip, struct drm_pending_vblank_event *event);
void xen_drm_flip_set_picture(struct xen_drm_flip *flip, u64 cookie, u32 bpp, u64 told,
			      u64 tried);
void xen_drm_flip_commit(struct xen_drm_flip *flip, bool picture,
			 struct drm_pending_vblank_event *event);
void xen_drm_flip_damage(struct xen_drm_flip *flip, u64 cookie);
void xen_drm_flip_panic(struct xen_drm_flip *flip);
void xen_drm_flip_take(struct xen_drm_flip *flip, enum xen_drm_flip_input input);
int xen_drm_flip_enable_vblank(struct xen_drm_flip *flip);
void xen_drm_flip_disable_vblank(struct xen_drm_flip *flip);
bool xen_drm_flip_vblank_time(struct xen_drm_flip *flip, ktime_t *time, bool in_irq);

/* xen_drm_front_flip_mode.c */
bool xen_drm_flip_wants_config(struct xen_drm_flip *flip, bool modeset);
bool xen_drm_flip_lacks_picture(struct xen_drm_flip *flip);
bool xen_drm_flip_is_lit(struct xen_drm_flip *flip);
bool xen_drm_flip_wants_off(struct xen_drm_flip *flip, bool active);
bool xen_drm_flip_can_flip(struct xen_drm_flip *flip, u64 told);
void xen_drm_flip_forget_mode(struct xen_drm_flip *flip);
int xen_drm_flip_send_mode(struct xen_drm_flip *flip, u32 width, u32 height);
int xen_drm_flip_send_off(struct xen_drm_flip *flip);
void xen_drm_flip_mode_set(void *owner, u32 mode, int error);
void xen_drm_flip_not_off(void *owner, int error);

#endif /* __XEN_DRM_FRONT_FLIP_H__ */
