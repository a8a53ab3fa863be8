// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Flips, and the events that tell of them. The names in brackets are those of a
 * catalogue of what can be on an event page.
 */

#include <linux/ktime.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "loopback.h"

#define COOKIE		LOOPBACK_COOKIE
#define OTHER_COOKIE	LOOPBACK_OTHER_COOKIE

static int events_init(struct kunit *test)
{
	test->priv = loopback_create(test);
	return 0;
}

static void flip_event(struct loopback *lb, u64 cookie)
{
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, cookie);
}

/* The next request in the ring gets this answer. */
static void answer_next(struct loopback *lb, s32 status)
{
	struct xendispl_req req;

	KUNIT_ASSERT_TRUE(lb->test, loopback_take(lb, &req));
	loopback_respond(lb, req.id, req.operation, status);
}

/* --- flips --------------------------------------------------------------- */

static void event_ends_a_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;
	ktime_t start = ktime_get();

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb, 0);
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->num_refused, 0);
	KUNIT_EXPECT_EQ(test, lb->done_serial, lb->serial);
	KUNIT_EXPECT_LE(test, start, lb->done_when);
	KUNIT_EXPECT_LE(test, lb->done_when, ktime_get());
	/* Backends that see no room drop events. */
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	loopback_expect_sound(lb);
}

/* A backend may be that fast, or answer in that order. */
static void event_before_the_reply(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	KUNIT_EXPECT_EQ(test, lb->serial, 2);
	answer_next(lb, 0);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 2);
	KUNIT_EXPECT_EQ(test, lb->done_serial, 2);
	loopback_expect_sound(lb);
}

/* The reply only says that the flip was accepted. */
static void accepted_flip_is_not_told(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->num_refused, 0);
	loopback_expect_sound(lb);
}

static void refused_flip_is_told(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb, -512);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->num_refused, 1);
	KUNIT_EXPECT_EQ(test, lb->refused_serial, lb->serial);
	KUNIT_EXPECT_EQ(test, lb->refused_error, -EIO);
	/* It is over: an event for it would be too late. */
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), 0);
	loopback_expect_sound(lb);
}

/* The refusal belongs to the flip that it answers, which an event has ended. */
static void refusal_of_an_earlier_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_refused, 0);
	KUNIT_EXPECT_TRUE(test, lb->chan->flip_open);
	answer_next(lb, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_refused, 1);
	KUNIT_EXPECT_EQ(test, lb->refused_serial, 2);
	loopback_expect_sound(lb);
}

/* Also by a flip that its owner has given up, accepted or not. */
static void one_flip_at_a_time(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, OTHER_COOKIE), -EBUSY);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EBUSY);
	loopback_age(lb);
	loopback_handle_replies(lb);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EBUSY);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, 1);
	KUNIT_EXPECT_EQ(test, lb->serial, 1);

	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, OTHER_COOKIE), 0);
	KUNIT_EXPECT_EQ(test, lb->serial, 2);
	loopback_expect_sound(lb);
}

static void flip_again(struct loopback *lb)
{
	lb->during_flip = NULL;
	KUNIT_EXPECT_EQ(lb->test, loopback_flip(lb, OTHER_COOKIE), 0);
}

/* From the call that tells of the one before. */
static void next_flip_at_once(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->during_flip = flip_again;
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb, 0);
	flip_event(lb, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, 2);

	lb->during_flip = flip_again;
	answer_next(lb, -EINVAL);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_refused, 1);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, 3);
	KUNIT_EXPECT_EQ(test, lb->serial, 3);
	loopback_expect_sound(lb);
}

static void panic_flip(struct loopback *lb)
{
	struct xendispl_req req = {
		.operation = XENDISPL_OP_PG_FLIP,
		.op.pg_flip.fb_cookie = OTHER_COOKIE,
	};

	xen_drm_chan_flip_panic(lb->chan, &req);
}

/* The flip before is waited for, but the event is left alone, as nobody can be told. */
static void flip_in_a_panic(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;

	panic_flip(lb);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	KUNIT_EXPECT_EQ(test, req.operation, XENDISPL_OP_PG_FLIP);
	KUNIT_EXPECT_EQ(test, req.op.pg_flip.fb_cookie, OTHER_COOKIE);

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	panic_flip(lb);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, 2);

	flip_event(lb, COOKIE);
	panic_flip(lb);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, 3);
	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 0);
}

