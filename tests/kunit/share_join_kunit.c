// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What the next backend is told of what clients have. Buffers that a backend allocates
 * are in share_backend_kunit.c.
 */

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "wire.h"

/* More than the ring has room for. */
#define MANY		40

static struct wire_fb *attached_fb(struct wire *wire)
{
	struct wire_fb *fb = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));

	KUNIT_ASSERT_EQ(wire->test, wire_attach(wire, fb), 0);
	return fb;
}

/* --- nobody there ----------------------------------------------------------- */

/* That is no error. All is told at once when somebody comes, in one round trip. */
static void attach_without_a_backend(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *first, *second, *other;

	first = attached_fb(wire);
	second = wire_usual_fb(wire, container_of(first->fb.share, struct wire_buffer, share));
	KUNIT_ASSERT_EQ(test, wire_attach(wire, second), 0);
	other = attached_fb(wire);
	wire_expect(wire, "");
	KUNIT_EXPECT_EQ(test, first->fb.told, 0);
	KUNIT_EXPECT_NE(test, first->fb.cookie, 0);

	wire_start(wire);
	wire->hold = 5;
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);

	wire_expect(wire, "grant, grant, CREATE, ATTACH, ATTACH, CREATE, ATTACH");
	KUNIT_EXPECT_EQ(test, wire->requests[1].req.op.fb_attach.fb_cookie, first->fb.cookie);
	KUNIT_EXPECT_EQ(test, wire->requests[2].req.op.fb_attach.fb_cookie, second->fb.cookie);
	KUNIT_EXPECT_EQ(test, wire->requests[4].req.op.fb_attach.fb_cookie, other->fb.cookie);
	wire_expect_told(wire, first);
	wire_expect_told(wire, second);
	wire_expect_told(wire, other);
	KUNIT_EXPECT_EQ(test, atomic_read(&wire->lb->num_missed), 0);
}

static void replay_without_a_backend(struct kunit *test)
{
	struct wire *wire = test->priv;

	attached_fb(wire);
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), -ENODEV);
	wire_expect(wire, "");
}

/* What it knows, a backend is not told again. */
static void replay(struct kunit *test)
{
	struct wire *wire = test->priv;

	wire_begin(wire);
	attached_fb(wire);
	wire_expect(wire, "grant, CREATE, ATTACH");
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), 0);
	wire_expect(wire, "");
}

/* --- the next backend ------------------------------------------------------- */

/* The grants are still good. What a former backend wrote into directories goes. */
static void same_domain(struct kunit *test)
{
	struct wire *wire = test->priv;
	const struct xendispl_dbuf_create_req *before, *after;
	struct wire_fb *fb, *meanwhile;

	wire_begin(wire);
	fb = attached_fb(wire);
	wire_expect(wire, "grant, CREATE, ATTACH");

	xen_drm_share_leave(wire->display, false);
	wire_expect(wire, "");
	KUNIT_EXPECT_NULL(test, wire->display->link.chan);
	meanwhile = attached_fb(wire);
	wire_expect(wire, "");

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect(wire, "refill, grant, CREATE, ATTACH, CREATE, ATTACH");
	before = wire_created(wire, 0);
	after = wire_created(wire, 2);
	KUNIT_EXPECT_MEMEQ(test, before, after, sizeof(*after));
	KUNIT_EXPECT_EQ(test, wire->requests[3].req.op.fb_attach.fb_cookie, fb->fb.cookie);
	wire_expect_told(wire, fb);
	wire_expect_told(wire, meanwhile);
}

/* It could not use the grants that the former one had. */
static void other_domain(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb;

	wire_begin(wire);
	fb = attached_fb(wire);
	xen_drm_share_leave(wire->display, false);
	wire_expect(wire, "grant, CREATE, ATTACH");

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID + 1, 1), 0);
	wire_expect(wire, "free, grant, CREATE, ATTACH");
	KUNIT_EXPECT_EQ(test, wire->domid, WIRE_DOMID + 1);
	KUNIT_EXPECT_EQ(test, wire_created(wire, 2)->gref_directory, WIRE_DIRECTORY + 1);
	KUNIT_EXPECT_EQ(test, wire_created(wire, 2)->dbuf_cookie, fb->fb.view->cookie);
	wire_expect_told(wire, fb);
}

/* It has no business with what it is not told of. */
static void other_domain_without_framebuffer(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer;
	struct wire_fb *fb;

	wire_begin(wire);
	fb = attached_fb(wire);
	buffer = container_of(fb->fb.share, struct wire_buffer, share);
	xen_drm_share_detach(wire->display, &fb->fb);
	wire_release(wire);
	wire_expect(wire, "grant, CREATE, ATTACH, DETACH, fb");
	xen_drm_share_leave(wire->display, false);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 1);

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID + 1, 1), 0);
	wire_expect(wire, "free");
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);

	/* The buffer is as good as a new one. */
	KUNIT_EXPECT_EQ(test, wire_attach(wire, wire_usual_fb(wire, buffer)), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");
	KUNIT_EXPECT_EQ(test, wire->domid, WIRE_DOMID + 1);
}

