/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: GEM objects.
 *
 * xen_drm_front_gem.c has the code for all kinds of memory, dumb buffers, PRIME and
 * mappings; _gem_system.c or _gem_dma.c, chosen by Kbuild, has the guest's memory,
 * _gem_backend.c that of the backend, and _gem_import.c that of other drivers.
 */

#ifndef __XEN_DRM_FRONT_GEM_H__
#define __XEN_DRM_FRONT_GEM_H__

#include <linux/iosys-map.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include <drm/drm_gem.h>
#include <drm/drm_gem_dma_helper.h>
#include <drm/drm_gem_shmem_helper.h>

#include "xen_drm_front_grants.h"
#include "xen_drm_front_share.h"

struct device;
struct dma_buf;
struct drm_file;
struct drm_mode_create_dumb;
struct vm_area_struct;

/**
 * struct xen_drm_gem - a GEM object of any kind
 */
struct xen_drm_gem {
	union {
		/** @base: GEM object, with which the others begin */
		struct drm_gem_object base;
		/** @shmem: object of single pages, as the console's helper knows it */
		struct drm_gem_shmem_object shmem;
		/** @dma: object of the DMA helper */
		struct drm_gem_dma_object dma;
	};
	/** @share: share with the backend */
	struct xen_drm_share share;
	/** @get_pages_lock: lock for the first setting of &xen_drm_share.pages */
	struct mutex get_pages_lock;
	/** @map: mapping of an imported object for the kernel */
	struct iosys_map map;
	/** @dummy_page: page that mappings show while a backend's buffer has no pages */
	struct page *dummy_page;
	/** @backing: reference count of a contiguous or imported object's memory */
	struct xen_drm_backing backing;
	/**
	 * @dma_dev: device that a contiguous object was allocated for, or an imported one
	 * is attached to; with a reference once the DRM device may be gone
	 */
	struct device *dma_dev;
};

static inline struct xen_drm_gem *to_xen_drm_gem(struct drm_gem_object *obj)
{
	return container_of(obj, struct xen_drm_gem, base);
}

/* xen_drm_front_gem.c */
struct drm_gem_object *xen_drm_gem_create(struct drm_device *drm,
					  struct drm_mode_create_dumb *args, bool be_alloc);
int xen_drm_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
			    struct drm_mode_create_dumb *args);
int xen_drm_gem_get_pages(struct drm_gem_object *obj);
struct xen_drm_gem *xen_drm_gem_alloc(const struct drm_gem_object_funcs *funcs,
				      const struct xen_drm_share_ops *ops, size_t size);
int xen_drm_gem_init(struct drm_device *drm, struct xen_drm_gem *gem);
int xen_drm_gem_check_memory(struct drm_device *drm, size_t size);
void xen_drm_gem_free(struct drm_gem_object *obj);
int xen_drm_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma);
extern const struct vm_operations_struct xen_drm_gem_vm_ops;

/* xen_drm_front_gem_system.c or xen_drm_front_gem_dma.c */
struct drm_gem_object *xen_drm_gem_native_create_object(struct drm_device *drm, size_t size);
struct drm_gem_object *xen_drm_gem_native_create(struct drm_device *drm, size_t size);
int xen_drm_gem_native_get_pages(struct xen_drm_gem *gem);
int xen_drm_gem_native_map(struct xen_drm_gem *gem, struct vm_area_struct *vma,
			   unsigned long first);

/* xen_drm_front_gem_backend.c */
struct drm_gem_object *xen_drm_gem_backend_create(struct drm_device *drm, size_t size);

/* xen_drm_front_gem_import.c */
struct drm_gem_object *xen_drm_gem_prime_import(struct drm_device *drm,
						struct dma_buf *dma_buf);

#endif /* __XEN_DRM_FRONT_GEM_H__ */
