// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: page directories.
 */

#include "xen_drm_front_pgdir.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include "xen_drm_front_grants.h"

/**
 * DOC: Page directories
 *
 * A chain of directory pages describes a buffer to the backend. It lists the grant
 * references of the buffer's pages of XEN_PAGE_SIZE bytes (displif.h, "Shared page
 * directory"). The directory's pages are ours and granted one by one, so a
 * directory of any length needs no contiguous memory. The buffer's pages are
 * granted by us, or granted by the backend and mapped by us.
 *
 * The driver never follows a link, and reads nothing from a directory but the
 * backend's references, each of them once. A directory can serve one connection
 * after the other. Its grants stay, and its pages are written anew each time, since
 * a backend may have written there.
 */

/* The free list of grants is walked with interrupts off, so this many are taken at once. */
#define PGDIR_GRANT_BATCH	512U
/* Number of operations on grants that fit into one page. */
#define PGDIR_MAP_BATCH		\
	((unsigned int)(XEN_PAGE_SIZE / sizeof(struct gnttab_map_grant_ref)))

/**
 * union pgdir_batch - operations for the hypervisor, one page of them
 */
union pgdir_batch {
	/** @map: operations of xen_drm_pgdir_map() */
	struct gnttab_map_grant_ref map[PGDIR_MAP_BATCH];
	/** @unmap: operations of xen_drm_pgdir_unmap() */
	struct gnttab_unmap_grant_ref unmap[PGDIR_MAP_BATCH];
};

/**
 * struct xen_drm_pgdir - a buffer's directory and the grants behind it
 */
struct xen_drm_pgdir {
	/** @backing: common reference count of @pages, NULL if each has its own */
	struct xen_drm_backing *backing;
	/** @domid: domain of the backend */
	domid_t domid;
	/** @foreign: whether the buffer's pages are the backend's */
	bool foreign;
	/** @lossy: whether some of @pages are lost, so that nothing can be mapped any more */
	bool lossy;
	/** @num_pages: number of @pages, of PAGE_SIZE */
	unsigned int num_pages;
	/** @num_grefs: number of grants of XEN_PAGE_SIZE that the directory lists */
	unsigned int num_grefs;
	/** @num_dirs: number of pages of the directory, one grant each */
	unsigned int num_dirs;
	/** @taken: number of entries of the grant table counted for this directory */
	unsigned int taken;
	/**
	 * @pages: pages of the buffer, owned if @foreign, else the caller's; NULL
	 * for a page that could not be unmapped
	 */
	struct page **pages;
	/** @dirs: pages of the directory */
	struct page **dirs;
	/**
	 * @grefs: grants that we gave, INVALID_GRANT_REF where there is none:
	 * @num_dirs for the directory, then, unless @foreign, @num_grefs for the
	 * buffer
	 */
	grant_ref_t *grefs;
	/**
	 * @handles: mapping of each page, or INVALID_GRANT_HANDLE. While
	 * xen_drm_pgdir_map() runs, it begins as the reference from the directory
	 */
	grant_handle_t *handles;
	/** @batch: room for operations if @foreign, so that unmapping needs no memory */
	union pgdir_batch *batch;
};

/**
 * xen_drm_pgdir_num_dirs - compute the length of a directory
 * @num_grefs: number of grant references to list, at least 1
 *
 * Returns: pages of XEN_PAGE_SIZE.
 */
unsigned int xen_drm_pgdir_num_dirs(unsigned int num_grefs)
{
	return DIV_ROUND_UP(num_grefs, XEN_DRM_GREFS_PER_DIR);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_num_dirs);

/**
 * xen_drm_pgdir_fill - write all of one page of a directory
 * @dir: page of XEN_PAGE_SIZE bytes
 * @next: grant of the next page; INVALID_GRANT_REF in the last page, written as 0
 * @grefs: grant references to list, or NULL to leave that to the backend
 * @count: number of @grefs, at most XEN_DRM_GREFS_PER_DIR
 */
void xen_drm_pgdir_fill(void *dir, grant_ref_t next, const grant_ref_t *grefs,
			unsigned int count)
{
	struct xendispl_page_directory *page = dir;

	page->gref_dir_next_page = next == INVALID_GRANT_REF ? 0 : next;
	if (grefs)
		memcpy(page->gref, grefs, count * sizeof(*grefs));
	else
		count = 0;
	memset(page->gref + count, 0, (XEN_DRM_GREFS_PER_DIR - count) * sizeof(*grefs));
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_fill);

