// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: GEM objects, dumb buffers, PRIME and
 * mappings.
 */

#include "xen_drm_front_gem.h"

#include <linux/cleanup.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_file.h>
#include <drm/drm_mode.h>
#include <drm/drm_print.h>
#include <drm/drm_vma_manager.h>

#include <kunit/visibility.h>

#include "xen_drm_front.h"

/**
 * DOC: Buffers
 *
 * There are three kinds of GEM objects:
 *
 * - native: memory of the guest, single pages of the page allocator or, with
 *   CONFIG_DRM_XEN_FRONTEND_CMA, contiguous from the DMA allocator.
 * - imported: pages of a dma-buf of another driver of the guest, granted as
 *   they are; see xen_drm_front_gem_import.c.
 * - of the backend, when XenStore has be-alloc set: mapped from its grants.
 *
 * All are mapped cached, as the Xen ABI demands of shared memory. An object of single
 * pages gets them when it is mapped, exported or shown for the first time. A contiguous
 * or imported one gets them when it is made. All keep them until they are freed, so no
 * buffer is swapped. Freeing an object only releases its share; the release work of the
 * display frees the memory, after the backend has been told.
 *
 * A mapping of the backend's memory shows a dummy page at each address while the
 * backend is away. Clients may write to it, and all of them see that. It is zeroed
 * whenever the backend's pages come or go.
 */

/* Number of pages that a fault maps, since each fault costs a trip to the hypervisor. */
#define GEM_FAULT_AROUND	512UL

static unsigned long gem_num_pages(const struct drm_gem_object *obj)
{
	return obj->size / PAGE_SIZE;
}

/**
 * xen_drm_gem_alloc - allocate the structure of an object of any kind
 * @funcs: GEM callbacks of its kind
 * @ops: callbacks for its share
 * @size: size in bytes, a multiple of PAGE_SIZE, less than 4 GiB
 *
 * Returns: the object, with a GEM part that is not initialised yet; or -ENOMEM.
 */
struct xen_drm_gem *xen_drm_gem_alloc(const struct drm_gem_object_funcs *funcs,
				      const struct xen_drm_share_ops *ops, size_t size)
{
	struct xen_drm_gem *gem;

	gem = kzalloc_obj(*gem);
	if (!gem)
		return ERR_PTR(-ENOMEM);

	gem->base.funcs = funcs;
	mutex_init(&gem->get_pages_lock);
	xen_drm_share_init(&gem->share, ops, size);
	return gem;
}

/**
 * xen_drm_gem_init - initialise the GEM part of an object without a file
 * @drm: the DRM device
 * @gem: object of xen_drm_gem_alloc(), which the caller frees after an error
 *
 * Returns: 0 or -ENOMEM.
 */
int xen_drm_gem_init(struct drm_device *drm, struct xen_drm_gem *gem)
{
	int ret;

	drm_gem_private_object_init(drm, &gem->base, gem->share.size);
	/*
	 * The offset is needed before a client asks for it: a mapping by a dma-buf has
	 * it, too, and faults and gem_backend_moved() go by it.
	 */
	ret = drm_gem_create_mmap_offset(&gem->base);
	if (ret)
		drm_gem_object_release(&gem->base);
	return ret;
}

/**
 * xen_drm_gem_free - the GEM free callback of all kinds of objects
 * @obj: one of our objects, without references
 *
 * Context: may sleep, also under mmap_lock; does not wait for the backend. The
 * memory is freed when the share's released callback is called.
 */
void xen_drm_gem_free(struct drm_gem_object *obj)
{
	xen_drm_share_release(to_xen_drm_display(obj->dev), &to_xen_drm_gem(obj)->share);
}

/* ------------------------------------------------------------------------
 * Pages
 */

/**
 * xen_drm_gem_get_pages - set the pages of an object's share
 * @obj: one of our objects
 *
 * The pages stay until the object is freed. Those of the backend's buffers come and go
 * with the backend, and are left alone here.
 *
 * Context: may sleep, also under mmap_lock.
 *
 * Returns: 0 or -ENOMEM.
 */
