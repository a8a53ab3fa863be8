// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: memory of the buffers.
 */

#include <linux/dma-buf.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/swap.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_dma_helper.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_mode.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>

#include "xen_drm_front.h"

/**
 * DOC: Buffers
 *
 * There are four kinds of GEM objects:
 *
 * - native: memory of the guest, from shmem or, with
 *   CONFIG_DRM_XEN_FRONTEND_CMA, contiguous from the DMA allocator. The DRM
 *   helper for either allocates and frees it.
 * - imported: pages of a dma-buf of another driver of the guest, granted as
 *   they are.
 * - of the backend, when XenStore has be-alloc set: mapped from its grants.
 *
 * All are mapped cached, as the Xen ABI demands of shared memory. The pages of a
 * native buffer are pinned when it is created, those of an imported one listed
 * when it is first shown, and stay so.
 * Mappings outlive the backend: what belongs to it is replaced by a page of
 * zeroes, all the rest stays as it is.
 */

/* A fault maps that many pages, since each one costs a trip to the hypervisor. */
#define GEM_FAULT_AROUND	512UL

/** struct xen_drm_front_gem - a GEM object of any kind */
struct xen_drm_front_gem {
	/** @native: base class, of which only the GEM object is used by other kinds */
#if IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)
	struct drm_gem_dma_object native;
#else
	struct drm_gem_shmem_object native;
#endif
	/** @dbuf: the buffer on the wire */
	struct xen_drm_front_dbuf dbuf;
	/** @pages_lock: protects the first setting of @dbuf.pages */
	struct mutex pages_lock;
	/** @sgt: of an imported object */
	struct sg_table *sgt;
	/** @stand_in: shown in mappings when the backend's pages are gone */
	struct page *stand_in;
	/** @block: what keeps a contiguous object while the backend maps pages of it */
	struct xen_drm_front_block block;
};

/* The helpers free the native object, and with it all of ours. */
static_assert(offsetof(struct xen_drm_front_gem, native) == 0);

static struct xen_drm_front_gem *to_xen_gem(struct drm_gem_object *obj)
{
	return container_of(obj, struct xen_drm_front_gem, native.base);
}

/**
 * xen_drm_front_gem_to_dbuf - the buffer of a GEM object
 * @obj: one of our objects
 *
 * Returns: the buffer, which lives as long as @obj.
 */
struct xen_drm_front_dbuf *xen_drm_front_gem_to_dbuf(struct drm_gem_object *obj)
{
	return &to_xen_gem(obj)->dbuf;
}

static unsigned int gem_num_pages(const struct drm_gem_object *obj)
{
	return obj->size / PAGE_SIZE;
}

/* ------------------------------------------------------------------------
 * Pages
 */

/*
 * A grant exposes its page whole, and may outlive the buffer by a reference to
 * the page. So there must be one, it must be all the buffer's, and count
 * references.
 */
static bool gem_page_can_be_granted(struct page *page)
{
	return page && pfn_valid(page_to_pfn(page)) &&
	       !is_zone_device_page(page) && page_count(page);
}

static int gem_check_sgt(struct sg_table *sgt, size_t size)
{
	struct sg_page_iter iter;
	struct scatterlist *sg;
	size_t total = 0;
	unsigned int i;

	for_each_sgtable_sg(sgt, sg, i) {
		if (!sg_page(sg) || !PAGE_ALIGNED(sg->offset) ||
		    !PAGE_ALIGNED(sg->length))
			return -EINVAL;
		total += sg->length;
	}
	if (total < size)
		return -EINVAL;

	for_each_sgtable_page(sgt, &iter, 0)
		if (!gem_page_can_be_granted(sg_page_iter_page(&iter)))
			return -EINVAL;
	return 0;
}

