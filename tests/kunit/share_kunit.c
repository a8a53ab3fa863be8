// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What a backend is told of framebuffers and buffers, byte by byte, and what is
 * left when it refuses or does not answer. Views are in view_kunit.c, joining and
 * leaving in share_join_kunit.c.
 *
 * Requests are compared as they lie in the ring: all 64 bytes, those that the
 * operation has no use for being zero, in a slot that was full of ones.
 */

#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include <drm/drm_fourcc.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "wire.h"

static const u8 create_image[LOOPBACK_REQ_SIZE] = {
	0, 0, 0x10, 0, 0, 0, 0, 0,
	/* dbuf_cookie */
	0, 0, 0, 0, 0, 0, 0, 0,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* bpp 32, buffer_sz 3686400 */
	0x20, 0, 0, 0, 0x00, 0x40, 0x38, 0x00,
	/* flags 0, gref_directory */
	0, 0, 0, 0, 0x21, 0x43, 0x65, 0x87,
	/* data_ofs 0 */
};

static const u8 destroy_image[LOOPBACK_REQ_SIZE] = {
	0, 0, 0x11, 0, 0, 0, 0, 0,
	/* dbuf_cookie */
};

static const u8 attach_image[LOOPBACK_REQ_SIZE] = {
	0, 0, 0x12, 0, 0, 0, 0, 0,
	/* dbuf_cookie, fb_cookie */
	0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0,
	/* width 1280, height 720 */
	0x00, 0x05, 0, 0, 0xd0, 0x02, 0, 0,
	/* pixel_format XR24 */
	'X', 'R', '2', '4',
};

static const u8 detach_image[LOOPBACK_REQ_SIZE] = {
	0, 0, 0x13, 0, 0, 0, 0, 0,
	/* fb_cookie */
};

/* --- framebuffers ----------------------------------------------------------- */

/* One round trip: a backend that answers the first request late gets the second. */
static void attach(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);

	wire_begin(wire);
	wire->hold = 2;

	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);

	wire_expect(wire, "grant, CREATE, ATTACH");
	KUNIT_EXPECT_EQ(test, wire->domid, WIRE_DOMID);
	KUNIT_EXPECT_EQ(test, wire->granted, 900);
	KUNIT_EXPECT_NE(test, fb->fb.cookie, 0);
	KUNIT_EXPECT_NE(test, fb->fb.view->cookie, 0);
	KUNIT_EXPECT_NE(test, fb->fb.view->cookie, fb->fb.cookie);
	wire_expect_bytes(wire, 0, create_image, fb->fb.view->cookie, 0);
	wire_expect_bytes(wire, 1, attach_image, fb->fb.view->cookie, fb->fb.cookie);
	wire_expect_told(wire, fb);
	KUNIT_EXPECT_EQ(test, atomic_read(&wire->lb->num_missed), 0);
}

static void second_framebuffer(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *first = wire_usual_fb(wire, buffer);
	struct wire_fb *second = wire_usual_fb(wire, buffer);

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, first), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");

	KUNIT_ASSERT_EQ(test, wire_attach(wire, second), 0);

	wire_expect(wire, "ATTACH");
	KUNIT_EXPECT_NE(test, second->fb.cookie, first->fb.cookie);
	KUNIT_EXPECT_PTR_EQ(test, second->fb.view, first->fb.view);
	wire_expect_bytes(wire, 2, attach_image, first->fb.view->cookie, second->fb.cookie);
	wire_expect_told(wire, second);
}

/* Smaller than the buffer's lines, which another framebuffer shows. */
static void smaller_framebuffer(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *first = wire_usual_fb(wire, buffer);
	struct wire_fb *second = wire_fb(wire, buffer, 640, 480, WIRE_PITCH, 32);

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, second), 0);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, first), 0);

	wire_expect(wire, "grant, CREATE, ATTACH, ATTACH");
	wire_expect_bytes(wire, 0, create_image, first->fb.view->cookie, 0);
	KUNIT_EXPECT_EQ(test, wire->requests[1].req.op.fb_attach.width, 640);
	KUNIT_EXPECT_EQ(test, wire->requests[1].req.op.fb_attach.height, 480);
}

