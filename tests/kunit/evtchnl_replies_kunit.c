// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Requests and responses against a backend that may do anything. The names in
 * brackets are those of a catalogue of what can be in a ring: R responses, T time,
 * I interrupts.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "loopback.h"

static int replies_init(struct kunit *test)
{
	test->priv = loopback_create(test);
	return 0;
}

/* --- calls and replies --------------------------------------------------- */

static void agree_to_edid(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond_edid(lb, req, 256);
}

static void call_gets_its_reply(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_GET_EDID };
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	loopback_start(lb, agree_to_edid);

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &call), 0);
	KUNIT_EXPECT_EQ(test, call.edid_size, 256);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	loopback_expect_sound(lb);
}

/* What other operations leave there is not a size. */
static void only_an_edid_has_a_size(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	loopback_start(lb, agree_to_edid);

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &call), 0);
	KUNIT_EXPECT_EQ(test, call.edid_size, 0);
}

/* Through both ring wraps: of the 32 slots, and of the 32 bits. */
static void calls_in_a_row(struct kunit *test)
{
	struct loopback *lb = test->priv;
	const RING_IDX start = U32_MAX - 40;
	unsigned int i;

	lb->sring->req_prod = start;
	lb->sring->rsp_prod = start;
	lb->sring->rsp_event = start;
	lb->sring->req_event = start + 0x80000000;
	lb->chan->ring.req_prod_pvt = start;
	lb->chan->ring.rsp_cons = start;
	lb->chan->req_prod = start;
	lb->chan->rsp_event = start;
	lb->ring.req_cons = start;
	lb->ring.rsp_prod_pvt = start;
	loopback_start(lb, loopback_agree);

	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, loopback_call(lb, XENDISPL_OP_FB_ATTACH), 0);
	KUNIT_EXPECT_EQ(test, lb->sring->rsp_prod, start + 100);
	KUNIT_EXPECT_EQ(test, lb->requests, 100);
	loopback_expect_sound(lb);
}

struct status_case {
	const char *name;
	s32 status;
	int ret;
};

static const struct status_case status_cases[] = {
	{ "0", 0, 0 },
	{ "EPERM", -1, -EINVAL },
	{ "ENOENT", -2, -EINVAL },
	{ "EIO", -5, -EIO },
	{ "ENOMEM", -12, -ENOMEM },
	{ "EACCES", -13, -EINVAL },
	{ "EBUSY", -16, -EIO },
	{ "EEXIST", -17, -EINVAL },
	{ "EINVAL", -22, -EINVAL },
	{ "ENOSPC", -28, -ENOSPC },
	{ "ERANGE", -34, -EINVAL },
	{ "EOPNOTSUPP", -95, -EOPNOTSUPP },
	{ "ENOSYS", -38, -EOPNOTSUPP },

	{ "1", 1, -EIO },
	{ "positive EINVAL", 22, -EIO },
	{ "largest", S32_MAX, -EIO },
	{ "smallest", S32_MIN, -EIO },
	/* Each means something to callers that a backend has no business with. */
	{ "EINTR", -4, -EIO },
	{ "EAGAIN", -11, -EIO },
	{ "ENODEV", -19, -EIO },
	{ "ETIMEDOUT", -110, -EIO },
	{ "ERESTARTSYS", -512, -EIO },
	{ "ENOIOCTLCMD", -515, -EIO },
	{ "EPROBE_DEFER", -517, -EIO },
	{ "EIOCBQUEUED", -529, -EIO },
	{ "MAX_ERRNO", -4095, -EIO },
	{ "below MAX_ERRNO", -4096, -EIO },
	{ "looks like a pointer", (s32)0x81000000, -EIO },
};

KUNIT_ARRAY_PARAM_DESC(status, status_cases, name);

static void status(struct kunit *test)
{
	const struct status_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, xen_drm_chan_status(c->status), c->ret);
}

static void answer_status(struct loopback *lb, const struct xendispl_req *req)
{
	const struct status_case *c = lb->test->param_value;

	loopback_respond(lb, req->id, req->operation, c->status);
}

/* [R7] */
static void status_of_a_call(struct kunit *test)
{
	const struct status_case *c = test->param_value;
	struct loopback *lb = test->priv;

	loopback_start(lb, answer_status);

	KUNIT_EXPECT_EQ(test, loopback_call(lb, XENDISPL_OP_FB_ATTACH), c->ret);
	loopback_expect_sound(lb);
}

