// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: how buffers and framebuffers are given back.
 */

#include <linux/llist.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include <drm/drm_managed.h>
#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "xen_drm_front_share.h"

#include "xen_drm_front.h"
#include "xen_drm_front_batch.h"
#include "xen_drm_front_proto.h"
#include "xen_drm_front_view.h"

/**
 * DOC: Release
 *
 * Clients do not wait until objects that they have destroyed are released. Framebuffers
 * and shares are queued for the release work, which tells the backend, waits for its
 * answers, revokes the grants, and frees the memory. So a page is never reused while
 * the backend may be about to map it.
 */

/* Number of dead pages above which CREATE_DUMB waits for their release. */
#define SHARE_MAX_DEAD_PAGES	((64UL << 20) / PAGE_SIZE)

/**
 * xen_drm_share_detach - give up a framebuffer
 * @display: the DRM device
 * @fb: framebuffer that no pipe shows
 *
 * The release work sends XENDISPL_OP_FB_DETACH, and calls &xen_drm_fb.released.
 *
 * Context: does not wait.
 */
void xen_drm_share_detach(struct xen_drm_display *display, struct xen_drm_fb *fb)
{
	llist_add(&fb->dead, &display->dead_fbs);
	queue_work(display->release_wq, &display->release_work);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_detach);

/**
 * xen_drm_share_release - give up the memory of a share
 * @display: the DRM device
 * @share: share without framebuffers
 *
 * The release work sends XENDISPL_OP_DBUF_DESTROY, revokes the grants, and calls
 * &xen_drm_share_ops.released. That is called at once if the share has no directory.
 *
 * Context: may sleep; does not wait for the backend.
 */
void xen_drm_share_release(struct xen_drm_display *display, struct xen_drm_share *share)
{
	/* There is no other user, but *leave* may just be taking it off the list. */
	if (list_empty_careful(&share->node)) {
		xen_drm_view_free_all(share);
		share->ops->released(share);
		return;
	}

	atomic_long_add(xen_drm_share_num_pages(share), &display->dead_pages);
	llist_add(&share->dead, &display->dead_shares);
	queue_work(display->release_wq, &display->release_work);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_release);

static void fb_untell(struct xen_drm_display *display, const struct xen_drm_fb *fb,
		      struct xen_drm_batch *batch)
{
	struct xen_drm_call *call;

	if (!xen_drm_share_is_told(display, fb->told))
		return;
	call = xen_drm_batch_next(batch, NULL);
	xen_drm_batch_sent(batch, xen_drm_proto_fb_detach(batch->chan, call, fb->cookie));
}

static void view_untell(struct xen_drm_display *display, const struct xen_drm_view *view,
			struct xen_drm_batch *batch)
{
	struct xen_drm_call *call;

	if (!xen_drm_share_is_told(display, view->told))
		return;
	call = xen_drm_batch_next(batch, NULL);
	xen_drm_batch_sent(batch, xen_drm_proto_dbuf_destroy(batch->chan, call, view->cookie));
}

static void release_tell(struct xen_drm_display *display, struct llist_node *dead_fbs,
			 struct llist_node *dead_shares)
{
	struct xen_drm_batch batch = {
		.chan = display->link.chan,
	};
	struct xen_drm_share *share;
	struct xen_drm_view *view;
	struct xen_drm_fb *fb;

	lockdep_assert_held(&display->lock);

	llist_for_each_entry(fb, dead_fbs, dead)
		fb_untell(display, fb, &batch);
	llist_for_each_entry(share, dead_shares, dead)
		list_for_each_entry(view, &share->views, node)
			view_untell(display, view, &batch);
	if (xen_drm_batch_is_refusal(xen_drm_batch_wait(&batch)))
		drm_err_ratelimited(&display->drm,
				    "backend does not let go of a buffer or framebuffer\n");
}

/* Returns whether there was something to release. */
static bool release_some(struct xen_drm_display *display)
{
	struct llist_node *dead_fbs = llist_reverse_order(llist_del_all(&display->dead_fbs));
	struct llist_node *dead_shares = llist_del_all(&display->dead_shares);
	struct xen_drm_share *share, *next_share;
	struct xen_drm_fb *fb, *next_fb;

	scoped_guard(mutex, &display->lock) {
		llist_for_each_entry(fb, dead_fbs, dead)
			list_del(&fb->node);
		/* The backend can free its pages only when nobody maps them. */
		llist_for_each_entry(share, dead_shares, dead) {
			list_del_init(&share->node);
			xen_drm_share_unmap(display, share, false);
		}
		release_tell(display, dead_fbs, dead_shares);
		llist_for_each_entry(share, dead_shares, dead)
			xen_drm_share_drop_pgdir(display, share);
	}

	llist_for_each_entry_safe(fb, next_fb, dead_fbs, dead)
		fb->released(fb);
	llist_for_each_entry_safe(share, next_share, dead_shares, dead) {
		atomic_long_sub(xen_drm_share_num_pages(share), &display->dead_pages);
		xen_drm_view_free_all(share);
		share->ops->released(share);
	}
	return dead_fbs || dead_shares;
}

static void xen_drm_release_work(struct work_struct *work)
{
	struct xen_drm_display *display =
		container_of(work, struct xen_drm_display, release_work);

	/* Freeing a framebuffer may drop the last reference of its buffer, and so queue that. */
	while (release_some(display))
		cond_resched();
}

/**
 * xen_drm_share_flush - wait until all queued framebuffers and shares are released
 * @display: the DRM device
 *
 * Context: may sleep; the release waits for the backend.
 */
void xen_drm_share_flush(struct xen_drm_display *display)
{
	flush_work(&display->release_work);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_flush);

/**
 * xen_drm_share_room - keep clients from allocating faster than memory is released
 * @display: the DRM device
 *
 * Context: may sleep; waits for the release work if more than SHARE_MAX_DEAD_PAGES are
 * queued.
 */
void xen_drm_share_room(struct xen_drm_display *display)
{
	if (atomic_long_read(&display->dead_pages) > SHARE_MAX_DEAD_PAGES)
		xen_drm_share_flush(display);
}

static void share_fini_display(struct drm_device *drm, void *data)
{
	struct xen_drm_display *display = data;

	/* Runs all that is queued, and what that queues. */
	destroy_workqueue(display->release_wq);
}

/**
 * xen_drm_share_init_display - initialise the lists and the release work of a display
 * @display: the DRM device, before its mode configuration
 *
 * Returns: 0 or -ENOMEM.
 */
int xen_drm_share_init_display(struct xen_drm_display *display)
{
	INIT_LIST_HEAD(&display->shares);
	INIT_LIST_HEAD(&display->fbs);
	init_llist_head(&display->dead_fbs);
	init_llist_head(&display->dead_shares);
	INIT_WORK(&display->release_work, xen_drm_release_work);
	display->release_wq = alloc_ordered_workqueue("xen_drm_release", 0);
	if (!display->release_wq)
		return -ENOMEM;
	return drmm_add_action_or_reset(&display->drm, share_fini_display, display);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_share_init_display);
