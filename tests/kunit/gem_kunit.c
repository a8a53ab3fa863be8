// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * When buffers have pages, and who may have them.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_prime.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front_gem.h"

#include "wire.h"

#define SIZE	(3 * PAGE_SIZE)

DEFINE_DRM_GEM_FOPS(gem_fops);

static const struct drm_driver gem_driver = {
	.driver_features = DRIVER_GEM,
	.fops = &gem_fops,
	.name = "xendrm-gem",
	.desc = "buffers without Xen",
	.major = 1,
	.gem_create_object = xen_drm_gem_native_create_object,
	.gem_prime_import = xen_drm_gem_prime_import,
};

static int gem_init(struct kunit *test)
{
	test->priv = wire_create_display(test, &gem_driver);
	return 0;
}

static struct drm_gem_object *create_native(struct kunit *test)
{
	struct xen_drm_display *display = test->priv;
	struct drm_gem_object *obj;

	if (IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA))
		kunit_skip(test, "contiguous buffers have their memory at once");

	obj = xen_drm_gem_native_create(&display->drm, SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	return obj;
}

/* One that is never shown, mapped or exported costs no memory. */
static void pages_when_shown(struct kunit *test)
{
	struct drm_gem_object *obj = create_native(test);
	struct xen_drm_gem *gem = to_xen_drm_gem(obj);
	struct page **pages;

	KUNIT_EXPECT_NULL(test, gem->share.pages);

	KUNIT_ASSERT_EQ(test, xen_drm_gem_get_pages(obj), 0);
	pages = gem->share.pages;
	KUNIT_EXPECT_NOT_NULL(test, pages);
	/* That is where the console's helper looks for them. */
	KUNIT_EXPECT_PTR_EQ(test, to_drm_gem_shmem_obj(obj)->pages, pages);

	KUNIT_ASSERT_EQ(test, xen_drm_gem_get_pages(obj), 0);
	KUNIT_EXPECT_PTR_EQ(test, gem->share.pages, pages);
	drm_gem_object_put(obj);
}

/* The deferred table takes such a reference of a page that the backend still maps. */
static void pages_are_given_back(struct kunit *test)
{
	struct drm_gem_object *obj = create_native(test);
	struct page *pages[SIZE / PAGE_SIZE];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, xen_drm_gem_get_pages(obj), 0);
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		pages[i] = to_xen_drm_gem(obj)->share.pages[i];
		get_page(pages[i]);
		KUNIT_EXPECT_EQ(test, page_ref_count(pages[i]), 2);
	}
	drm_gem_object_put(obj);

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		KUNIT_EXPECT_EQ(test, page_ref_count(pages[i]), 1);
		put_page(pages[i]);
	}
}

static void pages_are_zeroed(struct kunit *test)
{
	unsigned int times, i, used = 0;
	struct drm_gem_object *obj;
	struct iosys_map map;

	/* The allocator hands out the pages first that it was given last. */
	for (times = 0; times < 2; times++) {
		obj = create_native(test);
		KUNIT_ASSERT_EQ(test, drm_gem_vmap(obj, &map), 0);
		for (i = 0; i < SIZE / sizeof(u64); i++)
			used += !!((u64 *)map.vaddr)[i];
		memset(map.vaddr, 0xff, SIZE);
		drm_gem_vunmap(obj, &map);
		drm_gem_object_put(obj);
	}
	KUNIT_EXPECT_EQ(test, used, 0);
}

/* An exporter is asked before the buffer has been shown. */
static void table_has_all_pages(struct kunit *test)
{
	struct drm_gem_object *obj = create_native(test);
	struct sg_table *table = obj->funcs->get_sg_table(obj);
	struct sg_page_iter iter;
	unsigned int i = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, table);
	for_each_sgtable_page(table, &iter, 0)
		KUNIT_EXPECT_PTR_EQ(test, sg_page_iter_page(&iter),
				    to_xen_drm_gem(obj)->share.pages[i++]);
	KUNIT_EXPECT_EQ(test, i, SIZE / PAGE_SIZE);
	sg_free_table(table);
	kfree(table);
	drm_gem_object_put(obj);
}

/* Returns the dma-buf, which keeps the object until it is put. */
static struct dma_buf *export_and_import(struct kunit *test, struct xen_drm_display *display,
					 struct drm_gem_object *obj)
{
	struct dma_buf *dma_buf = drm_gem_prime_export(obj, O_RDWR);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dma_buf);
	KUNIT_EXPECT_PTR_EQ(test, xen_drm_gem_prime_import(&display->drm, dma_buf), obj);
	drm_gem_object_put(obj);
	return dma_buf;
}

static void put_both(struct dma_buf *dma_buf, struct drm_gem_object *obj)
{
	dma_buf_put(dma_buf);
	flush_delayed_fput();
	drm_gem_object_put(obj);
}

/* A compositor exports all of its buffers, and imports them where it shows them. */
static void backends_buffer_comes_back(struct kunit *test)
{
	struct xen_drm_display *display = test->priv;
	struct drm_gem_object *obj;
	struct dma_buf *dma_buf;

	display->cfg.be_alloc = true;
	obj = xen_drm_gem_backend_create(&display->drm, SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	dma_buf = export_and_import(test, display, obj);
	/* Its pages come and go, so nobody else may have them. */
	KUNIT_EXPECT_TRUE(test, IS_ERR(dma_buf_attach(dma_buf, display->drm.dev)));
	put_both(dma_buf, obj);
}

/* Also while the backend must not see what others have. */
static void own_buffer_comes_back(struct kunit *test)
{
	struct xen_drm_display *display = test->priv;
	struct drm_gem_object *obj;

	obj = xen_drm_gem_native_create(&display->drm, SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	put_both(export_and_import(test, display, obj), obj);
}

static struct kunit_case gem_cases[] = {
	KUNIT_CASE(pages_when_shown),
	KUNIT_CASE(pages_are_given_back),
	KUNIT_CASE(pages_are_zeroed),
	KUNIT_CASE(table_has_all_pages),
	KUNIT_CASE(backends_buffer_comes_back),
	KUNIT_CASE(own_buffer_comes_back),
	{}
};

static struct kunit_suite gem_suite = {
	.name = "xen_drm_front_gem",
	.init = gem_init,
	.test_cases = gem_cases,
};

kunit_test_suite(gem_suite);
