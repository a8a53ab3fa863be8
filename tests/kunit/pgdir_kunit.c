// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The layout of page directories, and the stride that goes with a buffer.
 */

#include <linux/slab.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front.h"

/* As displif.h has it: a page of 4 KiB is a link and the references. */
#define GREFS_PER_DIR	1023

struct num_dirs_case {
	unsigned int grefs;
	unsigned int dirs;
};

static const struct num_dirs_case num_dirs_cases[] = {
	{ 1, 1 },
	{ 2, 1 },
	{ 1022, 1 },
	{ 1023, 1 },
	{ 1024, 2 },
	{ 1025, 2 },
	{ 2046, 2 },
	{ 2047, 3 },
	{ 8100, 8 },
	{ 65471, 64 },
	{ 65472, 64 },
	{ 65473, 65 },
	{ 65535, 65 },
	{ 65536, 65 },
	{ 65537, 65 },
	{ 1048576, 1026 },
};

static void num_dirs_desc(const struct num_dirs_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u references", c->grefs);
}

KUNIT_ARRAY_PARAM(num_dirs, num_dirs_cases, num_dirs_desc);

static void num_dirs(struct kunit *test)
{
	const struct num_dirs_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, XEN_DRM_FRONT_GREFS_PER_DIR, GREFS_PER_DIR);
	KUNIT_EXPECT_EQ(test, xen_drm_front_pgdir_num_dirs(c->grefs), c->dirs);
}

/* Different for each page of the buffer. */
static grant_ref_t data_ref(unsigned int i)
{
	return 100000 + 3 * i;
}

/*
 * Fills a directory page by page, as a sharer does, and reads it as a backend
 * does: along the links, up to the number of references that it knows.
 */
static void fill(struct kunit *test)
{
	const struct num_dirs_case *c = test->param_value;
	unsigned int dir, i, count, seen = 0;
	grant_ref_t *grefs, link;
	u32 *page;

	page = kunit_kmalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
	grefs = kunit_kmalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_NOT_NULL(test, grefs);

	for (dir = 0; dir < c->dirs; dir++) {
		count = min_t(unsigned int, c->grefs - seen, GREFS_PER_DIR);
		for (i = 0; i < count; i++)
			grefs[i] = data_ref(seen + i);
		link = dir + 1 < c->dirs ? 7 + dir : INVALID_GRANT_REF;
		memset(page, 0, XEN_PAGE_SIZE);

		xen_drm_front_pgdir_fill(page, link, grefs, count);

		KUNIT_ASSERT_EQ_MSG(test, page[0], dir + 1 < c->dirs ? link : 0,
				    "link of directory page %u", dir);
		for (i = 0; i < count; i++)
			KUNIT_ASSERT_EQ(test, page[1 + i], data_ref(seen + i));
		for (; i < GREFS_PER_DIR; i++)
			KUNIT_ASSERT_EQ_MSG(test, page[1 + i], 0, "behind the last");
		seen += count;
	}
	KUNIT_EXPECT_EQ(test, seen, c->grefs);
}

/* The backend's share of its own directory is left alone. */
static void fill_for_backend(struct kunit *test)
{
	u32 *page = kunit_kzalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	xen_drm_front_pgdir_fill(page, 42, NULL, GREFS_PER_DIR);

	KUNIT_EXPECT_EQ(test, page[0], 42);
	for (i = 1; i <= GREFS_PER_DIR; i++)
		KUNIT_ASSERT_EQ(test, page[i], 0);
}

struct stride_case {
	const char *name;
	u32 width;
	u32 bpp;
	u32 stride;
};

static const struct stride_case stride_cases[] = {
	{ "1 at 8 bpp", 1, 8, 4 },
	{ "4 at 8 bpp", 4, 8, 4 },
	{ "5 at 8 bpp", 5, 8, 8 },
	{ "1 at 16 bpp", 1, 16, 4 },
	{ "2 at 16 bpp", 2, 16, 4 },
	{ "3 at 16 bpp", 3, 16, 8 },
	{ "1366 at 16 bpp", 1366, 16, 2732 },
	{ "1367 at 16 bpp", 1367, 16, 2736 },
	{ "1 at 24 bpp", 1, 24, 4 },
	{ "2 at 24 bpp", 2, 24, 8 },
	{ "3 at 24 bpp", 3, 24, 12 },
	{ "4 at 24 bpp", 4, 24, 12 },
	{ "1366 at 24 bpp", 1366, 24, 4100 },
	{ "1 at 32 bpp", 1, 32, 4 },
	{ "1920 at 32 bpp", 1920, 32, 7680 },
	{ "1921 at 32 bpp", 1921, 32, 7684 },
	{ "none", 0, 32, 0 },
	{ "largest that fits", 0x3fffffff, 32, 0xfffffffc },
	{ "4 GiB", 0x40000000, 32, 0 },
	{ "product of 37 bits", 0xffffffff, 32, 0 },
	{ "product that wraps to 32 bits", 0x08000001, 32, 0x20000004 },
};

KUNIT_ARRAY_PARAM_DESC(stride, stride_cases, name);

static void stride(struct kunit *test)
{
	const struct stride_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, xen_drm_front_stride(c->width, c->bpp), c->stride);
}

static struct kunit_case pgdir_cases[] = {
	KUNIT_CASE_PARAM(num_dirs, num_dirs_gen_params),
	KUNIT_CASE_PARAM(fill, num_dirs_gen_params),
	KUNIT_CASE(fill_for_backend),
	KUNIT_CASE_PARAM(stride, stride_gen_params),
	{}
};

static struct kunit_suite pgdir_suite = {
	.name = "xen_drm_front_pgdir",
	.test_cases = pgdir_cases,
};

kunit_test_suite(pgdir_suite);