int xen_drm_gem_get_pages(struct drm_gem_object *obj)
{
	struct xen_drm_gem *gem = to_xen_drm_gem(obj);

	if (gem->share.be_alloc)
		return 0;

	guard(mutex)(&gem->get_pages_lock);

	if (gem->share.pages)
		return 0;
	return xen_drm_gem_native_get_pages(gem);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_get_pages);

/**
 * xen_drm_gem_check_memory - check whether there is memory for a buffer
 * @drm: the DRM device
 * @size: size in bytes
 *
 * Allocators take page after page until there is none, and then the OOM killer kills
 * other tasks. An estimate is enough to refuse a buffer that is far too large. Swap does
 * not count, since buffers cannot go there.
 *
 * Returns: 0 or -ENOMEM.
 */
int xen_drm_gem_check_memory(struct drm_device *drm, size_t size)
{
	long available = si_mem_available();

	if (available > 0 && PFN_UP(size) <= available)
		return 0;

	drm_dbg_kms(drm, "buffer of %zu pages, expected up to %ld, which are free\n",
		    PFN_UP(size), available);
	return -ENOMEM;
}

/* ------------------------------------------------------------------------
 * Mappings
 */

static vm_fault_t gem_insert_page(struct vm_area_struct *vma, unsigned long address,
				  struct page *page)
{
	if (vma->vm_flags & VM_MIXEDMAP)
		return vmf_insert_page(vma, address, page);
	return vmf_insert_pfn(vma, address, page_to_pfn(page));
}

/*
 * Pages fault that mmap() has not mapped, or that have been unmapped since. The backend's
 * are unmapped when they come or go, and all are when the device is unplugged.
 */
static vm_fault_t xen_drm_gem_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_gem_object *obj = vma->vm_private_data;
	struct xen_drm_gem *gem = to_xen_drm_gem(obj);
	unsigned long first = vmf->pgoff - drm_vma_node_start(&obj->vma_node);
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long i, count;
	struct page **pages;

	if (first >= gem_num_pages(obj))
		return VM_FAULT_SIGBUS;
	count = min3((vma->vm_end - vmf->address) >> PAGE_SHIFT,
		     gem_num_pages(obj) - first, GEM_FAULT_AROUND);

	/* share_set_pages() changes the pages under this lock, then unmaps the old ones. */
	guard(rwsem_read)(&gem->share.pages_lock);

	pages = gem->share.pages;
	for (i = 0; i < count; i++) {
		ret = gem_insert_page(vma, vmf->address + i * PAGE_SIZE,
				      pages ? pages[first + i] : gem->dummy_page);
		if (ret != VM_FAULT_NOPAGE)
			break;
	}
	/* The first page is the one that the task needs now. */
	return i ? VM_FAULT_NOPAGE : ret;
}

const struct vm_operations_struct xen_drm_gem_vm_ops = {
	.fault = xen_drm_gem_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

/**
 * xen_drm_gem_mmap - the GEM mmap callback of all kinds of objects
 * @obj: one of our objects
 * @vma: mapping, of which nothing is mapped yet
 *
 * A native object is mapped at once, since clients draw to all of it. The backend's
 * pages come and go, so faults map them. They have no struct page for mm, so
 * that they cannot be pinned.
 *
 * Context: mmap_lock is held for writing.
 *
 * Returns: 0; -EINVAL for a range outside of the object, or for a private mapping that
 * may be written (a private copy would never be shown); or an error of
 * xen_drm_gem_get_pages().
 */
int xen_drm_gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	unsigned long first = vma->vm_pgoff - drm_vma_node_start(&obj->vma_node);
	struct xen_drm_gem *gem = to_xen_drm_gem(obj);
	int ret;

	if (first >= gem_num_pages(obj) || vma_pages(vma) > gem_num_pages(obj) - first)
		return -EINVAL;
	if (vma_is_cow_mapping(vma))
		return -EINVAL;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	if (gem->share.be_alloc) {
		vm_flags_set(vma, VM_PFNMAP);
		return 0;
	}

	ret = xen_drm_gem_get_pages(obj);
	if (ret)
		return ret;
	return xen_drm_gem_native_map(gem, vma, first);
}

