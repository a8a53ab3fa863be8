// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: buffers whose pages the backend allocates.
 */

#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "xen_drm_front_share.h"

#include "xen_drm_front.h"
#include "xen_drm_front_batch.h"
#include "xen_drm_front_pgdir.h"
#include "xen_drm_front_proto.h"
#include "xen_drm_front_view.h"

static void share_set_pages(struct xen_drm_share *share, struct page **pages)
{
	down_write(&share->pages_lock);
	share->pages = pages;
	up_write(&share->pages_lock);

	if (share->ops->moved)
		share->ops->moved(share);
}

/**
 * xen_drm_share_unmap - give the pages of a backend's buffer back
 * @display: the DRM device; its lock is held
 * @share: any share
 * @forget: whether the guest was resumed, so that nothing is mapped any more
 *
 * Mappings of clients are zapped. Does nothing for a buffer of the guest.
 */
void xen_drm_share_unmap(struct xen_drm_display *display, struct xen_drm_share *share,
			 bool forget)
{
	if (!share->be_alloc || !share->pgdir)
		return;

	if (share->pages)
		share_set_pages(share, NULL);
	if (xen_drm_pgdir_unmap(share->pgdir, forget))
		drm_err_ratelimited(&display->drm,
				    "pages of a backend's buffer cannot be unmapped, up to %zu bytes are lost\n",
				    share->size);
}

/* Maps the backend's pages; fails while the directory is incomplete. */
static int share_try_map(struct xen_drm_share *share)
{
	int ret = xen_drm_pgdir_map(share->pgdir);

	if (!ret)
		share_set_pages(share, xen_drm_pgdir_pages(share->pgdir));
	return ret;
}

static int share_map(struct xen_drm_display *display, struct xen_drm_share *share)
{
	int ret = share_try_map(share);

	if (ret)
		drm_err_ratelimited(&display->drm,
				    "a buffer of %zu bytes of the backend cannot be mapped: %d\n",
				    share->size, ret);
	return ret;
}

static int share_allocate_now(struct xen_drm_display *display, struct xen_drm_share *share,
			      struct xen_drm_view *view)
{
	struct xen_drm_batch batch = {
		.chan = display->link.chan,
	};
	int ret;

	if (!batch.chan)
		return 0;

	ret = xen_drm_share_get_pgdir(display, share);
	if (!ret)
		ret = xen_drm_share_tell_view(display, share, view, &batch);
	if (!ret)
		ret = xen_drm_batch_wait(&batch);
	/*
	 * What is missing is mapped by xen_drm_share_replay(), after an answer or a new
	 * connection.
	 */
	if (ret == -ENODEV || ret == -ETIMEDOUT)
		return 0;
	return ret ?: share_map(display, share);
}

/**
 * xen_drm_share_allocate - have the backend allocate a buffer
 * @display: the DRM device
 * @share: share without pages
 * @width: number of pixels per line
 * @height: number of lines
 * @bpp: number of bits per pixel
 *
 * Implements XENDISPL_OP_DBUF_CREATE with XENDISPL_DBUF_FLG_REQ_ALLOC. Without a
 * backend the buffer has no pages until the next connection; with one that is silent,
 * until it answers and xen_drm_share_replay() is called.
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: 0; -ENOSPC or -ENOMEM; -EINTR when the task is killed; -EINVAL or -EIO
 * when the backend's pages cannot be mapped; or what it answered. The caller releases
 * the share in either case.
 */
int xen_drm_share_allocate(struct xen_drm_display *display, struct xen_drm_share *share,
			   u32 width, u32 height, u32 bpp)
{
	struct xen_drm_view *view;
	int ret;

	share->be_alloc = true;
	if (mutex_lock_killable(&display->lock))
		return -EINTR;

	view = xen_drm_view_create(share, width, height, bpp, 0);
	ret = PTR_ERR_OR_ZERO(view);
	if (!ret) {
		list_add_tail(&share->node, &display->shares);
		ret = share_allocate_now(display, share, view);
	}
	mutex_unlock(&display->lock);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_allocate);

/*
 * A request that went unanswered in a silence may have been executed, so its dbuf is
 * destroyed first.
 */
