// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: buffers that the backend allocates.
 */

#include "xen_drm_front_gem.h"

#include <linux/err.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_device.h>
#include <drm/drm_vma_manager.h>

#include <kunit/visibility.h>

/* All mappings, by files and by dma-bufs, belong to the device's inode. */
static void gem_backend_moved(struct xen_drm_share *share)
{
	struct xen_drm_gem *gem = container_of(share, struct xen_drm_gem, share);

	drm_vma_node_unmap(&gem->base.vma_node, gem->base.dev->anon_inode->i_mapping);
	clear_highpage(gem->dummy_page);
}

static void gem_backend_released(struct xen_drm_share *share)
{
	struct xen_drm_gem *gem = container_of(share, struct xen_drm_gem, share);

	drm_gem_object_release(&gem->base);
	__free_page(gem->dummy_page);
	kfree(gem);
}

static const struct xen_drm_share_ops gem_backend_share_ops = {
	.moved = gem_backend_moved,
	.released = gem_backend_released,
};

/*
 * Without get_sg_table and vmap dma-buf lets nobody attach to an exported object.
 * Clients can still import it again here, as compositors do with all of their
 * buffers, and map it.
 */
static const struct drm_gem_object_funcs gem_backend_funcs = {
	.free = xen_drm_gem_free,
	.mmap = xen_drm_gem_mmap,
	.vm_ops = &xen_drm_gem_vm_ops,
};

/**
 * xen_drm_gem_backend_create - create an object that the backend will allocate
 * @drm: the DRM device
 * @size: size in bytes, a multiple of PAGE_SIZE
 *
 * The caller has the backend allocate it by xen_drm_share_allocate().
 *
 * Returns: the object, or an error pointer.
 */
struct drm_gem_object *xen_drm_gem_backend_create(struct drm_device *drm, size_t size)
{
	struct xen_drm_gem *gem;
	int ret;

	gem = xen_drm_gem_alloc(&gem_backend_funcs, &gem_backend_share_ops, size);
	if (IS_ERR(gem))
		return ERR_CAST(gem);

	gem->share.be_alloc = true;
	gem->dummy_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!gem->dummy_page) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = xen_drm_gem_init(drm, gem);
	if (ret)
		goto err_free_page;
	return &gem->base;

err_free_page:
	__free_page(gem->dummy_page);
err_free:
	kfree(gem);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_backend_create);
