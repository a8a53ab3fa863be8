// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the verbs of the protocol.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "xen_drm_front.h"

/**
 * DOC: Verbs
 *
 * What the rooms above ask of the backend: to share buffers, attach framebuffers,
 * set modes and flip. A verb is one request or two, and the bookkeeping of what is
 * shared. It takes the connection from the display, whose reference keeps it, and
 * a connection that has ended says -ENODEV by itself.
 */

/**
 * xen_drm_front_stride - bytes per line of a buffer, as every backend computes it
 * @width: pixels
 * @bpp: bits per pixel
 *
 * The protocol has no field for it.
 *
 * Returns: bytes; 0 when it does not fit.
 */
u32 xen_drm_front_stride(u32 width, u32 bpp)
{
	u64 stride = 4 * DIV_ROUND_UP_ULL((u64)width * bpp, 32);

	return stride > U32_MAX ? 0 : stride;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_stride);

/* Requests about buffers and framebuffers use the first connector's ring. */
static struct xen_drm_front_evtchnl *
display_buffer_channel(struct xen_drm_front_display *display)
{
	return &display->conn->channels[0];
}

/*
 * Cookies name buffers and framebuffers of all displays of the guest, so there
 * is one counter. It does not reach an end, nor begin anew with a connection.
 */
static u64 new_cookie(void)
{
	static atomic64_t last_cookie;

	return atomic64_inc_return(&last_cookie);
}

/* All of it, what an initialiser of one member of the union leaves out as well. */
static void init_request(struct xendispl_req *req, u8 operation)
{
	memset(req, 0, sizeof(*req));
	req->operation = operation;
}

/*
 * Also a task that is killed waits: without the reply nobody knows whether the
 * backend is about to map the pages, which the caller would take away from it.
 */
static int dbuf_send_create(struct xen_drm_front_display *display,
			    struct xen_drm_front_dbuf *dbuf)
{
	struct xendispl_req create, destroy;
	int ret;

	init_request(&create, XENDISPL_OP_DBUF_CREATE);
	create.op.dbuf_create.dbuf_cookie = dbuf->cookie;
	create.op.dbuf_create.width = dbuf->width;
	create.op.dbuf_create.height = dbuf->height;
	create.op.dbuf_create.bpp = dbuf->bpp;
	create.op.dbuf_create.buffer_sz = dbuf->size;
	create.op.dbuf_create.gref_directory = xen_drm_front_pgdir_start(dbuf->share);
	if (dbuf->be_alloc)
		create.op.dbuf_create.flags = XENDISPL_DBUF_FLG_REQ_ALLOC;

	ret = xen_drm_front_evtchnl_call(display_buffer_channel(display), &create, NULL);
	if (ret != -ETIMEDOUT)
		return ret;

	/* The backend may still do it. The ring keeps the order. */
	init_request(&destroy, XENDISPL_OP_DBUF_DESTROY);
	destroy.op.dbuf_destroy.dbuf_cookie = dbuf->cookie;
	xen_drm_front_evtchnl_post(display_buffer_channel(display), &destroy);
	return ret;
}

static void dbuf_send_destroy(struct xen_drm_front_display *display,
			      struct xen_drm_front_dbuf *dbuf)
{
	struct xendispl_req req;
	int ret;

	init_request(&req, XENDISPL_OP_DBUF_DESTROY);
	req.op.dbuf_destroy.dbuf_cookie = dbuf->cookie;
	ret = xen_drm_front_evtchnl_call(display_buffer_channel(display), &req, NULL);
	if (ret && ret != -ENODEV)
		drm_err_ratelimited(&display->drm,
				    "backend does not destroy buffer %llu: %d\n",
				    dbuf->cookie, ret);
}

/* Ends the share whatever the backend does; the pages are safe to give back. */
static void dbuf_unshare(struct xen_drm_front_display *display,
			 struct xen_drm_front_dbuf *dbuf)
{
	unsigned int still_mapped;

