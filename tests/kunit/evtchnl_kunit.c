// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The transport against a backend that may do anything. The names in brackets
 * are those of a catalogue of what can be in a ring: R responses, E events, T
 * time.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "loopback.h"

/* A cookie of a framebuffer, and one that is not meant. */
#define COOKIE		0x123456789abcULL
#define OTHER_COOKIE	0x123456789abdULL

static int evtchnl_init(struct kunit *test)
{
	test->priv = loopback_create(test);
	return 0;
}

static int call(struct loopback *lb, struct xendispl_resp *reply)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_SET_CONFIG };

	return xen_drm_front_evtchnl_call(lb->chan, &req, reply);
}

static int post(struct loopback *lb)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_DBUF_DESTROY };

	return xen_drm_front_evtchnl_post(lb->chan, &req);
}

static int flip(struct loopback *lb, u64 cookie)
{
	struct xendispl_req req = {
		.operation = XENDISPL_OP_PG_FLIP,
		.op.pg_flip.fb_cookie = cookie,
	};

	lb->expected_cookie = cookie;
	return xen_drm_front_evtchnl_flip(lb->chan, &req);
}

static void say_nothing(struct loopback *lb, const struct xendispl_req *req)
{
}

static void expect_sound(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_EXPECT_FALSE(test, xen_drm_front_conn_is_broken(lb->conn));
	KUNIT_EXPECT_FALSE(test, lb->conn->at_fault);
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 0);
}

/* Another thread may have set the latch, and tells of it after waking us. */
static void wait_until_told(struct loopback *lb)
{
	unsigned int ms;

	for (ms = 0; ms < 1000 && !atomic_read(&lb->num_broken); ms++)
		usleep_range(1000, 2000);
}

/* Latched by the backend's fault, told once, and nothing more is sent. */
static void expect_fault(struct kunit *test)
{
	struct loopback *lb = test->priv;
	RING_IDX prod = lb->sring->req_prod;

	wait_until_told(lb);
	KUNIT_EXPECT_TRUE(test, xen_drm_front_conn_is_broken(lb->conn));
	KUNIT_EXPECT_TRUE(test, lb->conn->at_fault);
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 1);
	KUNIT_EXPECT_TRUE_MSG(test, strstarts(lb->fault, "connector 0: ") &&
			      strlen(lb->fault) > 20, "told '%s'", lb->fault);
	KUNIT_EXPECT_EQ(test, strncmp(lb->fault, "connector 0: ", 13), 0);
	KUNIT_EXPECT_EQ(test, call(lb, NULL), -ENODEV);
	KUNIT_EXPECT_EQ(test, post(lb), -ENODEV);
	KUNIT_EXPECT_EQ(test, flip(lb, COOKIE), -ENODEV);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, prod);
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 1);
}

/* --- calls and replies --------------------------------------------------- */

static void agree_to_edid(struct loopback *lb, const struct xendispl_req *req)
{
	struct xendispl_resp *resp = RING_GET_RESPONSE(&lb->ring, lb->ring.rsp_prod_pvt);

	*resp = (struct xendispl_resp) {
		.id = req->id,
		.operation = req->operation,
		.op.get_edid.edid_sz = 256,
	};
	lb->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES(&lb->ring);
}

static void call_gets_its_reply(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_resp reply = {};

	loopback_start(lb, agree_to_edid);

	KUNIT_EXPECT_EQ(test, call(lb, &reply), 0);
	KUNIT_EXPECT_EQ(test, reply.op.get_edid.edid_sz, 256);
	expect_sound(test);
}

/* Through both ring wraps: of the 32 slots, and of the 32 bits. */
static void calls_in_a_row(struct kunit *test)
{
	struct loopback *lb = test->priv;
	const RING_IDX start = U32_MAX - 40;
	unsigned int i;

	lb->sring->req_prod = start;
	lb->sring->rsp_prod = start;
	lb->sring->req_event = start + 0x80000000;
	lb->chan->ring.req_prod_pvt = start;
	lb->chan->ring.rsp_cons = start;
	lb->ring.req_cons = start;
	lb->ring.rsp_prod_pvt = start;
	loopback_start(lb, loopback_agree);

	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, call(lb, NULL), 0);
	KUNIT_EXPECT_EQ(test, lb->sring->rsp_prod, start + 100);
	KUNIT_EXPECT_EQ(test, lb->requests, 100);
	expect_sound(test);
}