/**
 * xen_drm_pgdir_fits - check whether a buffer of this size can ever be shared
 * @size: size in bytes, at most U32_MAX
 * @foreign: whether the pages are the backend's, so that only the directory is granted
 *
 * Returns: whether the grants that all displays may take are enough for it alone.
 */
bool xen_drm_pgdir_fits(size_t size, bool foreign)
{
	unsigned int grefs = DIV_ROUND_UP(size, XEN_PAGE_SIZE);

	return xen_drm_pgdir_num_dirs(grefs) + (foreign ? 0 : grefs) <=
	       xen_drm_grants_budget();
}

/* ------------------------------------------------------------------------
 * Grants that we give
 */

static unsigned int pgdir_num_granted(const struct xen_drm_pgdir *pgdir)
{
	return pgdir->num_dirs + (pgdir->foreign ? 0 : pgdir->num_grefs);
}

static struct page *pgdir_granted_page(const struct xen_drm_pgdir *pgdir, unsigned int i)
{
	if (i < pgdir->num_dirs)
		return pgdir->dirs[i];
	return pgdir->pages[(i - pgdir->num_dirs) / XEN_PFN_PER_PAGE];
}

static unsigned long pgdir_granted_gfn(const struct xen_drm_pgdir *pgdir, unsigned int i)
{
	unsigned long xen_pfn = page_to_xen_pfn(pgdir_granted_page(pgdir, i));

	/* Only the first XEN_PAGE_SIZE bytes of a directory's page are used. */
	if (i >= pgdir->num_dirs)
		xen_pfn += (i - pgdir->num_dirs) % XEN_PFN_PER_PAGE;
	return pfn_to_gfn(xen_pfn);
}

static int pgdir_grant_all(struct xen_drm_pgdir *pgdir)
{
	unsigned int total = pgdir_num_granted(pgdir);
	unsigned int i = 0, end;
	grant_ref_t head;
	int ret;

	ret = xen_drm_grants_take(total);
	if (ret)
		return ret;
	pgdir->taken = total;

	while (i < total) {
		end = min(i + PGDIR_GRANT_BATCH, total);
		ret = gnttab_alloc_grant_references(end - i, &head);
		if (ret)
			return ret;
		for (; i < end; i++) {
			pgdir->grefs[i] = gnttab_claim_grant_reference(&head);
			gnttab_grant_foreign_access_ref(pgdir->grefs[i], pgdir->domid,
							pgdir_granted_gfn(pgdir, i), 0);
		}
	}
	return 0;
}

/* Returns the number of pages that the backend still maps, which are deferred. */
static unsigned int pgdir_revoke_all(struct xen_drm_pgdir *pgdir)
{
	unsigned int i, still_mapped = 0;

	for (i = 0; pgdir->grefs && i < pgdir_num_granted(pgdir); i++) {
		if (pgdir->grefs[i] == INVALID_GRANT_REF ||
		    gnttab_try_end_foreign_access(pgdir->grefs[i]))
			continue;
		/* The directory's own pages always have counts of their own. */
		xen_drm_grants_defer(pgdir->domid, pgdir->grefs[i],
				     pgdir_granted_page(pgdir, i),
				     i < pgdir->num_dirs ? NULL : pgdir->backing);
		still_mapped++;
	}
	return still_mapped;
}

static void pgdir_fill_all(struct xen_drm_pgdir *pgdir)
{
	const grant_ref_t *listed = pgdir->grefs + pgdir->num_dirs;
	unsigned int i, first, count;
	grant_ref_t next;

	for (i = 0; i < pgdir->num_dirs; i++) {
		first = i * XEN_DRM_GREFS_PER_DIR;
		count = min_t(unsigned int, pgdir->num_grefs - first, XEN_DRM_GREFS_PER_DIR);
		next = i + 1 < pgdir->num_dirs ? pgdir->grefs[i + 1] : INVALID_GRANT_REF;
		xen_drm_pgdir_fill(page_address(pgdir->dirs[i]), next,
				   pgdir->foreign ? NULL : listed + first, count);
	}
}

