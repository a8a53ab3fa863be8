// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: page directories.
 */

#include <linux/mm.h>
#include <linux/slab.h>

#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include <xen/balloon.h>
#include <xen/page.h>

#include "xen_drm_front.h"

/**
 * DOC: Page directories
 *
 * A buffer is described to the backend by a chain of directory pages with the
 * grant references of its pages of XEN_PAGE_SIZE bytes (displif.h, "Shared page
 * directory"). The directory's pages are ours and granted one by one, so a
 * directory of any length needs no contiguous memory. The buffer's pages are
 * granted by us, or granted by the backend and mapped by us.
 *
 * Directory pages come zeroed from the page allocator, so that nothing of
 * somebody else's is in them.
 * Nothing is read back from a directory but the backend's references, once.
 */

/* Fits the 16 bits that gnttab_alloc_grant_references() takes. */
#define PGDIR_GRANT_BATCH	32768

/** struct xen_drm_front_pgdir - a buffer's directory and the grants behind it */
struct xen_drm_front_pgdir {
	/** @held: where pages go that the backend does not unmap */
	struct xen_drm_front_held *held;
	/** @block: common reference count of @pages, NULL if each has its own */
	struct xen_drm_front_block *block;
	/** @domid: the backend's domain */
	domid_t domid;
	/** @foreign: the buffer's pages are the backend's */
	bool foreign;
	/** @num_pages: pages of PAGE_SIZE in @pages */
	unsigned int num_pages;
	/** @num_grefs: grants of XEN_PAGE_SIZE that the directory lists */
	unsigned int num_grefs;
	/** @num_dirs: pages of the directory, one grant each */
	unsigned int num_dirs;
	/** @pages: of the buffer; owned if @foreign, else borrowed from the caller */
	struct page **pages;
	/** @dirs: pages of the directory */
	struct page **dirs;
	/**
	 * @grefs: grants that we gave, INVALID_GRANT_REF elsewhere: @num_dirs
	 * for the directory, then, unless @foreign, @num_grefs for the buffer
	 */
	grant_ref_t *grefs;
	/** @unmap: @num_pages ready operations while the pages are mapped, or NULL */
	struct gnttab_unmap_grant_ref *unmap;
};

/**
 * xen_drm_front_pgdir_num_dirs - length of a directory
 * @num_grefs: grant references to list, at least 1
 *
 * Returns: pages of XEN_PAGE_SIZE.
 */
unsigned int xen_drm_front_pgdir_num_dirs(unsigned int num_grefs)
{
	return DIV_ROUND_UP(num_grefs, XEN_DRM_FRONT_GREFS_PER_DIR);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_pgdir_num_dirs);

/**
 * xen_drm_front_pgdir_fill - fill one page of a directory
 * @dir: zeroed page of XEN_PAGE_SIZE bytes
 * @next: grant of the next page, INVALID_GRANT_REF for the last one, which the
 *        wire wants as 0
 * @grefs: what to list, or NULL to leave that to the backend
 * @count: of @grefs, at most XEN_DRM_FRONT_GREFS_PER_DIR
 */
void xen_drm_front_pgdir_fill(void *dir, grant_ref_t next,
			      const grant_ref_t *grefs, unsigned int count)
{
	struct xendispl_page_directory *page = dir;

	page->gref_dir_next_page = next == INVALID_GRANT_REF ? 0 : next;
	if (grefs)
		memcpy(page->gref, grefs, count * sizeof(*grefs));
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_pgdir_fill);

/**
 * xen_drm_front_pgdir_max_grants - size of the domain's grant table
 *
 * Returns: grants of pages of XEN_PAGE_SIZE.
 */
unsigned int xen_drm_front_pgdir_max_grants(void)
{
	return gnttab_max_grant_frames() *
	       (XEN_PAGE_SIZE / sizeof(struct grant_entry_v1));
}

/*
 * What displays never take, so that disk and network can still be plugged in
 * and grow when a client shares all that it can.
 */
static unsigned int pgdir_reserved_grants(void)
{
	return min(xen_drm_front_pgdir_max_grants() / 8, U16_MAX);
}

/**
 * xen_drm_front_pgdir_fits - can a buffer of this size ever be shared
 * @size: bytes
 *
 * Returns: whether the domain's grant table could hold it, were it empty.
 */
bool xen_drm_front_pgdir_fits(size_t size)
{
	size_t grefs = DIV_ROUND_UP(size, XEN_PAGE_SIZE);

	return grefs + DIV_ROUND_UP(grefs, XEN_DRM_FRONT_GREFS_PER_DIR) +
	       pgdir_reserved_grants() <= xen_drm_front_pgdir_max_grants();
}