struct status_case {
	const char *name;
	s32 status;
	int ret;
};

static const struct status_case status_cases[] = {
	{ "0", 0, 0 },
	{ "EPERM", -1, -EPERM },
	{ "ENOENT", -2, -ENOENT },
	{ "EIO", -5, -EIO },
	{ "ENOMEM", -12, -ENOMEM },
	{ "EACCES", -13, -EACCES },
	{ "EBUSY", -16, -EBUSY },
	{ "EEXIST", -17, -EEXIST },
	{ "EINVAL", -22, -EINVAL },
	{ "ENOSPC", -28, -ENOSPC },
	{ "ERANGE", -34, -ERANGE },
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

	KUNIT_EXPECT_EQ(test, xen_drm_front_evtchnl_status(c->status), c->ret);
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

	KUNIT_EXPECT_EQ(test, call(lb, NULL), c->ret);
	expect_sound(test);
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

static void answer_more_than_asked(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id, req->operation, 0);
	lb->sring->rsp_prod++;
}

static void announce_too_many(struct loopback *lb, const struct xendispl_req *req)
{
	lb->sring->rsp_prod += LOOPBACK_RING_SIZE + 1;
}

static void announce_2_31(struct loopback *lb, const struct xendispl_req *req)
{
	lb->sring->rsp_prod += 0x80000000;
}

static void announce_backwards(struct loopback *lb, const struct xendispl_req *req)
{
	lb->sring->rsp_prod--;
}

struct wrong_case {
	const char *name;
	void (*answer)(struct loopback *lb, const struct xendispl_req *req);
};

static const struct wrong_case wrong_cases[] = {
	{ "[R1] more responses than slots", announce_too_many },
	{ "[R1] 2^31 responses", announce_2_31 },
	{ "[R1] index goes backwards", announce_backwards },
	{ "[R2] more responses than requests", answer_more_than_asked },
	{ "[R3] unknown id", answer_next_id },
	{ "[R3] unknown id with a known slot", answer_id_of_same_slot },
	{ "[R6] other operation", answer_other_operation },
	{ "[R6] operation 0", answer_operation_0 },
};

KUNIT_ARRAY_PARAM_DESC(wrong, wrong_cases, name);

static void wrong_reply_to_a_call(struct kunit *test)
{
	const struct wrong_case *c = test->param_value;
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	int ret;

	loopback_start(lb, c->answer);

	ret = call(lb, NULL);
	KUNIT_EXPECT_EQ(test, ret, -ENODEV);
	KUNIT_EXPECT_LT_MSG(test, jiffies_to_msecs(jiffies - start), 1000,
			    "the latch did not wake the waiter");
	expect_fault(test);
}

/* [R1] [R2] Not a slot is looked at when the index is wrong. */
static void runaway_index_moves_nothing(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, post(lb), 0);
	lb->sring->rsp_prod = 2;
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, 0);
	expect_fault(test);
}

/* [R2] */
static void response_without_request(struct kunit *test)
{
	struct loopback *lb = test->priv;

	loopback_respond(lb, 0, XENDISPL_OP_SET_CONFIG, 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->chan->ring.rsp_cons, 0);
	expect_fault(test);
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
 * waiter has its reply, but may see the latch first.
 */
static void duplicate_response(struct kunit *test)
{
	struct loopback *lb = test->priv;
	int ret;

	KUNIT_ASSERT_EQ(test, post(lb), 0);
	loopback_start(lb, answer_first_twice);

	ret = call(lb, NULL);
	KUNIT_EXPECT_TRUE_MSG(test, ret == 0 || ret == -ENODEV, "returned %d", ret);
	expect_fault(test);
}

/* [R4] Later, when nobody waits any more. */
static void second_response_to_a_done_request(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req first, second;

	KUNIT_ASSERT_EQ(test, post(lb), 0);
	KUNIT_ASSERT_EQ(test, post(lb), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &first));
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &second));

	loopback_respond(lb, second.id, second.operation, 0);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	expect_sound(test);

	loopback_respond(lb, second.id, second.operation, 0);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	expect_fault(test);
}

