// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the toolstack and the backend write into XenStore.
 */

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front_cfg.h"

struct resolution_case {
	const char *name;
	const char *text;
	int ret;
	u32 width;
	u32 height;
};

static const struct resolution_case resolution_cases[] = {
	{ "smallest", "1x1", 0, 1, 1 },
	{ "vga", "640x480", 0, 640, 480 },
	{ "full hd", "1920x1080", 0, 1920, 1080 },
	{ "uhd", "3840x2160", 0, 3840, 2160 },
	{ "8k", "7680x4320", 0, 7680, 4320 },
	{ "leading zeros", "0640x0480", 0, 640, 480 },
	{ "widest", "32767x1", 0, 32767, 1 },
	{ "highest", "1x32767", 0, 1, 32767 },
	{ "the largest of both", "32767x32767", 0, 32767, 32767 },

	{ "empty", "", -EINVAL },
	{ "only a separator", "x", -EINVAL },
	{ "no height", "1920", -EINVAL },
	{ "empty height", "1920x", -EINVAL },
	{ "empty width", "x1080", -EINVAL },
	{ "trailing junk", "1920x1080junk", -EINVAL },
	{ "trailing newline", "1920x1080\n", -EINVAL },
	{ "trailing space", "1920x1080 ", -EINVAL },
	{ "leading space", " 1920x1080", -EINVAL },
	{ "space inside", "1920 x 1080", -EINVAL },
	{ "plus", "+1x1", -EINVAL },
	{ "plus in height", "1x+1", -EINVAL },
	{ "minus", "-1x1", -EINVAL },
	{ "capital separator", "1920X1080", -EINVAL },
	{ "comma as separator", "1920,1080", -EINVAL },
	{ "three numbers", "1x2x3", -EINVAL },
	{ "two separators", "1xx3", -EINVAL },
	{ "hexadecimal", "0x10x10", -EINVAL },
	{ "fraction", "1.5x1", -EINVAL },
	{ "20 digits", "12345678901234567890x1", -EINVAL },
	{ "11 zeros", "00000000001x1", -EINVAL },

	{ "zero width", "0x1", -ERANGE },
	{ "zero height", "1x0", -ERANGE },
	{ "too wide", "32768x1", -ERANGE },
	{ "too high", "1x32768", -ERANGE },
	{ "largest u32", "4294967295x1", -ERANGE },
	{ "2^32, which wraps to 0", "4294967296x1", -ERANGE },
	{ "2^32 + 1, which wraps to 1", "4294967297x1", -ERANGE },
	{ "10 digits", "1x9999999999", -ERANGE },
};

KUNIT_ARRAY_PARAM_DESC(resolution, resolution_cases, name);

static void resolution(struct kunit *test)
{
	const struct resolution_case *c = test->param_value;
	u32 width = 4711, height = 4712;
	int ret;

	ret = xen_drm_cfg_parse_resolution(c->text, &width, &height);

	KUNIT_EXPECT_EQ(test, ret, c->ret);
	if (!c->ret) {
		KUNIT_EXPECT_EQ(test, width, c->width);
		KUNIT_EXPECT_EQ(test, height, c->height);
	} else {
		KUNIT_EXPECT_EQ_MSG(test, width, 4711, "written in spite of an error");
		KUNIT_EXPECT_EQ_MSG(test, height, 4712, "written in spite of an error");
	}
}

struct flag_case {
	const char *name;
	const char *text;
	bool set;
};

static const struct flag_case be_alloc_cases[] = {
	{ "1", "1", true },
	{ "missing", NULL, false },
	{ "empty", "", false },
	{ "0", "0", false },
	{ "2", "2", false },
	{ "yes", "yes", false },
	{ "01", "01", false },
	{ "1 with newline", "1\n", false },
	{ "11", "11", false },
	{ "-1", "-1", false },
};

KUNIT_ARRAY_PARAM_DESC(be_alloc, be_alloc_cases, name);

static void be_alloc(struct kunit *test)
{
	const struct flag_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, xen_drm_cfg_parse_be_alloc(c->text), c->set);
}

/* When in doubt not. */
static const struct flag_case trusted_cases[] = {
	{ "missing", NULL, true },
	{ "1", "1", true },
	{ "0", "0", false },
	{ "empty", "", false },
	{ "yes", "yes", false },
	{ "01", "01", false },
	{ "1 and a newline", "1\n", false },
	{ "-1", "-1", false },
};

KUNIT_ARRAY_PARAM_DESC(trusted, trusted_cases, name);

static void trusted(struct kunit *test)
{
	const struct flag_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, xen_drm_cfg_parse_trusted(c->text), c->set);
}

struct versions_case {
	const char *name;
	const char *list;
	int ret;
};

