/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: how many grants displays take, and
 * pages whose grants cannot be revoked yet.
 */

#ifndef __XEN_DRM_FRONT_GRANTS_H__
#define __XEN_DRM_FRONT_GRANTS_H__

#include <linux/kref.h>
#include <linux/types.h>

#include <xen/grant_table.h>

struct page;

/**
 * struct xen_drm_backing - memory that can only be freed whole
 *
 * It has one reference count for all of its pages.
 */
struct xen_drm_backing {
	/** @ref: number of deferred pages of this memory, and one for the owner */
	struct kref ref;
	/** @release: function that frees the memory; may sleep */
	void (*release)(struct kref *ref);
};

int xen_drm_grants_init(void);
void xen_drm_grants_exit(void);
unsigned int xen_drm_grants_budget(void);
int xen_drm_grants_take(unsigned int count);
int xen_drm_grants_take_for_rings(unsigned int count);
void xen_drm_grants_give_back(unsigned int count);
void xen_drm_grants_defer(domid_t domid, grant_ref_t ref, struct page *page,
			  struct xen_drm_backing *backing);
unsigned long xen_drm_grants_deferred(domid_t domid);
unsigned long xen_drm_grants_max_deferred(void);
bool xen_drm_grants_too_many_deferred(domid_t domid);

#endif /* __XEN_DRM_FRONT_GRANTS_H__ */
