// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Buffers of another driver: what is asked of the exporter, which memory is taken,
 * and for how long it is kept.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front_fb.h"
#include "../../xen_drm_front_gem.h"

#include "wire.h"

#define NUM_PAGES	5

/* struct exporter - the other driver */
struct exporter {
	struct kunit *test;
	struct dma_buf *dma_buf;
	void *memory;
	/* @at: bytes from the beginning of @memory to that of the buffer */
	size_t at;
	bool is_iomem;
	/* @attach_error, @begin_error: what is refused */
	int attach_error, begin_error;
	unsigned int attached, mapped, begins, begun, released;
};

static int exporter_attach(struct dma_buf *dma_buf, struct dma_buf_attachment *attach)
{
	struct exporter *exporter = dma_buf->priv;

	if (exporter->attach_error)
		return exporter->attach_error;
	exporter->attached++;
	return 0;
}

static void exporter_detach(struct dma_buf *dma_buf, struct dma_buf_attachment *attach)
{
	struct exporter *exporter = dma_buf->priv;

	KUNIT_EXPECT_EQ(exporter->test, exporter->mapped, 0);
	exporter->attached--;
}

/* The driver does no DMA. */
static struct sg_table *exporter_map(struct dma_buf_attachment *attach,
				     enum dma_data_direction direction)
{
	struct exporter *exporter = attach->dmabuf->priv;

	KUNIT_FAIL(exporter->test, "mapped for DMA");
	return ERR_PTR(-EIO);
}

static void exporter_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			   enum dma_data_direction direction)
{
}

static int exporter_vmap(struct dma_buf *dma_buf, struct iosys_map *map)
{
	struct exporter *exporter = dma_buf->priv;

	exporter->mapped++;
	if (exporter->is_iomem)
		iosys_map_set_vaddr_iomem(map, (void __iomem *)exporter->memory);
	else
		iosys_map_set_vaddr(map, exporter->memory + exporter->at);
	return 0;
}

static void exporter_vunmap(struct dma_buf *dma_buf, struct iosys_map *map)
{
	struct exporter *exporter = dma_buf->priv;

	exporter->mapped--;
}

static int exporter_begin(struct dma_buf *dma_buf, enum dma_data_direction direction)
{
	struct exporter *exporter = dma_buf->priv;

	KUNIT_EXPECT_EQ(exporter->test, direction, DMA_FROM_DEVICE);
	if (exporter->begin_error)
		return exporter->begin_error;
	exporter->begins++;
	exporter->begun++;
	return 0;
}

static int exporter_end(struct dma_buf *dma_buf, enum dma_data_direction direction)
{
	struct exporter *exporter = dma_buf->priv;

	KUNIT_EXPECT_EQ(exporter->test, direction, DMA_FROM_DEVICE);
	exporter->begun--;
	return 0;
}

static void exporter_release(struct dma_buf *dma_buf)
{
	struct exporter *exporter = dma_buf->priv;

	exporter->released++;
}

static const struct dma_buf_ops exporter_ops = {
	.attach = exporter_attach,
	.detach = exporter_detach,
	.map_dma_buf = exporter_map,
	.unmap_dma_buf = exporter_unmap,
	.vmap = exporter_vmap,
	.vunmap = exporter_vunmap,
	.begin_cpu_access = exporter_begin,
	.end_cpu_access = exporter_end,
	.release = exporter_release,
};

/* Some exporters have memory for DMA alone. */
static const struct dma_buf_ops exporter_ops_without_vmap = {
	.map_dma_buf = exporter_map,
	.unmap_dma_buf = exporter_unmap,
	.release = exporter_release,
};

static struct exporter *exporter_create(struct kunit *test, void *memory, size_t size,
					const struct dma_buf_ops *ops)
{
	struct exporter *exporter = kunit_kzalloc(test, sizeof(*exporter), GFP_KERNEL);
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	KUNIT_ASSERT_NOT_NULL(test, exporter);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	exporter->test = test;
	exporter->memory = memory;
	info.ops = ops;
	info.size = size;
	info.flags = O_RDWR;
	info.priv = exporter;
	exporter->dma_buf = dma_buf_export(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, exporter->dma_buf);
	return exporter;
}

/* Files are released in the background. */
static void exporter_put(struct exporter *exporter)
{
	dma_buf_put(exporter->dma_buf);
	flush_delayed_fput();
}

static int import_init(struct kunit *test)
{
	struct wire *wire = wire_create(test);

	wire->display->cfg.trusted = true;
	return 0;
}

static struct drm_gem_object *import(struct kunit *test, struct exporter *exporter)
{
	struct wire *wire = test->priv;

	return xen_drm_gem_prime_import(&wire->display->drm, exporter->dma_buf);
}

static void expect_refused(struct kunit *test, struct exporter *exporter, int error)
{
	KUNIT_EXPECT_PTR_EQ(test, (void *)import(test, exporter), ERR_PTR(error));
	KUNIT_EXPECT_EQ(test, exporter->attached, 0);
	KUNIT_EXPECT_EQ(test, exporter->mapped, 0);
	KUNIT_EXPECT_EQ(test, file_count(exporter->dma_buf->file), 1);
}

/* Its pages, in their order, without any mapping for DMA. */
static void pages_of_vmalloc(struct kunit *test)
{
	void *memory = vzalloc(NUM_PAGES * PAGE_SIZE);
	struct exporter *exporter = exporter_create(test, memory, NUM_PAGES * PAGE_SIZE,
						    &exporter_ops);
	struct drm_gem_object *obj = import(test, exporter);
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	KUNIT_EXPECT_EQ(test, exporter->attached, 1);
	KUNIT_EXPECT_EQ(test, exporter->mapped, 1);
	KUNIT_EXPECT_EQ(test, xen_drm_gem_get_pages(obj), 0);
	for (i = 0; i < NUM_PAGES; i++)
		KUNIT_EXPECT_PTR_EQ(test, to_xen_drm_gem(obj)->share.pages[i],
				    vmalloc_to_page(memory + i * PAGE_SIZE));

	drm_gem_object_put(obj);
	KUNIT_EXPECT_EQ(test, exporter->mapped, 0);
	KUNIT_EXPECT_EQ(test, exporter->attached, 0);
	exporter_put(exporter);
	vfree(memory);
}