static struct page *pgdir_granted_page(const struct xen_drm_front_pgdir *pgdir,
				       unsigned int i)
{
	if (i < pgdir->num_dirs)
		return pgdir->dirs[i];
	return pgdir->pages[(i - pgdir->num_dirs) / XEN_PFN_PER_PAGE];
}

static unsigned long pgdir_granted_gfn(const struct xen_drm_front_pgdir *pgdir,
				       unsigned int i)
{
	unsigned long xen_pfn = page_to_xen_pfn(pgdir_granted_page(pgdir, i));

	/* Only the first XEN_PAGE_SIZE bytes of a directory's page are used. */
	if (i >= pgdir->num_dirs)
		xen_pfn += (i - pgdir->num_dirs) % XEN_PFN_PER_PAGE;
	return pfn_to_gfn(xen_pfn);
}

static unsigned int pgdir_num_granted(const struct xen_drm_front_pgdir *pgdir)
{
	return pgdir->num_dirs + (pgdir->foreign ? 0 : pgdir->num_grefs);
}

static int pgdir_grant_all(struct xen_drm_front_pgdir *pgdir)
{
	unsigned int total = pgdir_num_granted(pgdir);
	unsigned int i = 0, end;
	grant_ref_t head;
	int ret;

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

static int pgdir_grant_with_reserve(struct xen_drm_front_pgdir *pgdir)
{
	grant_ref_t reserve;
	int ret;

	ret = gnttab_alloc_grant_references(pgdir_reserved_grants(), &reserve);
	if (ret)
		return ret;
	ret = pgdir_grant_all(pgdir);
	gnttab_free_grant_references(reserve);
	return ret;
}

static void pgdir_fill_all(struct xen_drm_front_pgdir *pgdir)
{
	const grant_ref_t *listed = pgdir->grefs + pgdir->num_dirs;
	unsigned int i, first;
	grant_ref_t next;

	for (i = 0; i < pgdir->num_dirs; i++) {
		first = i * XEN_DRM_FRONT_GREFS_PER_DIR;
		next = i + 1 < pgdir->num_dirs ? pgdir->grefs[i + 1] :
						 INVALID_GRANT_REF;
		xen_drm_front_pgdir_fill(page_address(pgdir->dirs[i]), next,
					 pgdir->foreign ? NULL : listed + first,
					 min(pgdir->num_grefs - first,
					     (unsigned int)XEN_DRM_FRONT_GREFS_PER_DIR));
	}
}

/* Returns the number of pages that the backend still maps. */
static unsigned int pgdir_revoke(struct xen_drm_front_pgdir *pgdir)
{
	unsigned int i, still_mapped = 0;

	for (i = 0; i < pgdir_num_granted(pgdir); i++) {
		if (pgdir->grefs[i] == INVALID_GRANT_REF)
			continue;
		if (gnttab_try_end_foreign_access(pgdir->grefs[i]))
			pgdir->grefs[i] = INVALID_GRANT_REF;
		else
			still_mapped++;
	}
	return still_mapped;
}

/* The directory's own pages always count references. */
static void pgdir_hold(struct xen_drm_front_pgdir *pgdir, unsigned int count)
{
	struct held_batch *batch = xen_drm_front_held_begin(count, pgdir->block);
	struct page *page;
	unsigned int i;

	for (i = 0; i < pgdir_num_granted(pgdir); i++) {
		if (pgdir->grefs[i] == INVALID_GRANT_REF)
			continue;
		page = pgdir->block && i >= pgdir->num_dirs ? NULL : pgdir_granted_page(pgdir, i);
		xen_drm_front_held_page(batch, pgdir->grefs[i], page);
	}
	xen_drm_front_held_add(pgdir->held, batch);
}

/**
 * xen_drm_front_pgdir_free - revoke all grants and free the directory
 * @pgdir: the directory; not mapped
 *
 * Works without the backend. The buffer's own pages stay the caller's, which may
 * drop its references at once: a page that the backend still maps is not reused
 * before that ends.
 *
 * Returns: the number of pages of XEN_PAGE_SIZE that the backend still maps.
 */
unsigned int xen_drm_front_pgdir_free(struct xen_drm_front_pgdir *pgdir)
{
	unsigned int i, still_mapped = 0;

	KUNIT_STATIC_STUB_REDIRECT(xen_drm_front_pgdir_free, pgdir);

	if (pgdir->grefs && pgdir->dirs)
		still_mapped = pgdir_revoke(pgdir);
	if (still_mapped)
		pgdir_hold(pgdir, still_mapped);

	for (i = 0; pgdir->dirs && i < pgdir->num_dirs && pgdir->dirs[i]; i++)
		__free_page(pgdir->dirs[i]);
	if (pgdir->foreign && pgdir->num_pages)
		gnttab_free_pages(pgdir->num_pages, pgdir->pages);
	if (pgdir->foreign)
		kvfree(pgdir->pages);
	kvfree(pgdir->grefs);
	kvfree(pgdir->dirs);
	kfree(pgdir);
	return still_mapped;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_pgdir_free);

static int pgdir_alloc_dirs(struct xen_drm_front_pgdir *pgdir)
{
	unsigned int i, total = pgdir_num_granted(pgdir);

	pgdir->dirs = kvcalloc(pgdir->num_dirs, sizeof(*pgdir->dirs), GFP_KERNEL);
	pgdir->grefs = kvmalloc_array(total, sizeof(*pgdir->grefs), GFP_KERNEL);
	if (!pgdir->dirs || !pgdir->grefs)
		return -ENOMEM;
	for (i = 0; i < total; i++)
		pgdir->grefs[i] = INVALID_GRANT_REF;

	for (i = 0; i < pgdir->num_dirs; i++) {
		pgdir->dirs[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pgdir->dirs[i])
			return -ENOMEM;
	}
	return 0;
}

static struct xen_drm_front_pgdir *
pgdir_create(struct xen_drm_front_held *held, domid_t domid, struct page **pages,
	     unsigned int num_pages, struct xen_drm_front_block *block, bool foreign)
{
	struct xen_drm_front_pgdir *pgdir;
	int ret;

	pgdir = kzalloc_obj(*pgdir);
	if (!pgdir)
		return ERR_PTR(-ENOMEM);

	pgdir->held = held;
	pgdir->block = block;
	pgdir->domid = domid;
	pgdir->foreign = foreign;
	pgdir->pages = pages;
	pgdir->num_grefs = num_pages * XEN_PFN_PER_PAGE;
	pgdir->num_dirs = xen_drm_front_pgdir_num_dirs(pgdir->num_grefs);
	/* A foreign directory has pages to free only once it has some. */
	pgdir->num_pages = foreign ? 0 : num_pages;

	ret = pgdir_alloc_dirs(pgdir);
	if (!ret)
		ret = pgdir_grant_with_reserve(pgdir);
	if (ret) {
		xen_drm_front_pgdir_free(pgdir);
		return ERR_PTR(ret);
	}

	pgdir_fill_all(pgdir);
	return pgdir;
}

/**
 * xen_drm_front_pgdir_grant - share our pages with the backend
 * @held: where pages go in the end that the backend does not unmap
 * @domid: the backend's domain
 * @pages: of the buffer; they and the array must outlive the directory
 * @num_pages: pages of PAGE_SIZE
 * @block: reference count of the pages, NULL if each has its own
 *
 * Returns: the directory, or -ENOSPC when the grant table is full up to what is
 * left to other devices, or -ENOMEM.
 */
struct xen_drm_front_pgdir *
xen_drm_front_pgdir_grant(struct xen_drm_front_held *held, domid_t domid,
			  struct page **pages, unsigned int num_pages,
			  struct xen_drm_front_block *block)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_front_pgdir_grant, held, domid, pages,
				   num_pages, block);

	return pgdir_create(held, domid, pages, num_pages, block, false);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_pgdir_grant);