/* What is latched stays so, and is told once. */
static void second_fault_is_not_told(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->sring->rsp_prod = 1;
	loopback_handle_replies(lb);
	lb->evt_page->in_prod = 1000;
	KUNIT_EXPECT_FALSE(test, xen_drm_front_evtchnl_drain_events(lb->chan));
	xen_drm_front_conn_gone(lb->conn, "the test ends it");

	expect_fault(test);
}

/* --- a backend that does not answer ---------------------------------------- */

/* [R10] Not overwritten. So many are never open with a correct backend. */
static void full_ring(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;
	unsigned int i;

	for (i = 0; i < LOOPBACK_RING_SIZE; i++)
		KUNIT_ASSERT_EQ_MSG(test, post(lb), 0, "request %u", i);

	/* One answer makes room for one request. */
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_agree(lb, &req);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, post(lb), 0);
	expect_sound(test);

	KUNIT_EXPECT_EQ(test, flip(lb, COOKIE), -ENODEV);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, LOOPBACK_RING_SIZE + 1);
	expect_fault(test);
}

/* [T1] [T2] */
static void no_reply_then_a_late_one(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	struct xendispl_req req;
	unsigned int waited;

	KUNIT_EXPECT_EQ(test, call(lb, NULL), -ETIMEDOUT);
	waited = jiffies_to_msecs(jiffies - start);
	KUNIT_EXPECT_GE(test, waited, 3000);
	KUNIT_EXPECT_LT(test, waited, 4000);
	expect_sound(test);

	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_agree(lb, &req);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	expect_sound(test);

	/* It did not count as the reply to what was asked next. */
	loopback_start(lb, loopback_agree);
	KUNIT_EXPECT_EQ(test, call(lb, NULL), 0);
	expect_sound(test);
}

/* [T2] Only once, though. */
static void late_reply_twice(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req, other;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	KUNIT_ASSERT_EQ(test, post(lb), 0);
	xen_drm_front_evtchnl_flip_expired(lb->chan);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &other));

	loopback_agree(lb, &req);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	expect_sound(test);
	loopback_agree(lb, &req);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	expect_fault(test);
}

/* [T3] */
static void two_time_outs_latch(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	xen_drm_front_evtchnl_flip_expired(lb->chan);
	expect_sound(test);

	KUNIT_EXPECT_EQ(test, call(lb, NULL), -ETIMEDOUT);
	expect_fault(test);
}

/* [T3] An answer in between, of whatever kind, shows that the backend lives. */
static void answers_forgive_time_outs(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	xen_drm_front_evtchnl_flip_expired(lb->chan);

	loopback_start(lb, loopback_agree);
	KUNIT_EXPECT_EQ(test, call(lb, NULL), 0);
	xen_drm_front_evtchnl_flip_expired(lb->chan);
	expect_sound(test);

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	KUNIT_EXPECT_TRUE(test, xen_drm_front_evtchnl_drain_events(lb->chan));
	xen_drm_front_evtchnl_flip_expired(lb->chan);
	expect_sound(test);

	xen_drm_front_evtchnl_flip_expired(lb->chan);
	KUNIT_EXPECT_TRUE(test, xen_drm_front_conn_is_broken(lb->conn));
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

	KUNIT_ASSERT_EQ(test, post(lb), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &lost));

	for (i = 0; i < 2 * 65536; i++) {
		KUNIT_ASSERT_EQ(test, post(lb), 0);
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
	expect_sound(test);
}

/* --- the latch --------------------------------------------------------------- */

static int end_connection(void *data)
{
	struct loopback *lb = data;

	msleep(100);
	xen_drm_front_conn_gone(lb->conn, "the test ends it");
	return 0;
}

static void latch_wakes_the_waiter(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	struct task_struct *thread;

	loopback_start(lb, say_nothing);
	thread = kthread_create(end_connection, lb, "vdispl-end");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	get_task_struct(thread);
	wake_up_process(thread);

	KUNIT_EXPECT_EQ(test, call(lb, NULL), -ENODEV);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), 1000);
	kthread_stop_put(thread);
	/* Gone is not at fault: the next connection need not be held off. */
	KUNIT_EXPECT_FALSE(test, lb->conn->at_fault);
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 1);
	KUNIT_EXPECT_STREQ(test, lb->fault, "");
	KUNIT_EXPECT_EQ(test, post(lb), -ENODEV);
}