static int share_tell_backend(struct xen_drm_display *display, struct xen_drm_share *share,
			      struct xen_drm_view *view, struct xen_drm_batch *batch)
{
	bool again = share->pgdir;
	int ret;

	ret = xen_drm_share_get_pgdir(display, share);
	if (ret)
		return ret;
	/* A backend may have filled the directory before the buffer was given up. */
	if (again)
		xen_drm_pgdir_refill(share->pgdir);
	if (xen_drm_share_is_told(display, view->told)) {
		ret = xen_drm_share_take_view_back(display, view);
		if (ret)
			return ret;
	}
	return xen_drm_share_tell_view(display, share, view, batch);
}

/*
 * An unanswered DBUF_CREATE may still be filling the directory. Its answer starts the
 * next try.
 */
static bool share_is_awaited(struct xen_drm_display *display, const struct xen_drm_share *share,
			     const struct xen_drm_view *view)
{
	return xen_drm_share_is_told(display, view->told) &&
	       xen_drm_proto_owes(display->link.chan, xen_drm_pgdir_start(share->pgdir));
}

/* Returns the first error, at once if the backend is gone or silent. */
static int replay_tell_shares(struct xen_drm_display *display, struct xen_drm_batch *batch)
{
	struct xen_drm_share *share;
	struct xen_drm_view *view;
	int ret = 0, error;

	list_for_each_entry(share, &display->shares, node) {
		view = list_first_entry(&share->views, struct xen_drm_view, node);
		if (!share->be_alloc || share->pages || share_is_awaited(display, share, view))
			continue;
		/* The backend has usually executed the request of the silence by now. */
		if (xen_drm_share_is_told(display, view->told) && !share_try_map(share))
			continue;
		error = share_tell_backend(display, share, view, batch);
		if (error == -ENODEV || error == -ETIMEDOUT)
			return error;
		ret = ret ?: error;
	}
	return ret;
}

/* A buffer that cannot be mapped is destroyed. The next replay makes it anew. */
static int replay_map_shares(struct xen_drm_display *display)
{
	struct xen_drm_share *share;
	struct xen_drm_view *view;
	int ret = 0, error;

	list_for_each_entry(share, &display->shares, node) {
		view = list_first_entry(&share->views, struct xen_drm_view, node);
		if (!share->be_alloc || share->pages ||
		    !xen_drm_share_is_told(display, view->told) ||
		    share_is_awaited(display, share, view))
			continue;
		error = share_map(display, share);
		if (error)
			xen_drm_share_take_view_back(display, view);
		ret = ret ?: error;
	}
	return ret;
}

/**
 * xen_drm_share_replay_backend - have the backend allocate all buffers without pages
 * @display: the DRM device; its lock is held
 * @batch: batch without requests
 *
 * Buffers that could not be had stay without pages.
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: 0; -ENODEV when the connection has ended; -ETIMEDOUT when the backend is
 * silent; or the first other error.
 */
int xen_drm_share_replay_backend(struct xen_drm_display *display, struct xen_drm_batch *batch)
{
	int told, waited, mapped;

	told = replay_tell_shares(display, batch);
	waited = xen_drm_batch_wait(batch);
	if (told == -ENODEV || waited == -ENODEV)
		return -ENODEV;
	mapped = replay_map_shares(display);
	/*
	 * What is missing is mapped by xen_drm_share_replay(), after an answer or a new
	 * connection.
	 */
	if (told == -ETIMEDOUT || waited == -ETIMEDOUT)
		return -ETIMEDOUT;
	return told ?: waited ?: mapped;
}

/**
 * xen_drm_share_hide - take the backend's pages away from clients
 * @display: the DRM device
 *
 * Their mappings show zeroes until the next connection.
 *
 * Context: the guest has been resumed, so that nothing is mapped any more; may sleep.
 */
void xen_drm_share_hide(struct xen_drm_display *display)
{
	struct xen_drm_share *share;

	guard(mutex)(&display->lock);

	list_for_each_entry(share, &display->shares, node)
		xen_drm_share_unmap(display, share, true);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_hide);
