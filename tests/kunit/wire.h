/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * A display as far as shares look at it: a DRM device that nobody can open, grants
 * that are played by stubs, and a backend that knows what it has been told. All of
 * them write down what they do.
 */

#ifndef __XEN_DRM_FRONT_WIRE_H__
#define __XEN_DRM_FRONT_WIRE_H__

#include <linux/spinlock.h>

#include "../../xen_drm_front_share.h"

#include "loopback.h"

/* What most buffers and framebuffers are like: 1280x720, 32 bpp. */
#define WIRE_WIDTH	1280
#define WIRE_HEIGHT	720
#define WIRE_PITCH	(4 * WIRE_WIDTH)
#define WIRE_SIZE	(WIRE_PITCH * WIRE_HEIGHT)

#define WIRE_DOMID	7
/* Id of the first request. */
#define WIRE_ID		0xabcd
/* Directory of the first share; the next ones follow. */
#define WIRE_DIRECTORY	0x87654321
#define WIRE_LOG_LEN	2048
#define WIRE_REQUESTS	128

struct drm_driver;

struct wire_buffer {
	struct wire *wire;
	struct xen_drm_share share;
	/* @pages: nobody looks into it */
	struct page *pages[2];
};

struct wire_fb {
	struct wire *wire;
	struct xen_drm_fb fb;
	/* @last: its end is that of its buffer, too */
	bool last;
};

/* What a backend remembers of a cookie. */
struct wire_known {
	u64 cookie;
	u8 operation;
};

struct wire {
	struct kunit *test;
	struct loopback *lb;
	struct xen_drm_display *display;
	/* @link: of the latest connection */
	struct xen_drm_link link;

	/* @lock: of @log, for the backend's thread writes there, too */
	spinlock_t lock;
	/* @log: what has been done, as wire_expect() says */
	char log[WIRE_LOG_LEN];

	/* @requests: that the backend has taken, as they lay in the ring */
	union {
		u8 bytes[LOOPBACK_REQ_SIZE];
		struct xendispl_req req;
	} requests[WIRE_REQUESTS];
	unsigned int num_requests;
	/* @hold: requests that must have come before the first one is answered */
	unsigned int hold;
	/* @held: index of the first request without an answer */
	unsigned int held;
	/* @dropped: requests that have never been answered */
	unsigned int dropped;
	/* @break_at: number of the request with which the connection breaks, or 0 */
	unsigned int break_at;
	/* @refuse: what is refused with @status */
	u8 refuse;
	/* @refuse_only: number of the only request that is refused, counted from 1, or 0 */
	unsigned int refuse_only;
	s32 status;
	/* @twice: requests to create what is there already */
	unsigned int twice;
	struct wire_known known[WIRE_REQUESTS];
	unsigned int num_known;

	/* @grant_error: what granting fails with, @grant_errors times */
	int grant_error;
	unsigned int grant_errors;
	/* @barred: nothing new may be shared */
	bool barred;
	/* @map_error: what mapping fails with, or 0 */
	int map_error;
	/* @num_dirs: page directories that have been made, and those that are left */
	unsigned int num_dirs;
	unsigned int living_dirs;
	/* @domid: that the latest of them is for */
	domid_t domid;
	/* @granted: number of pages that are behind it */
	unsigned int granted;
};

struct xen_drm_display *wire_create_display(struct kunit *test,
					    const struct drm_driver *driver);
void wire_add_connector(struct kunit *test, struct xen_drm_display *display, u32 width,
			u32 height);
struct wire *wire_create(struct kunit *test);
/* What suites of shares begin and end with. */
int wire_init(struct kunit *test);
void wire_exit(struct kunit *test);
void wire_start(struct wire *wire);
int wire_join(struct wire *wire, domid_t domid, unsigned int version);
void wire_begin(struct wire *wire);
void wire_mend(struct wire *wire);
void wire_settle(struct wire *wire);
void wire_release(struct wire *wire);

struct wire_buffer *wire_buffer(struct wire *wire, size_t size);
struct wire_buffer *wire_backend_buffer(struct wire *wire);
struct wire_fb *wire_fb(struct wire *wire, struct wire_buffer *buffer, u32 width,
			u32 height, u32 pitch, u32 bpp);
struct wire_fb *wire_usual_fb(struct wire *wire, struct wire_buffer *buffer);
int wire_attach(struct wire *wire, struct wire_fb *fb);

void wire_expect(struct wire *wire, const char *expected);
void wire_expect_bytes(struct wire *wire, unsigned int index, const u8 *image,
		       u64 first_cookie, u64 second_cookie);
void wire_expect_told(struct wire *wire, const struct wire_fb *fb);
void wire_expect_untold(struct wire *wire, const struct wire_fb *fb);
const struct xendispl_dbuf_create_req *wire_created(struct wire *wire, unsigned int index);

#endif /* __XEN_DRM_FRONT_WIRE_H__ */