static int killed_call(void *data)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = data;
	int ret;

	allow_signal(SIGKILL);
	ret = xen_drm_front_evtchnl_call_killable(lb->chan, &req);
	/* kthread_stop() gives the result, and must find the thread. */
	flush_signals(current);
	while (!kthread_should_stop())
		msleep(20);
	return ret;
}

static void killed_task_gives_up(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;
	struct task_struct *thread;
	unsigned long start;

	thread = kthread_create(killed_call, lb, "vdispl-killed");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	get_task_struct(thread);
	wake_up_process(thread);
	while (!loopback_take(lb, &req))
		msleep(20);

	start = jiffies;
	send_sig(SIGKILL, thread, 1);
	KUNIT_EXPECT_EQ(test, kthread_stop_put(thread), -EINTR);
	KUNIT_EXPECT_LT(test, jiffies_to_msecs(jiffies - start), 1000);
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->conn->timeouts), 0);

	/* Nobody is to blame for the reply that comes then. */
	loopback_respond(lb, req.id, req.operation, 0);
	loopback_handle_replies(lb);
	expect_sound(test);
}

/* --- flips --------------------------------------------------------------------- */

/* The reply only says that the flip was accepted. */
static void accepted_flip_is_not_reported(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_agree(lb, &req);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
	expect_sound(test);
}

static void refused_flip_is_reported(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_respond(lb, req.id, req.operation, -512);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_ASSERT_EQ(test, lb->num_flips, 1);
	KUNIT_EXPECT_EQ(test, lb->flips[0].index, 0);
	KUNIT_EXPECT_EQ(test, lb->flips[0].cookie, COOKIE);
	KUNIT_EXPECT_EQ(test, lb->flips[0].error, -EIO);
	expect_sound(test);
}

/* KMS has given the flip up and must not hear of it any more. */
static void refusal_of_an_expired_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	xen_drm_front_evtchnl_flip_expired(lb->chan);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_respond(lb, req.id, req.operation, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
	expect_sound(test);
}

/* --- events ---------------------------------------------------------------------- */

static void event_completes_a_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->expected_cookie = COOKIE;
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	KUNIT_EXPECT_TRUE(test, xen_drm_front_evtchnl_drain_events(lb->chan));

	KUNIT_ASSERT_EQ(test, lb->num_flips, 1);
	KUNIT_EXPECT_EQ(test, lb->flips[0].index, 0);
	KUNIT_EXPECT_EQ(test, lb->flips[0].cookie, COOKIE);
	KUNIT_EXPECT_EQ(test, lb->flips[0].error, 0);
	/* Backends that see no room drop events. */
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	expect_sound(test);
}

static void no_event(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_EXPECT_FALSE(test, xen_drm_front_evtchnl_drain_events(lb->chan));
	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
	expect_sound(test);
}

static void all_slots_full_of_events(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned int i;

	for (i = 0; i < LOOPBACK_NUM_EVENTS; i++)
		loopback_event(lb, i, XENDISPL_EVT_PG_FLIP, COOKIE + i);
	xen_drm_front_evtchnl_drain_events(lb->chan);

	KUNIT_ASSERT_EQ(test, lb->num_flips, LOOPBACK_NUM_EVENTS);
	for (i = 0; i < LOOPBACK_NUM_EVENTS; i++)
		KUNIT_EXPECT_EQ(test, lb->flips[i].cookie, COOKIE + i);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, LOOPBACK_NUM_EVENTS);
	expect_sound(test);
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

	lb->expected_cookie = COOKIE;
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	lb->evt_page->in_prod = c->ahead;
	KUNIT_EXPECT_FALSE(test, xen_drm_front_evtchnl_drain_events(lb->chan));

	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 0);
	expect_fault(test);
}

