// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: contiguous buffers from the DMA allocator.
 */

#include "xen_drm_front_gem.h"

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <drm/drm_device.h>

#include <kunit/visibility.h>

/*
 * The memory can only be freed whole, so it stays while the backend maps one page
 * of it, possibly longer than the DRM device. As drm_gem_dma_free() needs that device,
 * it is not called, and this file does the same in two parts.
 */
static void gem_dma_free(struct kref *ref)
{
	struct xen_drm_gem *gem = container_of(ref, struct xen_drm_gem, backing.ref);
	struct drm_gem_dma_object *dma = &gem->dma;

	if (dma->vaddr)
		dma_free_noncoherent(gem->dma_dev, gem->share.size, dma->vaddr,
				     dma->dma_addr, DMA_TO_DEVICE);
	put_device(gem->dma_dev);
	kvfree(gem->share.pages);
	kfree(gem);
	/* The caller is in this module, too, but module exit waits for it. */
	module_put(THIS_MODULE);
}

static void gem_dma_released(struct xen_drm_share *share)
{
	struct xen_drm_gem *gem = container_of(share, struct xen_drm_gem, share);

	drm_gem_object_release(&gem->base);
	get_device(gem->dma_dev);
	__module_get(THIS_MODULE);
	kref_put(&gem->backing.ref, gem_dma_free);
}

static const struct xen_drm_share_ops gem_dma_share_ops = {
	.released = gem_dma_released,
};

static const struct drm_gem_object_funcs gem_dma_funcs = {
	.free = xen_drm_gem_free,
	.print_info = drm_gem_dma_object_print_info,
	.get_sg_table = drm_gem_dma_object_get_sg_table,
	.vmap = drm_gem_dma_object_vmap,
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

	/* The helper frees its object when it fails, and so must free all of ours. */
	static_assert(offsetof(struct xen_drm_gem, dma) == 0);
	static_assert(offsetof(struct drm_gem_dma_object, base) == 0);

	gem = xen_drm_gem_alloc(&gem_dma_funcs, &gem_dma_share_ops, size);
	if (IS_ERR(gem))
		return ERR_CAST(gem);

	/* map_noncoherent is the helper's name for a cached mapping. */
	gem->dma.map_noncoherent = true;
	gem->dma_dev = drm->dev;
	kref_init(&gem->backing.ref);
	gem->backing.release = gem_dma_free;
	gem->share.backing = &gem->backing;
	return &gem->base;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_native_create_object);

/**
 * xen_drm_gem_native_create - create an object, with its memory
 * @drm: the DRM device
 * @size: bytes, a multiple of PAGE_SIZE
 *
 * Returns: the object, or an error pointer.
 */
struct drm_gem_object *xen_drm_gem_native_create(struct drm_device *drm, size_t size)
{
	struct drm_gem_dma_object *dma = drm_gem_dma_create(drm, size);

	return IS_ERR(dma) ? ERR_CAST(dma) : &dma->base;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_native_create);

/**
 * xen_drm_gem_native_get_pages - list an object's pages
 * @gem: an object of xen_drm_gem_native_create()
 *
 * Context: &xen_drm_gem.get_pages_lock is held. May sleep.
 *
 * Returns: 0 or -ENOMEM.
 */
int xen_drm_gem_native_get_pages(struct xen_drm_gem *gem)
{
	unsigned long num_pages = gem->base.size / PAGE_SIZE, i;
	struct page **pages;

	lockdep_assert_held(&gem->get_pages_lock);

	pages = kvmalloc_array(num_pages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < num_pages; i++)
		pages[i] = virt_to_page(gem->dma.vaddr + i * PAGE_SIZE);
	gem->share.pages = pages;
	return 0;
}

/**
 * xen_drm_gem_native_map - map pages into an address space
 * @gem: an object of xen_drm_gem_native_create(), with pages
 * @vma: mapping, all of which is within the object
 * @first: page of the object that the mapping begins with
 *
 * Pages that can only be freed together must not be pinned one by one, so the
 * mapping has no struct page for mm.
 *
 * Context: mmap_lock is held for writing.
 *
 * Returns: 0, or an error of remap_pfn_range().
 */
int xen_drm_gem_native_map(struct xen_drm_gem *gem, struct vm_area_struct *vma,
			   unsigned long first)
{
	return remap_pfn_range(vma, vma->vm_start, page_to_pfn(gem->share.pages[first]),
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}
