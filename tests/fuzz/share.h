/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The target "share": buffers and framebuffers of a display that joins and leaves one
 * connection after the other. What the backend has been told is followed request by
 * request.
 */
#ifndef SHARE_TARGET_H
#define SHARE_TARGET_H

#include "xen_drm_front_conn.h"
#include "xen_drm_front_edid.h"
#include "xen_drm_front_evtchnl.h"
#include "xen_drm_front_grants.h"
#include "xen_drm_front_pgdir.h"
#include "xen_drm_front_proto.h"
#include "xen_drm_front_share.h"

#include "input.h"
#include "shared.h"

#define CHANNELS	2
#define FIRST_DOMID	3
#define DOMIDS		2
#define OBJECTS		4
/* More than the ring, or a batch, holds. */
#define FBS		40
#define PAGES		6
#define EDID_PAGES	8
#define NAMES		160
#define ANSWERS		8
/* The buffers' usual line, and a pitch that the wire can express. */
#define WIDTH		64
#define PITCH		(WIDTH * 4)

enum { REQ_PROD = 0, RSP_PROD = 8 };

/* Memory that is freed whole, as of the DMA allocator. */
struct backing {
	struct xen_drm_backing base;
	struct page *pages[PAGES];
};

/* As a GEM object: the client's handle and each framebuffer have a reference. */
struct object {
	struct xen_drm_share share;
	struct object *next;
	unsigned int refs;
	struct page *pages[PAGES];
	/* NULL if each page has a count of its own */
	struct backing *backing;
	/* the connection in which the backend wrote into our directory */
	u64 scribbled;
};

struct framebuffer {
	struct xen_drm_fb fb;
	struct framebuffer *next;
	struct object *object;
};

/* What the backend knows of a cookie. */
enum knowledge { THERE, REFUSED, GONE };

struct name {
	u64 cookie;
	enum knowledge knowledge;
	bool is_fb;
	/* of a framebuffer */
	u64 dbuf;
	u32 directory;
};

/* The backend's end of one connector. */
struct ring {
	struct xen_drm_chan *chan;
	u32 seen, answered;
	/* what it has done, and what it will say of it some time */
	struct xendispl_req taken[ANSWERS];
	s32 status[ANSWERS];
	unsigned int num_taken;
};

struct run {
	struct input in;
	struct xenbus_device xb_dev;
	struct xen_drm_display display;
	/* the present connection, and the one before, which stays open for a while */
	struct xen_drm_conn *conn, *retired;
	struct ring rings[CHANNELS];
	struct name names[NAMES];
	unsigned int num_names;

	struct object *handles[OBJECTS], *all_objects;
	struct framebuffer *fbs[FBS], *all_fbs;
	/* tasks that wait, one in the other's turn; an ioctl's task can be killed */
	unsigned int depth;
	bool is_ioctl;
	/* grants of other displays */
	unsigned int others;

	/* what happened in the present connection, or operation */
	unsigned int num_refused, timeouts_before;
	bool ring_stuck, lost_pages;

	/* the EDID that is asked for now */
	struct shared edid[EDID_PAGES];
	u32 edid_directory, edid_size, edid_loaded;
};

extern struct run run;

/* share_model.c */
bool is_joined(void);
bool is_alive(void);
void backend_works(struct ring *ring);
void backend_leaves(void);
void time_passes(void);
bool is_told(u64 told);
unsigned int grants_left(unsigned int taken);
void expect_sound(void);
void expect_errno(int ret, const char *what);

/* share_clients.c */
void create(struct object **place, bool be_alloc);
void close_handle(struct object **place);
void attach(struct framebuffer **place, struct object *object);
void attach_all(struct object *object);
void detach(struct framebuffer **place);
void release(void);
void show(struct framebuffer *fb, unsigned int index);
void flip(struct framebuffer *fb, unsigned int index);
void get_edid(unsigned int index);

#endif
