// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Buffers that the backend allocates. Their pages come and go with it.
 */

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "wire.h"

static const u8 allocate_image[LOOPBACK_REQ_SIZE] = {
	0, 0, 0x10, 0, 0, 0, 0, 0,
	/* dbuf_cookie */
	0, 0, 0, 0, 0, 0, 0, 0,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* bpp 32, buffer_sz 3686400 */
	0x20, 0, 0, 0, 0x00, 0x40, 0x38, 0x00,
	/* flags REQ_ALLOC, gref_directory */
	1, 0, 0, 0, 0x21, 0x43, 0x65, 0x87,
	/* data_ofs 0 */
};

static int allocate(struct wire *wire, struct wire_buffer *buffer)
{
	return xen_drm_share_allocate(wire->display, &buffer->share, WIRE_WIDTH, WIRE_HEIGHT,
				      32);
}

static struct wire_buffer *allocated_buffer(struct wire *wire)
{
	struct wire_buffer *buffer = wire_backend_buffer(wire);

	KUNIT_ASSERT_EQ(wire->test, allocate(wire, buffer), 0);
	return buffer;
}

static const struct xen_drm_view *only_view(const struct wire_buffer *buffer)
{
	return list_first_entry(&buffer->share.views, struct xen_drm_view, node);
}

static void allocate_buffer(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer;
	u64 cookie;

	wire_begin(wire);
	buffer = allocated_buffer(wire);

	wire_expect(wire, "prepare, CREATE, map, moved-in");
	cookie = only_view(buffer)->cookie;
	wire_expect_bytes(wire, 0, allocate_image, cookie, 0);
	KUNIT_EXPECT_NOT_NULL(test, buffer->share.pages);
	KUNIT_EXPECT_EQ(test, wire->domid, WIRE_DOMID);
	KUNIT_EXPECT_EQ(test, wire->granted, 900);

	/* The backend can free its pages only when nobody maps them. */
	xen_drm_share_release(wire->display, &buffer->share);
	wire_release(wire);
	wire_expect(wire, "moved-out, unmap, DESTROY, free, buffer");
	KUNIT_EXPECT_EQ(test, wire->requests[1].req.op.dbuf_destroy.dbuf_cookie, cookie);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
}

struct geometry_case {
	const char *name;
	u32 width;
	u32 height;
	u32 pitch;
	u32 bpp;
	u32 offset;
	int ret;
};

static const struct geometry_case geometry_cases[] = {
	{ "the same", WIRE_WIDTH, WIRE_HEIGHT, WIRE_PITCH, 32, 0, 0 },
	{ "smaller", 640, 480, WIRE_PITCH, 32, 0, 0 },
	{ "another depth", WIRE_WIDTH, WIRE_HEIGHT, WIRE_PITCH, 16, 0, -EINVAL },
	{ "half the pixels in each line", 2560, WIRE_HEIGHT, WIRE_PITCH, 16, 0, -EINVAL },
	{ "other pitch", 640, 480, 2560, 32, 0, -EINVAL },
	{ "offset", 640, 480, WIRE_PITCH, 32, WIRE_PITCH, -EINVAL },
	{ "wider", WIRE_WIDTH + 1, WIRE_HEIGHT, WIRE_PITCH, 32, 0, -EINVAL },
	{ "higher", WIRE_WIDTH, WIRE_HEIGHT + 1, WIRE_PITCH, 32, 0, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(geometry, geometry_cases, name);

/* The backend has laid it out, so there is one view. */
static void framebuffer_of_a_backends_buffer(struct kunit *test)
{
	const struct geometry_case *c = test->param_value;
	struct wire *wire = test->priv;
	struct wire_buffer *buffer;
	struct wire_fb *fb;

	wire_start(wire);
	KUNIT_ASSERT_EQ(test, wire_join(wire, WIRE_DOMID, 2), 0);
	buffer = allocated_buffer(wire);
	wire_expect(wire, "prepare, CREATE, map, moved-in");
	fb = wire_fb(wire, buffer, c->width, c->height, c->pitch, c->bpp);
	fb->fb.offset = c->offset;

	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), c->ret);
	wire_expect(wire, c->ret ? "" : "ATTACH");
}

/* Nothing of the guest's memory is granted where the backend allocates all buffers. */
static void framebuffer_of_the_console(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));

	wire->display->cfg.be_alloc = true;
	wire_begin(wire);
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -EINVAL);
	wire_expect(wire, "");
}

static void allocation_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_backend_buffer(wire);

	wire_begin(wire);
	wire->refuse = XENDISPL_OP_DBUF_CREATE;
	wire->status = -ENOMEM;

	KUNIT_EXPECT_EQ(test, allocate(wire, buffer), -ENOMEM);
	wire_expect(wire, "prepare, CREATE");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);

	xen_drm_share_release(wire->display, &buffer->share);
	wire_release(wire);
	wire_expect(wire, "free, buffer");
}

