/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the LTS kernel 6.12 lacks for xen_drm_front_gem_import.c alone; see compat.h.
 */

#ifndef __XEN_DRM_FRONT_COMPAT_GEM_IMPORT_H__
#define __XEN_DRM_FRONT_COMPAT_GEM_IMPORT_H__

#include <linux/dma-buf.h>
#include <linux/module.h>
#include <linux/version.h>

#include <drm/drm_gem.h>
#include <drm/drm_prime.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
/*
 * The function came in between. All dma-bufs of this module are of GEM objects, and
 * a module built out of tree has an owner.
 */
static inline bool xen_drm_gem_is_own(struct drm_device *drm, struct dma_buf *dma_buf)
{
	struct drm_gem_object *obj = dma_buf->priv;

	return dma_buf->owner == THIS_MODULE && obj->dev == drm;
}

#define drm_gem_is_prime_exported_dma_buf xen_drm_gem_is_own
#endif

#endif /* __XEN_DRM_FRONT_COMPAT_GEM_IMPORT_H__ */