/* A guest that was restored has no grants any more. */
static void restored(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb;

	wire_begin(wire);
	fb = attached_fb(wire);
	wire_expect(wire, "grant, CREATE, ATTACH");

	xen_drm_share_leave(wire->display, true);
	wire_expect(wire, "free");
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->shares));

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");
	wire_expect_told(wire, fb);
}

/* A buffer without framebuffers has nothing to be told. */
static void share_without_framebuffer(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb;

	wire_begin(wire);
	fb = attached_fb(wire);
	xen_drm_share_detach(wire->display, &fb->fb);
	wire_release(wire);
	xen_drm_share_leave(wire->display, false);
	wire_expect(wire, "grant, CREATE, ATTACH, DETACH, fb");

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect(wire, "refill");

	/* It is told of when it is shown again. */
	fb = wire_usual_fb(wire, container_of(fb->fb.share, struct wire_buffer, share));
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "CREATE, ATTACH");
}

/* The new backend never knew of them. */
static void release_after_leave(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb;

	wire_begin(wire);
	fb = attached_fb(wire);
	fb->last = true;
	xen_drm_share_leave(wire->display, false);
	wire_expect(wire, "grant, CREATE, ATTACH");

	xen_drm_share_detach(wire->display, &fb->fb);
	wire_release(wire);
	wire_expect(wire, "fb, free, buffer");
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
}

/* A framebuffer that is as good as gone may be told, and is untold by the work. */
static void join_before_release(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb;

	wire_begin(wire);
	fb = attached_fb(wire);
	fb->last = true;
	xen_drm_share_leave(wire->display, false);
	wire_expect(wire, "grant, CREATE, ATTACH");

	xen_drm_share_detach(wire->display, &fb->fb);
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_release(wire);
	wire_expect(wire, "refill, CREATE, ATTACH, DETACH, fb, DESTROY, free, buffer");
	KUNIT_EXPECT_EQ(test, wire->num_known, 0);
}

/* An offset can be told to a backend of version 2 alone; the rest is. */
static void version_falls(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	struct wire_fb *with_offset = wire_fb(wire, buffer, 640, 480, 2560, 32);
	struct wire_fb *usual = wire_usual_fb(wire, buffer);

	with_offset->fb.offset = 4096;
	wire_start(wire);
	KUNIT_ASSERT_EQ(test, wire_join(wire, WIRE_DOMID, 2), 0);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, with_offset), 0);
	KUNIT_ASSERT_EQ(test, wire_attach(wire, usual), 0);
	wire_expect(wire, "grant, CREATE, ATTACH, CREATE, ATTACH");
	xen_drm_share_leave(wire->display, false);

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), -EOPNOTSUPP);
	wire_expect(wire, "refill, CREATE, ATTACH");
	wire_expect_told(wire, usual);
	wire_expect_untold(wire, with_offset);
	xen_drm_share_leave(wire->display, false);

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 2), 0);
	wire_expect(wire, "refill, CREATE, ATTACH, CREATE, ATTACH");
	wire_expect_told(wire, with_offset);
}

/* The others are shown all the same, and so is this one by the next backend. */
static void refused_by_the_next(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *first, *second, *third;

	first = attached_fb(wire);
	second = attached_fb(wire);
	third = attached_fb(wire);
	wire_start(wire);
	wire->refuse = XENDISPL_OP_FB_ATTACH;
	wire->refuse_only = 4;
	wire->status = -EINVAL;

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), -EINVAL);
	wire_expect_told(wire, first);
	KUNIT_EXPECT_EQ(test, second->fb.told, 0);
	wire_expect_told(wire, third);
	xen_drm_share_leave(wire->display, false);

	wire->refuse = 0;
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect_told(wire, second);
}

/* --- more than the ring holds ------------------------------------------------ */

static void attach_many(struct wire *wire, struct wire_fb **fbs)
{
	struct wire_buffer *buffer = wire_buffer(wire, WIRE_SIZE);
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		fbs[i] = wire_usual_fb(wire, buffer);
		KUNIT_ASSERT_EQ(wire->test, wire_attach(wire, fbs[i]), 0);
	}
}

/* The ring is filled before an answer is waited for. */
static void many_framebuffers(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fbs[MANY];
	unsigned int i;

	attach_many(wire, fbs);
	wire_start(wire);
	wire->hold = LOOPBACK_RING_SIZE;

	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);

	KUNIT_EXPECT_EQ(test, wire->num_requests, 1 + MANY);
	KUNIT_EXPECT_EQ(test, wire->num_known, 1 + MANY);
	for (i = 0; i < MANY; i++)
		wire_expect_told(wire, fbs[i]);
	KUNIT_EXPECT_EQ(test, atomic_read(&wire->lb->num_missed), 0);

	for (i = 0; i < MANY; i++)
		xen_drm_share_detach(wire->display, &fbs[i]->fb);
	fbs[MANY - 1]->last = true;
	wire_release(wire);
	wire_settle(wire);
	KUNIT_EXPECT_EQ(test, wire->num_known, 0);
	KUNIT_EXPECT_EQ(test, wire->living_dirs, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&wire->display->fbs));
}

