// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: how many grants displays take, and
 * pages whose grants cannot be revoked yet.
 */

#include "xen_drm_front_grants.h"

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/workqueue.h>

#include <xen/interface/xen.h>
#include <xen/page.h>

#include <asm/xen/hypercall.h>

/**
 * DOC: Grants
 *
 * All devices of the guest share the grant table. The buffers of all displays take at
 * most seven eighths of it. So a disk or a network card can still be plugged in, whatever
 * clients do. Entries are counted before the grant table's code is asked for them.
 *
 * A grant cannot be revoked while the backend maps its page, and until then the
 * page must not be used for anything else. Such pages are deferred: they are kept
 * in a table, with their grants, until the backend unmaps them, which may be
 * never. The table counts them for each domain. While a domain maps more than
 * a quarter of the grant table, or an eighth of the guest's memory, nothing new is
 * shared with it. The table belongs to the module, so that neither a reconnection
 * nor a new binding of the device resets these numbers.
 *
 * The grant table's code has a list of its own for such pages, but does not count them,
 * and looks at ten of them in a second. It gets the remaining ones when the module goes.
 */

#define DEFERRED_INTERVAL	HZ
/* Time that module exit gives backends for unmapping. */
#define EXIT_PATIENCE		(2 * HZ)
#define EXIT_INTERVAL_MS	50

/**
 * struct deferred_page - a page whose grant could not be revoked yet
 */
struct deferred_page {
	union {
		/** @page: granted page, with a reference */
		struct page *page;
		/** @backing: memory that the page belongs to, with a reference */
		struct xen_drm_backing *backing;
	};
	/** @ref: grant of the page */
	grant_ref_t ref;
	/** @has_backing: whether @backing is valid, as opposed to @page */
	bool has_backing;
};

/**
 * struct deferred_chunk - a piece of the table, one page long
 */
struct deferred_chunk {
	/** @node: entry in deferred_chunks */
	struct list_head node;
	/** @count: number of valid entries in @pages */
	unsigned int count;
	/** @domid: domain that maps all pages of this chunk */
	domid_t domid;
	/** @pages: entries */
	struct deferred_page pages[];
};

#define DEFERRED_PER_CHUNK						\
	((PAGE_SIZE - offsetof(struct deferred_chunk, pages)) /		\
	 sizeof(struct deferred_page))

static void xen_drm_deferred_work(struct work_struct *work);

/* Constant after xen_drm_grants_init(). */
static unsigned int grants_budget;
static unsigned long grants_max_deferred;

/* Entries that displays have taken, deferred ones included. */
static atomic_t grants_taken;

/* Protects the table. */
static DEFINE_MUTEX(deferred_lock);
static LIST_HEAD(deferred_chunks);
static DECLARE_DELAYED_WORK(deferred_reaper, xen_drm_deferred_work);

static unsigned int grants_table_size(void)
{
	struct gnttab_get_version query = { .dom = DOMID_SELF };
	size_t entry = sizeof(struct grant_entry_v1);

	/* A hypervisor that does not know this hypercall has version 1. */
	if (!HYPERVISOR_grant_table_op(GNTTABOP_get_version, &query, 1) &&
	    query.version == 2)
		entry = sizeof(union grant_entry_v2);
	return gnttab_max_grant_frames() * (XEN_PAGE_SIZE / entry);
}

/**
 * xen_drm_grants_init - compute the limits from the size of the grant table
 *
 * Context: module initialisation, in a Xen domain.
 *
 * Returns: 0.
 */
int xen_drm_grants_init(void)
{
	unsigned int size = grants_table_size();

	grants_budget = size - size / 8;
	grants_max_deferred = min_t(unsigned long, size / 4,
				    totalram_pages() / 8 * XEN_PFN_PER_PAGE);
	return 0;
}

/**
 * xen_drm_grants_budget - get the number of entries that buffers may take together
 *
 * Returns: entries, one for each page of XEN_PAGE_SIZE.
 */
unsigned int xen_drm_grants_budget(void)
{
	return grants_budget;
}

static int grants_take(unsigned int count, unsigned int limit)
{
	int taken = atomic_read(&grants_taken);

	do {
		if (taken > limit || count > limit - taken)
			return -ENOSPC;
	} while (!atomic_try_cmpxchg(&grants_taken, &taken, taken + count));
	return 0;
}

/**
 * xen_drm_grants_take - count entries of buffers before they are allocated
 * @count: number of entries
 *
 * The grant table may have fewer entries left than the budget allows.
 *
 * Context: any.
 *
 * Returns: 0, or -ENOSPC when displays would take more than their budget.
 */
int xen_drm_grants_take(unsigned int count)
{
	return grants_take(count, grants_budget);
}

/**
 * xen_drm_grants_take_for_rings - count entries for rings, which may exceed the budget
 * @count: number of entries
 *
 * A display whose clients have taken the whole budget still needs rings to reconnect.
 *
 * Context: any.
 *
 * Returns: 0, or -ENOSPC when rings would take more than half of what the budget leaves.
 */
int xen_drm_grants_take_for_rings(unsigned int count)
{
	return grants_take(count, grants_budget + grants_budget / 14);
}

/**
 * xen_drm_grants_give_back - count entries that were given back
 * @count: number of entries, which have been counted before
 *
 * Context: any.
 */
void xen_drm_grants_give_back(unsigned int count)
{
	atomic_sub(count, &grants_taken);
}

/* This cannot fail, since the caller has nowhere else to put its page. */
static struct deferred_chunk *deferred_chunk_with_room(domid_t domid)
{
	struct deferred_chunk *chunk;

