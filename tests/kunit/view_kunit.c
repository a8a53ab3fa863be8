// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Views: which offsets and pitches the protocol can express, and as what.
 */

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "wire.h"

static void expect_view(struct wire *wire, const struct wire_fb *fb, unsigned int index,
			u32 width, u32 height, u32 bpp)
{
	const struct xendispl_dbuf_create_req *created = wire_created(wire, index);

	KUNIT_EXPECT_EQ(wire->test, created->dbuf_cookie, fb->fb.view->cookie);
	KUNIT_EXPECT_EQ(wire->test, created->width, width);
	KUNIT_EXPECT_EQ(wire->test, created->height, height);
	KUNIT_EXPECT_EQ(wire->test, created->bpp, bpp);
	KUNIT_EXPECT_EQ(wire->test, created->buffer_sz, WIRE_SIZE);
	KUNIT_EXPECT_EQ(wire->test, created->flags, 0);
	KUNIT_EXPECT_EQ(wire->test, created->gref_directory, WIRE_DIRECTORY);
}

/* Other views of the same grants, none of which is ever changed. */
static void views(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *usual = wire_usual_fb(wire, buffer);
	struct wire_fb *narrow = wire_fb(wire, buffer, 640, 480, 2560, 32);
	struct wire_fb *short_pixels = wire_fb(wire, buffer, 1280, 720, 2560, 16);
	struct wire_fb *wide = wire_fb(wire, buffer, 1280, 700, WIRE_PITCH + 64, 32);
	struct wire_fb *again = wire_fb(wire, buffer, 320, 200, 2560, 32);

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, usual), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");
	KUNIT_ASSERT_EQ(test, wire_attach(wire, narrow), 0);
	wire_expect(wire, "CREATE, ATTACH");
	KUNIT_ASSERT_EQ(test, wire_attach(wire, short_pixels), 0);
	wire_expect(wire, "CREATE, ATTACH");
	KUNIT_ASSERT_EQ(test, wire_attach(wire, wide), 0);
	wire_expect(wire, "CREATE, ATTACH");
	KUNIT_ASSERT_EQ(test, wire_attach(wire, again), 0);
	wire_expect(wire, "ATTACH");

	expect_view(wire, usual, 0, 1280, 720, 32);
	expect_view(wire, narrow, 2, 640, 1440, 32);
	expect_view(wire, short_pixels, 4, 1280, 1440, 16);
	expect_view(wire, wide, 6, 1296, 711, 32);
	KUNIT_EXPECT_PTR_EQ(test, again->fb.view, narrow->fb.view);
	KUNIT_EXPECT_NE(test, narrow->fb.view->cookie, usual->fb.view->cookie);
	KUNIT_EXPECT_EQ(test, wire->num_dirs, 1);
}

static void offset_of_version_1(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_fb(wire, wire_buffer(wire, WIRE_SIZE), 640, 480, 2560, 32);

	fb->fb.offset = 4096;
	/* Nobody knows what the next backend will speak. */
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -EINVAL);

	wire_begin(wire);
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -EINVAL);
	wire_expect(wire, "");
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
}

static void offset_of_version_2(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_fb(wire, buffer, 1280, 719, WIRE_PITCH, 32);
	struct wire_fb *usual = wire_usual_fb(wire, buffer);

	wire_start(wire);
	KUNIT_ASSERT_EQ(test, wire_join(wire, WIRE_DOMID, 2), 0);
	fb->fb.offset = WIRE_PITCH;

	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, usual), 0);

	wire_expect(wire, "grant, CREATE, ATTACH, CREATE, ATTACH");
	expect_view(wire, fb, 0, 1280, 719, 32);
	KUNIT_EXPECT_EQ(test, wire_created(wire, 0)->data_ofs, WIRE_PITCH);
	KUNIT_EXPECT_EQ(test, wire->requests[3].req.op.fb_attach.dbuf_cookie,
			usual->fb.view->cookie);
	KUNIT_EXPECT_EQ(test, wire->requests[3].req.op.fb_attach.fb_cookie, usual->fb.cookie);

	/* One line more than there is behind the offset. */
	fb = wire_usual_fb(wire, buffer);
	fb->fb.offset = WIRE_PITCH;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -EINVAL);
	wire_expect(wire, "");
}

struct pitch_case {
	const char *name;
	u32 width;
	u32 height;
	u32 pitch;
	u32 bpp;
	/* Of the view, 0 if there is none. */
	u32 view_width;
};

static const struct pitch_case pitch_cases[] = {
	{ "32 bpp", 1280, 720, 5120, 32, 1280 },
	{ "32 bpp, a pixel more", 1280, 719, 5124, 32, 1281 },
	{ "32 bpp, half a pixel more", 1280, 719, 5122, 32, 0 },
	{ "32 bpp, a byte more", 1280, 719, 5121, 32, 0 },
	{ "24 bpp", 1280, 720, 3840, 24, 1280 },
	{ "24 bpp, a pixel and a third", 1280, 720, 3844, 24, 1281 },
	{ "24 bpp, a whole pixel, no whole word", 1280, 720, 3843, 24, 0 },
	{ "24 bpp, 1366 pixels", 1366, 768, 4100, 24, 1366 },
	{ "24 bpp, 1366 pixels, not filled up", 1366, 768, 4098, 24, 0 },
	{ "16 bpp", 1280, 720, 2560, 16, 1280 },
	{ "16 bpp, two pixels more", 1280, 720, 2564, 16, 1282 },
	{ "16 bpp, a pixel more", 1280, 720, 2562, 16, 0 },
	{ "one pixel", 1, 1, 4, 32, 1 },
	{ "all of the buffer in one line", 1280, 1, WIRE_SIZE, 32, WIRE_SIZE / 4 },
	{ "a line of more than the buffer", 1280, 1, WIRE_SIZE + 4, 32, 0 },
	{ "the longest line", 1280, 1, 0xfffffffc, 32, 0 },
	{ "pitch 0", 1, 1, 0, 32, 0 },
	{ "a line too many", 1280, 721, 5120, 32, 0 },
	{ "2^32 - 1 lines", 1280, U32_MAX, 5120, 32, 0 },
};

KUNIT_ARRAY_PARAM_DESC(pitch, pitch_cases, name);

static void pitches(struct kunit *test)
{
	const struct pitch_case *c = test->param_value;
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_fb(wire, wire_buffer(wire, WIRE_SIZE), c->width, c->height,
				     c->pitch, c->bpp);

	wire_begin(wire);
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), c->view_width ? 0 : -EINVAL);
	if (c->view_width) {
		wire_expect(wire, "grant, CREATE, ATTACH");
		expect_view(wire, fb, 0, c->view_width, WIRE_SIZE / c->pitch, c->bpp);
	} else {
		wire_expect(wire, "");
		KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
	}
}

static struct kunit_case view_cases[] = {
	KUNIT_CASE(views),
	KUNIT_CASE(offset_of_version_1),
	KUNIT_CASE(offset_of_version_2),
	KUNIT_CASE_PARAM(pitches, pitch_gen_params),
	{}
};

static struct kunit_suite view_suite = {
	.name = "xen_drm_front_view",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = view_cases,
};

kunit_test_suite(view_suite);
