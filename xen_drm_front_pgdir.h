/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: page directories.
 */

#ifndef __XEN_DRM_FRONT_PGDIR_H__
#define __XEN_DRM_FRONT_PGDIR_H__

#include <linux/types.h>

#include <xen/grant_table.h>
#include <xen/interface/io/displif.h>
#include <xen/page.h>

struct page;
struct xen_drm_backing;
struct xen_drm_pgdir;

/* Number of grant references that fit behind the link of one directory page. */
#define XEN_DRM_GREFS_PER_DIR						\
	((XEN_PAGE_SIZE - offsetof(struct xendispl_page_directory, gref)) / \
	 sizeof(grant_ref_t))

unsigned int xen_drm_pgdir_num_dirs(unsigned int num_grefs);
void xen_drm_pgdir_fill(void *dir, grant_ref_t next, const grant_ref_t *grefs,
			unsigned int count);
bool xen_drm_pgdir_fits(size_t size, bool foreign);
bool xen_drm_pgdir_is_barred(domid_t domid, unsigned long *deferred, unsigned long *max);
struct xen_drm_pgdir *
xen_drm_pgdir_grant(domid_t domid, struct page **pages, unsigned int num_pages,
		    struct xen_drm_backing *backing);
struct xen_drm_pgdir *xen_drm_pgdir_prepare_map(domid_t domid, unsigned int num_pages);
int xen_drm_pgdir_map(struct xen_drm_pgdir *pgdir);
int xen_drm_pgdir_unmap(struct xen_drm_pgdir *pgdir, bool forget);
struct page **xen_drm_pgdir_pages(struct xen_drm_pgdir *pgdir);
grant_ref_t xen_drm_pgdir_start(const struct xen_drm_pgdir *pgdir);
void xen_drm_pgdir_refill(struct xen_drm_pgdir *pgdir);
unsigned int xen_drm_pgdir_free(struct xen_drm_pgdir *pgdir);

#endif /* __XEN_DRM_FRONT_PGDIR_H__ */