static int pgdir_alloc(struct xen_drm_pgdir *pgdir)
{
	unsigned int i, total = pgdir_num_granted(pgdir);

	pgdir->grefs = kvmalloc_array(total, sizeof(*pgdir->grefs), GFP_KERNEL);
	if (!pgdir->grefs)
		return -ENOMEM;
	memset32(pgdir->grefs, INVALID_GRANT_REF, total);

	pgdir->dirs = kvcalloc(pgdir->num_dirs, sizeof(*pgdir->dirs), GFP_KERNEL);
	if (!pgdir->dirs)
		return -ENOMEM;
	for (i = 0; i < pgdir->num_dirs; i++) {
		pgdir->dirs[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pgdir->dirs[i])
			return -ENOMEM;
	}
	return 0;
}

static void pgdir_free_foreign(struct xen_drm_pgdir *pgdir)
{
	unsigned int i, count = 0;

	for (i = 0; i < pgdir->num_pages; i++)
		if (pgdir->pages[i])
			pgdir->pages[count++] = pgdir->pages[i];
	if (count)
		gnttab_free_pages(count, pgdir->pages);
	kvfree(pgdir->pages);
	kvfree(pgdir->handles);
	kfree(pgdir->batch);
}

static unsigned int pgdir_free(struct xen_drm_pgdir *pgdir)
{
	unsigned int i, still_mapped = pgdir_revoke_all(pgdir);

	xen_drm_grants_give_back(pgdir->taken - still_mapped);
	for (i = 0; pgdir->dirs && i < pgdir->num_dirs && pgdir->dirs[i]; i++)
		__free_page(pgdir->dirs[i]);
	if (pgdir->foreign)
		pgdir_free_foreign(pgdir);
	kvfree(pgdir->grefs);
	kvfree(pgdir->dirs);
	kfree(pgdir);
	return still_mapped;
}

/**
 * xen_drm_pgdir_free - revoke all grants and free the directory
 * @pgdir: the directory; not mapped
 *
 * Works without the backend. The caller may drop its references of the buffer's pages
 * at once: a page that the backend still maps is deferred, and so not reused.
 *
 * Context: may sleep.
 *
 * Returns: the number of pages of XEN_PAGE_SIZE that the backend still maps.
 */
unsigned int xen_drm_pgdir_free(struct xen_drm_pgdir *pgdir)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_free, pgdir);

	return pgdir_free(pgdir);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_free);

static struct xen_drm_pgdir *
pgdir_create(domid_t domid, struct page **pages, unsigned int num_pages,
	     struct xen_drm_backing *backing)
{
	struct xen_drm_pgdir *pgdir;
	int ret;

	pgdir = kzalloc_obj(*pgdir);
	if (!pgdir)
		return ERR_PTR(-ENOMEM);

	pgdir->backing = backing;
	pgdir->domid = domid;
	pgdir->foreign = !pages;
	pgdir->pages = pages;
	pgdir->num_grefs = num_pages * XEN_PFN_PER_PAGE;
	pgdir->num_dirs = xen_drm_pgdir_num_dirs(pgdir->num_grefs);
	/* The pages of a foreign buffer have yet to be allocated. */
	pgdir->num_pages = pages ? num_pages : 0;

	ret = pgdir_alloc(pgdir);
	if (ret)
		goto err_free;
	ret = pgdir_grant_all(pgdir);
	if (ret)
		goto err_free;
	pgdir_fill_all(pgdir);
	return pgdir;

err_free:
	pgdir_free(pgdir);
	return ERR_PTR(ret);
}

/**
 * xen_drm_pgdir_grant - share our pages with the backend
 * @domid: the backend's domain
 * @pages: pages of the buffer; they and the array must outlive the directory
 * @num_pages: number of @pages, of PAGE_SIZE
 * @backing: reference count of the pages, NULL if each has its own
 *
 * Context: may sleep.
 *
 * Returns: the directory; -ENOSPC when displays have taken their part of the grant
 * table, or when the table is full; or -ENOMEM.
 */
struct xen_drm_pgdir *
xen_drm_pgdir_grant(domid_t domid, struct page **pages, unsigned int num_pages,
		    struct xen_drm_backing *backing)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_grant, domid, pages, num_pages, backing);

	return pgdir_create(domid, pages, num_pages, backing);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_grant);

/**
 * xen_drm_pgdir_is_barred - check whether nothing new may be shared with a domain
 * @domid: the domain
 * @deferred: set to the number of pages that the domain still maps, if it is barred
 * @max: set to the number of pages that it may still map, if it is barred
 *
 * Context: may sleep.
 *
 * Returns: whether the domain maps too many pages of former buffers.
 */