/* A refusal is told, whichever round trip it comes with. */
static void one_of_many_is_refused(struct kunit *test)
{
	static const unsigned int refused[] = { 0, 10, MANY - 1 };
	struct wire *wire = test->priv;
	struct wire_fb *fbs[MANY];
	unsigned int i, n;

	attach_many(wire, fbs);
	wire_start(wire);
	wire->refuse = XENDISPL_OP_FB_ATTACH;
	wire->status = -ENOMEM;

	for (n = 0; n < ARRAY_SIZE(refused); n++) {
		/* Behind the DBUF_CREATE, and counted from 1. */
		wire->refuse_only = wire->num_requests + refused[n] + 2;
		KUNIT_EXPECT_EQ_MSG(test, wire_join(wire, WIRE_DOMID, 1), -ENOMEM,
				    "framebuffer %u", refused[n]);
		for (i = 0; i < MANY; i++)
			KUNIT_EXPECT_EQ(test, fbs[i]->fb.told,
					i == refused[n] ? 0 : wire->link.number);
		xen_drm_share_leave(wire->display, false);
	}
}

/* --- a connection that breaks ----------------------------------------------- */

/* Some are told, some are not; all of them are told to the next one. */
static void breaks_in_the_middle(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fbs[MANY];
	unsigned int i;

	attach_many(wire, fbs);
	wire_start(wire);
	wire->hold = 8;
	wire->break_at = 20;
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), -ENODEV);
	KUNIT_EXPECT_LE(test, wire->num_requests, LOOPBACK_RING_SIZE);
	KUNIT_EXPECT_EQ(test, xen_drm_share_replay(wire->display), -ENODEV);
	xen_drm_share_leave(wire->display, false);

	wire_mend(wire);
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	for (i = 0; i < MANY; i++)
		wire_expect_told(wire, fbs[i]);
	KUNIT_EXPECT_EQ(test, wire->num_known, 1 + MANY);
}

/* The client need not know: the next backend is told. */
static void breaks_during_attach(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb = wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE));

	wire_begin(wire);
	wire->hold = 2;
	wire->break_at = 2;
	KUNIT_EXPECT_EQ(test, wire_attach(wire, fb), 0);
	wire_expect(wire, "grant, CREATE, ATTACH");

	/* Before it is left, too. */
	KUNIT_EXPECT_EQ(test, wire_attach(wire, wire_usual_fb(wire, wire_buffer(wire, WIRE_SIZE))),
			0);
	wire_expect(wire, "grant");
	xen_drm_share_leave(wire->display, false);

	wire_mend(wire);
	KUNIT_EXPECT_EQ(test, wire_join(wire, WIRE_DOMID, 1), 0);
	wire_expect(wire, "refill, refill, CREATE, ATTACH, CREATE, ATTACH");
	wire_expect_told(wire, fb);
}

static void breaks_during_release(struct kunit *test)
{
	struct wire *wire = test->priv;
	struct wire_fb *fb;

	wire_begin(wire);
	fb = attached_fb(wire);
	wire_expect(wire, "grant, CREATE, ATTACH");
	wire->break_at = 3;
	fb->last = true;

	xen_drm_share_detach(wire->display, &fb->fb);
	wire_release(wire);
	wire_expect(wire, "DETACH, fb*, free*, buffer*");
}

static struct kunit_case share_join_cases[] = {
	KUNIT_CASE(attach_without_a_backend),
	KUNIT_CASE(replay_without_a_backend),
	KUNIT_CASE(replay),
	KUNIT_CASE(same_domain),
	KUNIT_CASE(other_domain),
	KUNIT_CASE(other_domain_without_framebuffer),
	KUNIT_CASE(restored),
	KUNIT_CASE(share_without_framebuffer),
	KUNIT_CASE(release_after_leave),
	KUNIT_CASE(join_before_release),
	KUNIT_CASE(version_falls),
	KUNIT_CASE(refused_by_the_next),
	KUNIT_CASE(many_framebuffers),
	KUNIT_CASE(one_of_many_is_refused),
	KUNIT_CASE(breaks_in_the_middle),
	KUNIT_CASE(breaks_during_attach),
	KUNIT_CASE(breaks_during_release),
	{}
};

static struct kunit_suite share_join_suite = {
	.name = "xen_drm_front_share_join",
	.init = wire_init,
	.exit = wire_exit,
	.test_cases = share_join_cases,
};

kunit_test_suite(share_join_suite);