	lockdep_assert_held(&display->lock);

	still_mapped = xen_drm_front_pgdir_free(dbuf->share);
	/* A backend that has just left may need a moment to unmap. */
	if (still_mapped && !xen_drm_front_conn_is_broken(display->conn))
		dev_warn_ratelimited(display->conn->dev,
				     "backend still maps %u pages of buffer %llu\n",
				     still_mapped, dbuf->cookie);
	dbuf->share = NULL;
	if (dbuf->be_alloc)
		dbuf->pages = NULL;
	list_del_init(&dbuf->node);
}

static int dbuf_map(struct xen_drm_front_display *display,
		    struct xen_drm_front_dbuf *dbuf)
{
	int ret = xen_drm_front_pgdir_map(dbuf->share);

	if (ret) {
		drm_err_ratelimited(&display->drm,
				    "buffer %llu of the backend cannot be mapped: %d\n",
				    dbuf->cookie, ret);
		dbuf_send_destroy(display, dbuf);
		return ret;
	}

	dbuf->pages = xen_drm_front_pgdir_pages(dbuf->share);
	return 0;
}

static void dbuf_unmap(struct xen_drm_front_display *display,
		       struct xen_drm_front_dbuf *dbuf)
{
	if (xen_drm_front_pgdir_unmap(dbuf->share))
		drm_err_ratelimited(&display->drm,
				    "pages of the backend's buffer %llu cannot be unmapped, %zu bytes are lost\n",
				    dbuf->cookie, dbuf->size);
}

static int dbuf_create_locked(struct xen_drm_front_display *display,
			      struct xen_drm_front_dbuf *dbuf)
{
	struct xen_drm_front_held *held = display->conn->held;
	domid_t domid = display->conn->otherend_id;
	unsigned int num_pages = dbuf->size / PAGE_SIZE;
	struct xen_drm_front_pgdir *share;
	int ret;

	lockdep_assert_held(&display->lock);

	if (xen_drm_front_conn_is_broken(display->conn))
		return -ENODEV;
	if (xen_drm_front_held_is_full(held)) {
		drm_err_ratelimited(&display->drm,
				    "no new buffer: backend still maps %lu pages of former ones, at most %lu may be\n",
				    READ_ONCE(held->num_pages), held->max_pages);
		return -ENOSPC;
	}

	share = dbuf->be_alloc ?
		xen_drm_front_pgdir_prepare_map(held, domid, num_pages) :
		xen_drm_front_pgdir_grant(held, domid, dbuf->pages, num_pages,
					  dbuf->block);
	if (IS_ERR(share))
		return PTR_ERR(share);

	dbuf->share = share;
	dbuf->cookie = new_cookie();
	list_add_tail(&dbuf->node, &display->dbufs);

	ret = dbuf_send_create(display, dbuf);
	if (!ret && dbuf->be_alloc)
		ret = dbuf_map(display, dbuf);
	if (ret)
		dbuf_unshare(display, dbuf);
	return ret;
}

static void dbuf_destroy_locked(struct xen_drm_front_display *display,
				struct xen_drm_front_dbuf *dbuf)
{
	lockdep_assert_held(&display->lock);

	if (!dbuf->share)
		return;

	/* The backend can free its pages only when nobody maps them. */
	dbuf_unmap(display, dbuf);
	dbuf_send_destroy(display, dbuf);
	dbuf_unshare(display, dbuf);
}

/**
 * xen_drm_front_dbuf_create - share a buffer with the backend
 * @display: the DRM device
 * @dbuf: the buffer; its pages must be there, unless the backend allocates them
 *
 * Implements XENDISPL_OP_DBUF_CREATE.
 *
 * Returns: 0; -ENOSPC or -ENOMEM when grants or memory run out; -ENODEV without
 * a backend; -ETIMEDOUT, or what the backend answered.
 */