/* --- wrong replies --------------------------------------------------------- */

static void answer_next_id(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id + 1, req->operation, 0);
}

static void answer_id_of_same_slot(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id + LOOPBACK_RING_SIZE, req->operation, 0);
}

static void answer_other_operation(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id, XENDISPL_OP_PG_FLIP, 0);
}

static void answer_operation_0(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id, 0, 0);
}

/* These write the index themselves, so they ring as well. */
static void announce(struct loopback *lb, RING_IDX prod)
{
	lb->sring->rsp_prod = prod;
	set_bit(LOOPBACK_REPLY, &lb->interrupts);
}

static void answer_more_than_asked(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id, req->operation, 0);
	announce(lb, lb->sring->rsp_prod + 1);
}

static void announce_too_many(struct loopback *lb, const struct xendispl_req *req)
{
	announce(lb, lb->sring->rsp_prod + LOOPBACK_RING_SIZE + 1);
}

static void announce_2_31(struct loopback *lb, const struct xendispl_req *req)
{
	announce(lb, lb->sring->rsp_prod + 0x80000000);
}

static void announce_backwards(struct loopback *lb, const struct xendispl_req *req)
{
	announce(lb, lb->sring->rsp_prod - 1);
}

struct wrong_case {
	const char *name;
	void (*answer)(struct loopback *lb, const struct xendispl_req *req);
};

static const struct wrong_case wrong_cases[] = {
	{ "[R1] more responses than slots", announce_too_many },
	{ "[R2] more responses than requests", answer_more_than_asked },
	{ "[R3] unknown id", answer_next_id },
	{ "[R3] unknown id with a known slot", answer_id_of_same_slot },
	{ "[R6] other operation", answer_other_operation },
	{ "[R6] operation 0", answer_operation_0 },
};

KUNIT_ARRAY_PARAM_DESC(wrong, wrong_cases, name);

static void answer_ends_a_call(struct kunit *test)
{
	const struct wrong_case *c = test->param_value;
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	int ret;

	loopback_start(lb, c->answer);

	ret = loopback_call(lb, XENDISPL_OP_FB_ATTACH);
	KUNIT_EXPECT_EQ(test, ret, -ENODEV);
	KUNIT_EXPECT_LT_MSG(test, jiffies_to_msecs(jiffies - start), 1000,
			    "the end did not wake the waiter");
}

static void wrong_reply_to_a_call(struct kunit *test)
{
	answer_ends_a_call(test);
	loopback_expect_fault(test->priv);
}

static const struct wrong_case anew_cases[] = {
	{ "[R1] index goes backwards", announce_backwards },
	{ "[R1] index goes back by 2^31", announce_2_31 },
};

KUNIT_ARRAY_PARAM_DESC(anew, anew_cases, name);

/* Another backend may have found the ring. It is no fault, but the connection ends. */
static void replies_begin_anew(struct kunit *test)
{
	struct loopback *lb = test->priv;

	answer_ends_a_call(test);
	loopback_expect_end(lb);
	KUNIT_EXPECT_FALSE(test, xen_drm_conn_is_at_fault(lb->conn));
	KUNIT_EXPECT_STREQ(test, lb->fault, "");
}

/* [R1] [R2] Not a slot is looked at when the index is wrong. */
static void runaway_index_moves_nothing(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	lb->sring->rsp_prod = 2;
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, 0);
	loopback_expect_fault(lb);
}

/* [R2] */
static void response_without_request(struct kunit *test)
{
	struct loopback *lb = test->priv;

	loopback_respond(lb, 0, XENDISPL_OP_SET_CONFIG, 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, 0);
	loopback_expect_fault(lb);
}

/* [R2] The request is on the shared page, but the backend was not told of it. */
static void response_before_push(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	loopback_respond(lb, req.id, req.operation, 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &call), -ENODEV);
	loopback_expect_fault(lb);
}

static void answer_first_twice(struct loopback *lb, const struct xendispl_req *req)
{
	if (!lb->memory.operation) {
		lb->memory = *req;
		return;
	}
	loopback_respond(lb, req->id, req->operation, 0);
	loopback_respond(lb, req->id, req->operation, 0);
}

/*
 * [R4] The number of responses is right, because an earlier request is open. The
 * waiter has its reply.
 */
static void duplicate_response(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	loopback_start(lb, answer_first_twice);

	KUNIT_EXPECT_EQ(test, loopback_call(lb, XENDISPL_OP_FB_ATTACH), 0);
	loopback_handle_replies(lb);
	loopback_expect_fault(lb);
}

