// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What each request does, once it has passed the conformance checker. */
#include <inttypes.h>
#include <stdlib.h>

#include "backend.h"
#include "edid.h"

static void clear_frame(struct frame *frame)
{
	frame->fb_cookie = 0;
	memset(&frame->pixels, 0, sizeof(frame->pixels));
}

/*
 * Take the frame as it is now. Like the deployed backend this copies, so that
 * what a client draws later is only seen after it has flipped again.
 */
static int take_frame(const struct connector *conn, struct frame *frame, const struct fb *fb)
{
	struct pixels pixels = fb_pixels(fb);
	size_t bytes;

	if (pixels.height > conn->mode_height)
		pixels.height = conn->mode_height;
	if (!be.zero_copy) {
		bytes = pixels.stride * pixels.height;
		if (bytes > frame->capacity) {
			free(frame->copy);
			frame->copy = malloc(bytes);
			frame->capacity = frame->copy ? bytes : 0;
			if (!frame->copy)
				return -ENOMEM;
		}
		memcpy(frame->copy, pixels.data, bytes);
		pixels.data = frame->copy;
	}
	frame->pixels = pixels;
	frame->fb_cookie = fb->cookie;
	return 0;
}

void request_reset(struct connector *conn)
{
	conn->configured = false;
	conn->flip_pending = false;
	conn->shown_serial++;
	clear_frame(&conn->shown);
	clear_frame(&conn->next);
}

static int set_config(struct connector *conn, const struct xendispl_set_config_req *req)
{
	struct fb *fb = fb_find(conn->dev, req->fb_cookie);
	int ret;

	request_reset(conn);
	if (is_reset(req))
		return 0;
	conn->mode_width = req->width;
	conn->mode_height = req->height;
	ret = take_frame(conn, &conn->shown, fb);
	conn->configured = !ret;
	return ret;
}

static int pg_flip(struct connector *conn, const struct xendispl_page_flip_req *req)
{
	int ret = take_frame(conn, &conn->next, fb_find(conn->dev, req->fb_cookie));

	if (ret)
		return ret;
	conn->flip_pending = true;
	conn->flip_cookie = req->fb_cookie;
	conn->counters.flips++;
	be.totals.flips++;
	return 0;
}

void request_flip_done(struct connector *conn)
{
	struct frame old = conn->shown;

	conn->flip_pending = false;
	conn->shown = conn->next;
	conn->next = old;
	clear_frame(&conn->next);
	conn->shown_serial++;
	conn->counters.flips_completed++;
	be.totals.flips_completed++;
	connector_event(conn, conn->flip_cookie);
}

static bool on_screen(const struct connector *conn, uint64_t fb_cookie)
{
	return conn->configured &&
	       (conn->shown.fb_cookie == fb_cookie ||
		(conn->flip_pending && conn->next.fb_cookie == fb_cookie));
}

/* What the frontend wants to be shown: with a flip on its way, that one's alone. */
static bool wanted_on_screen(const struct device *dev, uint64_t fb_cookie)
{
	for (unsigned int i = 0; i < dev->nr_connectors; i++) {
		const struct connector *conn = dev->connectors[i];
		const struct frame *frame = conn->flip_pending ? &conn->next : &conn->shown;

		if (conn->configured && frame->fb_cookie == fb_cookie)
			return true;
	}
	return false;
}

/* A screen whose framebuffer goes away goes dark, as with the deployed backend. */
static void blank_screens(struct device *dev, uint64_t fb_cookie)
{
	for (unsigned int i = 0; i < dev->nr_connectors; i++) {
		struct connector *conn = dev->connectors[i];

		if (!on_screen(conn, fb_cookie))
			continue;
		if (conn->next.fb_cookie == fb_cookie)
			clear_frame(&conn->next);
		if (conn->shown.fb_cookie == fb_cookie)
			clear_frame(&conn->shown);
		conn->shown_serial++;
	}
}

static int get_edid(struct connector *conn, const struct xendispl_get_edid_req *req,
		    struct xendispl_resp *resp, struct findings *f)
{
	uint32_t size = EDID_SIZE;
	uint8_t edid[EDID_SIZE];
	int ret;

	if (!be.settings.edid && !hostile_wants_edid(conn))
		return -EOPNOTSUPP;
	/* It takes precedence, so that is what the connector shows from now on. */
	if (be.settings.edid_width) {
		conn->width = be.settings.edid_width;
		conn->height = be.settings.edid_height;
	}
	ret = edid_make(edid, conn->width, conn->height);
	if (!ret)
		ret = edid_write(conn, req, edid, &size, f);
	if (!ret)
		resp->op.get_edid.edid_sz = size;
	return ret;
}

static void remember(struct refused *refused, uint64_t cookie)
{
	refused->cookies[refused->count++ % REFUSED_MAX] = cookie;
}

static bool was_refused(const struct refused *refused, uint64_t cookie)
{
	for (unsigned int i = 0; cookie && i < REFUSED_MAX; i++)
		if (refused->cookies[i] == cookie)
			return true;
	return false;
}