bool xen_drm_pgdir_is_barred(domid_t domid, unsigned long *deferred, unsigned long *max)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_is_barred, domid, deferred, max);

	if (!xen_drm_grants_too_many_deferred(domid))
		return false;

	*deferred = xen_drm_grants_deferred(domid);
	*max = xen_drm_grants_max_deferred();
	return true;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_is_barred);

/**
 * xen_drm_pgdir_start - get the value for a request's gref_directory
 * @pgdir: a directory
 *
 * Returns: the grant reference of the first page of the directory.
 */
grant_ref_t xen_drm_pgdir_start(const struct xen_drm_pgdir *pgdir)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_start, pgdir);

	return pgdir->grefs[0];
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_start);

/**
 * xen_drm_pgdir_refill - write a directory anew, for another connection
 * @pgdir: a directory; not mapped
 *
 * If the backend is to fill the directory, all references become 0 again.
 */
void xen_drm_pgdir_refill(struct xen_drm_pgdir *pgdir)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_refill, pgdir);

	pgdir_fill_all(pgdir);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_refill);

/* ------------------------------------------------------------------------
 * Pages of the backend
 */

static int pgdir_alloc_foreign(struct xen_drm_pgdir *pgdir, unsigned int num_pages)
{
	int ret;

	pgdir->handles = kvmalloc_array(num_pages, sizeof(*pgdir->handles), GFP_KERNEL);
	pgdir->batch = kzalloc_obj(*pgdir->batch);
	pgdir->pages = kvcalloc(num_pages, sizeof(*pgdir->pages), GFP_KERNEL);
	if (!pgdir->handles || !pgdir->batch || !pgdir->pages)
		return -ENOMEM;
	memset32(pgdir->handles, INVALID_GRANT_HANDLE, num_pages);

	ret = gnttab_alloc_pages(num_pages, pgdir->pages);
	if (ret)
		return ret;
	pgdir->num_pages = num_pages;
	return 0;
}

/**
 * xen_drm_pgdir_prepare_map - make a directory for the backend to fill
 * @domid: the backend's domain
 * @num_pages: pages of PAGE_SIZE, which is XEN_PAGE_SIZE
 *
 * Also allocates the pages to map at, so that nothing can run out on our side once
 * the backend has been asked.
 *
 * Context: may sleep.
 *
 * Returns: the directory, or an error as xen_drm_pgdir_grant().
 */
struct xen_drm_pgdir *xen_drm_pgdir_prepare_map(domid_t domid, unsigned int num_pages)
{
	struct xen_drm_pgdir *pgdir;
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_prepare_map, domid, num_pages);

	pgdir = pgdir_create(domid, NULL, num_pages, NULL);
	if (IS_ERR(pgdir))
		return pgdir;

	ret = pgdir_alloc_foreign(pgdir, num_pages);
	if (ret) {
		pgdir_free(pgdir);
		return ERR_PTR(ret);
	}
	return pgdir;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_prepare_map);

/*
 * A page that could not be unmapped may still show the backend's memory, so it is
 * not used again. Returns the number of such pages.
 */
static unsigned int pgdir_unmap_batch(struct xen_drm_pgdir *pgdir, unsigned int first,
				      unsigned int count, bool forget)
{
	struct gnttab_unmap_grant_ref *ops = pgdir->batch->unmap;
	grant_handle_t *handles = pgdir->handles + first;
	struct page **pages = pgdir->pages + first;
	unsigned int i, lost = 0;
	int ret;

	for (i = 0; i < count; i++)
		gnttab_set_unmap_op(&ops[i], (unsigned long)page_address(pages[i]),
				    GNTMAP_host_map,
				    forget ? INVALID_GRANT_HANDLE : handles[i]);
	memset32(handles, INVALID_GRANT_HANDLE, count);

	/*
	 * The grant table's code has marked these pages as foreign. This clears the
	 * mark, also if @forget.
	 */
	ret = gnttab_unmap_refs(ops, NULL, pages, count);
	if (forget)
		return 0;

	for (i = 0; i < count; i++) {
		/* The statuses are not valid when the hypercall itself has failed. */
		if (!ret && ops[i].status == GNTST_okay)
			continue;
		pages[i] = NULL;
		lost++;
	}
	return lost;
}

/*
 * Returns how many pages from @first on are mapped, one batch at most. A failed mapping
 * leaves gaps.
 */
static unsigned int pgdir_num_mapped(const struct xen_drm_pgdir *pgdir, unsigned int first)
{
	unsigned int max = min(pgdir->num_pages - first, PGDIR_MAP_BATCH);
	unsigned int i;

	for (i = 0; i < max; i++)
		if (pgdir->handles[first + i] == INVALID_GRANT_HANDLE)
			break;
	return i;
}