/* [R4] Later, when nobody waits any more. */
static void second_response_to_a_done_request(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req first, second;

	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &first));
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &second));

	loopback_respond(lb, second.id, second.operation, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	loopback_expect_sound(lb);

	loopback_respond(lb, second.id, second.operation, 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	loopback_expect_fault(lb);
}

/* What is broken stays so, and is told once. */
static void second_fault_is_not_told(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->sring->rsp_prod = 1;
	loopback_handle_replies(lb);
	lb->evt_page->in_prod = 1000;
	loopback_handle_replies(lb);
	xen_drm_conn_break(lb->conn, "the test ends it");

	loopback_expect_fault(lb);
}

/*
 * [T5] One request is never answered, while all ids come round, twice. Its own
 * must not be given away, nor any other that has the same slot.
 */
static void abandoned_id_is_not_reused(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req lost, req;
	unsigned int i;
	u16 last = 0;

	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &lost));

	for (i = 0; i < 2 * 65536; i++) {
		KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
		KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
		KUNIT_ASSERT_NE(test, req.id, lost.id);
		KUNIT_ASSERT_NE(test, req.id, last);
		KUNIT_ASSERT_NE(test, req.id % LOOPBACK_RING_SIZE,
				lost.id % LOOPBACK_RING_SIZE);
		last = req.id;
		loopback_agree(lb, &req);
		KUNIT_ASSERT_TRUE(test, loopback_handle_replies(lb));
	}

	loopback_agree(lb, &lost);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	loopback_expect_sound(lb);
}

/* --- notifications and interrupts ---------------------------------------- */

/* The backend sees both at once, in their order, and is notified once. */
static void two_requests_go_out_together(struct kunit *test)
{
	struct xendispl_req create = { .operation = XENDISPL_OP_DBUF_CREATE };
	struct xendispl_req attach = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call calls[2];
	struct xendispl_req taken;

	lb->sring->req_event = 1;
	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &create, &calls[0], false), 0);
	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &attach, &calls[1], false), 0);
	KUNIT_EXPECT_EQ(test, lb->notified, 0);
	KUNIT_EXPECT_FALSE(test, loopback_take(lb, &taken));

	xen_drm_chan_push(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->notified, 1);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &taken));
	KUNIT_EXPECT_EQ(test, taken.operation, XENDISPL_OP_DBUF_CREATE);
	loopback_agree(lb, &taken);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &taken));
	KUNIT_EXPECT_EQ(test, taken.operation, XENDISPL_OP_FB_ATTACH);
	loopback_agree(lb, &taken);

	/* The next one would be notified, if there were one. */
	lb->sring->req_event = 3;
	xen_drm_chan_push(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->notified, 1);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &calls[0]), 0);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &calls[1]), 0);
	loopback_expect_sound(lb);
}

/* Whoever forgets to push does not wait in vain. */
static void wait_pushes(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	loopback_start(lb, loopback_agree);
	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &call), 0);
}

static void answer_next(struct loopback *lb)
{
	struct xendispl_req req;

	KUNIT_ASSERT_TRUE(lb->test, loopback_take(lb, &req));
	loopback_agree(lb, &req);
}

/* Its event raises one. */
static void reply_to_a_flip_raises_no_interrupt(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		KUNIT_ASSERT_EQ(test, loopback_flip(lb, LOOPBACK_COOKIE), 0);
		answer_next(lb);
		KUNIT_EXPECT_FALSE(test, loopback_raised(lb, LOOPBACK_REPLY));
		loopback_event(lb, i, XENDISPL_EVT_PG_FLIP, LOOPBACK_COOKIE);
		xen_drm_chan_event_interrupt(-1, lb->chan);
		KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, i + 1);
	}
	KUNIT_EXPECT_EQ(test, lb->num_done, 5);
	KUNIT_EXPECT_EQ(test, lb->eois, 5);
	KUNIT_EXPECT_EQ(test, lb->spurious, 0);
}

/* Also when there are replies already that have raised none. */
static void reply_to_a_call_raises_an_interrupt(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, LOOPBACK_COOKIE), 0);
	answer_next(lb);
	KUNIT_ASSERT_FALSE(test, loopback_raised(lb, LOOPBACK_REPLY));

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	xen_drm_chan_push(lb->chan);
	answer_next(lb);
	KUNIT_EXPECT_TRUE(test, loopback_raised(lb, LOOPBACK_REPLY));
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	KUNIT_EXPECT_TRUE(test, call.done);

	/* Nobody waits any more. */
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	answer_next(lb);
	KUNIT_EXPECT_FALSE(test, loopback_raised(lb, LOOPBACK_REPLY));
}