static void allocation_without_grants(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_backend_buffer(wire);

	wire_begin(wire);
	wire->grant_error = -ENOSPC;
	wire->grant_errors = 1;

	KUNIT_EXPECT_EQ(test, allocate(wire, buffer), -ENOSPC);
	wire_expect(wire, "prepare");
	xen_drm_share_release(wire->display, &buffer->share);
	wire_release(wire);
	wire_expect(wire, "buffer");
}

/* Pages that cannot be mapped are of no use to us. */
static void allocation_cannot_be_mapped(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_backend_buffer(wire);

	wire_begin(wire);
	wire->map_error = -EIO;

	KUNIT_EXPECT_EQ(test, allocate(wire, buffer), -EIO);
	wire_expect(wire, "prepare, CREATE, map");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);

	xen_drm_share_release(wire->display, &buffer->share);
	wire_release(wire);
	wire_expect(wire, "DESTROY, free, buffer");
}

/* A buffer that was asked for in a silence, and that the backend has answered. */
static struct wire_buffer *answered_late(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_backend_buffer(wire);

	wire_begin(wire);
	wire->hold = 3;
	KUNIT_EXPECT_EQ(test, allocate(wire, buffer), 0);
	wire_expect(wire, "prepare, CREATE");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);

	/* The backend may have answered something else. */
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), 0);
	wire_expect(wire, "");

	/* The next request makes it answer, and the work then asks for a replay. */
	wire->hold = 1;
	loopback_post(wire->lb);
	wire_settle(wire);
	loopback_handle_replies(wire->lb);
	KUNIT_EXPECT_EQ(test, atomic_read(&wire->lb->num_answers), 1);
	wire_expect(wire, "DESTROY");
	return buffer;
}

static void allocation_is_not_answered(struct kunit *test)
{
	struct wire_buffer *buffer = answered_late(test);
	struct wire *wire = test->priv;

	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), 0);
	wire_expect(wire, "map, moved-in");
	KUNIT_EXPECT_NOT_NULL(test, buffer->share.pages);
	loopback_expect_sound(wire->lb);
}

/* The backend says that it has made the buffer, but its directory is not filled. */
static void allocation_is_not_there(struct kunit *test)
{
	struct wire_buffer *buffer = answered_late(test);
	struct wire *wire = test->priv;

	wire->map_error = -EINVAL;
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), -EINVAL);
	wire_expect(wire, "map, refill, DESTROY, CREATE, map, DESTROY");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);
	loopback_expect_sound(wire->lb);
}

/* Clients see nothing in it until there is somebody who allocates it. */
static void allocate_without_a_backend(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = allocated_buffer(wire);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);

	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);

	wire_begin(wire);
	wire_expect(wire, "prepare, CREATE, map, moved-in, ATTACH");
	KUNIT_EXPECT_NOT_NULL(test, buffer->share.pages);
	wire_expect_told(wire, fb);
}

/* Its pages go with the backend, its cookies stay. */
static void backend_comes_back(struct kunit *test)
{
	const bool forget = *(const bool *)test->param_value;
	struct wire *wire = test->priv;
	struct wire_buffer *buffer;
	struct wire_fb *fb;
	u64 cookie;

	wire_begin(wire);
	buffer = allocated_buffer(wire);
	fb = wire_usual_fb(wire, buffer);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "prepare, CREATE, map, moved-in, ATTACH");
	cookie = only_view(buffer)->cookie;

	xen_drm_share_leave(wire->display, forget);
	wire_expect(wire, forget ? "moved-out, forget, free" : "moved-out, unmap, free");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect(wire, "prepare, CREATE, map, moved-in, ATTACH");
	KUNIT_EXPECT_NOT_NULL(test, buffer->share.pages);
	KUNIT_EXPECT_EQ(test, wire_created(wire, 2)->dbuf_cookie, cookie);
	KUNIT_EXPECT_EQ(test, wire_created(wire, 2)->gref_directory, WIRE_DIRECTORY + 1);
	wire_expect_told(wire, fb);
}

static const bool forget_cases[] = { false, true };

