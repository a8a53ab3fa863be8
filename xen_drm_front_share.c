// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: what the backend shall know of buffers
 * and framebuffers, and what it has been told.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "xen_drm_front_share.h"

#include "xen_drm_front.h"
#include "xen_drm_front_batch.h"
#include "xen_drm_front_pgdir.h"
#include "xen_drm_front_proto.h"
#include "xen_drm_front_view.h"

/**
 * DOC: Shares
 *
 * Functions record first what the backend shall know, then tell it, if there is one.
 * If there is none, that is no error: xen_drm_share_join() tells the next connection,
 * with the functions that a client's ADDFB uses.
 *
 * Views and framebuffers carry the number of the connection that was told of them,
 * and not a flag. So nothing has to be marked when a connection ends.
 *
 * A share is granted with its first framebuffer. The grants survive connections,
 * as long as the same domain comes back. A view tells the backend how pixels lie in
 * the share, see xen_drm_front_view.c.
 *
 * The pages of a backend's buffer are gone with its connection. Clients see zeroes
 * until the next backend has allocated the buffer anew.
 */

/**
 * xen_drm_share_stride - compute the stride of a buffer as every backend does
 * @width: number of pixels per line
 * @bpp: number of bits per pixel
 *
 * Returns: bytes per line; 0 when the number has more than 32 bits.
 */
u32 xen_drm_share_stride(u32 width, u32 bpp)
{
	return xen_drm_proto_stride(width, bpp);
}

/**
 * xen_drm_share_fits - check whether a buffer of this size can ever be shared
 * @size: size in bytes
 * @be_alloc: whether the backend allocates the buffer
 *
 * Returns: whether the grants that all displays may take are enough for it alone.
 */
bool xen_drm_share_fits(size_t size, bool be_alloc)
{
	return xen_drm_pgdir_fits(size, be_alloc);
}

/**
 * xen_drm_share_init - initialise a share that no backend has been told of
 * @share: zeroed memory
 * @ops: callbacks of the memory
 * @size: size in bytes, a multiple of PAGE_SIZE, less than 4 GiB
 */
void xen_drm_share_init(struct xen_drm_share *share, const struct xen_drm_share_ops *ops,
			size_t size)
{
	INIT_LIST_HEAD(&share->node);
	INIT_LIST_HEAD(&share->views);
	init_rwsem(&share->pages_lock);
	share->ops = ops;
	share->size = size;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_init);

/* ------------------------------------------------------------------------
 * Page directories
 */

/**
 * xen_drm_share_drop_pgdir - free the page directory of a share, if there is one
 * @display: the DRM device; its lock is held
 * @share: share whose pages are not mapped from the backend any more
 *
 * Revokes the grants of the directory and of the share's own pages. The backend cannot
 * use them by a request that it has not answered either.
 */
void xen_drm_share_drop_pgdir(struct xen_drm_display *display, struct xen_drm_share *share)
{
	unsigned int still_mapped;

	lockdep_assert_held(&display->lock);

	if (!share->pgdir)
		return;

	if (display->link.chan)
		xen_drm_proto_withdraw(display->link.chan, xen_drm_pgdir_start(share->pgdir));
	still_mapped = xen_drm_pgdir_free(share->pgdir);
	share->pgdir = NULL;
	if (still_mapped && display->link.chan)
		drm_err_ratelimited(&display->drm,
				    "backend still maps %u pages of a buffer of %zu bytes\n",
				     still_mapped, share->size);
}

/**
 * xen_drm_share_get_pgdir - give a share a directory for the present backend's domain
 * @display: the DRM device; its lock is held
 * @share: the share
 *
 * Revokes the grants to another domain.
 *
 * Returns: 0; -ENOSPC or -ENOMEM when grants or memory run out, or when the backend has
 * kept too many pages.
 */
int xen_drm_share_get_pgdir(struct xen_drm_display *display, struct xen_drm_share *share)
{
	domid_t domid = display->link.domid;
	struct xen_drm_pgdir *pgdir;
	unsigned long deferred, max;

	lockdep_assert_held(&display->lock);

	if (share->pgdir && share->domid == domid)
		return 0;
	xen_drm_share_drop_pgdir(display, share);
	if (xen_drm_pgdir_is_barred(domid, &deferred, &max)) {
		drm_err_ratelimited(&display->drm,
				    "no new buffer: backend still maps %lu pages of former ones, at most %lu may be\n",
				    deferred, max);
		return -ENOSPC;
	}

	pgdir = share->be_alloc ?
		xen_drm_pgdir_prepare_map(domid, xen_drm_share_num_pages(share)) :
		xen_drm_pgdir_grant(domid, share->pages, xen_drm_share_num_pages(share),
				    share->backing);
	if (IS_ERR(pgdir))
		return PTR_ERR(pgdir);

	share->pgdir = pgdir;
	share->domid = domid;
	if (list_empty(&share->node))
		list_add_tail(&share->node, &display->shares);
	return 0;
}

