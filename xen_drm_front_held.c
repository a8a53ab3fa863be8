// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: pages that the backend does not let
 * go of.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include <xen/grant_table.h>

#include "xen_drm_front.h"

/**
 * DOC: Held pages
 *
 * A grant cannot be revoked while the backend maps its page. Such a page must
 * not be used for anything else, so it is kept here with its grant until the
 * backend unmaps it, which may be never. As a backend could take all of the
 * guest's memory that way, buffer by buffer and ring by ring, the pages are
 * counted, and above a limit nothing new is shared with it. What is shared at
 * that time may become held, too, and is the most that a backend can take.
 *
 * The grant table's own list of such pages does not count them, and looks at ten of
 * them a second. So they stay here also when the driver is unbound, until the
 * module goes.
 */

/* How often the backend is given the chance. */
#define HELD_REAP_INTERVAL	HZ

/** struct held_page - a page, or a part of a block, that the backend maps */
struct held_page {
	/** @page: to be put when it is revoked, NULL for a part of the block */
	struct page *page;
	/** @ref: its grant */
	grant_ref_t ref;
};

/** struct held_batch - pages that ended their share together */
struct held_batch {
	/** @node: in &xen_drm_front_held.batches */
	struct list_head node;
	/** @block: the memory that parts belong to, with a reference, or NULL */
	struct xen_drm_front_block *block;
	/** @count: of @pages */
	unsigned int count;
	/** @pages: those that are not revoked yet */
	struct held_page pages[];
};

static void held_reap(struct work_struct *work);

/**
 * xen_drm_front_held_init - initialise
 * @held: of a bus device
 *
 * The limit is a quarter of the grant table, or an eighth of the memory if that
 * is less.
 */
void xen_drm_front_held_init(struct xen_drm_front_held *held)
{
	mutex_init(&held->lock);
	INIT_LIST_HEAD(&held->batches);
	INIT_DELAYED_WORK(&held->reaper, held_reap);
	held->max_pages = min_t(unsigned long, xen_drm_front_pgdir_max_grants() / 4,
				totalram_pages() / 8 * XEN_PFN_PER_PAGE);
}

/**
 * xen_drm_front_held_is_full - does the backend hold too much
 * @held: of a bus device
 *
 * Returns: whether nothing new may be shared.
 */
bool xen_drm_front_held_is_full(const struct xen_drm_front_held *held)
{
	return READ_ONCE(held->num_pages) > held->max_pages;
}

/**
 * xen_drm_front_held_begin - begin a batch
 * @max_pages: pages of XEN_PAGE_SIZE that it must have room for
 * @block: the memory that all pages are of which have no reference count of
 *         their own, NULL if there are none
 *
 * There is nobody to whom a failure could be told, nor another way to keep the
 * pages, hence no failure: a batch takes 16 bytes for each page of 4 KiB.
 *
 * Context: may sleep.
 *
 * Returns: the batch.
 */
struct held_batch *
xen_drm_front_held_begin(unsigned int max_pages, struct xen_drm_front_block *block)
{
	struct held_batch *batch;

	batch = kvmalloc(struct_size(batch, pages, max_pages), GFP_KERNEL | __GFP_NOFAIL);
	batch->count = 0;
	batch->block = block;
	if (block)
		kref_get(&block->ref);
	return batch;
}

/**
 * xen_drm_front_held_page - add a page to a batch
 * @batch: with room for it
 * @ref: a grant, from now on the batch's
 * @page: granted by @ref, takes a reference; NULL for a page of the block
 */
void xen_drm_front_held_page(struct held_batch *batch, grant_ref_t ref,
			     struct page *page)
{
	struct held_page *entry = &batch->pages[batch->count++];

	entry->ref = ref;
	entry->page = page;
	if (page)
		get_page(page);
}

/**
 * xen_drm_front_held_add - keep a batch until the backend unmaps its pages
 * @held: of the bus device
 * @batch: complete, and no longer the caller's
 *
 * Context: may sleep.
 */
void xen_drm_front_held_add(struct xen_drm_front_held *held, struct held_batch *batch)
{
	guard(mutex)(&held->lock);

	list_add_tail(&batch->node, &held->batches);
	WRITE_ONCE(held->num_pages, held->num_pages + batch->count);
	queue_delayed_work(xen_drm_front_wq, &held->reaper, HELD_REAP_INTERVAL);
}

/* Returns the number of pages that were revoked. */
static unsigned int batch_reap(struct held_batch *batch)
{
	unsigned int i, left = 0;
	struct held_page entry;

	for (i = 0; i < batch->count; i++) {
		entry = batch->pages[i];
		if (!gnttab_try_end_foreign_access(entry.ref))
			batch->pages[left++] = entry;
		else if (entry.page)
			put_page(entry.page);
	}

	i -= left;
	batch->count = left;
	return i;
}

/* May free the block, with it the display, and with that what @held is in. */
static void batch_free(struct held_batch *batch)
{
	struct xen_drm_front_block *block = batch->block;

	kvfree(batch);
	if (block)
		kref_put(&block->ref, block->release);
}

static void held_reap(struct work_struct *work)
{
	struct xen_drm_front_held *held =
		container_of(to_delayed_work(work), struct xen_drm_front_held, reaper);
	struct held_batch *batch, *next;
	LIST_HEAD(empty);

	scoped_guard(mutex, &held->lock) {
		list_for_each_entry_safe(batch, next, &held->batches, node) {
			WRITE_ONCE(held->num_pages, held->num_pages - batch_reap(batch));
			if (!batch->count)
				list_move(&batch->node, &empty);
			cond_resched();
		}
		if (!list_empty(&held->batches))
			queue_delayed_work(xen_drm_front_wq, &held->reaper,
					   HELD_REAP_INTERVAL);
	}

	list_for_each_entry_safe(batch, next, &empty, node)
		batch_free(batch);
}

/**
 * xen_drm_front_held_finish - let go of a place where nothing is any more
 * @held: of a bus device that is gone; nothing is shared any more
 *
 * Context: may sleep; does not wait for the backend.
 *
 * Returns: whether no page is held; then nobody looks at @held any more.
 */
bool xen_drm_front_held_finish(struct xen_drm_front_held *held)
{
	scoped_guard(mutex, &held->lock) {
		if (!list_empty(&held->batches))
			return false;
	}

	cancel_delayed_work_sync(&held->reaper);
	return true;
}

/**
 * xen_drm_front_held_hand_over - leave the pages to the grant table
 * @held: of a bus device that is gone; nothing is shared any more
 *
 * There are no blocks among them: these keep the module, and this is for its end.
 *
 * Context: may sleep; does not wait for the backend.
 */
void xen_drm_front_held_hand_over(struct xen_drm_front_held *held)
{
	struct held_batch *batch, *next;
	unsigned int i;

	guard(mutex)(&held->lock);

	list_for_each_entry_safe(batch, next, &held->batches, node) {
		for (i = 0; i < batch->count; i++)
			gnttab_end_foreign_access(batch->pages[i].ref,
						  batch->pages[i].page);
		list_del(&batch->node);
		WRITE_ONCE(held->num_pages, held->num_pages - batch->count);
		batch_free(batch);
	}
}
