// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What debugfs tells of buffers and framebuffers.
 */

#include <linux/seq_file.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "../../xen_drm_front_debugfs.h"

#include "wire.h"

static int debugfs_init(struct kunit *test)
{
	wire_create(test);
	return 0;
}

static void expect_text(struct wire *wire, const char *expected)
{
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(wire->test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(wire->test, m.buf);
	KUNIT_EXPECT_EQ(wire->test, xen_drm_debugfs_show_buffers(wire->display, &m), 0);
	KUNIT_EXPECT_STREQ(wire->test, m.buf, expected);
}

__printf(2, 3)
static const char *text(struct wire *wire, const char *fmt, ...)
{
	char *to = kunit_kzalloc(wire->test, PAGE_SIZE, GFP_KERNEL);
	va_list args;

	KUNIT_ASSERT_NOT_NULL(wire->test, to);
	va_start(args, fmt);
	vsnprintf(to, PAGE_SIZE, fmt, args);
	va_end(args);
	return to;
}

/* Without a connection nothing is granted, and nobody has been told. */
static void nobody_is_there(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));

	expect_text(wire, "");
	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	expect_text(wire, text(wire, "framebuffer %llu: dbuf=%llu 1280x720 told=no format=XR24 little-endian (0x34325258)\n",
			       fb->fb.cookie, fb->fb.view->cookie));
}

static void buffers_of_the_guest(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);
	struct wire_fb *half = wire_fb(wire, buffer, WIRE_WIDTH, WIRE_HEIGHT, WIRE_PITCH / 2, 16);

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	wire->refuse = XENDISPL_OP_FB_ATTACH;
	wire->status = -EINVAL;
	KUNIT_ASSERT_EQ(test, wire_attach(wire, half), -EINVAL);
	expect_text(wire, text(wire,
			       "buffer: of=guest pages=900 shared=yes domain=7\n"
			       "\tdbuf %llu: 1280x720 bpp=32 offset=0 told=yes\n"
			       "\tdbuf %llu: 1280x1440 bpp=16 offset=0 told=yes\n"
			       "framebuffer %llu: dbuf=%llu 1280x720 told=yes format=XR24 little-endian (0x34325258)\n",
			       fb->fb.view->cookie, half->fb.view->cookie, fb->fb.cookie,
			       fb->fb.view->cookie));
}

/* It stays on the list, and its pages go with the connection. */
static void buffer_of_the_backend(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_backend_buffer(wire);
	struct xen_drm_view *view;

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, xen_drm_share_allocate(wire->display, &buffer->share, WIRE_WIDTH,
						     WIRE_HEIGHT, 32), 0);
	view = list_first_entry(&buffer->share.views, struct xen_drm_view, node);
	expect_text(wire, text(wire,
			       "buffer: of=backend pages=900 shared=yes domain=7\n"
			       "\tdbuf %llu: 1280x720 bpp=32 offset=0 told=yes\n", view->cookie));

	xen_drm_share_leave(wire->display, false);
	expect_text(wire, text(wire,
			       "buffer: of=backend pages=900 shared=no domain=7\n"
			       "\tdbuf %llu: 1280x720 bpp=32 offset=0 told=no\n", view->cookie));
}

static struct kunit_case debugfs_cases[] = {
	KUNIT_CASE(nobody_is_there),
	KUNIT_CASE(buffers_of_the_guest),
	KUNIT_CASE(buffer_of_the_backend),
	{}
};

static struct kunit_suite debugfs_suite = {
	.name = "xen_drm_front_debugfs",
	.init = debugfs_init,
	.test_cases = debugfs_cases,
};

kunit_test_suite(debugfs_suite);
