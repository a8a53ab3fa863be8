// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Which EDIDs are valid, and what they prefer.
 */

#include <drm/drm_edid.h>
#include <drm/drm_modes.h>

#include <kunit/test.h>

#include "../../xen_drm_front_edid.h"

#include "monitor.h"

/* --- what is valid ---------------------------------------------------------- */

static void valid(struct kunit *test)
{
	u8 edid[MONITOR_MAX_SIZE] = { };

	monitor_make_edid(edid, &monitor_hd, NULL);
	KUNIT_EXPECT_TRUE(test, xen_drm_edid_is_valid(edid, EDID_LENGTH));
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, 0));
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, 2 * EDID_LENGTH));

	edid[20]++;
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, EDID_LENGTH));
	edid[20]--;
	memset(edid, 0, 8);
	monitor_put_checksum(edid);
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, EDID_LENGTH));
}

/* With one extension, whatever the first block says. */
static void make_extended(u8 edid[MONITOR_MAX_SIZE], u8 num_extensions)
{
	monitor_make_edid(edid, &monitor_hd, NULL);
	edid[MONITOR_EXTENSIONS] = num_extensions;
	monitor_put_checksum(edid);
	monitor_make_extension(edid + EDID_LENGTH, 1);
}

static void valid_extensions(struct kunit *test)
{
	u8 edid[MONITOR_MAX_SIZE] = { };

	make_extended(edid, 1);
	KUNIT_EXPECT_TRUE(test, xen_drm_edid_is_valid(edid, 2 * EDID_LENGTH));
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, EDID_LENGTH));
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, 3 * EDID_LENGTH));

	/* DRM forgives one of CTA-861 a wrong checksum, and no other kind. */
	edid[EDID_LENGTH] = 0x70;
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, 2 * EDID_LENGTH));
}

/* DRM finds it valid, and warns when it is used. */
static void extensions_that_are_denied(struct kunit *test)
{
	u8 edid[MONITOR_MAX_SIZE] = { };

	make_extended(edid, 5);
	KUNIT_EXPECT_FALSE(test, xen_drm_edid_is_valid(edid, 2 * EDID_LENGTH));
}

/* --- what is preferred ------------------------------------------------------ */

static const struct preferred_case {
	const char *name;
	struct monitor_timing timing;
	bool taken;
} preferred_cases[] = {
	{ "720p", { 7425, 1280, 370, 720, 30, 0x1e }, true },
	{ "largest", { 65535, 4095, 4095, 4095, 4095, 0x1e }, true },
	{ "smallest", { 1, 64, 0, 64, 0, 0x1e }, true },
	{ "narrow", { 1, 63, 0, 64, 0, 0x1e }, false },
	{ "low", { 1, 64, 0, 63, 0, 0x1e }, false },
	{ "no timing", { 0, 1280, 370, 720, 30, 0x1e }, false },
	{ "interlaced", { 7425, 1920, 280, 540, 22, 0x9e }, false },
	{ "stereo", { 7425, 1280, 370, 720, 30, 0x3e }, false },
};

KUNIT_ARRAY_PARAM_DESC(preferred, preferred_cases, name);

static void preferred(struct kunit *test)
{
	const struct preferred_case *c = test->param_value;
	struct xen_drm_edid *edid = kunit_kzalloc(test, struct_size(edid, data, EDID_LENGTH),
						  GFP_KERNEL);
	struct drm_display_mode mode;

	KUNIT_ASSERT_NOT_NULL(test, edid);
	edid->size = EDID_LENGTH;
	monitor_make_edid(edid->data, &c->timing, NULL);

	KUNIT_EXPECT_EQ(test, xen_drm_edid_preferred(edid, &mode), c->taken);
	KUNIT_EXPECT_EQ(test, mode.clock, c->timing.clock * 10);
	KUNIT_EXPECT_EQ(test, mode.hdisplay, c->timing.width);
	KUNIT_EXPECT_EQ(test, mode.htotal, c->timing.width + c->timing.hblank);
	KUNIT_EXPECT_EQ(test, mode.vdisplay, c->timing.height);
	KUNIT_EXPECT_EQ(test, mode.vtotal, c->timing.height + c->timing.vblank);
}

static struct kunit_case edid_cases[] = {
	KUNIT_CASE(valid),
	KUNIT_CASE(valid_extensions),
	KUNIT_CASE(extensions_that_are_denied),
	KUNIT_CASE_PARAM(preferred, preferred_gen_params),
	{}
};

static struct kunit_suite edid_suite = {
	.name = "xen_drm_front_edid",
	.test_cases = edid_cases,
};

kunit_test_suite(edid_suite);
