// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: what a connection is told of buffers, and when.
 */

#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "xen_drm_front_share.h"

#include "xen_drm_front.h"
#include "xen_drm_front_batch.h"
#include "xen_drm_front_pgdir.h"

/**
 * xen_drm_share_replay - tell the backend of all objects that it does not know yet
 * @display: the DRM device; its lock is taken
 *
 * The requests are pipelined. An object that the backend refuses is not shown.
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: 0; -ENODEV without a backend or when the connection has ended; or the first
 * other error.
 */
int xen_drm_share_replay(struct xen_drm_display *display)
{
	struct xen_drm_batch batch = {};
	struct xen_drm_fb *fb;
	int ret = 0, error;

	guard(mutex)(&display->lock);

	batch.chan = display->link.chan;
	if (!batch.chan)
		return -ENODEV;

	ret = xen_drm_share_replay_backend(display, &batch);
	if (ret == -ENODEV || ret == -ETIMEDOUT)
		return ret;
	list_for_each_entry(fb, &display->fbs, node) {
		error = xen_drm_share_tell_fb(display, fb, &batch);
		if (error == -ENODEV || error == -ETIMEDOUT)
			return xen_drm_batch_wait(&batch) ?: error;
		ret = ret ?: error;
	}
	error = xen_drm_batch_wait(&batch);
	if (xen_drm_batch_is_refusal(error) || xen_drm_batch_is_refusal(ret))
		drm_err_ratelimited(&display->drm,
				    "a framebuffer cannot be made known to the backend: %d\n",
				    ret ?: error);
	return error ?: ret;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_replay);

/* The share is granted anew with the next framebuffer that is told. */
static void share_forget_pgdir(struct xen_drm_display *display, struct xen_drm_share *share)
{
	xen_drm_share_drop_pgdir(display, share);
	/*
	 * A share off the list is freed at once. Shares of the backend stay, because
	 * *join* walks the list.
	 */
	if (!share->be_alloc)
		list_del_init_careful(&share->node);
}

static void share_adopt_all(struct xen_drm_display *display, domid_t domid)
{
	struct xen_drm_share *share, *next;

	lockdep_assert_held(&display->lock);

	list_for_each_entry_safe(share, next, &display->shares, node) {
		if (!share->pgdir)
			continue;
		/* A backend may have written into the directories. */
		if (share->domid == domid)
			xen_drm_pgdir_refill(share->pgdir);
		else
			share_forget_pgdir(display, share);
	}
}

/**
 * xen_drm_share_join - begin to use a connection
 * @display: the DRM device
 * @link: the connection
 *
 * Grants to another domain than that of the connection are revoked.
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: as xen_drm_share_replay().
 */
int xen_drm_share_join(struct xen_drm_display *display, const struct xen_drm_link *link)
{
	scoped_guard(mutex, &display->lock) {
		share_adopt_all(display, link->domid);
		display->link = *link;
	}
	return xen_drm_share_replay(display);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_join);

/**
 * xen_drm_share_leave - stop using the connection
 * @display: the DRM device
 * @forget: whether the guest was resumed, so that grants and mappings are gone already
 *
 * Grants stay, in case that the same domain comes back.
 *
 * Context: may sleep; does not wait for the backend, since the connection is broken.
 */
void xen_drm_share_leave(struct xen_drm_display *display, bool forget)
{
	struct xen_drm_share *share, *next;

	guard(mutex)(&display->lock);

	memset(&display->link, 0, sizeof(display->link));
	list_for_each_entry_safe(share, next, &display->shares, node) {
		xen_drm_share_unmap(display, share, forget);
		if (share->be_alloc || forget)
			share_forget_pgdir(display, share);
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_leave);