static void each_open_call_raises_an_interrupt(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call calls[2];

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &calls[0], false), 0);
	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &calls[1], false), 0);
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);

	answer_next(lb);
	KUNIT_EXPECT_TRUE(test, loopback_raised(lb, LOOPBACK_REPLY));
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	answer_next(lb);
	KUNIT_EXPECT_TRUE(test, loopback_raised(lb, LOOPBACK_REPLY));
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	answer_next(lb);
	KUNIT_EXPECT_FALSE(test, loopback_raised(lb, LOOPBACK_REPLY));
	KUNIT_EXPECT_EQ(test, lb->spurious, 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
}

/* [I1] [R9] */
static void interrupts_without_cause_are_spurious(struct kunit *test)
{
	struct loopback *lb = test->priv;

	xen_drm_chan_reply_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->spurious, 1);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->spurious, 2);
	KUNIT_EXPECT_EQ(test, lb->eois, 2);
	loopback_expect_sound(lb);
}

/* What an interrupt came for was found without it. That is excused once. */
static void late_interrupt_is_not_spurious(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, LOOPBACK_COOKIE), 0);
	answer_next(lb);
	answer_next(lb);
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, LOOPBACK_COOKIE);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	xen_drm_chan_reply_interrupt(-1, lb->chan);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->eois, 2);
	KUNIT_EXPECT_EQ(test, lb->spurious, 0);

	xen_drm_chan_reply_interrupt(-1, lb->chan);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->spurious, 2);
}

/* Replies that were taken along did not announce an interrupt. */
static void unannounced_interrupt_is_spurious(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	answer_next(lb);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->spurious, 1);
}

static void either_interrupt_takes_all(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, LOOPBACK_COOKIE), 0);
	answer_next(lb);
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, LOOPBACK_COOKIE);
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, 1);

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, LOOPBACK_COOKIE), 0);
	answer_next(lb);
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, LOOPBACK_COOKIE);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_done, 2);
	KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, 2);
	KUNIT_EXPECT_EQ(test, lb->spurious, 0);
}

/* [I1] Neither the one that finds the fault, nor any after it. */
static void broken_channel_stays_masked(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->sring->rsp_prod = 1;
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	xen_drm_chan_event_interrupt(-1, lb->chan);
	KUNIT_EXPECT_EQ(test, lb->eois, 0);
	loopback_expect_fault(lb);
}

static struct kunit_case replies_cases[] = {
	KUNIT_CASE(call_gets_its_reply),
	KUNIT_CASE(only_an_edid_has_a_size),
	KUNIT_CASE(calls_in_a_row),
	KUNIT_CASE_PARAM(status, status_gen_params),
	KUNIT_CASE_PARAM(status_of_a_call, status_gen_params),
	KUNIT_CASE_PARAM(wrong_reply_to_a_call, wrong_gen_params),
	KUNIT_CASE_PARAM(replies_begin_anew, anew_gen_params),
	KUNIT_CASE(runaway_index_moves_nothing),
	KUNIT_CASE(response_without_request),
	KUNIT_CASE(response_before_push),
	KUNIT_CASE(duplicate_response),
	KUNIT_CASE(second_response_to_a_done_request),
	KUNIT_CASE(second_fault_is_not_told),
	KUNIT_CASE_SLOW(abandoned_id_is_not_reused),
	KUNIT_CASE(two_requests_go_out_together),
	KUNIT_CASE(wait_pushes),
	KUNIT_CASE(reply_to_a_flip_raises_no_interrupt),
	KUNIT_CASE(reply_to_a_call_raises_an_interrupt),
	KUNIT_CASE(each_open_call_raises_an_interrupt),
	KUNIT_CASE(interrupts_without_cause_are_spurious),
	KUNIT_CASE(late_interrupt_is_not_spurious),
	KUNIT_CASE(unannounced_interrupt_is_spurious),
	KUNIT_CASE(either_interrupt_takes_all),
	KUNIT_CASE(broken_channel_stays_masked),
	{}
};

static struct kunit_suite replies_suite = {
	.name = "xen_drm_front_evtchnl_replies",
	.init = replies_init,
	.test_cases = replies_cases,
};

kunit_test_suite(replies_suite);