static int gem_pages_from_sgt(struct xen_drm_front_gem *gem, struct sg_table *sgt)
{
	unsigned int num_pages = gem_num_pages(&gem->native.base), i = 0;
	struct sg_page_iter iter;
	struct page **pages;

	pages = kvmalloc_array(num_pages, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;

	for_each_sgtable_page(sgt, &iter, 0) {
		if (i == num_pages)
			break;
		pages[i++] = sg_page_iter_page(&iter);
	}
	gem->dbuf.pages = pages;
	return 0;
}

#if IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)

static int gem_native_get_pages(struct xen_drm_front_gem *gem)
{
	struct sg_table *sgt;
	int ret;

	sgt = drm_gem_dma_get_sg_table(&gem->native);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	ret = gem_pages_from_sgt(gem, sgt);
	sg_free_table(sgt);
	kfree(sgt);
	return ret;
}

static void gem_native_put_pages(struct xen_drm_front_gem *gem)
{
	kvfree(gem->dbuf.pages);
}

#else

static int gem_native_get_pages(struct xen_drm_front_gem *gem)
{
	int ret = drm_gem_shmem_pin(&gem->native);

	if (!ret)
		gem->dbuf.pages = gem->native.pages;
	return ret;
}

static void gem_native_put_pages(struct xen_drm_front_gem *gem)
{
	if (gem->dbuf.pages)
		drm_gem_shmem_unpin(&gem->native);
}

#endif

/**
 * xen_drm_front_gem_get_pages - have an object's pages at hand
 * @obj: one of our objects
 *
 * The buffer's pages are set afterwards, and stay so until the object is freed
 * or, if they are the backend's, gone with it.
 *
 * Returns: 0, -ENOMEM, -ENODEV when the backend's pages are gone, or -EINTR.
 */
int xen_drm_front_gem_get_pages(struct drm_gem_object *obj)
{
	struct xen_drm_front_gem *gem = to_xen_gem(obj);

	guard(mutex)(&gem->pages_lock);

	if (gem->dbuf.pages)
		return 0;
	if (gem->dbuf.be_alloc)
		return -ENODEV;
	return gem->sgt ? gem_pages_from_sgt(gem, gem->sgt) :
			  gem_native_get_pages(gem);
}

/* ------------------------------------------------------------------------
 * Mappings
 */

/** struct gem_insertion - what gem_insert_page() works on */
struct gem_insertion {
	/** @vma: mapping */
	struct vm_area_struct *vma;
	/** @next: page to be inserted next */
	struct page **next;
};

static int gem_insert_page(pte_t *pte, unsigned long address, void *data)
{
	struct gem_insertion *insertion = data;
	unsigned long pfn = page_to_pfn(*insertion->next++);
	struct vm_area_struct *vma = insertion->vma;

	if (pte_none(ptep_get(pte)))
		set_pte_at(vma->vm_mm, address, pte,
			   pte_mkspecial(pfn_pte(pfn, vma->vm_page_prot)));
	return 0;
}

/*
 * Inserted one by one, each entry would cost a walk of the page tables and a PV
 * guest a hypercall. The core's walk of a range collects them.
 */
static vm_fault_t gem_insert_pages(struct vm_area_struct *vma, unsigned long address,
				   struct page **pages, unsigned long count)
{
	struct gem_insertion insertion = {
		.vma = vma,
		.next = pages,
	};

	if (apply_to_page_range(vma->vm_mm, address, count * PAGE_SIZE,
				gem_insert_page, &insertion))
		return VM_FAULT_OOM;
	return VM_FAULT_NOPAGE;
}

static vm_fault_t gem_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_gem_object *obj = vma->vm_private_data;
	struct xen_drm_front_gem *gem = to_xen_gem(obj);
	unsigned long first = vmf->pgoff - drm_vma_node_start(&obj->vma_node);
	unsigned long count;
	vm_fault_t ret;
	int idx;

	if (first >= gem_num_pages(obj))
		return VM_FAULT_SIGBUS;
	count = min3((vma->vm_end - vmf->address) >> PAGE_SHIFT,
		     gem_num_pages(obj) - first, GEM_FAULT_AROUND);

	if (!gem->dbuf.be_alloc)
		return gem_insert_pages(vma, vmf->address, gem->dbuf.pages + first,
					count);

	if (!drm_dev_enter(obj->dev, &idx))
		return gem_insert_pages(vma, vmf->address, &gem->stand_in, 1);
	ret = gem_insert_pages(vma, vmf->address, gem->dbuf.pages + first, count);
	drm_dev_exit(idx);
	return ret;
}

