// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: buffers of single pages of system memory.
 */

#include "xen_drm_front_gem.h"

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <drm/drm_prime.h>

#include <kunit/visibility.h>

/**
 * DOC: System memory
 *
 * The backend keeps all pages of a buffer mapped, so they can neither be moved nor
 * swapped. Pages from shmem would only have that forbidden one by one, after they have
 * been put into a page cache. So pages come from the page allocator. Each has a count of
 * its own, so one that the backend still maps outlives its buffer.
 */

/* A client gets -ENOMEM before the OOM killer chooses another task. */
#define SYSTEM_GFP	(GFP_HIGHUSER | __GFP_ZERO | __GFP_ACCOUNT | __GFP_NOWARN | \
			 __GFP_RETRY_MAYFAIL)
/* Number of pages after which another task may run. */
#define SYSTEM_BATCH	128UL

/* drm_fbdev_shmem casts each object to a drm_gem_shmem_object and reads its pages. */
static_assert(offsetof(struct xen_drm_gem, shmem) == 0);
static_assert(offsetof(struct drm_gem_shmem_object, base) == 0);

static void system_free_pages(struct page **pages, unsigned long count)
{
	unsigned long i;

	for (i = 0; i < count; i += SYSTEM_BATCH) {
		release_pages(pages + i, min(count - i, SYSTEM_BATCH));
		cond_resched();
	}
	kvfree(pages);
}

static struct page **system_alloc_pages(unsigned long count)
{
	unsigned long done, more;
	struct page **pages;

	pages = kvcalloc(count, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;

	for (done = 0; done < count; done += more) {
		more = alloc_pages_bulk(SYSTEM_GFP, min(count - done, SYSTEM_BATCH),
					pages + done);
		if (!more) {
			system_free_pages(pages, done);
			return NULL;
		}
		cond_resched();
	}
	return pages;
}

static void gem_system_released(struct xen_drm_share *share)
{
	struct xen_drm_gem *gem = container_of(share, struct xen_drm_gem, share);

	drm_gem_object_release(&gem->base);
	if (share->pages)
		system_free_pages(share->pages, xen_drm_share_num_pages(share));
	kfree(gem);
}

static const struct xen_drm_share_ops gem_system_share_ops = {
	.released = gem_system_released,
};

static struct sg_table *gem_system_get_sg_table(struct drm_gem_object *obj)
{
	struct xen_drm_share *share = &to_xen_drm_gem(obj)->share;
	int ret;

	ret = xen_drm_gem_get_pages(obj);
	if (ret)
		return ERR_PTR(ret);
	return drm_prime_pages_to_sg(obj->dev, share->pages, xen_drm_share_num_pages(share));
}

static int gem_system_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	struct xen_drm_share *share = &to_xen_drm_gem(obj)->share;
	void *vaddr;
	int ret;

	ret = xen_drm_gem_get_pages(obj);
	if (ret)
		return ret;
	vaddr = vmap(share->pages, xen_drm_share_num_pages(share), VM_MAP, PAGE_KERNEL);
	if (!vaddr)
		return -ENOMEM;
	iosys_map_set_vaddr(map, vaddr);
	return 0;
}

static void gem_system_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	vunmap(map->vaddr);
}

static const struct drm_gem_object_funcs gem_system_funcs = {
	.free = xen_drm_gem_free,
	.get_sg_table = gem_system_get_sg_table,
	.vmap = gem_system_vmap,
	.vunmap = gem_system_vunmap,
	.mmap = xen_drm_gem_mmap,
	.vm_ops = &xen_drm_gem_vm_ops,
};

/**
 * xen_drm_gem_native_create_object - allocate an object that is not initialised yet
 * @drm: the DRM device
 * @size: bytes, a multiple of PAGE_SIZE
 *
 * Returns: the object, or an error pointer.
 */
struct drm_gem_object *xen_drm_gem_native_create_object(struct drm_device *drm, size_t size)
{
	struct xen_drm_gem *gem;

	gem = xen_drm_gem_alloc(&gem_system_funcs, &gem_system_share_ops, size);
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
	struct drm_gem_object *obj = xen_drm_gem_native_create_object(drm, size);
	int ret;

	if (IS_ERR(obj))
		return obj;
	ret = xen_drm_gem_init(drm, to_xen_drm_gem(obj));
	if (ret) {
		kfree(to_xen_drm_gem(obj));
		return ERR_PTR(ret);
	}
	return obj;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_gem_native_create);

/**
 * xen_drm_gem_native_get_pages - allocate an object's pages
 * @gem: an object of xen_drm_gem_native_create()
 *
 * Context: &xen_drm_gem.get_pages_lock is held. May sleep.
 *
 * Returns: 0 or -ENOMEM.
 */
int xen_drm_gem_native_get_pages(struct xen_drm_gem *gem)
{
	int ret;

	lockdep_assert_held(&gem->get_pages_lock);

	ret = xen_drm_gem_check_memory(gem->base.dev, gem->base.size);
	if (ret)
		return ret;
	gem->shmem.pages = system_alloc_pages(xen_drm_share_num_pages(&gem->share));
	if (!gem->shmem.pages)
		return -ENOMEM;
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