static void pages_of_the_linear_map(struct kunit *test)
{
	void *memory = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);
	struct exporter *exporter = exporter_create(test, memory, 4 * PAGE_SIZE,
						    &exporter_ops);
	struct drm_gem_object *obj = import(test, exporter);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	KUNIT_EXPECT_PTR_EQ(test, to_xen_drm_gem(obj)->share.pages[3],
			    virt_to_page(memory + 3 * PAGE_SIZE));
	/* Pages behind the first have no count of their own, and need none. */
	KUNIT_EXPECT_PTR_EQ(test, to_xen_drm_gem(obj)->share.backing,
			    &to_xen_drm_gem(obj)->backing);
	drm_gem_object_put(obj);
	exporter_put(exporter);
	free_pages((unsigned long)memory, 2);
}

/* As long as the backend maps a page, the exporter keeps all of them. */
static void backend_keeps_pages(struct kunit *test)
{
	void *memory = vzalloc(NUM_PAGES * PAGE_SIZE);
	struct exporter *exporter = exporter_create(test, memory, NUM_PAGES * PAGE_SIZE,
						    &exporter_ops);
	struct drm_gem_object *obj = import(test, exporter);
	struct xen_drm_backing *backing;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	backing = to_xen_drm_gem(obj)->share.backing;
	kref_get(&backing->ref);
	drm_gem_object_put(obj);
	exporter_put(exporter);
	KUNIT_EXPECT_EQ(test, exporter->attached, 1);
	KUNIT_EXPECT_EQ(test, exporter->mapped, 1);
	KUNIT_EXPECT_EQ(test, exporter->released, 0);

	kref_put(&backing->ref, backing->release);
	flush_delayed_fput();
	KUNIT_EXPECT_EQ(test, exporter->attached, 0);
	KUNIT_EXPECT_EQ(test, exporter->mapped, 0);
	vfree(memory);
}

static void memory_that_cannot_be_granted(struct kunit *test)
{
	void *memory = vzalloc(NUM_PAGES * PAGE_SIZE);
	struct exporter *exporter = exporter_create(test, memory, (NUM_PAGES - 1) * PAGE_SIZE,
						    &exporter_ops);

	exporter->at = 64;
	expect_refused(test, exporter, -EINVAL);
	exporter->at = 0;
	exporter->is_iomem = true;
	expect_refused(test, exporter, -EINVAL);
	exporter->is_iomem = false;
	exporter->attach_error = -EBUSY;
	expect_refused(test, exporter, -EBUSY);
	exporter_put(exporter);

	exporter = exporter_create(test, memory, NUM_PAGES * PAGE_SIZE,
				   &exporter_ops_without_vmap);
	expect_refused(test, exporter, -EINVAL);
	exporter_put(exporter);

	exporter = exporter_create(test, memory, NUM_PAGES * PAGE_SIZE - 64, &exporter_ops);
	expect_refused(test, exporter, -EINVAL);
	exporter_put(exporter);
	vfree(memory);
}

static void configuration_forbids(struct kunit *test)
{
	void *memory = vzalloc(PAGE_SIZE);
	struct exporter *exporter = exporter_create(test, memory, PAGE_SIZE, &exporter_ops);
	struct wire *wire = test->priv;

	wire->display->cfg.trusted = false;
	expect_refused(test, exporter, -EPERM);
	wire->display->cfg.be_alloc = true;
	expect_refused(test, exporter, -EOPNOTSUPP);
	exporter_put(exporter);
	vfree(memory);
}

static void access_is_announced(struct kunit *test)
{
	void *memory = vzalloc(PAGE_SIZE);
	struct exporter *exporter = exporter_create(test, memory, PAGE_SIZE, &exporter_ops);
	struct drm_gem_object *obj = import(test, exporter);
	struct drm_framebuffer *fb = kunit_kzalloc(test, sizeof(*fb), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, obj);
	KUNIT_ASSERT_NOT_NULL(test, fb);
	fb->dev = obj->dev;
	fb->format = drm_format_info(DRM_FORMAT_XRGB8888);
	fb->obj[0] = obj;
	xen_drm_fb_sync(fb);
	KUNIT_EXPECT_EQ(test, exporter->begins, 1);
	KUNIT_EXPECT_EQ(test, exporter->begun, 0);
	exporter->begin_error = -EIO;
	xen_drm_fb_sync(fb);
	KUNIT_EXPECT_EQ(test, exporter->begins, 1);
	KUNIT_EXPECT_EQ(test, exporter->begun, 0);

	drm_gem_object_put(obj);
	exporter_put(exporter);
	vfree(memory);
}

static struct kunit_case import_cases[] = {
	KUNIT_CASE(pages_of_vmalloc),
	KUNIT_CASE(pages_of_the_linear_map),
	KUNIT_CASE(backend_keeps_pages),
	KUNIT_CASE(memory_that_cannot_be_granted),
	KUNIT_CASE(configuration_forbids),
	KUNIT_CASE(access_is_announced),
	{}
};

static struct kunit_suite import_suite = {
	.name = "xen_drm_front_gem_import",
	.init = import_init,
	.test_cases = import_cases,
};

kunit_test_suite(import_suite);

MODULE_IMPORT_NS("DMA_BUF");