/* What follows in the same push, or gives it back, is no breach of its own. */
void request_refused(struct connector *conn, const struct xendispl_req *req)
{
	if (req->operation == XENDISPL_OP_DBUF_CREATE)
		remember(&conn->dev->refused_dbufs, req->op.dbuf_create.dbuf_cookie);
	else if (req->operation == XENDISPL_OP_FB_ATTACH)
		remember(&conn->dev->refused_fbs, req->op.fb_attach.fb_cookie);
}

static bool names_refused(const struct device *dev, const struct xendispl_req *req)
{
	switch (req->operation) {
	case XENDISPL_OP_DBUF_DESTROY:
		return was_refused(&dev->refused_dbufs, req->op.dbuf_destroy.dbuf_cookie);
	case XENDISPL_OP_FB_ATTACH:
		return was_refused(&dev->refused_dbufs, req->op.fb_attach.dbuf_cookie);
	case XENDISPL_OP_FB_DETACH:
		return was_refused(&dev->refused_fbs, req->op.fb_detach.fb_cookie);
	}
	return false;
}

static void look_up(const struct connector *conn, const struct xendispl_req *req,
		    struct view *view)
{
	struct device *dev = conn->dev;
	struct dbuf *dbuf = NULL;
	struct fb *fb = NULL;

	switch (req->operation) {
	case XENDISPL_OP_DBUF_CREATE:
	case XENDISPL_OP_DBUF_DESTROY:
		/* In both bodies the cookie comes first. */
		dbuf = dbuf_find(dev, req->op.dbuf_create.dbuf_cookie);
		break;
	case XENDISPL_OP_FB_ATTACH:
		dbuf = dbuf_find(dev, req->op.fb_attach.dbuf_cookie);
		fb = fb_find(dev, req->op.fb_attach.fb_cookie);
		break;
	case XENDISPL_OP_FB_DETACH:
	case XENDISPL_OP_SET_CONFIG:
	case XENDISPL_OP_PG_FLIP:
		fb = fb_find(dev, req->op.fb_detach.fb_cookie);
		break;
	}
	view->refused = names_refused(dev, req);
	if (dbuf) {
		view->dbuf = &dbuf->params;
		view->dbuf_has_fbs = dbuf->fbs;
	}
	if (fb) {
		view->fb = &fb->params;
		view->fb_on_screen = wanted_on_screen(dev, fb->cookie);
	}
}

/* Cookies are unique in the whole guest, not only in one of its devices. */
static void check_cookie_scope(const struct connector *conn, const struct xendispl_req *req,
			       struct findings *f)
{
	const struct device *dev = conn->dev;

	if (req->operation == XENDISPL_OP_DBUF_CREATE &&
	    dbuf_cookie_in_domain(dev->domid, req->op.dbuf_create.dbuf_cookie, dev))
		finding(f, 0, "DBUF_CREATE: dbuf_cookie 0x%" PRIx64
			" is in use by another device of the guest",
			req->op.dbuf_create.dbuf_cookie);
	if (req->operation == XENDISPL_OP_FB_ATTACH &&
	    fb_cookie_in_domain(dev->domid, req->op.fb_attach.fb_cookie, dev))
		finding(f, 0, "FB_ATTACH: fb_cookie 0x%" PRIx64
			" is in use by another device of the guest",
			req->op.fb_attach.fb_cookie);
}

static int perform(struct connector *conn, const struct xendispl_req *req,
		   struct xendispl_resp *resp, struct findings *f)
{
	struct device *dev = conn->dev;

	switch (req->operation) {
	case XENDISPL_OP_DBUF_CREATE:
		return dbuf_create(dev, &req->op.dbuf_create, f);
	case XENDISPL_OP_DBUF_DESTROY:
		dbuf_destroy(dev, dbuf_find(dev, req->op.dbuf_destroy.dbuf_cookie));
		return 0;
	case XENDISPL_OP_FB_ATTACH:
		return fb_attach(dev, dbuf_find(dev, req->op.fb_attach.dbuf_cookie),
				 &req->op.fb_attach);
	case XENDISPL_OP_FB_DETACH:
		blank_screens(dev, req->op.fb_detach.fb_cookie);
		fb_detach(dev, fb_find(dev, req->op.fb_detach.fb_cookie));
		return 0;
	case XENDISPL_OP_SET_CONFIG:
		return set_config(conn, &req->op.set_config);
	case XENDISPL_OP_PG_FLIP:
		return pg_flip(conn, &req->op.pg_flip);
	case XENDISPL_OP_GET_EDID:
		return get_edid(conn, &req->op.get_edid, resp, f);
	}
	return -EINVAL;
}

int request_execute(struct connector *conn, const struct xendispl_req *req,
		    struct xendispl_resp *resp)
{
	struct view view = {
		.version = conn->dev->version,
		.be_alloc = conn->dev->be_alloc,
		.connector = conn->index,
		.width = conn->width,
		.height = conn->height,
		.configured = conn->configured,
		.flip_pending = conn->flip_pending,
	};
	struct findings f = { 0 };
	int ret;

	look_up(conn, req, &view);
	check_request(req, &view, &f);
	check_cookie_scope(conn, req, &f);
	ret = f.status ? f.status : perform(conn, req, resp, &f);
	breaches_from(conn->dev, conn->index, &f);
	return ret;
}