static void forget_desc(const bool *forget, char *desc)
{
	strscpy(desc, *forget ? "restored" : "same guest", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(forget, forget_cases, forget_desc);

/* The pages are gone before clients run again; the work gives up the rest later. */
static void resumed(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer;

	wire_begin(wire);
	buffer = allocated_buffer(wire);
	wire_expect(wire, "prepare, CREATE, map, moved-in");

	xen_drm_share_hide(wire->display);
	wire_expect(wire, "moved-out, forget");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);
	xen_drm_share_leave(wire->display, true);
	wire_expect(wire, "free");
}

/* In one round trip, and mapped when all of them are there. */
static void join_allocates_all(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *first = allocated_buffer(wire);
	struct wire_buffer *second = allocated_buffer(wire);

	wire_start(wire);
	wire->hold = 2;
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect(wire, "prepare, prepare, CREATE, CREATE, map, moved-in, map, moved-in");
	KUNIT_EXPECT_NOT_NULL(test, first->share.pages);
	KUNIT_EXPECT_NOT_NULL(test, second->share.pages);
	KUNIT_EXPECT_EQ(test, atomic_read(&wire->lb->num_missed), 0);
}

/* One is refused, one has no room; the third is there. */
static void join_allocates_some(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffers[3];
	struct wire_fb *fbs[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(buffers); i++) {
		buffers[i] = allocated_buffer(wire);
		fbs[i] = wire_usual_fb(wire, buffers[i]);
		KUNIT_ASSERT_EQ(test, wire_attach(wire, fbs[i]), 0);
	}
	wire->grant_error = -ENOSPC;
	wire->grant_errors = 1;
	wire->refuse = XENDISPL_OP_DBUF_CREATE;
	wire->refuse_only = 1;
	wire->status = -ENOMEM;
	wire_start(wire);

	KUNIT_EXPECT_NE(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect(wire, "prepare, prepare, prepare, CREATE, CREATE, map, moved-in, ATTACH");
	KUNIT_EXPECT_NULL(test, buffers[0]->share.pages);
	KUNIT_EXPECT_NULL(test, buffers[1]->share.pages);
	KUNIT_EXPECT_NOT_NULL(test, buffers[2]->share.pages);
	wire_expect_untold(wire, fbs[0]);
	wire_expect_untold(wire, fbs[1]);
	wire_expect_told(wire, fbs[2]);
}

/* It is made anew when it is tried again, so the first one must have gone. */
static void join_cannot_map(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = allocated_buffer(wire);

	wire_start(wire);
	wire->map_error = -EIO;
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), -EIO);
	wire_expect(wire, "prepare, CREATE, map, DESTROY");
	KUNIT_EXPECT_NULL(test, buffer->share.pages);

	wire->map_error = 0;
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), 0);
	wire_expect(wire, "refill, CREATE, map, moved-in");
	KUNIT_EXPECT_NOT_NULL(test, buffer->share.pages);
}

/* The backend is not told of framebuffers of a buffer that has to be destroyed. */
static void join_is_not_answered_in_time(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = allocated_buffer(wire);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);
	struct wire_fb *meanwhile = wire_usual_fb(wire, buffer);

	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	wire_start(wire);
	wire->hold = WIRE_REQUESTS;
	KUNIT_EXPECT_NE(test, wire_join(wire, WIRE_DOMID, 1), 0);
	KUNIT_EXPECT_NULL(test, buffer->share.pages);
	KUNIT_EXPECT_EQ(test, wire_attach(wire, meanwhile), 0);
	wire_expect(wire, "prepare, CREATE");

	/* The next request makes it answer all. */
	wire->hold = 1;
	loopback_post(wire->lb);
	wire_settle(wire);
	loopback_handle_replies(wire->lb);

	wire_expect(wire, "DESTROY");
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), 0);
	wire_expect(wire, "map, moved-in, ATTACH, ATTACH");
	KUNIT_EXPECT_NOT_NULL(test, buffer->share.pages);
	wire_expect_told(wire, fb);
	wire_expect_told(wire, meanwhile);
}

static struct kunit_case share_backend_cases[] = {
	KUNIT_CASE(allocate_buffer),
	KUNIT_CASE_PARAM(framebuffer_of_a_backends_buffer, geometry_gen_params),
	KUNIT_CASE(framebuffer_of_the_console),
	KUNIT_CASE(allocation_is_refused),
	KUNIT_CASE(allocation_without_grants),
	KUNIT_CASE(allocation_cannot_be_mapped),
	KUNIT_CASE_SLOW(allocation_is_not_answered),
	KUNIT_CASE_SLOW(allocation_is_not_there),
	KUNIT_CASE(allocate_without_a_backend),
	KUNIT_CASE_PARAM(backend_comes_back, forget_gen_params),
	KUNIT_CASE(resumed),
	KUNIT_CASE(join_allocates_all),
	KUNIT_CASE(join_allocates_some),
	KUNIT_CASE(join_cannot_map),
	KUNIT_CASE_SLOW(join_is_not_answered_in_time),
	{}
};

static struct kunit_suite share_backend_suite = {
	.name = "xen_drm_front_share_backend",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = share_backend_cases,
};

kunit_test_suite(share_backend_suite);