	lockdep_assert_held(&deferred_lock);

	list_for_each_entry(chunk, &deferred_chunks, node)
		if (chunk->domid == domid && chunk->count < DEFERRED_PER_CHUNK)
			return chunk;

	chunk = (void *)__get_free_page(GFP_KERNEL | __GFP_NOFAIL);
	chunk->domid = domid;
	chunk->count = 0;
	list_add(&chunk->node, &deferred_chunks);
	return chunk;
}

/**
 * xen_drm_grants_defer - keep a page until its grant can be revoked
 * @domid: domain that maps the page
 * @ref: grant of the page, which has been counted; the table owns it from now on
 * @page: the granted page
 * @backing: memory that @page belongs to, NULL if @page has a count of its own
 *
 * Takes a reference of @backing, or else of @page. When the grant has been revoked,
 * the reference is dropped, and the entry of the grant table given back.
 *
 * Context: may sleep.
 */
void xen_drm_grants_defer(domid_t domid, grant_ref_t ref, struct page *page,
			  struct xen_drm_backing *backing)
{
	struct deferred_page *deferred;
	struct deferred_chunk *chunk;

	guard(mutex)(&deferred_lock);

	chunk = deferred_chunk_with_room(domid);
	deferred = &chunk->pages[chunk->count++];
	deferred->ref = ref;
	deferred->has_backing = backing;
	if (backing) {
		kref_get(&backing->ref);
		deferred->backing = backing;
	} else {
		get_page(page);
		deferred->page = page;
	}
	schedule_delayed_work(&deferred_reaper, DEFERRED_INTERVAL);
}

/**
 * xen_drm_grants_deferred - count the deferred pages of a domain
 * @domid: the domain
 *
 * Context: may sleep.
 *
 * Returns: pages of XEN_PAGE_SIZE.
 */
unsigned long xen_drm_grants_deferred(domid_t domid)
{
	struct deferred_chunk *chunk;
	unsigned long count = 0;

	guard(mutex)(&deferred_lock);

	list_for_each_entry(chunk, &deferred_chunks, node)
		if (chunk->domid == domid)
			count += chunk->count;
	return count;
}

/**
 * xen_drm_grants_max_deferred - get the number of pages that a domain may have deferred
 *
 * Returns: pages of XEN_PAGE_SIZE.
 */
unsigned long xen_drm_grants_max_deferred(void)
{
	return grants_max_deferred;
}

/**
 * xen_drm_grants_too_many_deferred - check whether a domain maps too many pages
 * @domid: the domain
 *
 * Context: may sleep.
 *
 * Returns: whether nothing new may be shared with it.
 */
bool xen_drm_grants_too_many_deferred(domid_t domid)
{
	return xen_drm_grants_deferred(domid) > grants_max_deferred;
}

static bool deferred_page_revoke(struct deferred_page *deferred)
{
	if (!gnttab_try_end_foreign_access(deferred->ref))
		return false;

	xen_drm_grants_give_back(1);
	if (deferred->has_backing)
		kref_put(&deferred->backing->ref, deferred->backing->release);
	else
		put_page(deferred->page);
	return true;
}

static void deferred_chunk_reap(struct deferred_chunk *chunk)
{
	unsigned int i, left = 0;

	for (i = 0; i < chunk->count; i++)
		if (!deferred_page_revoke(&chunk->pages[i]))
			chunk->pages[left++] = chunk->pages[i];
	chunk->count = left;
}

/* Returns whether pages are left. */
static bool deferred_reap(void)
{
	struct deferred_chunk *chunk, *next;

	guard(mutex)(&deferred_lock);

	list_for_each_entry_safe(chunk, next, &deferred_chunks, node) {
		deferred_chunk_reap(chunk);
		if (!chunk->count) {
			list_del(&chunk->node);
			free_page((unsigned long)chunk);
		}
		cond_resched();
	}
	return !list_empty(&deferred_chunks);
}

static void xen_drm_deferred_work(struct work_struct *work)
{
	if (deferred_reap())
		schedule_delayed_work(&deferred_reaper, DEFERRED_INTERVAL);
}

/*
 * The grant table's code can keep a page by its reference count. Memory that can only
 * be freed whole is lost instead, since its release function goes with the module. That
 * happens only to a buffer that was freed while the module was leaving, because earlier
 * ones hold a reference of the module.
 */
static void deferred_hand_over(struct deferred_chunk *chunk)
{
	unsigned int i, lost = 0;

	for (i = 0; i < chunk->count; i++) {
		if (chunk->pages[i].has_backing)
			lost++;
		else
			gnttab_end_foreign_access(chunk->pages[i].ref, chunk->pages[i].page);
	}
	if (lost)
		pr_warn("drm_xen_front: contiguous buffers are lost, domain %u maps %u of their pages\n",
			chunk->domid, lost);
}

/**
 * xen_drm_grants_exit - wait a little for deferred pages, then hand them over
 *
 * Context: module exit; nothing is deferred any more. May sleep, for two seconds
 * when a backend does not unmap its pages.
 */
void xen_drm_grants_exit(void)
{
	unsigned long deadline = jiffies + EXIT_PATIENCE;
	struct deferred_chunk *chunk, *next;

	cancel_delayed_work_sync(&deferred_reaper);
	while (deferred_reap() && time_before(jiffies, deadline))
		msleep(EXIT_INTERVAL_MS);

	list_for_each_entry_safe(chunk, next, &deferred_chunks, node) {
		deferred_hand_over(chunk);
		list_del(&chunk->node);
		free_page((unsigned long)chunk);
	}
}