/* [E2] It is on a page that the backend writes, so it is only written by us. */
static void rewritten_in_cons(struct kunit *test)
{
	struct loopback *lb = test->priv;

	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	lb->evt_page->in_cons = 0xdeadbeef;
	xen_drm_front_evtchnl_drain_events(lb->chan);
	KUNIT_EXPECT_EQ(test, lb->num_flips, 1);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);

	lb->evt_page->in_cons = 0;
	xen_drm_front_evtchnl_drain_events(lb->chan);
	KUNIT_EXPECT_EQ_MSG(test, lb->num_flips, 1, "an event was handled twice");
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	expect_sound(test);
}

static void change_all_but_what_comes(struct loopback *lb)
{
	lb->evt_page->in_prod += 1000;
	lb->evt_page->in_cons = 7;
	memset(&XENDISPL_IN_RING_REF(lb->evt_page, lb->num_flips - 1), 0xff,
	       sizeof(struct xendispl_evt));
}

/* [E3] What has been read counts, indices as well as events. */
static void page_changes_while_events_are_handled(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned int i;

	for (i = 0; i < 3; i++)
		loopback_event(lb, i, XENDISPL_EVT_PG_FLIP, COOKIE + i);
	lb->expected_cookie = COOKIE + 2;
	lb->during_flip = change_all_but_what_comes;
	KUNIT_EXPECT_TRUE(test, xen_drm_front_evtchnl_drain_events(lb->chan));

	KUNIT_ASSERT_EQ(test, lb->num_flips, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, lb->flips[i].cookie, COOKIE + i);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 3);
	expect_sound(test);
}

static void change_first_slot(struct loopback *lb)
{
	memset(&lb->sring->ring[0], 0xff, sizeof(lb->sring->ring[0]));
}

/* [R8] */
static void slot_changes_after_it_was_read(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_respond(lb, req.id, req.operation, -EINVAL);
	lb->during_flip = change_first_slot;
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_ASSERT_EQ(test, lb->num_flips, 1);
	KUNIT_EXPECT_EQ(test, lb->flips[0].cookie, COOKIE);
	KUNIT_EXPECT_EQ(test, lb->flips[0].error, -EINVAL);
	expect_sound(test);
}

/* [E4] */
static void odd_event_ids(struct kunit *test)
{
	static const u16 ids[] = { 7, 7, 0, U16_MAX, 1 };
	struct loopback *lb = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		lb->expected_cookie = COOKIE + i;
		loopback_event(lb, ids[i], XENDISPL_EVT_PG_FLIP, COOKIE + i);
		KUNIT_EXPECT_TRUE(test, xen_drm_front_evtchnl_drain_events(lb->chan));
	}
	KUNIT_EXPECT_EQ(test, lb->num_flips, ARRAY_SIZE(ids));
	expect_sound(test);
}

/* [E5] A later protocol may have more of them. */
static void unknown_event_type(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->expected_cookie = COOKIE;
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP + 1, COOKIE);
	loopback_event(lb, 1, U8_MAX, COOKIE);
	KUNIT_EXPECT_FALSE(test, xen_drm_front_evtchnl_drain_events(lb->chan));
	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 2);

	loopback_event(lb, 2, XENDISPL_EVT_PG_FLIP, COOKIE);
	KUNIT_EXPECT_TRUE(test, xen_drm_front_evtchnl_drain_events(lb->chan));
	expect_sound(test);
}

/*
 * [E6] [E7] KMS knows which flip it waits for; the transport hands the cookie
 * over as it is, and tells the interrupt whether it was worth it.
 */
static void stale_cookies(struct kunit *test)
{
	struct loopback *lb = test->priv;

	lb->expected_cookie = COOKIE;
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, OTHER_COOKIE);
	loopback_event(lb, 1, XENDISPL_EVT_PG_FLIP, 0);
	KUNIT_EXPECT_FALSE(test, xen_drm_front_evtchnl_drain_events(lb->chan));

	KUNIT_ASSERT_EQ(test, lb->num_flips, 2);
	KUNIT_EXPECT_EQ(test, lb->flips[0].cookie, OTHER_COOKIE);
	KUNIT_EXPECT_EQ(test, lb->flips[1].cookie, 0);
	KUNIT_EXPECT_EQ(test, lb->expected_cookie, COOKIE);
	expect_sound(test);
}

