/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A backend that plays the other half of a connector's pages, in this very
 * kernel and without Xen. It does what a test tells it, right or wrong.
 */

#ifndef __XEN_DRM_FRONT_LOOPBACK_H__
#define __XEN_DRM_FRONT_LOOPBACK_H__

#include <kunit/test.h>

#include "../../xen_drm_front.h"
#include "../../xen_drm_front_call.h"
#include "../../xen_drm_front_conn.h"
#include "../../xen_drm_front_evtchnl.h"
#include "../../xen_drm_front_overdue.h"

/* Sizes of the wire, as displif.h has them. */
#define LOOPBACK_REQ_SIZE	64
#define LOOPBACK_RING_SIZE	32
#define LOOPBACK_NUM_EVENTS	63

/* Cookies of two framebuffers. */
#define LOOPBACK_COOKIE		0x123456789abcULL
#define LOOPBACK_OTHER_COOKIE	0x123456789abdULL

struct loopback {
	struct kunit *test;
	struct xen_drm_conn *conn;
	/* @chan: of the only connector */
	struct xen_drm_chan *chan;
	struct xen_displif_sring *sring;
	struct xen_displif_back_ring ring;
	struct xendispl_event_page *evt_page;

	/* @answer: called in the backend's thread for each request */
	void (*answer)(struct loopback *lb, const struct xendispl_req *req);
	/* @requests: that the backend has taken */
	unsigned int requests;
	/* @last_request: as it lay in the ring */
	u8 last_request[LOOPBACK_REQ_SIZE];
	/* @memory: for @answer */
	struct xendispl_req memory;
	/* @interrupts: bits LOOPBACK_REPLY and LOOPBACK_EVENT, raised but not handled */
	unsigned long interrupts;
	/* @event_interrupts: number of those of events that the backend's thread has raised */
	unsigned int event_interrupts;

	/* @notified: times that the test's thread has notified the backend */
	unsigned int notified;
	/* @eois: interrupts that were ended in the test's thread */
	unsigned int eois;
	/* @spurious: those of them that had no cause */
	unsigned int spurious;

	/* @num_broken: calls of &xen_drm_conn_ops.broken */
	atomic_t num_broken;
	/* @fault: what the last of them said of the backend */
	char fault[XEN_DRM_FAULT_LEN];
	/* @num_missed: calls of &xen_drm_conn_ops.missed */
	atomic_t num_missed;
	/* @num_answers: calls of &xen_drm_conn_ops.answers */
	atomic_t num_answers;

	/* @serial: of the latest loopback_flip() */
	u32 serial;
	/* @num_done: calls of &xen_drm_flip_ops.done */
	unsigned int num_done;
	/* @done_serial: what the last of them said */
	u32 done_serial;
	/* @done_when: the same */
	ktime_t done_when;
	/* @quiet: what it returns */
	bool quiet;
	/* @num_refused: calls of &xen_drm_flip_ops.refused */
	unsigned int num_refused;
	/* @refused_serial: what the last of them said */
	u32 refused_serial;
	/* @refused_error: the same */
	int refused_error;
	/* @num_modes: calls of &xen_drm_flip_ops.mode_set */
	unsigned int num_modes;
	/* @mode: what the last of them said */
	u32 mode;
	/* @mode_error: the same */
	int mode_error;
	/* @num_not_off: calls of &xen_drm_flip_ops.not_off */
	unsigned int num_not_off;
	/* @during_flip: called by @done and @refused, or NULL */
	void (*during_flip)(struct loopback *lb);
};

enum {
	LOOPBACK_REPLY,
	LOOPBACK_EVENT,
};

struct loopback *loopback_create(struct kunit *test);

/* The backend's side. */
void loopback_start(struct loopback *lb,
		    void (*answer)(struct loopback *lb,
				   const struct xendispl_req *req));
bool loopback_take(struct loopback *lb, struct xendispl_req *req);
void loopback_respond(struct loopback *lb, u16 id, u8 operation, s32 status);
void loopback_respond_edid(struct loopback *lb, const struct xendispl_req *req, u32 size);
void loopback_event(struct loopback *lb, u16 id, u8 type, u64 cookie);
bool loopback_raised(struct loopback *lb, unsigned int which);

/* For @answer: what a good backend says, and a dead one. */
void loopback_agree(struct loopback *lb, const struct xendispl_req *req);
void loopback_say_nothing(struct loopback *lb, const struct xendispl_req *req);

/* The frontend's side. */
bool loopback_handle_replies(struct loopback *lb);
int loopback_call(struct loopback *lb, u8 operation);
int loopback_post(struct loopback *lb);
int loopback_flip(struct loopback *lb, u64 cookie);
void loopback_fill(struct loopback *lb);
void loopback_age(struct loopback *lb);

/* The connection goes on, has been ended by the backend's fault, or for any reason. */
unsigned int loopback_count_grants(struct loopback *lb);
void loopback_expect_sound(struct loopback *lb);
void loopback_expect_fault(struct loopback *lb);
void loopback_expect_end(struct loopback *lb);

#endif /* __XEN_DRM_FRONT_LOOPBACK_H__ */