/**
 * xen_drm_front_pgdir_prepare_map - make a directory for the backend to fill
 * @held: where pages go in the end that the backend does not unmap
 * @domid: the backend's domain
 * @num_pages: pages of PAGE_SIZE, which is XEN_PAGE_SIZE
 *
 * The pages to map at are allocated here, so that all that can run out has done
 * so before the backend is asked.
 *
 * Returns: the directory, or an error as xen_drm_front_pgdir_grant().
 */
struct xen_drm_front_pgdir *
xen_drm_front_pgdir_prepare_map(struct xen_drm_front_held *held, domid_t domid,
				unsigned int num_pages)
{
	struct xen_drm_front_pgdir *pgdir;
	int ret;

	pgdir = pgdir_create(held, domid, NULL, num_pages, NULL, true);
	if (IS_ERR(pgdir))
		return pgdir;

	pgdir->pages = kvcalloc(num_pages, sizeof(*pgdir->pages), GFP_KERNEL);
	ret = pgdir->pages ? gnttab_alloc_pages(num_pages, pgdir->pages) : -ENOMEM;
	if (ret) {
		xen_drm_front_pgdir_free(pgdir);
		return ERR_PTR(ret);
	}

	pgdir->num_pages = num_pages;
	return pgdir;
}

/* Each reference is read once: the backend may change the directory meanwhile. */
static int pgdir_set_map_ops(struct xen_drm_front_pgdir *pgdir,
			     struct gnttab_map_grant_ref *map)
{
	const struct xendispl_page_directory *dir;
	grant_ref_t ref;
	unsigned int i;