/* ------------------------------------------------------------------------
 * Telling
 */

/**
 * xen_drm_share_is_told - check whether the present backend knows an object
 * @display: the DRM device; its lock is held
 * @told: &xen_drm_view.told or &xen_drm_fb.told
 *
 * Returns: whether the present connection was told of it.
 */
bool xen_drm_share_is_told(const struct xen_drm_display *display, u64 told)
{
	return display->link.chan && told == display->link.number;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_is_told);

/**
 * xen_drm_share_tell_view - tell the backend of a view
 * @display: the DRM device; its lock is held
 * @share: share with a directory
 * @view: one of its views, which the backend does not know
 * @batch: batch that will wait for the reply
 *
 * Implements XENDISPL_OP_DBUF_CREATE.
 *
 * Returns: 0, or as xen_drm_batch_sent().
 */
int xen_drm_share_tell_view(struct xen_drm_display *display, struct xen_drm_share *share,
			    struct xen_drm_view *view, struct xen_drm_batch *batch)
{
	const struct xen_drm_proto_dbuf dbuf = {
		.cookie = view->cookie,
		.width = view->width,
		.height = view->height,
		.bpp = view->bpp,
		.size = share->size,
		.offset = view->offset,
		.directory = xen_drm_pgdir_start(share->pgdir),
		.be_alloc = share->be_alloc,
	};
	struct xen_drm_call *call = xen_drm_batch_next(batch, &view->told);
	int ret;

	ret = xen_drm_batch_sent(batch, xen_drm_proto_dbuf_create(batch->chan, call, &dbuf));
	if (!ret)
		view->told = display->link.number;
	return ret;
}

static int fb_tell(struct xen_drm_display *display, struct xen_drm_fb *fb,
		   struct xen_drm_batch *batch)
{
	const struct xen_drm_proto_fb proto = {
		.cookie = fb->cookie,
		.dbuf_cookie = fb->view->cookie,
		.width = fb->width,
		.height = fb->height,
		.format = fb->format,
	};
	struct xen_drm_call *call = xen_drm_batch_next(batch, &fb->told);
	int ret;

	ret = xen_drm_batch_sent(batch, xen_drm_proto_fb_attach(batch->chan, call, &proto));
	if (!ret)
		WRITE_ONCE(fb->told, display->link.number);
	return ret;
}

/* Notes that the framebuffer was offered. A silent backend does not count: it is offered again. */
static void fb_note_try(struct xen_drm_display *display, struct xen_drm_fb *fb, int ret)
{
	if (!ret || xen_drm_batch_is_refusal(ret))
		WRITE_ONCE(fb->tried, display->link.number);
}

/* The reply does not matter, and is not waited for. */
static void fb_take_back(struct xen_drm_display *display, struct xen_drm_fb *fb)
{
	struct xen_drm_chan *chan = display->link.chan;

	if (chan && !xen_drm_proto_fb_detach(chan, NULL, fb->cookie))
		xen_drm_proto_push(chan);
	WRITE_ONCE(fb->told, 0);
}

/**
 * xen_drm_share_take_view_back - have the backend forget a view
 * @display: the DRM device; its lock is held
 * @view: view that the backend was told of
 *
 * Implements XENDISPL_OP_DBUF_DESTROY. The reply does not matter, and is not waited for.
 *
 * Returns: 0; -ETIMEDOUT when there is no room in the ring, so that the backend still
 * knows the view; -ENODEV when the connection has ended.
 */
int xen_drm_share_take_view_back(struct xen_drm_display *display, struct xen_drm_view *view)
{
	struct xen_drm_chan *chan = display->link.chan;
	int ret;

	ret = xen_drm_proto_dbuf_destroy(chan, NULL, view->cookie);
	if (ret)
		return ret;
	xen_drm_proto_push(chan);
	view->told = 0;
	return 0;
}

/**
 * xen_drm_share_tell_fb - tell the backend of a framebuffer, and of its view if need be
 * @display: the DRM device; its lock is held
 * @fb: the framebuffer
 * @batch: batch that will wait for the replies
 *
 * Implements XENDISPL_OP_DBUF_CREATE and XENDISPL_OP_FB_ATTACH. Both go out together,
 * since the ring keeps their order.
 *
 * Returns: 0, also if the framebuffer has to wait for the pages of a backend's buffer;
 * -EOPNOTSUPP when this backend's version cannot express it; or as
 * xen_drm_share_get_pgdir() and xen_drm_batch_sent().
 */
int xen_drm_share_tell_fb(struct xen_drm_display *display, struct xen_drm_fb *fb,
			  struct xen_drm_batch *batch)
{
	int ret;