/* ------------------------------------------------------------------------
 * Dumb buffers
 */

/* Only the limits of buffers are checked; views and framebuffers have limits of their own. */
static int gem_dumb_geometry(struct drm_device *drm, struct drm_mode_create_dumb *args,
			     bool be_alloc)
{
	u64 size;

	switch (args->bpp) {
	case 8:
	case 16:
	case 24:
	case 32:
		break;
	default:
		drm_dbg_kms(drm, "dumb buffer with %u bpp, expected 8, 16, 24 or 32\n",
			    args->bpp);
		return -EINVAL;
	}

	/* The pitch is 0 if it has more than 32 bits. */
	args->pitch = xen_drm_share_stride(args->width, args->bpp);
	size = PAGE_ALIGN((u64)args->pitch * args->height);
	if (!size || size > U32_MAX) {
		drm_dbg_kms(drm, "dumb buffer %ux%u, %u bpp: expected 1 to %u bytes\n",
			    args->width, args->height, args->bpp, U32_MAX);
		return -EINVAL;
	}
	if (!xen_drm_share_fits(size, be_alloc)) {
		drm_dbg_kms(drm, "dumb buffer of %llu bytes does not fit into the grant table\n",
			    size);
		return -ENOSPC;
	}

	args->size = size;
	return 0;
}

static struct drm_gem_object *gem_dumb_backend(struct drm_device *drm,
					       const struct drm_mode_create_dumb *args)
{
	struct drm_gem_object *obj;
	int ret;

	obj = xen_drm_gem_backend_create(drm, args->size);
	if (IS_ERR(obj))
		return obj;

	ret = xen_drm_share_allocate(to_xen_drm_display(drm), &to_xen_drm_gem(obj)->share,
				     args->width, args->height, args->bpp);
	if (ret) {
		drm_gem_object_put(obj);
		return ERR_PTR(ret);
	}
	return obj;
}

/**
 * xen_drm_gem_create - make a buffer for pictures
 * @drm: the DRM device
 * @args: width, height and bits per pixel; filled with the pitch and the size in bytes
 * @be_alloc: whether the backend allocates it
 *
 * Context: may sleep; waits for the backend if it allocates the buffer.
 *
 * Returns: the object; -EINVAL for a size that the protocol cannot express; -ENOSPC for
 * one that needs more grants than displays may take; -ENOMEM for one that needs more memory
 * than is free; or an error of xen_drm_share_allocate().
 */
struct drm_gem_object *xen_drm_gem_create(struct drm_device *drm,
					  struct drm_mode_create_dumb *args, bool be_alloc)
{
	struct xen_drm_display *display = to_xen_drm_display(drm);
	int ret;

	ret = gem_dumb_geometry(drm, args, be_alloc);
	if (ret)
		return ERR_PTR(ret);
	/* This may wait for memory to be released, so it comes before the check. */
	xen_drm_share_room(display);
	if (be_alloc)
		return gem_dumb_backend(drm, args);

	ret = xen_drm_gem_check_memory(drm, args->size);
	return ret ? ERR_PTR(ret) : xen_drm_gem_native_create(drm, args->size);
}

/**
 * xen_drm_gem_dumb_create - the dumb buffer callback of the DRM driver
 * @file: the client
 * @drm: the DRM device
 * @args: arguments of CREATE_DUMB
 *
 * The kernel's own clients, which have no file in user space, draw by mappings that must
 * outlive a connection. So their buffers are native ones, which a shadow shows where the
 * backend allocates all others.
 *
 * Context: may sleep; waits for the backend if it allocates the buffer.
 *
 * Returns: 0, or an error as xen_drm_gem_create().
 */
int xen_drm_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
			    struct drm_mode_create_dumb *args)
{
	bool be_alloc = to_xen_drm_display(drm)->cfg.be_alloc && file->filp;
	struct drm_gem_object *obj = xen_drm_gem_create(drm, args, be_alloc);
	int ret;

	if (IS_ERR(obj))
		return PTR_ERR(obj);

	ret = drm_gem_handle_create(file, obj, &args->handle);
	drm_gem_object_put(obj);
	return ret;
}