static void flip_in_a_panic_without_a_chance(struct kunit *test)
{
	struct loopback *lb = test->priv;

	loopback_fill(lb);
	answer_next(lb, 0);
	panic_flip(lb);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, LOOPBACK_RING_SIZE);
	KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, 0);

	loopback_handle_replies(lb);
	xen_drm_conn_break(lb->conn, NULL);
	panic_flip(lb);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, LOOPBACK_RING_SIZE);
}

/* --- SET_CONFIG ------------------------------------------------------------ */

static void set_config(struct loopback *lb)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_SET_CONFIG };

	KUNIT_ASSERT_EQ(lb->test, xen_drm_chan_submit(lb->chan, &req, NULL, false), 0);
	xen_drm_chan_push(lb->chan);
}

/* The backend drops the event of the flip. Nobody is told that it has been shown. */
static void set_config_ends_a_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	set_config(lb);
	answer_next(lb, 0);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->num_refused, 0);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), 0);
	loopback_expect_sound(lb);
}

/* A flip that was shown before is told. */
static void event_before_set_config(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	set_config(lb);
	answer_next(lb, 0);
	flip_event(lb, COOKIE);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->done_serial, 1);
}

static void refused_set_config_ends_no_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	set_config(lb);
	answer_next(lb, 0);
	answer_next(lb, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EBUSY);
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
}

/* The flip is for the new mode. */
static void set_config_before_the_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	set_config(lb);
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb, 0);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EBUSY);
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
}

/* --- modes ------------------------------------------------------------------ */

static int send_mode(struct loopback *lb, u32 mode)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_SET_CONFIG };

	return xen_drm_chan_config(lb->chan, &req, mode);
}

/* An interrupt is asked for, since no event tells of it. */
static void answer_to_a_mode(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, send_mode(lb, 1), 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_modes, 0);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_raised(lb, LOOPBACK_REPLY));
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_modes, 1);
	KUNIT_EXPECT_EQ(test, lb->mode_error, 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_modes, 0);

	KUNIT_ASSERT_EQ(test, send_mode(lb, 1), 0);
	answer_next(lb, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_modes, 2);
	KUNIT_EXPECT_EQ(test, lb->mode_error, -EINVAL);
	loopback_expect_sound(lb);
}

/* The pipe wants to know only of what has failed. */
static void answer_to_switching_off(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, send_mode(lb, 0), 0);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_not_off, 0);

	KUNIT_ASSERT_EQ(test, send_mode(lb, 0), 0);
	answer_next(lb, -EIO);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_not_off, 1);
	KUNIT_EXPECT_EQ(test, lb->num_modes, 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
}

/* One look may find the answers to several. The mode's counts, whatever follows. */
static void answers_to_both(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, send_mode(lb, 1), 0);
	KUNIT_ASSERT_EQ(test, send_mode(lb, 0), 0);
	answer_next(lb, -EINVAL);
	answer_next(lb, -EIO);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_modes, 1);
	KUNIT_EXPECT_EQ(test, lb->mode_error, -EINVAL);
	KUNIT_EXPECT_EQ(test, lb->num_not_off, 1);
}

/* One look may find the answers to two modes, in any order. The later mode counts. */
static void answers_to_two_modes(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req first, second;

	KUNIT_ASSERT_EQ(test, send_mode(lb, U32_MAX), 0);
	KUNIT_ASSERT_EQ(test, send_mode(lb, 1), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &first));
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &second));
	loopback_respond(lb, second.id, second.operation, 0);
	loopback_respond(lb, first.id, first.operation, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_modes, 1);
	KUNIT_EXPECT_EQ(test, lb->mode, 1);
	KUNIT_EXPECT_EQ(test, lb->mode_error, 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_modes, 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
}

/* The backend may refuse a flip for which it has no mode yet. */
static void flip_before_the_answer_to_a_mode(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, send_mode(lb, 1), 0);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EBUSY);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), 0);
	loopback_expect_sound(lb);
}

/* --- events ---------------------------------------------------------------- */

static void no_event(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	loopback_expect_sound(lb);
}

