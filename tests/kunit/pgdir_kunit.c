// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The layout of page directories.
 */

#include <linux/slab.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front_pgdir.h"

/* As displif.h has it: a page of 4 KiB is a link and the references. */
#define GREFS_PER_DIR	1023
/* What a backend may have written there before. */
#define SCRIBBLE	0x5a

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

	KUNIT_EXPECT_EQ(test, XEN_DRM_GREFS_PER_DIR, GREFS_PER_DIR);
	KUNIT_EXPECT_EQ(test, xen_drm_pgdir_num_dirs(c->grefs), c->dirs);
}

/* Different for each page of the buffer. */
static grant_ref_t data_ref(unsigned int i)
{
	return 100000 + 3 * i;
}

/*
 * Fills a directory page by page, as a sharer does, and reads it as a backend
 * does: along the links, up to the number of references that it knows. Nothing is
 * left of what was there.
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
		memset(page, SCRIBBLE, XEN_PAGE_SIZE);

		xen_drm_pgdir_fill(page, link, grefs, count);

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

/* The backend finds no reference where it is to write its own. */
static void fill_for_backend(struct kunit *test)
{
	u32 *page = kunit_kmalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(page, SCRIBBLE, XEN_PAGE_SIZE);
	xen_drm_pgdir_fill(page, 42, NULL, GREFS_PER_DIR);

	KUNIT_EXPECT_EQ(test, page[0], 42);
	for (i = 1; i <= GREFS_PER_DIR; i++)
		KUNIT_ASSERT_EQ(test, page[i], 0);
}

static struct kunit_case pgdir_cases[] = {
	KUNIT_CASE_PARAM(num_dirs, num_dirs_gen_params),
	KUNIT_CASE_PARAM(fill, num_dirs_gen_params),
	KUNIT_CASE(fill_for_backend),
	{}
};

static struct kunit_suite pgdir_suite = {
	.name = "xen_drm_front_pgdir",
	.test_cases = pgdir_cases,
};

kunit_test_suite(pgdir_suite);