	lockdep_assert_held(&display->lock);

	/* A backend of version 1 may have come after one of version 2. A shadow can show it. */
	if (fb->offset && display->link.version < 2) {
		WRITE_ONCE(fb->told, 0);
		return -EOPNOTSUPP;
	}
	/*
	 * The backend is told of its own buffers when they are made, and by *replay*,
	 * which takes back those that cannot be mapped. Framebuffers come afterwards.
	 */
	if (fb->share->be_alloc && !xen_drm_share_is_told(display, fb->view->told)) {
		fb_note_try(display, fb, 0);
		return 0;
	}
	if (fb->share->be_alloc && !fb->share->pages)
		return 0;

	ret = xen_drm_share_get_pgdir(display, fb->share);
	if (!ret && !xen_drm_share_is_told(display, fb->view->told))
		ret = xen_drm_share_tell_view(display, fb->share, fb->view, batch);
	if (!ret && !xen_drm_share_is_told(display, fb->told))
		ret = fb_tell(display, fb, batch);
	fb_note_try(display, fb, ret);
	return ret;
}

static int fb_attach_now(struct xen_drm_display *display, struct xen_drm_fb *fb)
{
	struct xen_drm_batch batch = {
		.chan = display->link.chan,
	};
	int ret, waited;

	if (!batch.chan)
		return 0;

	ret = xen_drm_share_tell_fb(display, fb, &batch);
	/*
	 * A task that is killed waits, too: without the reply nobody knows whether
	 * the backend is about to map the pages.
	 */
	waited = xen_drm_batch_wait(&batch);
	ret = ret ?: waited;
	if (ret != -EINTR && !xen_drm_batch_is_refusal(ret))
		return 0;

	/* A hostile backend may have attached what it refused. */
	if (xen_drm_batch_is_refusal(waited))
		fb_take_back(display, fb);
	return ret;
}

static struct xen_drm_view *fb_find_view(struct xen_drm_display *display,
					 const struct xen_drm_fb *fb)
{
	/* The backend may have no way to map the guest's pages. */
	if (display->cfg.be_alloc && !fb->share->be_alloc)
		return ERR_PTR(-EINVAL);
	return xen_drm_view_find(fb, display->link.version);
}

/**
 * xen_drm_share_expresses - check whether the protocol can express a framebuffer
 * @display: the DRM device
 * @fb: the framebuffer
 *
 * Returns: whether its share can have a view that gives the framebuffer's pitch and
 * offset. If not, a shadow can show the framebuffer.
 */
bool xen_drm_share_expresses(struct xen_drm_display *display, const struct xen_drm_fb *fb)
{
	guard(mutex)(&display->lock);

	return !IS_ERR(fb_find_view(display, fb));
}

static int fb_attach_locked(struct xen_drm_display *display, struct xen_drm_fb *fb)
{
	struct xen_drm_view *view;
	int ret;

	lockdep_assert_held(&display->lock);

	view = fb_find_view(display, fb);
	if (IS_ERR(view)) {
		drm_dbg_kms(&display->drm,
			    "%ux%u, pitch %u, offset %u: the protocol cannot express this in a buffer of %zu bytes\n",
			    fb->width, fb->height, fb->pitch, fb->offset, fb->share->size);
		return PTR_ERR(view);
	}

	fb->view = view;
	fb->cookie = xen_drm_proto_new_cookie();
	list_add_tail(&fb->node, &display->fbs);
	ret = fb_attach_now(display, fb);
	if (ret)
		list_del(&fb->node);
	return ret;
}

/**
 * xen_drm_share_attach - make a framebuffer known to the backend
 * @display: the DRM device
 * @fb: the framebuffer, zeroed except what describes it; its share has pages
 *
 * Implements XENDISPL_OP_DBUF_CREATE and XENDISPL_OP_FB_ATTACH. Grants the share if
 * need be. It is no error if there is no backend, or if it is silent.
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: 0; -EINVAL when the protocol cannot express the framebuffer; -ENOSPC or
 * -ENOMEM when grants or memory run out; -EINTR when the task is killed before
 * anything was sent; or what the backend answered.
 */
int xen_drm_share_attach(struct xen_drm_display *display, struct xen_drm_fb *fb)
{
	int ret;

	if (mutex_lock_killable(&display->lock))
		return -EINTR;
	ret = fb_attach_locked(display, fb);
	mutex_unlock(&display->lock);
	if (ret != -ENOSPC && ret != -ENOMEM)
		return ret;

	/* Objects that have been destroyed may set enough free. */
	xen_drm_share_flush(display);
	if (mutex_lock_killable(&display->lock))
		return -EINTR;
	ret = fb_attach_locked(display, fb);
	mutex_unlock(&display->lock);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_attach);