static void all_slots_full_of_events(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE + LOOPBACK_NUM_EVENTS - 1), 0);
	for (i = 0; i < LOOPBACK_NUM_EVENTS; i++)
		loopback_event(lb, i, XENDISPL_EVT_PG_FLIP, COOKIE + i);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, LOOPBACK_NUM_EVENTS);
	loopback_expect_sound(lb);
}

struct in_prod_case {
	const char *name;
	u32 ahead;
};

static const struct in_prod_case in_prod_cases[] = {
	{ "one more than slots", LOOPBACK_NUM_EVENTS + 1 },
	{ "2^31", 0x80000000 },
	{ "backwards", U32_MAX },
};

KUNIT_ARRAY_PARAM_DESC(in_prod, in_prod_cases, name);

/* [E1] Not a slot is looked at. */
static void runaway_in_prod(struct kunit *test)
{
	const struct in_prod_case *c = test->param_value;
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	lb->evt_page->in_prod = c->ahead;
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 0);
	loopback_expect_fault(lb);
}

/* [E2] It is on a page that the backend writes, so it is only written by us. */
static void rewritten_in_cons(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	lb->evt_page->in_cons = 0xdeadbeef;
	loopback_handle_replies(lb);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	lb->evt_page->in_cons = 0;
	loopback_handle_replies(lb);
	KUNIT_EXPECT_EQ_MSG(test, lb->num_done, 1, "an event was handled twice");
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	loopback_expect_sound(lb);
}

/* [E4] */
static void odd_event_ids(struct kunit *test)
{
	static const u16 ids[] = { 7, 7, 0, U16_MAX, 1 };
	struct loopback *lb = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE + i), 0);
		loopback_event(lb, ids[i], XENDISPL_EVT_PG_FLIP, COOKIE + i);
		KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	}
	KUNIT_EXPECT_EQ(test, lb->num_done, ARRAY_SIZE(ids));
	loopback_expect_sound(lb);
}

/* [E5] A later protocol may have more of them. */
static void unknown_event_type(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP + 1, COOKIE);
	loopback_event(lb, 1, U8_MAX, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	/* The newest one may yet become another one. */
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	KUNIT_EXPECT_EQ(test, lb->spurious, 1);

	flip_event(lb, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->spurious, 1);
	loopback_expect_sound(lb);
}

/* [E6] Neither end the flip, nor are worth an interrupt. */
static void stale_cookies(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, OTHER_COOKIE);
	flip_event(lb, 0);
	xen_drm_chan_event_interrupt(-1, lb->chan);

	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->spurious, 1);
	KUNIT_EXPECT_TRUE(test, lb->chan->flip_open);
	loopback_expect_sound(lb);
}

/* [E7] Before the first flip, and after the last one. */
static void events_without_a_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	flip_event(lb, 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	flip_event(lb, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->spurious, 0);

	flip_event(lb, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->spurious, 1);
	loopback_expect_sound(lb);
}

/* [E9] Before a pipe uses the channel, and after it. */
static void flips_without_a_pipe(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	xen_drm_chan_set_flip_ops(lb->chan, NULL, NULL);
	flip_event(lb, COOKIE);
	answer_next(lb, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->num_refused, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	loopback_expect_sound(lb);
}

/* Without a barrier in the backend, its index may be seen before its event. */
static void index_before_the_event(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, OTHER_COOKIE);
	xen_drm_chan_poll(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 0);

	XENDISPL_IN_RING_REF(lb->evt_page, 0).op.pg_flip.fb_cookie = COOKIE;
	xen_drm_chan_poll(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	loopback_expect_sound(lb);
}

/* One that nobody waits for any more does not stay. */
static void stray_event_then_another_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, OTHER_COOKIE);
	flip_event(lb, COOKIE);
	xen_drm_chan_poll(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 2);

	flip_event(lb, OTHER_COOKIE);
	xen_drm_chan_poll(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 3);
	loopback_expect_sound(lb);
}

