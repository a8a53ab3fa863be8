/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: the state of a pipe.
 */

#ifndef __XEN_DRM_FRONT_FLIP_STATE_H__
#define __XEN_DRM_FRONT_FLIP_STATE_H__

#include <linux/bits.h>
#include <linux/types.h>

/**
 * enum xen_drm_flip_state - state of a pipe
 * @XEN_DRM_FLIP_OFF: the CRTC is inactive
 * @XEN_DRM_FLIP_DARK: the CRTC is active, but the backend has no mode: there is no
 *	backend, it refused the mode, or it knows no picture to show
 * @XEN_DRM_FLIP_SETTING: a SET_CONFIG with the newest picture is out
 * @XEN_DRM_FLIP_IDLE: the newest picture is out
 * @XEN_DRM_FLIP_FLYING: a PG_FLIP is out
 * @XEN_DRM_FLIP_LANDED: the backend has answered the flip or the mode, which is over at
 *	the next vblank
 * @XEN_DRM_FLIP_STALLED: the flip or the mode was not answered in time, or the flip
 *	found no room in the ring; no other one is sent before the backend answers
 */
enum xen_drm_flip_state {
	XEN_DRM_FLIP_OFF,
	XEN_DRM_FLIP_DARK,
	XEN_DRM_FLIP_SETTING,
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
 * @XEN_DRM_FLIP_OVERDUE: the flip or the mode was not answered in time, or the flip
 *	cannot be sent yet
 * @XEN_DRM_FLIP_ANSWERS: the backend answers again after a silence
 * @XEN_DRM_FLIP_VBLANK: a vertical blanking has come
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
 * enum xen_drm_flip_event - flip that the event of the latest commit belongs to
 * @XEN_DRM_FLIP_EVENT_NONE: there is no event to send
 * @XEN_DRM_FLIP_EVENT_NEXT: the event belongs to the next flip that goes out
 * @XEN_DRM_FLIP_EVENT_OUT: the event belongs to the flip that is out, or to none
 */
enum xen_drm_flip_event {
	XEN_DRM_FLIP_EVENT_NONE,
	XEN_DRM_FLIP_EVENT_NEXT,
	XEN_DRM_FLIP_EVENT_OUT,
};

/* Actions that xen_drm_flip_next() asks for. */
#define XEN_DRM_FLIP_SEND	BIT(0)	/* send a PG_FLIP with the newest picture */
#define XEN_DRM_FLIP_COMPLETE	BIT(1)	/* send the event of the latest commit */

/*
 * Number of vblanks for which an event waits for the answer to a mode. Setting a mode may
 * hold locks that others wait for, and a client that goes on too early does no harm.
 */
#define XEN_DRM_FLIP_MAX_HELD	6

/**
 * struct xen_drm_flip_core - the state of a pipe, without DRM and without a ring
 */
struct xen_drm_flip_core {
	/** @state: state */
	enum xen_drm_flip_state state;
	/** @event: flip that the event of the latest commit belongs to */
	enum xen_drm_flip_event event;
	/** @dirty: whether the newest picture has not been sent */
	bool dirty;
	/** @retried: whether the flip that is out, or comes next, follows a refused one */
	bool retried;
	/** @held: number of vblanks that have not sent the event since the mode went out */
	u8 held;
};

unsigned int xen_drm_flip_next(struct xen_drm_flip_core *core, enum xen_drm_flip_input input);

#endif /* __XEN_DRM_FRONT_FLIP_STATE_H__ */
