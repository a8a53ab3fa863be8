// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: buffers of other drivers of the guest.
 */

#include "xen_drm_front_gem.h"

#include <linux/dma-buf.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <drm/drm_device.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>

#include <kunit/visibility.h>

#include "xen_drm_front.h"

/**
 * DOC: Imported buffers
 *
 * The backend reads a buffer with a CPU, since all shared memory is mapped cached. So a
 * dma-buf is imported for the CPU, by dma_buf_vmap(), and not for DMA. Bounce buffers,
 * IOMMUs and limits of a device's segments do not matter. The table that
 * dma_buf_map_attachment() returns would be of no use, because importers must not look at
 * the pages in it.
 *
 * Mapped memory must stay in its place until dma_buf_vunmap(), so its pages can be
 * granted until then. They belong to the exporter, and the driver takes no references of
 * them. It keeps the attachment, the mapping, and the dma-buf until the backend has
 * unmapped the last page, even if the object has been freed before.
 *
 * The driver announces access of the CPU when a picture is sent or copied, so that the
 * exporter can make the writes of devices visible.
 */

/* Memory without a struct page, and memory of other domains, cannot be granted. */
static struct page *import_page(const void *vaddr)
{
	unsigned long pfn;

	if (is_vmalloc_addr(vaddr))
		pfn = vmalloc_to_pfn(vaddr);
	else if (virt_addr_valid(vaddr))
		pfn = page_to_pfn(virt_to_page(vaddr));
	else
		return NULL;

	if (!pfn_valid(pfn) || is_zone_device_page(pfn_to_page(pfn)))
		return NULL;
	return pfn_to_page(pfn);
}

static int import_list_pages(struct xen_drm_gem *gem)
{
	unsigned long num_pages = gem->share.size / PAGE_SIZE, i;
	const void *vaddr = gem->map.vaddr;
	struct page **pages;

	if (gem->map.is_iomem || !PAGE_ALIGNED((unsigned long)vaddr))
		return -EINVAL;

	pages = kvmalloc_array(num_pages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	for (i = 0; i < num_pages; i++) {
		pages[i] = import_page(vaddr + i * PAGE_SIZE);
		if (!pages[i]) {
			kvfree(pages);
			return -EINVAL;
		}
	}
	gem->share.pages = pages;
	return 0;
}

static void import_detach(struct xen_drm_gem *gem)
{
	dma_buf_vunmap_unlocked(gem->base.import_attach->dmabuf, &gem->map);
	drm_prime_gem_destroy(&gem->base, NULL);
}

/* May be called after the DRM device has gone. */
static void import_free(struct kref *ref)
{
	struct xen_drm_gem *gem = container_of(ref, struct xen_drm_gem, backing.ref);

	import_detach(gem);
	put_device(gem->dma_dev);
	kvfree(gem->share.pages);
	kfree(gem);
	/* The caller is in this module, too, but module exit waits for it. */
	module_put(THIS_MODULE);
}

static void import_released(struct xen_drm_share *share)
{
	struct xen_drm_gem *gem = container_of(share, struct xen_drm_gem, share);

	drm_gem_object_release(&gem->base);
	get_device(gem->dma_dev);
	__module_get(THIS_MODULE);
	kref_put(&gem->backing.ref, import_free);
}

static const struct xen_drm_share_ops import_share_ops = {
	.released = import_released,
};

static const struct drm_gem_object_funcs import_funcs = {
	.free = xen_drm_gem_free,
};

static int import_attach(struct drm_device *drm, struct xen_drm_gem *gem,
			 struct dma_buf *dma_buf)
{
	struct dma_buf_attachment *attach;
	int ret;

	/* This also fails for exporters that do not allow attachments. */
	attach = dma_buf_attach(dma_buf, drm->dev);
	if (IS_ERR(attach))
		return PTR_ERR(attach);
	get_dma_buf(dma_buf);
	gem->base.import_attach = attach;
	gem->base.resv = dma_buf->resv;

	ret = dma_buf_vmap_unlocked(dma_buf, &gem->map);
	if (ret) {
		drm_prime_gem_destroy(&gem->base, NULL);
		return ret;
	}
	ret = import_list_pages(gem);
	if (ret)
		import_detach(gem);
	return ret;
}

static struct drm_gem_object *import(struct drm_device *drm, struct dma_buf *dma_buf)
{
	struct xen_drm_gem *gem;
	int ret;

	gem = xen_drm_gem_alloc(&import_funcs, &import_share_ops, dma_buf->size);
	if (IS_ERR(gem))
		return ERR_CAST(gem);

	gem->dma_dev = drm->dev;
	kref_init(&gem->backing.ref);
	gem->backing.release = import_free;
	gem->share.backing = &gem->backing;
	ret = import_attach(drm, gem, dma_buf);
	if (ret) {
		drm_dbg_prime(drm, "%zu bytes of %s cannot be granted page by page: %d\n",
			      dma_buf->size, dma_buf->exp_name, ret);
		kfree(gem);
		return ERR_PTR(ret);
	}
	drm_gem_private_object_init(drm, &gem->base, dma_buf->size);
	return &gem->base;
}

static int import_check(struct xen_drm_display *display, const struct dma_buf *dma_buf)
{
	struct drm_device *drm = &display->drm;
	size_t size = dma_buf->size;

	if (display->cfg.be_alloc) {
		drm_dbg_prime(drm, "be-alloc is set: the backend allocates all buffers\n");
		return -EOPNOTSUPP;
	}
	if (!READ_ONCE(display->cfg.trusted)) {
		drm_dbg_prime(drm, "the backend is not trusted with a buffer of %s\n",
			      dma_buf->exp_name);
		return -EPERM;
	}
	if (!size || !PAGE_ALIGNED(size) || size > U32_MAX) {
		drm_dbg_prime(drm, "%zu bytes of %s, expected whole pages, less than 4 GiB\n",
			      size, dma_buf->exp_name);
		return -EINVAL;
	}
	return 0;
}

/**
 * xen_drm_gem_prime_import - the PRIME import callback of the DRM driver
 * @drm: the DRM device
 * @dma_buf: dma-buf to import
 *
 * A buffer of this DRM device is the same object again, in all modes. Mapping one of
 * another device pins it.
 *
 * Context: may sleep.
 *
 * Returns: an object; -EOPNOTSUPP when the backend allocates all buffers; -EPERM when
 * the backend is not trusted; -EINVAL for a size that the protocol cannot express, or
 * memory that cannot be granted page by page; -ENOMEM; or an error of the exporter.
 */
struct drm_gem_object *xen_drm_gem_prime_import(struct drm_device *drm,
						struct dma_buf *dma_buf)
{
	struct drm_gem_object *own = dma_buf->priv;
	int ret;

	if (drm_gem_is_prime_exported_dma_buf(drm, dma_buf)) {
		drm_gem_object_get(own);
		return own;
	}

	ret = import_check(to_xen_drm_display(drm), dma_buf);
	return ret ? ERR_PTR(ret) : import(drm, dma_buf);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_prime_import);

MODULE_IMPORT_NS("DMA_BUF");