static const struct vm_operations_struct gem_vm_ops = {
	.fault = gem_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};

static int gem_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct xen_drm_front_gem *gem = to_xen_gem(obj);
	unsigned long first = vma->vm_pgoff - drm_vma_node_start(&obj->vma_node);
	unsigned long count = vma_pages(vma);
	int ret;

	if (first >= gem_num_pages(obj) || count > gem_num_pages(obj) - first)
		return -EINVAL;
	/* A private copy of what is on the screen is of no use to anybody. */
	if (vma_is_cow_mapping(vma))
		return -EINVAL;

	ret = xen_drm_front_gem_get_pages(obj);
	if (ret)
		return ret;

	/* No struct page for the core, so nobody can pin the backend's pages. */
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);

	/*
	 * All of a buffer is drawn to. What cannot be mapped now is tried again
	 * by a fault; the backend's pages are, as they may go at any time.
	 */
	if (!gem->dbuf.be_alloc)
		gem_insert_pages(vma, vma->vm_start, gem->dbuf.pages + first, count);
	return 0;
}

/* ------------------------------------------------------------------------
 * Native objects
 */

static void gem_native_release(struct xen_drm_front_gem *gem)
{
	gem_native_put_pages(gem);
#if IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)
	drm_gem_dma_free(&gem->native);
#else
	drm_gem_shmem_free(&gem->native);
#endif
}

static void gem_block_release(struct kref *ref)
{
	struct xen_drm_front_gem *gem =
		container_of(ref, struct xen_drm_front_gem, block.ref);
	struct drm_device *drm = gem->native.base.dev;

	gem_native_release(gem);
	drm_dev_put(drm);
	module_put(THIS_MODULE);
}

static void gem_native_free(struct drm_gem_object *obj)
{
	struct xen_drm_front_gem *gem = to_xen_gem(obj);

	xen_drm_front_dbuf_destroy(to_xen_drm_front_display(obj->dev), &gem->dbuf);

	/* With held pages its memory outlives the object, the file and the bus device. */
	drm_dev_get(obj->dev);
	__module_get(THIS_MODULE);
	kref_put(&gem->block.ref, gem_block_release);
}

static const struct drm_gem_object_funcs gem_native_funcs = {
	.free = gem_native_free,
	.mmap = gem_mmap,
	.vm_ops = &gem_vm_ops,
#if IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)
	.print_info = drm_gem_dma_object_print_info,
	.get_sg_table = drm_gem_dma_object_get_sg_table,
	.vmap = drm_gem_dma_object_vmap,
#else
	.print_info = drm_gem_shmem_object_print_info,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
#endif
};

static struct xen_drm_front_gem *gem_alloc(const struct drm_gem_object_funcs *funcs,
					   size_t size)
{
	struct xen_drm_front_gem *gem;

	gem = kzalloc_obj(*gem);
	if (!gem)
		return ERR_PTR(-ENOMEM);

	gem->native.base.funcs = funcs;
	mutex_init(&gem->pages_lock);
	gem->dbuf.size = size;
	INIT_LIST_HEAD(&gem->dbuf.node);
	kref_init(&gem->block.ref);
	gem->block.release = gem_block_release;
	return gem;
}

/**
 * xen_drm_front_gem_create_object - allocate a native object for the DRM helper
 * @drm: the DRM device
 * @size: bytes, a multiple of PAGE_SIZE
 *
 * Returns: the object, or an error pointer.
 */
struct drm_gem_object *
xen_drm_front_gem_create_object(struct drm_device *drm, size_t size)
{
	struct xen_drm_front_gem *gem = gem_alloc(&gem_native_funcs, size);

	if (IS_ERR(gem))
		return ERR_CAST(gem);
#if IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)
	/* What the helper calls so is memory that is mapped cached. */
	gem->native.map_noncoherent = true;
	gem->dbuf.block = &gem->block;
#endif
	return &gem->native.base;
}

