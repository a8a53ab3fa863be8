// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: buffers of pages from shmem.
 */

#include "xen_drm_front_gem.h"

#include <linux/err.h>
#include <linux/mm.h>

#include <kunit/visibility.h>

/* A buffer that has been shown, mapped or exported has been pinned until now. */
static void gem_shmem_released(struct xen_drm_share *share)
{
	struct xen_drm_gem *gem = container_of(share, struct xen_drm_gem, share);

	if (share->pages)
		drm_gem_shmem_unpin(&gem->shmem);
	drm_gem_shmem_free(&gem->shmem);
}

static const struct xen_drm_share_ops gem_shmem_share_ops = {
	.released = gem_shmem_released,
};

static const struct drm_gem_object_funcs gem_shmem_funcs = {
	.free = xen_drm_gem_free,
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = xen_drm_gem_mmap,
	.vm_ops = &xen_drm_gem_vm_ops,
};

/**
 * xen_drm_gem_native_create_object - allocate an object for the DRM helper
 * @drm: the DRM device
 * @size: bytes, a multiple of PAGE_SIZE
 *
 * Returns: the object, or an error pointer.
 */
struct drm_gem_object *xen_drm_gem_native_create_object(struct drm_device *drm, size_t size)
{
	struct xen_drm_gem *gem;

	/* The helpers free their object, and so must free all of ours. */
	static_assert(offsetof(struct xen_drm_gem, shmem) == 0);
	static_assert(offsetof(struct drm_gem_shmem_object, base) == 0);

	gem = xen_drm_gem_alloc(&gem_shmem_funcs, &gem_shmem_share_ops, size);
	return IS_ERR(gem) ? ERR_CAST(gem) : &gem->base;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_native_create_object);

/**
 * xen_drm_gem_native_create - create an object, without pages yet
 * @drm: the DRM device
 * @size: bytes, a multiple of PAGE_SIZE
 *
 * Returns: the object, or an error pointer.
 */
struct drm_gem_object *xen_drm_gem_native_create(struct drm_device *drm, size_t size)
{
	struct drm_gem_shmem_object *shmem = drm_gem_shmem_create(drm, size);

	return IS_ERR(shmem) ? ERR_CAST(shmem) : &shmem->base;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_native_create);

/**
 * xen_drm_gem_native_get_pages - allocate an object's pages
 * @gem: an object of xen_drm_gem_native_create()
 *
 * Context: &xen_drm_gem.get_pages_lock is held. May sleep.
 *
 * Returns: 0, -ENOMEM or -EINTR.
 */
int xen_drm_gem_native_get_pages(struct xen_drm_gem *gem)
{
	int ret;

	lockdep_assert_held(&gem->get_pages_lock);

	ret = xen_drm_gem_check_memory(gem->base.dev, gem->base.size);
	if (ret)
		return ret;
	ret = drm_gem_shmem_pin(&gem->shmem);
	if (ret)
		return ret;
	gem->share.pages = gem->shmem.pages;
	return 0;
}

/**
 * xen_drm_gem_native_map - map pages into an address space
 * @gem: an object of xen_drm_gem_native_create(), with pages
 * @vma: mapping, all of which is within the object
 * @first: page of the object that the mapping begins with
 *
 * Context: mmap_lock is held for writing.
 *
 * Returns: 0.
 */
int xen_drm_gem_native_map(struct xen_drm_gem *gem, struct vm_area_struct *vma,
			   unsigned long first)
{
	unsigned long count = vma_pages(vma);

	vm_flags_set(vma, VM_MIXEDMAP);
	/* A fault maps a page that cannot be mapped now. */
	vm_insert_pages(vma, vma->vm_start, gem->share.pages + first, &count);
	return 0;
}