int xen_drm_front_dbuf_create(struct xen_drm_front_display *display,
			      struct xen_drm_front_dbuf *dbuf)
{
	guard(mutex)(&display->lock);

	return dbuf_create_locked(display, dbuf);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_dbuf_create);

/**
 * xen_drm_front_dbuf_destroy - end a buffer's share
 * @display: the DRM device
 * @dbuf: the buffer, without framebuffers; it need not be shared
 *
 * Implements XENDISPL_OP_DBUF_DESTROY. On return no new mapping of the pages
 * can be made by the backend, be it alive, dead or hostile.
 */
void xen_drm_front_dbuf_destroy(struct xen_drm_front_display *display,
				struct xen_drm_front_dbuf *dbuf)
{
	guard(mutex)(&display->lock);

	dbuf_destroy_locked(display, dbuf);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_dbuf_destroy);

/**
 * xen_drm_front_dbuf_unshare_all - end all shares, because the connection has ended
 * @display: the DRM device
 *
 * The pages are still the buffers' own, or unmapped.
 */
void xen_drm_front_dbuf_unshare_all(struct xen_drm_front_display *display)
{
	struct xen_drm_front_dbuf *dbuf, *next;

	guard(mutex)(&display->lock);

	list_for_each_entry_safe(dbuf, next, &display->dbufs, node) {
		dbuf_unmap(display, dbuf);
		dbuf_unshare(display, dbuf);
	}
}

/* The width that makes the backend compute this pitch; false if there is none. */
static bool fb_dbuf_width(const struct xen_drm_front_fb *fb, u32 *width)
{
	*width = div_u64((u64)fb->pitch * 8, fb->bpp);
	return *width && xen_drm_front_stride(*width, fb->bpp) == fb->pitch;
}

/*
 * The wire derives the stride from the buffer's width and depth. A buffer that
 * says something else than the framebuffer is described anew, if no other
 * framebuffer depends on the present description.
 */
static int fb_fit_dbuf(struct xen_drm_front_display *display,
		       const struct xen_drm_front_fb *fb)
{
	struct xen_drm_front_dbuf *dbuf = fb->dbuf;
	u32 width;

	if (xen_drm_front_stride(dbuf->width, dbuf->bpp) == fb->pitch &&
	    fb->width <= dbuf->width && fb->height <= dbuf->height)
		return 0;

	if (dbuf->be_alloc || dbuf->num_fbs || !fb_dbuf_width(fb, &width) ||
	    (u64)fb->pitch * fb->height > dbuf->size) {
		drm_dbg_kms(&display->drm,
			    "%ux%u, pitch %u: expected pitch %u of the %ux%u buffer with %u bpp\n",
			    fb->width, fb->height, fb->pitch,
			    xen_drm_front_stride(dbuf->width, dbuf->bpp),
			    dbuf->width, dbuf->height, dbuf->bpp);
		return -EINVAL;
	}

	dbuf_destroy_locked(display, dbuf);
	dbuf->width = width;
	dbuf->height = div_u64(dbuf->size, fb->pitch);
	dbuf->bpp = fb->bpp;
	return 0;
}

static int fb_send_attach(struct xen_drm_front_display *display,
			  const struct xen_drm_front_fb *fb)
{
	struct xendispl_req attach, detach;
	int ret;

	init_request(&attach, XENDISPL_OP_FB_ATTACH);
	attach.op.fb_attach.dbuf_cookie = fb->dbuf->cookie;
	attach.op.fb_attach.fb_cookie = fb->cookie;
	attach.op.fb_attach.width = fb->width;
	attach.op.fb_attach.height = fb->height;
	attach.op.fb_attach.pixel_format = fb->format;
	ret = xen_drm_front_evtchnl_call_killable(display_buffer_channel(display), &attach);
	if (ret != -ETIMEDOUT && ret != -EINTR)
		return ret;

	/* As above. */
	init_request(&detach, XENDISPL_OP_FB_DETACH);
	detach.op.fb_detach.fb_cookie = fb->cookie;
	xen_drm_front_evtchnl_post(display_buffer_channel(display), &detach);
	return ret;
}

