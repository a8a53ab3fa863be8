/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: when a picture is out.
 */

#ifndef __XEN_DRM_FRONT_FLIP_H__
#define __XEN_DRM_FRONT_FLIP_H__

#include <linux/hrtimer.h>
#include <linux/types.h>

struct drm_crtc;
struct drm_pending_vblank_event;
struct xen_drm_call;
struct xen_drm_chan;
struct xen_drm_fb;

/**
 * enum xen_drm_flip_state - what the backend does for a pipe
 * @XEN_DRM_FLIP_OFF: the CRTC is inactive
 * @XEN_DRM_FLIP_DARK: active, but the backend has no mode: nobody is there, the
 *	mode was refused, or there is nothing to show
 * @XEN_DRM_FLIP_IDLE: the newest picture is out
 * @XEN_DRM_FLIP_FLYING: a PG_FLIP is out
 * @XEN_DRM_FLIP_LANDED: the backend has answered it; over at the next vblank
 * @XEN_DRM_FLIP_STALLED: no answer came in time, and none may follow before
 */
enum xen_drm_flip_state {
	XEN_DRM_FLIP_OFF,
	XEN_DRM_FLIP_DARK,
	XEN_DRM_FLIP_IDLE,
	XEN_DRM_FLIP_FLYING,
	XEN_DRM_FLIP_LANDED,
	XEN_DRM_FLIP_STALLED,
};

/**
 * enum xen_drm_flip_input - what happens to a pipe
 * @XEN_DRM_FLIP_COMMIT: a commit shows a picture, and has an event
 * @XEN_DRM_FLIP_EVENT_ONLY: a commit leaves the picture as it is, and has an event
 * @XEN_DRM_FLIP_DAMAGE: the picture on the screen has been drawn to
 * @XEN_DRM_FLIP_DONE: the backend has shown the flip
 * @XEN_DRM_FLIP_REFUSED: the backend will not show the flip
 * @XEN_DRM_FLIP_OVERDUE: the flip was not answered in time, or cannot be sent yet
 * @XEN_DRM_FLIP_ANSWERS: the backend answers again after a silence
 * @XEN_DRM_FLIP_VBLANK: vertical blanking
 * @XEN_DRM_FLIP_ENABLED: the CRTC is active from now on
 * @XEN_DRM_FLIP_CONFIGURING: the backend is being sent a mode, with the newest picture
 * @XEN_DRM_FLIP_CONFIGURED: the backend has the mode and shows that picture
 * @XEN_DRM_FLIP_DARKENED: the backend has no mode any more
 * @XEN_DRM_FLIP_DISABLED: the CRTC is inactive from now on
 */
enum xen_drm_flip_input {
	XEN_DRM_FLIP_COMMIT,
	XEN_DRM_FLIP_EVENT_ONLY,
	XEN_DRM_FLIP_DAMAGE,
	XEN_DRM_FLIP_DONE,
	XEN_DRM_FLIP_REFUSED,
	XEN_DRM_FLIP_OVERDUE,
	XEN_DRM_FLIP_ANSWERS,
	XEN_DRM_FLIP_VBLANK,
	XEN_DRM_FLIP_ENABLED,
	XEN_DRM_FLIP_CONFIGURING,
	XEN_DRM_FLIP_CONFIGURED,
	XEN_DRM_FLIP_DARKENED,
	XEN_DRM_FLIP_DISABLED,
};

/**
 * enum xen_drm_flip_event - where the event of the latest commit is
 * @XEN_DRM_FLIP_EVENT_NONE: there is none to send
 * @XEN_DRM_FLIP_EVENT_NEXT: belongs to the next flip that goes out
 * @XEN_DRM_FLIP_EVENT_OUT: belongs to the flip that is out, or is due
 */
enum xen_drm_flip_event {
	XEN_DRM_FLIP_EVENT_NONE,
	XEN_DRM_FLIP_EVENT_NEXT,
	XEN_DRM_FLIP_EVENT_OUT,
};

/* What xen_drm_flip_next() wants to be done. */
#define XEN_DRM_FLIP_SEND	BIT(0)	/* send a PG_FLIP with the newest picture */
#define XEN_DRM_FLIP_COMPLETE	BIT(1)	/* send the event of the latest commit */

/** struct xen_drm_flip_core - the state of a pipe, without DRM and without a ring */
struct xen_drm_flip_core {
	/** @state: what the backend does */
	enum xen_drm_flip_state state;
	/** @event: where the event of the latest commit is */
	enum xen_drm_flip_event event;
	/** @dirty: the newest picture is not out */
	bool dirty;
	/** @retried: the flip that is out follows a refused one */
	bool retried;
};

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

unsigned int xen_drm_flip_next(struct xen_drm_flip_core *core, enum xen_drm_flip_input input);

void xen_drm_flip_init(struct xen_drm_flip *flip, struct drm_crtc *crtc, const char *name);
void xen_drm_flip_fini(struct xen_drm_flip *flip);
void xen_drm_flip_join(struct xen_drm_flip *flip, struct xen_drm_chan *chan, u64 number);
void xen_drm_flip_leave(struct xen_drm_flip *flip);
void xen_drm_flip_answers(struct xen_drm_flip *flip);
void xen_drm_flip_enable(struct xen_drm_flip *flip, u64 period_ns);
void xen_drm_flip_disable(struct xen_drm_flip *flip, struct drm_pending_vblank_event *event);
void xen_drm_flip_set_picture(struct xen_drm_flip *flip, const struct xen_drm_fb *fb);
void xen_drm_flip_commit(struct xen_drm_flip *flip, bool picture,
			 struct drm_pending_vblank_event *event);
void xen_drm_flip_damage(struct xen_drm_flip *flip, u64 cookie);
bool xen_drm_flip_wants_config(struct xen_drm_flip *flip, bool modeset);
bool xen_drm_flip_is_lit(struct xen_drm_flip *flip);
int xen_drm_flip_send_config(struct xen_drm_flip *flip, struct xen_drm_call *call,
			     u32 width, u32 height, u32 bpp);
int xen_drm_flip_end_config(struct xen_drm_flip *flip, struct xen_drm_call *call, bool on);

int xen_drm_flip_enable_vblank(struct xen_drm_flip *flip);
void xen_drm_flip_disable_vblank(struct xen_drm_flip *flip);
bool xen_drm_flip_vblank_time(struct xen_drm_flip *flip, ktime_t *time, bool in_irq);

#endif /* __XEN_DRM_FRONT_FLIP_H__ */
