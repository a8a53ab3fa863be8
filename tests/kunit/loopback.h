/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A backend that plays the other half of a connector's pages, in this very
 * kernel and without Xen. It does what a test tells it, right or wrong.
 */

#ifndef __XEN_DRM_FRONT_LOOPBACK_H__
#define __XEN_DRM_FRONT_LOOPBACK_H__

#include <kunit/test.h>

#include "../../xen_drm_front.h"

/* Sizes of the wire, as displif.h has them. */
#define LOOPBACK_REQ_SIZE	64
#define LOOPBACK_RING_SIZE	32
#define LOOPBACK_NUM_EVENTS	63

/* struct loopback_flip - a call of &xen_drm_front_conn_ops.flip_done */
struct loopback_flip {
	unsigned int index;
	u64 cookie;
	int error;
};

struct loopback {
	struct kunit *test;
	struct xen_drm_front_conn *conn;
	/* @held: with a limit that no test reaches by itself */
	struct xen_drm_front_held held;
	/* @chan: of the first connector, which all is about */
	struct xen_drm_front_evtchnl *chan;
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

	/* @num_broken: calls of &xen_drm_front_conn_ops.broken */
	atomic_t num_broken;
	/* @fault: what the last of them said of the backend */
	char fault[XEN_DRM_FRONT_FAULT_LEN];
	/* @during_flip: called while KMS is told of a flip, or NULL */
	void (*during_flip)(struct loopback *lb);
	/* @expected_cookie: of the flip that KMS would wait for, or 0 */
	u64 expected_cookie;
	unsigned int num_flips;
	struct loopback_flip flips[LOOPBACK_NUM_EVENTS + 1];
};

struct loopback *loopback_create(struct kunit *test);
void loopback_start(struct loopback *lb,
		    void (*answer)(struct loopback *lb,
				   const struct xendispl_req *req));
bool loopback_take(struct loopback *lb, struct xendispl_req *req);
void loopback_respond(struct loopback *lb, u16 id, u8 operation, s32 status);
void loopback_event(struct loopback *lb, u16 id, u8 type, u64 cookie);
bool loopback_handle_replies(struct loopback *lb);

/* For @answer: what a good backend says. */
void loopback_agree(struct loopback *lb, const struct xendispl_req *req);

#endif /* __XEN_DRM_FRONT_LOOPBACK_H__ */