/**
 * xen_drm_front_fb_attach - attach a framebuffer, sharing its buffer if need be
 * @display: the DRM device
 * @fb: the framebuffer; its buffer's pages must be there
 *
 * Implements XENDISPL_OP_FB_ATTACH. A buffer is shared only here, with the first
 * framebuffer, when its geometry is known for sure; buffers that are never shown
 * cost no grants.
 *
 * Returns: 0; -EINVAL when the wire cannot express the framebuffer's pitch; -EINTR
 * when the task is killed; or as xen_drm_front_dbuf_create().
 */
int xen_drm_front_fb_attach(struct xen_drm_front_display *display,
			    struct xen_drm_front_fb *fb)
{
	struct xen_drm_front_dbuf *dbuf = fb->dbuf;
	int ret;

	guard(mutex)(&display->lock);

	ret = fb_fit_dbuf(display, fb);
	if (ret)
		return ret;
	if (!dbuf->share) {
		ret = dbuf_create_locked(display, dbuf);
		if (ret)
			return ret;
	}

	fb->cookie = new_cookie();
	ret = fb_send_attach(display, fb);
	if (ret)
		return ret;

	dbuf->num_fbs++;
	list_add_tail(&fb->node, &display->fbs);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_fb_attach);

/**
 * xen_drm_front_fb_detach - detach a framebuffer
 * @display: the DRM device
 * @fb: an attached framebuffer that no connector shows
 *
 * Implements XENDISPL_OP_FB_DETACH. Without a backend only our own record ends.
 */
void xen_drm_front_fb_detach(struct xen_drm_front_display *display,
			     struct xen_drm_front_fb *fb)
{
	struct xendispl_req req;
	int ret;

	init_request(&req, XENDISPL_OP_FB_DETACH);
	req.op.fb_detach.fb_cookie = fb->cookie;

	guard(mutex)(&display->lock);

	ret = xen_drm_front_evtchnl_call(display_buffer_channel(display), &req, NULL);
	if (ret && ret != -ENODEV)
		drm_err_ratelimited(&display->drm,
				    "backend does not detach framebuffer %llu: %d\n",
				    fb->cookie, ret);
	list_del(&fb->node);
	fb->dbuf->num_fbs--;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_fb_detach);

/**
 * xen_drm_front_set_config - set a connector's mode, or switch it off
 * @display: the DRM device
 * @index: the connector
 * @fb: what to show from now on, NULL to switch off
 * @width: of the mode, in pixels
 * @height: of the mode, in lines
 *
 * Implements XENDISPL_OP_SET_CONFIG.
 *
 * Returns: 0; -ENODEV without a backend; -ETIMEDOUT, or what the backend
 * answered.
 */
int xen_drm_front_set_config(struct xen_drm_front_display *display,
			     unsigned int index,
			     const struct xen_drm_front_fb *fb,
			     u32 width, u32 height)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_SET_CONFIG);
	if (fb) {
		req.op.set_config.fb_cookie = fb->cookie;
		req.op.set_config.width = width;
		req.op.set_config.height = height;
		req.op.set_config.bpp = fb->bpp;
	}
	return xen_drm_front_evtchnl_call(&display->conn->channels[index], &req, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_set_config);

/**
 * xen_drm_front_page_flip - show a framebuffer at the next occasion
 * @display: the DRM device
 * @index: the connector, which has a mode and no other flip in flight
 * @fb: the framebuffer, which may be the one that is shown
 *
 * Implements XENDISPL_OP_PG_FLIP. Does not sleep; xen_drm_front_kms_flip_done()
 * tells the outcome.
 *
 * Returns: 0; -ENODEV without a backend, or one that does not empty the ring.
 */