/* --- refusals --------------------------------------------------------------- */

/* The buffer stays granted, and what was not refused is not asked again. */
static void create_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);
	u64 cookie;

	wire_begin(wire);
	wire->refuse = XENDISPL_OP_DBUF_CREATE;
	wire->status = -EINVAL;

	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -EINVAL);

	/* A hostile backend may have attached it. */
	wire_expect(wire, "grant, CREATE, ATTACH, DETACH");
	wire_expect_bytes(wire, 2, detach_image, fb->fb.cookie, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
	KUNIT_EXPECT_EQ(test, fb->fb.told, 0);
	KUNIT_EXPECT_EQ(test, fb->fb.view->told, 0);

	cookie = fb->fb.cookie;
	wire->refuse = 0;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "CREATE, ATTACH");
	wire_expect_told(wire, fb);
	KUNIT_EXPECT_NE(test, fb->fb.cookie, cookie);
}

static void attach_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);

	wire_begin(wire);
	wire->refuse = XENDISPL_OP_FB_ATTACH;
	wire->status = -EOPNOTSUPP;

	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -EOPNOTSUPP);

	wire_expect(wire, "grant, CREATE, ATTACH, DETACH");
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
	KUNIT_EXPECT_EQ(test, fb->fb.told, 0);
	KUNIT_EXPECT_EQ(test, fb->fb.view->told, wire->link.number);

	wire->refuse = 0;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "ATTACH");
	wire_expect_told(wire, fb);
}

/* What others have given back may be enough, so it is tried twice. */
static void backend_has_no_room(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));

	wire_begin(wire);
	wire->refuse = XENDISPL_OP_DBUF_CREATE;
	wire->status = -ENOMEM;

	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -ENOMEM);
	wire_expect(wire, "grant, CREATE, ATTACH, DETACH, CREATE, ATTACH, DETACH");
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));

	wire->status = -ENOSPC;
	wire->refuse_only = wire->num_requests + 1;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "CREATE, ATTACH, DETACH, CREATE, ATTACH");
	wire_expect_told(wire, fb);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&wire->display->fbs));
}

static void grants_run_out(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));

	wire_begin(wire);
	wire->grant_error = -ENOSPC;
	wire->grant_errors = 2;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), -ENOSPC);
	wire_expect(wire, "grant, grant");
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->shares));

	wire->grant_errors = 1;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "grant, grant, CREATE, ATTACH");
	wire_expect_told(wire, fb);
}

/* It still maps too much of what was taken back. What it has is not changed by that. */
static void backend_is_barred(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *first = wire_usual_fb(wire, buffer);
	struct wire_fb *second = wire_fb(wire, buffer, 640, 480, 2560, 32);
	struct wire_fb *other = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));
	struct wire_buffer *backends = wire_backend_buffer(wire);

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, first), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");
	wire->barred = true;

	KUNIT_EXPECT_EQ(test, wire_attach(wire, other), -ENOSPC);
	KUNIT_EXPECT_EQ(test, xen_drm_share_allocate(wire->display, &backends->share,
						     WIRE_WIDTH, WIRE_HEIGHT, 32), -ENOSPC);
	wire_expect(wire, "");
	KUNIT_EXPECT_TRUE(test, list_is_singular(&wire->display->fbs));

	KUNIT_EXPECT_EQ(test, wire_attach(wire, second), 0);
	wire_expect(wire, "CREATE, ATTACH");

	wire->barred = false;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, other), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");
}

static void killed_before_anything_is_sent(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));
	int ret;

	wire_begin(wire);
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	ret = wire_attach(wire, fb);
	flush_signals(current);
	disallow_signal(SIGKILL);

	KUNIT_EXPECT_EQ(test, ret, -EINTR);
	wire_expect(wire, "grant");
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
}