/* [E10] 2^32 is no multiple of 63: the slot after number 3 is number 0. */
static void event_index_wraps(struct kunit *test)
{
	struct loopback *lb = test->priv;
	const u32 start = U32_MAX - 2;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, U32_MAX % LOOPBACK_NUM_EVENTS, 3);
	lb->chan->evt_cons = start;
	lb->evt_page->in_prod = start;
	for (i = 0; i < 8; i++) {
		KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE + i), 0);
		flip_event(lb, COOKIE + i);
		KUNIT_EXPECT_TRUE_MSG(test, loopback_handle_replies(lb), "event %u", i);
	}
	KUNIT_ASSERT_EQ(test, lb->evt_page->in_prod, 5);

	KUNIT_EXPECT_EQ(test, lb->num_done, 8);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 5);
	loopback_expect_sound(lb);
}

/* --- without interrupts ----------------------------------------------------- */

/* The pipe looks for the next events itself, until it asks for interrupts again. */
static void quiet_pipe(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->quiet = true;
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->eois, 0);

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 2);
	KUNIT_EXPECT_EQ(test, lb->eois, 0);

	xen_drm_chan_listen(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->eois, 1);
	xen_drm_chan_listen(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->eois, 1);
	/* The event was taken before its interrupt could come. */
	lb->quiet = false;
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->eois, 2);
	KUNIT_EXPECT_EQ(test, lb->spurious, 0);
	loopback_expect_sound(lb);
}

/* Replies come by another event channel, for which nobody looks. */
static void quiet_pipe_wants_replies(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->quiet = true;
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->eois, 1);
	KUNIT_EXPECT_FALSE(test, lb->chan->evt_masked);
}

/* The interrupts of a broken channel never end. */
static void quiet_pipe_of_a_broken_channel(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->quiet = true;
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	xen_drm_conn_break(lb->conn, "the test ends it");
	xen_drm_chan_listen(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->eois, 0);
}

static void break_connection(struct loopback *lb)
{
	xen_drm_conn_break(lb->conn, "the test ends it");
}

/* Whoever is told of a flip may send the next one, and find the backend at fault. */
static void broken_while_told(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->during_flip = break_connection;
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	flip_event(lb, COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->eois, 0);
}

static void no_events_after_the_end(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	xen_drm_conn_break(lb->conn, "the test ends it");
	flip_event(lb, COOKIE);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, lb->num_done, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 0);
}

static struct kunit_case events_cases[] = {
	KUNIT_CASE(event_ends_a_flip),
	KUNIT_CASE(event_before_the_reply),
	KUNIT_CASE(accepted_flip_is_not_told),
	KUNIT_CASE(refused_flip_is_told),
	KUNIT_CASE(refusal_of_an_earlier_flip),
	KUNIT_CASE(one_flip_at_a_time),
	KUNIT_CASE(next_flip_at_once),
	KUNIT_CASE(flip_in_a_panic),
	KUNIT_CASE(flip_in_a_panic_without_a_chance),
	KUNIT_CASE(set_config_ends_a_flip),
	KUNIT_CASE(event_before_set_config),
	KUNIT_CASE(refused_set_config_ends_no_flip),
	KUNIT_CASE(set_config_before_the_flip),
	KUNIT_CASE(answer_to_a_mode),
	KUNIT_CASE(answer_to_switching_off),
	KUNIT_CASE(answers_to_both),
	KUNIT_CASE(answers_to_two_modes),
	KUNIT_CASE(flip_before_the_answer_to_a_mode),
	KUNIT_CASE(no_event),
	KUNIT_CASE(all_slots_full_of_events),
	KUNIT_CASE_PARAM(runaway_in_prod, in_prod_gen_params),
	KUNIT_CASE(rewritten_in_cons),
	KUNIT_CASE(odd_event_ids),
	KUNIT_CASE(unknown_event_type),
	KUNIT_CASE(stale_cookies),
	KUNIT_CASE(events_without_a_flip),
	KUNIT_CASE(flips_without_a_pipe),
	KUNIT_CASE(index_before_the_event),
	KUNIT_CASE(stray_event_then_another_flip),
	KUNIT_CASE(event_index_wraps),
	KUNIT_CASE(quiet_pipe),
	KUNIT_CASE(quiet_pipe_wants_replies),
	KUNIT_CASE(quiet_pipe_of_a_broken_channel),
	KUNIT_CASE(broken_while_told),
	KUNIT_CASE(no_events_after_the_end),
	{}
};

static struct kunit_suite events_suite = {
	.name = "xen_drm_front_evtchnl_events",
	.init = events_init,
	.test_cases = events_cases,
};

kunit_test_suite(events_suite);
