// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * When buffers have pages, and who may have them.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/refcount.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
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

/* One that is never shown, mapped or exported may go to swap as it is: it is empty. */
static void pinned_when_shown(struct kunit *test)
{
	struct xen_drm_display *display = test->priv;
	struct drm_gem_object *obj;
	struct xen_drm_gem *gem;

	if (IS_ENABLED(CONFIG_DRM_XEN_FRONTEND_CMA))
		kunit_skip(test, "contiguous buffers have their memory at once");

	obj = xen_drm_gem_native_create(&display->drm, SIZE);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	gem = to_xen_drm_gem(obj);
	KUNIT_EXPECT_NULL(test, gem->share.pages);
	KUNIT_EXPECT_NULL(test, gem->shmem.pages);

	KUNIT_ASSERT_EQ(test, xen_drm_gem_get_pages(obj), 0);
	KUNIT_EXPECT_NOT_NULL(test, gem->share.pages);
	KUNIT_EXPECT_PTR_EQ(test, gem->share.pages, gem->shmem.pages);
	KUNIT_ASSERT_EQ(test, xen_drm_gem_get_pages(obj), 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&gem->shmem.pages_pin_count), 1);
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
	KUNIT_CASE(pinned_when_shown),
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