/* --- a backend that does not answer ----------------------------------------- */

/* It will do it when it goes on, so that is no error. All wait once. */
static void no_answer(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);
	unsigned long start = jiffies;
	struct xendispl_req req;

	KUNIT_ASSERT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);

	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), 4500);
	wire_expect(wire, "grant");
	wire_expect_told(wire, fb);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&wire->display->fbs));

	/* The answers come at last. */
	KUNIT_ASSERT_TRUE(test, loopback_take(wire->lb, &req));
	KUNIT_EXPECT_EQ(test, req.operation, XENDISPL_OP_DBUF_CREATE);
	loopback_agree(wire->lb, &req);
	KUNIT_ASSERT_TRUE(test, loopback_take(wire->lb, &req));
	KUNIT_EXPECT_EQ(test, req.operation, XENDISPL_OP_FB_ATTACH);
	loopback_agree(wire->lb, &req);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(wire->lb));
	loopback_expect_sound(wire->lb);

	/* There is nothing more to be told. */
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), 0);
	KUNIT_EXPECT_FALSE(test, loopback_take(wire->lb, &req));
}

/* It may have attached and created all that it has not answered. */
static void release_is_not_answered(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);
	unsigned long start;

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");
	wire->hold = WIRE_REQUESTS;

	xen_drm_share_detach(wire->display, &fb->fb);
	xen_drm_share_release(wire->display, &buffer->share);
	start = jiffies;
	wire_release(wire);

	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), 4500);
	wire_expect(wire, "DETACH, DESTROY, free*, fb*, buffer*");
	loopback_expect_sound(wire->lb);
}

/* The grants of a buffer that has come and gone meanwhile may be another device's now. */
static void buffer_of_a_silence(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);

	wire_begin(wire);
	wire->hold = WIRE_REQUESTS;
	wire_attach(wire, fb);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(wire->lb), 1);
	xen_drm_share_detach(wire->display, &fb->fb);
	xen_drm_share_release(wire->display, &buffer->share);
	wire_release(wire);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
	KUNIT_EXPECT_EQ(test, loopback_count_grants(wire->lb), 0);
}

/* --- release ---------------------------------------------------------------- */

/* One push; nothing is taken away before the backend has let go of it. */
static void release(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);
	u64 dbuf_cookie;

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");
	dbuf_cookie = fb->fb.view->cookie;
	wire->hold = 2;

	xen_drm_share_detach(wire->display, &fb->fb);
	xen_drm_share_release(wire->display, &buffer->share);
	wire_expect(wire, "");
	KUNIT_EXPECT_EQ(test, atomic_long_read(&wire->display->dead_pages), 900);
	wire_release(wire);

	wire_expect(wire, "DETACH, DESTROY, free, fb, buffer");
	wire_expect_bytes(wire, 2, detach_image, fb->fb.cookie, 0);
	wire_expect_bytes(wire, 3, destroy_image, dbuf_cookie, 0);
	KUNIT_EXPECT_EQ(test, wire->num_known, 0);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&wire->display->dead_pages), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->shares));
	KUNIT_EXPECT_EQ(test, atomic_read(&wire->lb->num_missed), 0);
}

/* The end of a framebuffer is that of its buffer, which is queued meanwhile. */
static void release_of_the_last_framebuffer(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *first = wire_usual_fb(wire, buffer);
	struct wire_fb *second = wire_fb(wire, buffer, 640, 480, 2560, 32);

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, first), 0);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, second), 0);
	wire_expect(wire, "grant, CREATE, ATTACH, CREATE, ATTACH");

	xen_drm_share_detach(wire->display, &first->fb);
	wire_release(wire);
	wire_expect(wire, "DETACH, fb");

	second->last = true;
	xen_drm_share_detach(wire->display, &second->fb);
	wire_release(wire);
	wire_expect(wire, "DETACH, fb, DESTROY, DESTROY, free, buffer");
	KUNIT_EXPECT_EQ(test, wire->num_known, 0);
}

