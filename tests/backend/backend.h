/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * xen-displ-be: the structures that its files share, and who owns what.
 *
 *	main.c       options, the one poll loop, the clock of flips
 *	store.c      XenStore access; the one place where our state is written
 *	device.c     which devices exist, and their lives
 *	states.c     their state machine; pure
 *	connector.c  rings: the one place where requests come in, where replies go
 *	             out (connector_reply) and where events go out (connector_event)
 *	requests.c   what each request does
 *	buffer.c     guest memory: directories, grants, display buffers
 *	stats.c      breaches and counters, as text and JSON
 *	control.c    the socket that tests talk to; ctl.c is its client
 *	hostile.h    says which files make it misbehave
 *	conform.c, picture.c, edid.c   pure parts, with unit tests in check*.c
 *
 * A device lives from its appearance in XenStore until its node is gone. A
 * connection (everything mapped, bound and created) lives inside it, from
 * device_bind() to device_release().
 */
#ifndef BACKEND_H
#define BACKEND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>

#include "conform.h"
#include "hostile.h"
#include "picture.h"
#include "wire.h"

#define CONNECTORS_MAX 256
#define REFUSED_MAX 64
#define OPERATIONS (XENDISPL_OP_GET_EDID + 1)

struct counters {
	uint64_t requests[OPERATIONS];	/* by operation; 0 counts undefined ones */
	uint64_t flips;			/* accepted */
	uint64_t flips_completed;
	uint64_t events_dropped;	/* event page was full */
};

struct dbuf {
	struct dbuf *next;
	uint64_t cookie;
	struct dbuf_params params;
	uint32_t pages;
	uint8_t *map;		/* the guest's pages, or ours when @ours */
	bool ours;
	unsigned int fbs;	/* as long as there are any, it cannot be destroyed */
};

struct fb {
	struct fb *next;
	uint64_t cookie;
	struct fb_params params;
	struct dbuf *dbuf;
	uint64_t stride;
};

/* Cookies whose creation was refused lately, of this connection. */
struct refused {
	uint64_t cookies[REFUSED_MAX];
	unsigned int count;	/* goes on counting, the last ones are kept */
};

/* One frame of a connector. */
struct frame {
	uint64_t fb_cookie;	/* 0: nothing */
	struct pixels pixels;	/* a copy, or into the buffer with --zero-copy */
	uint8_t *copy;
	size_t capacity;
};

/* A request that was taken from the ring and is not answered yet. */
struct request {
	struct xendispl_req req;
	int64_t due_ns;		/* when it shall be executed */
};

struct connector {
	struct device *dev;
	unsigned int index;
	char *unique_id;
	uint32_t width, height;
	struct counters counters;
	uint64_t shown_serial;	/* changes with each new picture */

	/* The connection; zero without one. */
	bool bound;
	int req_port, evt_port;
	struct xen_displif_back_ring ring;
	struct xendispl_event_page *events;
	uint32_t in_prod;
	uint16_t event_id;
	struct xendispl_resp last_reply;
	struct request queue[WIRE_RING_SLOTS];	/* fifo */
	unsigned int queued;
	uint16_t unanswered[WIRE_RING_SLOTS];	/* ids, those of dropped replies too */
	unsigned int nr_unanswered;
	bool configured;
	uint32_t mode_width, mode_height;
	bool flip_pending;
	uint64_t flip_cookie;
	struct frame shown, next;
};

struct device {
	struct device *next;
	unsigned int domid, devid;
	char *be_path, *fe_path;
	char watch_token[48];
	bool watch_fired;	/* the event that registration causes has come */
	bool took_over;		/* the rings have been used before, by us or a predecessor */
	bool had_rings;		/* since the frontend's last Initialising */
	bool deaf;		/* nothing but the end of its path is noticed */
	bool attacked;		/* this connection was; breaches may be our fault */
	bool aftermath;		/* an earlier one was, and the next is not made yet */
	int64_t break_ns;	/* when fuzzing ends this connection */
	char *raw_state;	/* what an attack wrote in the place of our state */
	int be_state;		/* what we wrote last */
	int fe_state;		/* what we saw last */
	struct refused refused_dbufs, refused_fbs;
	unsigned int version;
	bool be_alloc;
	unsigned int nr_connectors;
	struct connector *connectors[CONNECTORS_MAX];
	struct dbuf *dbufs;
	struct fb *fbs;
};

enum pace { PACE_TIMED, PACE_IMMEDIATE, PACE_STOP };