static int pgdir_unmap_all(struct xen_drm_pgdir *pgdir, bool forget)
{
	unsigned int i = 0, count, lost = 0;

	if (!pgdir->foreign)
		return 0;

	while (i < pgdir->num_pages) {
		count = pgdir_num_mapped(pgdir, i);
		if (count)
			lost += pgdir_unmap_batch(pgdir, i, count, forget);
		i += count ?: 1;
	}
	pgdir->lossy |= lost != 0;
	return lost ? -EIO : 0;
}

/* Each reference is read once: the backend may change the directory meanwhile. */
static bool pgdir_read_refs(struct xen_drm_pgdir *pgdir)
{
	const struct xendispl_page_directory *dir;
	bool complete = true;
	grant_ref_t ref;
	unsigned int i;

	for (i = 0; i < pgdir->num_pages; i++) {
		dir = page_address(pgdir->dirs[i / XEN_DRM_GREFS_PER_DIR]);
		ref = READ_ONCE(dir->gref[i % XEN_DRM_GREFS_PER_DIR]);
		pgdir->handles[i] = ref;
		complete &= ref != 0;
	}
	return complete;
}

static int pgdir_map_batch(struct xen_drm_pgdir *pgdir, unsigned int first,
			   unsigned int count)
{
	struct gnttab_map_grant_ref *ops = pgdir->batch->map;
	grant_handle_t *handles = pgdir->handles + first;
	struct page **pages = pgdir->pages + first;
	unsigned int i, failed = 0;
	int ret;

	/*
	 * gnttab_set_map_op() presets a status that is not GNTST_okay, so an operation
	 * that is not executed fails.
	 */
	for (i = 0; i < count; i++)
		gnttab_set_map_op(&ops[i], (unsigned long)page_address(pages[i]),
				  GNTMAP_host_map, handles[i], pgdir->domid);

	ret = gnttab_map_refs(ops, NULL, pages, count);

	for (i = 0; i < count; i++) {
		if (ops[i].status != GNTST_okay) {
			ops[i].handle = INVALID_GRANT_HANDLE;
			failed++;
		}
		handles[i] = ops[i].handle;
	}
	return ret || failed ? -EIO : 0;
}

/**
 * xen_drm_pgdir_map - map the pages that the backend granted
 * @pgdir: directory, new or refilled, and then filled by the backend; not mapped
 *
 * Context: may sleep, up to half a minute for each page that the backend has paged out.
 *
 * Returns: 0; -EINVAL when the directory has a hole; -EIO when a page could not
 * be mapped. After an error no page is mapped.
 */
int xen_drm_pgdir_map(struct xen_drm_pgdir *pgdir)
{
	unsigned int i = 0, count;
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_map, pgdir);

	if (pgdir->lossy)
		return -EIO;

	ret = pgdir_read_refs(pgdir) ? 0 : -EINVAL;
	for (; i < pgdir->num_pages && !ret; i += count) {
		count = min(pgdir->num_pages - i, PGDIR_MAP_BATCH);
		ret = pgdir_map_batch(pgdir, i, count);
	}
	if (!ret)
		return 0;

	memset32(pgdir->handles + i, INVALID_GRANT_HANDLE, pgdir->num_pages - i);
	pgdir_unmap_all(pgdir, false);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_map);

/**
 * xen_drm_pgdir_unmap - unmap the backend's pages
 * @pgdir: directory whose pages nobody uses any more
 * @forget: whether the guest was resumed, so that nothing is mapped any more,
 *	    whatever the hypervisor answers for the former handles
 *
 * Does nothing when no page is mapped.
 *
 * Context: may sleep.
 *
 * Returns: 0, or -EIO when pages could not be unmapped. These are lost to the guest,
 * and the directory can only be freed.
 */
int xen_drm_pgdir_unmap(struct xen_drm_pgdir *pgdir, bool forget)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_unmap, pgdir, forget);

	return pgdir_unmap_all(pgdir, forget);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_unmap);

/**
 * xen_drm_pgdir_pages - get the pages of a buffer of the backend
 * @pgdir: a mapped directory
 *
 * Returns: pages of PAGE_SIZE, valid until the directory is unmapped.
 */
struct page **xen_drm_pgdir_pages(struct xen_drm_pgdir *pgdir)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_pgdir_pages, pgdir);

	return pgdir->pages;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_pgdir_pages);