/* [E9] Before the display exists, and after it. */
static void events_without_a_display(struct kunit *test)
{
	struct loopback *lb = test->priv;

	xen_drm_front_conn_set_sink(lb->conn, NULL);
	lb->expected_cookie = COOKIE;
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	KUNIT_EXPECT_FALSE(test, xen_drm_front_evtchnl_drain_events(lb->chan));

	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 1);
	expect_sound(test);
}

/* [E9] */
static void refused_flip_without_a_display(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;

	KUNIT_ASSERT_EQ(test, flip(lb, COOKIE), 0);
	xen_drm_front_conn_set_sink(lb->conn, NULL);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_respond(lb, req.id, req.operation, -EINVAL);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));

	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
	expect_sound(test);
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
	for (i = 0; i < 8; i++)
		loopback_event(lb, i, XENDISPL_EVT_PG_FLIP, COOKIE + i);
	KUNIT_ASSERT_EQ(test, lb->evt_page->in_prod, 5);
	xen_drm_front_evtchnl_drain_events(lb->chan);

	/* The backend's later events have overwritten slots 1 to 3. */
	KUNIT_ASSERT_EQ(test, lb->num_flips, 8);
	KUNIT_EXPECT_EQ(test, lb->flips[3].cookie, COOKIE + 3);
	KUNIT_EXPECT_EQ(test, lb->flips[7].cookie, COOKIE + 7);
	KUNIT_EXPECT_EQ(test, lb->evt_page->in_cons, 5);
	expect_sound(test);
}

static void no_events_after_the_latch(struct kunit *test)
{
	struct loopback *lb = test->priv;

	xen_drm_front_conn_gone(lb->conn, "the test ends it");
	lb->expected_cookie = COOKIE;
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	KUNIT_EXPECT_FALSE(test, xen_drm_front_evtchnl_drain_events(lb->chan));
	KUNIT_EXPECT_EQ(test, lb->num_flips, 0);
}

static struct kunit_case evtchnl_cases[] = {
	KUNIT_CASE(call_gets_its_reply),
	KUNIT_CASE(calls_in_a_row),
	KUNIT_CASE_PARAM(status, status_gen_params),
	KUNIT_CASE_PARAM(status_of_a_call, status_gen_params),
	KUNIT_CASE_PARAM(wrong_reply_to_a_call, wrong_gen_params),
	KUNIT_CASE(runaway_index_moves_nothing),
	KUNIT_CASE(response_without_request),
	KUNIT_CASE(duplicate_response),
	KUNIT_CASE(second_response_to_a_done_request),
	KUNIT_CASE(second_fault_is_not_told),
	KUNIT_CASE(full_ring),
	KUNIT_CASE_SLOW(no_reply_then_a_late_one),
	KUNIT_CASE(late_reply_twice),
	KUNIT_CASE_SLOW(two_time_outs_latch),
	KUNIT_CASE(answers_forgive_time_outs),
	KUNIT_CASE_SLOW(abandoned_id_is_not_reused),
	KUNIT_CASE(latch_wakes_the_waiter),
	KUNIT_CASE(killed_task_gives_up),
	KUNIT_CASE(accepted_flip_is_not_reported),
	KUNIT_CASE(refused_flip_is_reported),
	KUNIT_CASE(refusal_of_an_expired_flip),
	KUNIT_CASE(event_completes_a_flip),
	KUNIT_CASE(no_event),
	KUNIT_CASE(all_slots_full_of_events),
	KUNIT_CASE_PARAM(runaway_in_prod, in_prod_gen_params),
	KUNIT_CASE(rewritten_in_cons),
	KUNIT_CASE(page_changes_while_events_are_handled),
	KUNIT_CASE(slot_changes_after_it_was_read),
	KUNIT_CASE(odd_event_ids),
	KUNIT_CASE(unknown_event_type),
	KUNIT_CASE(stale_cookies),
	KUNIT_CASE(events_without_a_display),
	KUNIT_CASE(refused_flip_without_a_display),
	KUNIT_CASE(event_index_wraps),
	KUNIT_CASE(no_events_after_the_latch),
	{}
};

static struct kunit_suite evtchnl_suite = {
	.name = "xen_drm_front_evtchnl",
	.init = evtchnl_init,
	.test_cases = evtchnl_cases,
};

kunit_test_suite(evtchnl_suite);