	for (i = 0; i < pgdir->num_grefs; i++) {
		dir = page_address(pgdir->dirs[i / XEN_DRM_FRONT_GREFS_PER_DIR]);
		ref = READ_ONCE(dir->gref[i % XEN_DRM_FRONT_GREFS_PER_DIR]);
		if (!ref)
			return -EINVAL;
		gnttab_set_map_op(&map[i],
				  (unsigned long)page_address(pgdir->pages[i]),
				  GNTMAP_host_map, ref, pgdir->domid);
	}
	return 0;
}

static int pgdir_map_all(struct xen_drm_front_pgdir *pgdir,
			 struct gnttab_map_grant_ref *map)
{
	unsigned int i, failed = 0;
	int ret;

	ret = gnttab_map_refs(map, NULL, pgdir->pages, pgdir->num_pages);

	/* The operations begin with a positive status, so okay means mapped. */
	for (i = 0; i < pgdir->num_pages; i++) {
		failed += map[i].status != GNTST_okay;
		gnttab_set_unmap_op(&pgdir->unmap[i],
				    (unsigned long)page_address(pgdir->pages[i]),
				    GNTMAP_host_map, map[i].handle);
	}
	if (!ret && !failed)
		return 0;

	for (i = 0; i < pgdir->num_pages; i++)
		if (map[i].status == GNTST_okay)
			gnttab_unmap_refs(&pgdir->unmap[i], NULL,
					  &pgdir->pages[i], 1);
	return ret ?: -ENXIO;
}

/**
 * xen_drm_front_pgdir_map - map what the backend granted
 * @pgdir: from xen_drm_front_pgdir_prepare_map(), filled by the backend
 *
 * Returns: 0; -EINVAL when the directory has a hole; -ENXIO when a page could
 * not be mapped, then none is; -ENOMEM.
 */
int xen_drm_front_pgdir_map(struct xen_drm_front_pgdir *pgdir)
{
	struct gnttab_map_grant_ref *map;
	int ret = -ENOMEM;

	map = kvcalloc(pgdir->num_pages, sizeof(*map), GFP_KERNEL);
	pgdir->unmap = kvcalloc(pgdir->num_pages, sizeof(*pgdir->unmap), GFP_KERNEL);
	if (map && pgdir->unmap)
		ret = pgdir_set_map_ops(pgdir, map);
	if (!ret)
		ret = pgdir_map_all(pgdir, map);
	if (ret) {
		kvfree(pgdir->unmap);
		pgdir->unmap = NULL;
	}
	kvfree(map);
	return ret;
}

/**
 * xen_drm_front_pgdir_unmap - give the backend its pages back
 * @pgdir: a directory
 *
 * Nobody may use the pages any more. Does nothing when none are mapped.
 *
 * Returns: 0, or -EIO when pages could not be unmapped. What may still show the
 * backend's memory is not reused then, so that the guest has lost these pages.
 */
int xen_drm_front_pgdir_unmap(struct xen_drm_front_pgdir *pgdir)
{
	unsigned int i, failed = 0;
	int ret;

	KUNIT_STATIC_STUB_REDIRECT(xen_drm_front_pgdir_unmap, pgdir);

	if (!pgdir->unmap)
		return 0;

	ret = gnttab_unmap_refs(pgdir->unmap, NULL, pgdir->pages, pgdir->num_pages);
	for (i = 0; i < pgdir->num_pages; i++)
		failed += pgdir->unmap[i].status != GNTST_okay;
	if (ret || failed)
		pgdir->num_pages = 0;

	kvfree(pgdir->unmap);
	pgdir->unmap = NULL;
	return ret || failed ? -EIO : 0;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_pgdir_unmap);

/**
 * xen_drm_front_pgdir_pages - pages of a buffer of the backend
 * @pgdir: a mapped directory
 *
 * Returns: pages of PAGE_SIZE, valid until the directory is unmapped.
 */
struct page **xen_drm_front_pgdir_pages(struct xen_drm_front_pgdir *pgdir)
{
	return pgdir->pages;
}

/**
 * xen_drm_front_pgdir_start - what a request's gref_directory wants
 * @pgdir: a directory
 *
 * Returns: the grant reference of the first page of the directory.
 */
grant_ref_t xen_drm_front_pgdir_start(const struct xen_drm_front_pgdir *pgdir)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_front_pgdir_start, pgdir);

	return pgdir->grefs[0];
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_pgdir_start);