static struct drm_gem_object *gem_create_native(struct drm_device *drm, size_t size)
{
#if IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA)
	struct drm_gem_dma_object *native = drm_gem_dma_create(drm, size);
#else
	struct drm_gem_shmem_object *native = drm_gem_shmem_create(drm, size);
#endif

	return IS_ERR(native) ? ERR_CAST(native) : &native->base;
}

/* ------------------------------------------------------------------------
 * Objects of the backend
 */

static void gem_foreign_free(struct drm_gem_object *obj)
{
	struct xen_drm_front_gem *gem = to_xen_gem(obj);

	xen_drm_front_dbuf_destroy(to_xen_drm_front_display(obj->dev), &gem->dbuf);
	drm_gem_object_release(obj);
	__free_page(gem->stand_in);
	kfree(gem);
}

static struct dma_buf *gem_foreign_export(struct drm_gem_object *obj, int flags)
{
	return ERR_PTR(-EOPNOTSUPP);
}

static const struct drm_gem_object_funcs gem_foreign_funcs = {
	.free = gem_foreign_free,
	.export = gem_foreign_export,
	.mmap = gem_mmap,
	.vm_ops = &gem_vm_ops,
};

/* Without the buffer itself, which the caller describes and creates. */
static struct drm_gem_object *gem_create_foreign(struct drm_device *drm, size_t size)
{
	struct xen_drm_front_gem *gem = gem_alloc(&gem_foreign_funcs, size);

	if (IS_ERR(gem))
		return ERR_CAST(gem);

	gem->dbuf.be_alloc = true;
	gem->stand_in = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!gem->stand_in) {
		kfree(gem);
		return ERR_PTR(-ENOMEM);
	}
	drm_gem_private_object_init(drm, &gem->native.base, size);
	return &gem->native.base;
}

/* ------------------------------------------------------------------------
 * Dumb buffers
 */

static int gem_dumb_geometry(struct drm_device *drm,
			     struct drm_mode_create_dumb *args)
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

	/* More could not be shown; it also keeps what follows from overflowing. */
	if (args->width > XEN_DRM_FRONT_MAX_DIM || args->height > XEN_DRM_FRONT_MAX_DIM) {
		drm_dbg_kms(drm, "dumb buffer of %ux%u pixels, expected up to %u each way\n",
			    args->width, args->height, XEN_DRM_FRONT_MAX_DIM);
		return -EINVAL;
	}

	args->pitch = xen_drm_front_stride(args->width, args->bpp);
	size = PAGE_ALIGN((u64)args->pitch * args->height);
	if (!size || size > U32_MAX) {
		drm_dbg_kms(drm, "dumb buffer %ux%u, %u bpp: %llu bytes, expected 1 to %u\n",
			    args->width, args->height, args->bpp, size, U32_MAX);
		return -EINVAL;
	}
	if (!xen_drm_front_pgdir_fits(size)) {
		drm_dbg_kms(drm, "dumb buffer of %llu bytes does not fit into the grant table\n",
			    size);
		return -ENOSPC;
	}

	args->size = size;
	return 0;
}

/*
 * The helpers take page after page until there is none; by then, the OOM killer
 * comes for whoever else needs one. An estimate is enough to refuse what cannot
 * be had.
 */
static int gem_check_memory(struct drm_device *drm, size_t size)
{
	unsigned long available = max(si_mem_available(), 0) + get_nr_swap_pages();

	if (PFN_UP(size) <= available)
		return 0;

	drm_dbg_kms(drm, "dumb buffer of %zu pages, expected up to %lu, which are free\n",
		    PFN_UP(size), available);
	return -ENOMEM;
}

/**
 * xen_drm_front_gem_dumb_create - the dumb buffer callback of the DRM driver
 * @file: the client
 * @drm: the DRM device
 * @args: from and for user space
 *
 * Returns: 0; -EINVAL for a size that the wire cannot express; -ENOSPC for one
 * that the grant table cannot hold; -ENOMEM for one that memory cannot; or what the
 * backend answered when it allocates.
 */