int xen_drm_front_page_flip(struct xen_drm_front_display *display,
			    unsigned int index,
			    const struct xen_drm_front_fb *fb)
{
	struct xendispl_req req;

	init_request(&req, XENDISPL_OP_PG_FLIP);
	req.op.pg_flip.fb_cookie = fb->cookie;
	return xen_drm_front_evtchnl_flip(&display->conn->channels[index], &req);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_page_flip);

/**
 * xen_drm_front_page_flip_expired - a flip was given up
 * @display: the DRM device
 * @index: the connector
 *
 * When it happens again and again, the connection is latched as broken.
 */
void xen_drm_front_page_flip_expired(struct xen_drm_front_display *display,
				     unsigned int index)
{
	xen_drm_front_evtchnl_flip_expired(&display->conn->channels[index]);
}

static int edid_request(struct xen_drm_front_display *display, unsigned int index,
			struct page **pages, unsigned int num_pages)
{
	struct xen_drm_front_pgdir *share;
	struct xendispl_resp reply;
	struct xendispl_req req;
	int ret;

	share = xen_drm_front_pgdir_grant(display->conn->held, display->conn->otherend_id,
					  pages, num_pages, NULL);
	if (IS_ERR(share))
		return PTR_ERR(share);

	init_request(&req, XENDISPL_OP_GET_EDID);
	req.op.get_edid.buffer_sz = num_pages * PAGE_SIZE;
	req.op.get_edid.gref_directory = xen_drm_front_pgdir_start(share);
	ret = xen_drm_front_evtchnl_call(&display->conn->channels[index], &req, &reply);
	xen_drm_front_pgdir_free(share);
	if (ret)
		return ret;

	if (!reply.op.get_edid.edid_sz ||
	    reply.op.get_edid.edid_sz > XENDISPL_EDID_MAX_SIZE ||
	    reply.op.get_edid.edid_sz % XENDISPL_EDID_BLOCK_SIZE) {
		drm_warn(&display->drm,
			 "connector %u: EDID of %u bytes, expected a multiple of %u up to %u\n",
			 index, reply.op.get_edid.edid_sz, XENDISPL_EDID_BLOCK_SIZE,
			 XENDISPL_EDID_MAX_SIZE);
		return -EPROTO;
	}
	return reply.op.get_edid.edid_sz;
}

/**
 * xen_drm_front_get_edid - ask the backend for a connector's EDID
 * @display: the DRM device
 * @index: the connector
 * @edid: room for XENDISPL_EDID_MAX_SIZE bytes
 *
 * Implements XENDISPL_OP_GET_EDID. What is returned is private memory, but
 * nothing in it is checked.
 *
 * Returns: the size in bytes, a multiple of XENDISPL_EDID_BLOCK_SIZE; -EPROTO for
 * any other size; -EOPNOTSUPP when the backend has none; -ENOMEM or -ENOSPC;
 * -ENODEV without a backend; -ETIMEDOUT, or what else the backend answered.
 */
int xen_drm_front_get_edid(struct xen_drm_front_display *display,
			   unsigned int index, void *edid)
{
	struct page *pages[DIV_ROUND_UP(XENDISPL_EDID_MAX_SIZE, PAGE_SIZE)];
	unsigned int i, allocated;
	int ret = -ENOMEM;

	if (display->conn->version < 2)
		return -EOPNOTSUPP;

	for (allocated = 0; allocated < ARRAY_SIZE(pages); allocated++) {
		pages[allocated] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[allocated])
			goto out_free_pages;
	}

	ret = edid_request(display, index, pages, ARRAY_SIZE(pages));
	for (i = 0; i * PAGE_SIZE < max(ret, 0); i++)
		memcpy(edid + i * PAGE_SIZE, page_address(pages[i]),
		       min_t(size_t, ret - i * PAGE_SIZE, PAGE_SIZE));

out_free_pages:
	while (allocated--)
		__free_page(pages[allocated]);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_get_edid);