static void release_in_order(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fbs[3];
	unsigned int i;

	wire_begin(wire);
	for (i = 0; i < ARRAY_SIZE(fbs); i++) {
		fbs[i] = wire_usual_fb(wire, buffer);
		KUNIT_ASSERT_EQ(test, wire_attach(wire, fbs[i]), 0);
	}
	for (i = 0; i < ARRAY_SIZE(fbs); i++)
		xen_drm_share_detach(wire->display, &fbs[i]->fb);
	wire_release(wire);

	wire_expect(wire, "grant, CREATE, ATTACH, ATTACH, ATTACH, DETACH, DETACH, DETACH, fb, fb, fb");
	for (i = 0; i < ARRAY_SIZE(fbs); i++)
		wire_expect_bytes(wire, 4 + i, detach_image, fbs[i]->fb.cookie, 0);
}

/* Clients get their memory back, whatever the backend says. */
static void release_is_refused(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);

	wire_begin(wire);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");

	wire->refuse = XENDISPL_OP_FB_DETACH;
	wire->status = -EIO;
	xen_drm_share_detach(wire->display, &fb->fb);
	wire_release(wire);
	wire_expect(wire, "DETACH, fb");

	wire->refuse = XENDISPL_OP_DBUF_DESTROY;
	xen_drm_share_release(wire->display, &buffer->share);
	wire_release(wire);
	wire_expect(wire, "DESTROY, free, buffer");
}

/* The backend is not told of the end of what it does not know. */
static void release_of_what_nobody_knows(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_buffer *fresh = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);
	struct wire_fb *refused = wire_usual_fb(wire, buffer);

	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	xen_drm_share_detach(wire->display, &fb->fb);
	wire_release(wire);
	wire_expect(wire, "fb");

	/* Never granted, so there is nothing to wait for. */
	xen_drm_share_release(wire->display, &fresh->share);
	wire_expect(wire, "buffer");

	wire_begin(wire);
	wire->refuse = XENDISPL_OP_DBUF_CREATE;
	wire->status = -EINVAL;
	KUNIT_ASSERT_EQ(test, wire_attach(wire, refused), -EINVAL);
	wire_expect(wire, "grant, CREATE, ATTACH, DETACH");
	xen_drm_share_release(wire->display, &buffer->share);
	wire_release(wire);
	wire_expect(wire, "free, buffer");
}

/* Those for whom there is no room wait for the work, which runs elsewhere. */
static void flush(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *fb = wire_usual_fb(wire, buffer);

	KUNIT_ASSERT_EQ(test, wire_attach(wire, fb), 0);
	enable_work(&wire->display->release_work);
	fb->last = true;

	xen_drm_share_detach(wire->display, &fb->fb);
	xen_drm_share_flush(wire->display);
	wire_expect(wire, "fb, buffer");
}

static struct kunit_case share_cases[] = {
	KUNIT_CASE(attach),
	KUNIT_CASE(second_framebuffer),
	KUNIT_CASE(smaller_framebuffer),
	KUNIT_CASE(create_is_refused),
	KUNIT_CASE(attach_is_refused),
	KUNIT_CASE(backend_has_no_room),
	KUNIT_CASE(grants_run_out),
	KUNIT_CASE(backend_is_barred),
	KUNIT_CASE(killed_before_anything_is_sent),
	KUNIT_CASE_SLOW(no_answer),
	KUNIT_CASE_SLOW(release_is_not_answered),
	KUNIT_CASE(buffer_of_a_silence),
	KUNIT_CASE(release),
	KUNIT_CASE(release_of_the_last_framebuffer),
	KUNIT_CASE(release_in_order),
	KUNIT_CASE(release_is_refused),
	KUNIT_CASE(release_of_what_nobody_knows),
	KUNIT_CASE(flush),
	{}
};

static struct kunit_suite share_suite = {
	.name = "xen_drm_front_share",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = share_cases,
};

kunit_test_suite(share_suite);