/* What the control socket can set to make the backend misbehave. */
struct settings {
	bool edid;
	uint32_t edid_width, edid_height;	/* 0: the resolution */
	unsigned int reply_delay_ms;
	struct {
		unsigned int fail_count;
		int fail_errno;
		unsigned int drop_count;
	} op[OPERATIONS];
};

#define OFFERED_VERSIONS "1,2"

struct backend {
	struct xs_handle *xs;
	xenevtchn_handle *xce;
	xengnttab_handle *xgt;
	xengntshr_handle *xgs;	/* opened at the first backend-allocated buffer */
	unsigned int domid;
	char *base;		/* /local/domain/N/backend/vdispl */

	bool zero_copy;
	bool verbose;
	enum pace pace;
	int64_t period_ns;

	struct device *devices;
	struct counters totals;
	struct settings settings;
	bool quit;
};

extern struct backend be;

/* main.c */
int64_t now_ns(void);
void clock_update(void);	/* pace changed or a flip became pending */
bool parse_pace(const char *text);

/* store.c: all results are allocated, NULL when the node is not there */
char *store_read(const char *dir, const char *node);
bool store_read_u32(const char *dir, const char *node, uint32_t *value);
int store_read_state(const char *dir);	/* 0 (Unknown) when not there */
void store_offer_versions(struct device *dev);
void store_write_versions(struct device *dev, const char *text);	/* NULL: no node */
void store_write_state(struct device *dev, int state);
void store_write_raw_state(struct device *dev, const char *text);
bool store_is_raw(const struct device *dev, const char *text);
void store_end_raw_state(struct device *dev);

/* device.c */
void devices_on_watch(const char *path, const char *token);
void devices_close_all(void);
void device_error(struct device *dev);	/* give up this connection, stay Closed */
void device_reconnect(struct device *dev);
struct device *device_find(unsigned int domid, unsigned int devid);

/* connector.c */
struct connector *connector_get(struct device *dev, unsigned int index);
bool connector_bind(struct connector *conn);
void connector_release(struct connector *conn);
void connector_free(struct connector *conn);
void connectors_on_event(int port);
int64_t connectors_run_due(void);	/* executes due requests; next due time or -1 */
void connectors_tick(void);
bool connectors_flip_pending(void);
void connector_event(struct connector *conn, uint64_t fb_cookie);
void connector_send_reply(struct connector *conn, const struct xendispl_resp *resp);
bool connector_put_event(struct connector *conn, const struct xendispl_evt *evt);
void connector_send_event(struct connector *conn, const struct xendispl_evt *evt);
void connector_notify(const struct connector *conn, int port);

/* requests.c */
int request_execute(struct connector *conn, const struct xendispl_req *req,
		    struct xendispl_resp *resp);
void request_refused(struct connector *conn, const struct xendispl_req *req);
void request_flip_done(struct connector *conn);
void request_reset(struct connector *conn);

/* buffer.c */
struct dbuf *dbuf_find(struct device *dev, uint64_t cookie);
struct fb *fb_find(struct device *dev, uint64_t cookie);
bool dbuf_cookie_in_domain(unsigned int domid, uint64_t cookie, const struct device *except);
bool fb_cookie_in_domain(unsigned int domid, uint64_t cookie, const struct device *except);
int dbuf_create(struct device *dev, const struct xendispl_dbuf_create_req *req,
		struct findings *f);
void dbuf_destroy(struct device *dev, struct dbuf *dbuf);
int fb_attach(struct device *dev, struct dbuf *dbuf, const struct xendispl_fb_attach_req *req);
void fb_detach(struct device *dev, struct fb *fb);
void buffers_release(struct device *dev);
uint64_t buffers_mapped_pages(const struct device *dev);
int edid_write(struct connector *conn, const struct xendispl_get_edid_req *req,
	       const uint8_t *edid, uint32_t *size, struct findings *f);
struct pixels fb_pixels(const struct fb *fb);

/* stats.c */
__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);
__attribute__((format(printf, 3, 4)))
void breach(const struct device *dev, int connector, const char *fmt, ...);
void breaches_from(const struct device *dev, int connector, const struct findings *f);
void stats_json(FILE *out);
void stats_reset(void);

/* control.c */
#define CONTROL_SOCKET "/run/xen-displ-be.sock"
struct pollfd;
bool control_open(void);
void control_close(void);
unsigned int control_poll_fds(struct pollfd *fds, unsigned int max);
void control_handle(const struct pollfd *fds, unsigned int count);
int64_t control_check_waiters(void);	/* next deadline or -1 */

/* ctl.c */
int ctl_main(int argc, char **argv);

#endif