int xen_drm_front_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
				  struct drm_mode_create_dumb *args)
{
	struct xen_drm_front_display *display = to_xen_drm_front_display(drm);
	bool be_alloc = display->cfg.be_alloc;
	struct xen_drm_front_dbuf *dbuf;
	struct drm_gem_object *obj;
	int ret;

	ret = gem_dumb_geometry(drm, args);
	if (!ret && !be_alloc)
		ret = gem_check_memory(drm, args->size);
	if (ret)
		return ret;

	obj = be_alloc ? gem_create_foreign(drm, args->size) :
			 gem_create_native(drm, args->size);
	if (IS_ERR(obj))
		return PTR_ERR(obj);

	dbuf = xen_drm_front_gem_to_dbuf(obj);
	dbuf->width = args->width;
	dbuf->height = args->height;
	dbuf->bpp = args->bpp;
	/* What is missing is better known now than when the client draws. */
	ret = be_alloc ? xen_drm_front_dbuf_create(display, dbuf) :
			 xen_drm_front_gem_get_pages(obj);
	if (!ret)
		ret = drm_gem_handle_create(file, obj, &args->handle);

	drm_gem_object_put(obj);
	return ret;
}

/* ------------------------------------------------------------------------
 * Imported objects
 */

static void gem_imported_free(struct drm_gem_object *obj)
{
	struct xen_drm_front_gem *gem = to_xen_gem(obj);

	xen_drm_front_dbuf_destroy(to_xen_drm_front_display(obj->dev), &gem->dbuf);
	kvfree(gem->dbuf.pages);
	drm_prime_gem_destroy(obj, gem->sgt);
	drm_gem_object_release(obj);
	kfree(gem);
}

static const struct drm_gem_object_funcs gem_imported_funcs = {
	.free = gem_imported_free,
};

/**
 * xen_drm_front_gem_prime_import - the PRIME import callback of the DRM driver
 * @drm: the DRM device
 * @dma_buf: what to import
 *
 * Returns: an object; -EOPNOTSUPP when buffers are the backend's; or as
 * xen_drm_front_gem_prime_import_sg_table().
 */
struct drm_gem_object *xen_drm_front_gem_prime_import(struct drm_device *drm,
						      struct dma_buf *dma_buf)
{
	if (to_xen_drm_front_display(drm)->cfg.be_alloc) {
		drm_dbg_prime(drm, "be-alloc is set: the backend allocates all buffers\n");
		return ERR_PTR(-EOPNOTSUPP);
	}
	return drm_gem_prime_import(drm, dma_buf);
}

/**
 * xen_drm_front_gem_prime_import_sg_table - make an object of a dma-buf's pages
 * @drm: the DRM device
 * @attach: our attachment
 * @sgt: the pages; on success the object's
 *
 * Only for buffers of other drivers: one of our own is found by the core.
 *
 * Returns: an object; -EPERM when the backend is not trusted with memory that
 * others manage; -EINVAL when the memory cannot be granted page by page:
 * there are no pages, they are not the buffer's as a whole, or not counted; or
 * -ENOMEM.
 */
struct drm_gem_object *
xen_drm_front_gem_prime_import_sg_table(struct drm_device *drm,
					struct dma_buf_attachment *attach,
					struct sg_table *sgt)
{
	size_t size = attach->dmabuf->size;
	struct xen_drm_front_gem *gem;

	if (!to_xen_drm_front_display(drm)->cfg.trusted) {
		drm_dbg_prime(drm, "the backend is not trusted with a buffer of %s\n",
			      attach->dmabuf->exp_name);
		return ERR_PTR(-EPERM);
	}
	if (!size || !PAGE_ALIGNED(size) || size > U32_MAX ||
	    gem_check_sgt(sgt, size)) {
		drm_dbg_prime(drm, "%zu bytes of %s cannot be granted page by page\n",
			      size, attach->dmabuf->exp_name);
		return ERR_PTR(-EINVAL);
	}

	gem = gem_alloc(&gem_imported_funcs, size);
	if (IS_ERR(gem))
		return ERR_CAST(gem);

	gem->sgt = sgt;
	drm_gem_private_object_init(drm, &gem->native.base, size);
	return &gem->native.base;
}