static const struct versions_case versions_cases[] = {
	{ "missing", NULL, 1 },
	{ "1", "1", 1 },
	{ "1,2", "1,2", 2 },
	{ "2", "2", 2 },
	{ "2,1", "2,1", 2 },
	{ "newer ones, too", "1,2,3,4", 2 },
	{ "newest first", "3,1", 1 },
	{ "only newer ones", "3", -EPROTONOSUPPORT },
	{ "empty", "", -EPROTONOSUPPORT },
	{ "only separators", ",,", -EPROTONOSUPPORT },
	{ "0", "0", -EPROTONOSUPPORT },
	{ "negative", "-1", -EPROTONOSUPPORT },
	{ "junk after a number", "1,,99999999999,x", 1 },
	{ "junk before a number", "x,,99999999999,2", 2 },
	{ "spaces", "1, 2", 1 },
	{ "2^32 + 2, which wraps to 2", "4294967298", -EPROTONOSUPPORT },
	{ "16th entry", ",,,,,,,,,,,,,,,2", 2 },
	{ "17th entry, not read", ",,,,,,,,,,,,,,,,2", -EPROTONOSUPPORT },
};

KUNIT_ARRAY_PARAM_DESC(versions, versions_cases, name);

static void versions(struct kunit *test)
{
	const struct versions_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, xen_drm_cfg_pick_version(c->list), c->ret);
}

/* XenStore carries at most 4096 bytes, but a backend may use them all. */
static void very_long_versions(struct kunit *test)
{
	char *list = kunit_kzalloc(test, 4097, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, list);

	memset(list, '1', 4096);
	KUNIT_EXPECT_EQ(test, xen_drm_cfg_pick_version(list), -EPROTONOSUPPORT);
	memset(list, ',', 4096);
	KUNIT_EXPECT_EQ(test, xen_drm_cfg_pick_version(list), -EPROTONOSUPPORT);
	list[0] = '1';
	KUNIT_EXPECT_EQ(test, xen_drm_cfg_pick_version(list), 1);
}

struct setting_case {
	const char *name;
	bool setting;
};

static const struct setting_case setting_cases[] = {
	{ "0/resolution", true },
	{ "31/unique-id", true },
	{ "be-alloc", true },
	{ "trusted", true },
	{ "1", true },
	{ "backend-id", true },
	{ "states", true },
	{ "stat", true },

	{ "", false },
	{ "0/", false },
	{ "state", false },
	{ "version", false },
	{ "0/req-ring-ref", false },
	{ "31/req-event-channel", false },
	{ "0/evt-ring-ref", false },
	{ "0/evt-event-channel", false },
};

KUNIT_ARRAY_PARAM_DESC(setting, setting_cases, name);

/* What the frontend writes itself does not make it read all anew. */
static void setting(struct kunit *test)
{
	const struct setting_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, xen_drm_cfg_is_setting(c->name), c->setting);
}

struct label_case {
	const char *name;
	const char *id;
	const char *label;
};

static const struct label_case label_cases[] = {
	{ "usual", "HDMI-A-1", "HDMI-A-1" },
	{ "punctuation", "head:0.left_2", "head:0.left_2" },
	{ "none", "", "" },
	{ "path", "../../irq", ".._.._irq" },
	{ "not ASCII", "a b\nc\x7f\xc3\xa4", "a_b_c___" },
	{ "slash behind the end", "12345678901234567890123/", "12345678901234567890123" },
	{ "long", "123456789012345678901234", "12345678901234567890123" },
};

KUNIT_ARRAY_PARAM_DESC(label, label_cases, name);

/* An interrupt has a directory of its name. */
static void label(struct kunit *test)
{
	const struct label_case *c = test->param_value;
	char label[XEN_DRM_LABEL_LEN];

	memset(label, 'x', sizeof(label));
	xen_drm_cfg_make_label(c->id, label);
	KUNIT_EXPECT_STREQ(test, label, c->label);
}

/* What may be right at the next try must not close the device for ever. */
static void wrong(struct kunit *test)
{
	static const int wrong[] = { -EINVAL, -ENODEV, -ENOENT, -EOPNOTSUPP,
				     -EPROTONOSUPPORT, -ERANGE };
	static const int other[] = { 0, -EACCES, -EAGAIN, -EBUSY, -EINTR, -EIO, -ENOMEM,
				     -ENOSPC, -ESHUTDOWN };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_TRUE_MSG(test, xen_drm_cfg_is_wrong(wrong[i]), "%d", wrong[i]);
	for (i = 0; i < ARRAY_SIZE(other); i++)
		KUNIT_EXPECT_FALSE_MSG(test, xen_drm_cfg_is_wrong(other[i]), "%d", other[i]);
}

static struct kunit_case cfg_cases[] = {
	KUNIT_CASE_PARAM(resolution, resolution_gen_params),
	KUNIT_CASE_PARAM(be_alloc, be_alloc_gen_params),
	KUNIT_CASE_PARAM(trusted, trusted_gen_params),
	KUNIT_CASE_PARAM(versions, versions_gen_params),
	KUNIT_CASE(very_long_versions),
	KUNIT_CASE_PARAM(setting, setting_gen_params),
	KUNIT_CASE_PARAM(label, label_gen_params),
	KUNIT_CASE(wrong),
	{}
};

static struct kunit_suite cfg_suite = {
	.name = "xen_drm_front_cfg",
	.test_cases = cfg_cases,
};

kunit_test_suite(cfg_suite);

MODULE_DESCRIPTION("KUnit tests of the Xen para-virtualised display frontend");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");
