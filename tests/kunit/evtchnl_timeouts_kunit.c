// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A backend that does not answer, or not in time, and tasks that do not wait. The
 * names in brackets are those of a catalogue: R responses, T time.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include <kunit/test.h>
#include <kunit/visibility.h>

#include "loopback.h"

#define COOKIE		LOOPBACK_COOKIE
#define OTHER_COOKIE	LOOPBACK_OTHER_COOKIE

static int timeouts_init(struct kunit *test)
{
	test->priv = loopback_create(test);
	return 0;
}

static int call(struct loopback *lb)
{
	return loopback_call(lb, XENDISPL_OP_FB_ATTACH);
}

static void answer_next(struct loopback *lb)
{
	struct xendispl_req req;

	KUNIT_ASSERT_TRUE(lb->test, loopback_take(lb, &req));
	loopback_agree(lb, &req);
}

static void expect_ms(struct kunit *test, unsigned long start, unsigned int min)
{
	unsigned int ms = jiffies_to_msecs(jiffies - start);

	KUNIT_EXPECT_GE(test, ms, min);
	KUNIT_EXPECT_LT(test, ms, min + 1000);
}

static void expect_told(struct loopback *lb, int missed, int answers)
{
	KUNIT_EXPECT_EQ(lb->test, atomic_read(&lb->num_missed), missed);
	KUNIT_EXPECT_EQ(lb->test, atomic_read(&lb->num_answers), answers);
}

/* --- calls --------------------------------------------------------------- */

/* [T1] [T2] */
static void no_reply_then_a_late_one(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;

	KUNIT_EXPECT_EQ(test, call(lb), -ETIMEDOUT);
	expect_ms(test, start, 3000);
	expect_told(lb, 1, 0);
	loopback_expect_sound(lb);

	answer_next(lb);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	expect_told(lb, 1, 1);
	loopback_expect_sound(lb);

	/* It did not count as the reply to what was asked next. */
	loopback_start(lb, loopback_agree);
	KUNIT_EXPECT_EQ(test, call(lb), 0);
	expect_told(lb, 1, 1);
	loopback_expect_sound(lb);
}

/* [T2] The storage is the caller's again, who may use it for something else. */
static void late_reply_leaves_the_call_alone(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_GET_EDID };
	struct loopback *lb = test->priv;
	struct xen_drm_call calls[2];
	struct xendispl_req taken;

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &calls[0], false), 0);
	loopback_age(lb);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &calls[0]), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	memset(calls, 0x55, sizeof(calls));
	memcpy(&calls[1], &calls[0], sizeof(calls[0]));

	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &taken));
	loopback_respond_edid(lb, &taken, 128);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_MEMEQ(test, &calls[0], &calls[1], sizeof(calls[0]));
	loopback_expect_sound(lb);
}

/* [T2] Only once, though. */
static void late_reply_twice(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xendispl_req lost, other;
	struct xen_drm_call call;

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	loopback_age(lb);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &call), -ETIMEDOUT);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &lost));
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &other));

	loopback_agree(lb, &lost);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	loopback_expect_sound(lb);
	loopback_agree(lb, &lost);
	KUNIT_EXPECT_FALSE(test, loopback_handle_replies(lb));
	loopback_expect_fault(lb);
}

/* The reply is there, but the guest did not run when its interrupt was due. */
static void ring_is_looked_into_at_the_end(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call call;

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &call, false), 0);
	xen_drm_chan_push(lb->chan);
	loopback_age(lb);
	answer_next(lb);

	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &call), 0);
	expect_told(lb, 0, 0);
	loopback_expect_sound(lb);
}

/* However many replies it owes. */
static void silent_backend_is_waited_for_once(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	struct xen_drm_call calls[5];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &calls[i], false), 0);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &calls[i]),
				-ETIMEDOUT);
	expect_ms(test, start, 3000);
	expect_told(lb, 1, 0);
	loopback_expect_sound(lb);
}

/* A sign of life counts for all that came in before. */
static void busy_backend_is_waited_for(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	struct xen_drm_call first, second;
	unsigned long start;

	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &first, false), 0);
	KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &second, false), 0);
	xen_drm_chan_push(lb->chan);
	loopback_age(lb);
	answer_next(lb);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &first), 0);

	start = jiffies;
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &second), -ETIMEDOUT);
	expect_ms(test, start, 3000);
}

/* --- the limit --------------------------------------------------------------- */

#define LIMIT_MS	500

/* Runs in the thread of the backend. */
static void answer_just_in_time(struct loopback *lb, const struct xendispl_req *req)
{
	msleep(LIMIT_MS * 3 / 4);
	loopback_agree(lb, req);
}

/* Each answer would give it as much time again. */
static void limit_of_all_waits(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	struct xen_drm_call calls[4];
	unsigned int i;

	loopback_start(lb, answer_just_in_time);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, &calls[i], false), 0);
	xen_drm_conn_limit(lb->conn, LIMIT_MS);
	KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &calls[0]), 0);
	for (i = 1; i < ARRAY_SIZE(calls); i++)
		KUNIT_EXPECT_EQ(test, xen_drm_chan_wait(lb->chan, &calls[i]), -ETIMEDOUT);
	expect_ms(test, start, LIMIT_MS);
	loopback_expect_sound(lb);
}

/* The first answer after it is news, as after any silence. */
static void limit_is_a_silence(struct kunit *test)
{
	struct loopback *lb = test->priv;

	xen_drm_conn_limit(lb->conn, LIMIT_MS);
	KUNIT_EXPECT_EQ(test, call(lb), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	expect_told(lb, 1, 0);

	answer_next(lb);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	expect_told(lb, 1, 1);
	loopback_expect_sound(lb);
}

/* If no answer ever comes, the silence ends the connection. */
static void limit_then_silence(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies, since;

	xen_drm_conn_limit(lb->conn, LIMIT_MS);
	KUNIT_EXPECT_EQ(test, call(lb), -ETIMEDOUT);
	KUNIT_ASSERT_TRUE(test, xen_drm_conn_silent(lb->conn, &since));
	KUNIT_EXPECT_TRUE(test, time_in_range(since, start, jiffies));
}

static void limit_of_a_full_ring(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;

	loopback_fill(lb);
	xen_drm_conn_limit(lb->conn, LIMIT_MS);
	KUNIT_EXPECT_EQ(test, call(lb), -ETIMEDOUT);
	expect_ms(test, start, LIMIT_MS);
}

static void limit_is_lifted(struct kunit *test)
{
	struct loopback *lb = test->priv;

	xen_drm_conn_limit(lb->conn, 1);
	msleep(20);
	KUNIT_EXPECT_EQ(test, call(lb), -ETIMEDOUT);
	xen_drm_conn_limit(lb->conn, 0);
	loopback_start(lb, answer_just_in_time);
	KUNIT_EXPECT_EQ(test, call(lb), 0);
}

/* --- the end ----------------------------------------------------------------- */

static int end_connection(void *data)
{
	struct loopback *lb = data;

	msleep(100);
	xen_drm_conn_break(lb->conn, "the test ends it");
	return 0;
}

static struct task_struct *run_thread(struct kunit *test, int (*function)(void *data))
{
	struct task_struct *thread = kthread_create(function, test->priv, "vdispl-test");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	get_task_struct(thread);
	wake_up_process(thread);
	return thread;
}

static void end_wakes_the_waiter(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	struct task_struct *thread;

	loopback_start(lb, loopback_say_nothing);
	thread = run_thread(test, end_connection);

	KUNIT_EXPECT_EQ(test, call(lb), -ENODEV);
	expect_ms(test, start, 0);
	kthread_stop_put(thread);
	/* Gone is not at fault: the next connection need not be held off. */
	KUNIT_EXPECT_FALSE(test, xen_drm_conn_is_at_fault(lb->conn));
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 1);
	KUNIT_EXPECT_STREQ(test, lb->fault, "");
	KUNIT_EXPECT_EQ(test, loopback_post(lb), -ENODEV);
	expect_told(lb, 0, 0);
}

static void end_wakes_who_waits_for_room(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;
	struct task_struct *thread;

	loopback_fill(lb);
	thread = run_thread(test, end_connection);

	KUNIT_EXPECT_EQ(test, call(lb), -ENODEV);
	expect_ms(test, start, 0);
	kthread_stop_put(thread);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
}

/* --- killed tasks -------------------------------------------------------------- */

static int killed_call(void *data)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = data;
	struct xen_drm_call call;
	int ret;

	allow_signal(SIGKILL);
	ret = xen_drm_chan_submit(lb->chan, &req, &call, true);
	if (!ret)
		ret = xen_drm_chan_wait(lb->chan, &call);
	/* kthread_stop() gives the result, and must find the thread. */
	flush_signals(current);
	while (!kthread_should_stop())
		msleep(20);
	return ret;
}

/* Without the reply nobody knows what the backend is about to do with the pages. */
static void killed_task_waits_for_its_reply(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct task_struct *thread;
	struct xendispl_req req;

	thread = run_thread(test, killed_call);
	while (!loopback_take(lb, &req))
		msleep(20);

	send_sig(SIGKILL, thread, 1);
	msleep(200);
	KUNIT_EXPECT_EQ(test, READ_ONCE(lb->chan->num_waits), 1);

	loopback_agree(lb, &req);
	KUNIT_EXPECT_TRUE(test, loopback_handle_replies(lb));
	KUNIT_EXPECT_EQ(test, kthread_stop_put(thread), 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	expect_told(lb, 0, 0);
	loopback_expect_sound(lb);
}

static void killed_task_does_not_wait_for_room(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct task_struct *thread;
	unsigned long start;

	loopback_fill(lb);
	thread = run_thread(test, killed_call);
	while (!READ_ONCE(lb->chan->num_waits))
		msleep(20);

	start = jiffies;
	send_sig(SIGKILL, thread, 1);
	KUNIT_EXPECT_EQ(test, kthread_stop_put(thread), -EINTR);
	expect_ms(test, start, 0);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	loopback_expect_sound(lb);
}

static int dead_call(void *data)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = data;
	struct xen_drm_call call;
	int ret;

	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	ret = xen_drm_chan_submit(lb->chan, &req, &call, true);
	/* What cleans up is sent all the same. */
	if (ret == -EINTR)
		ret = loopback_post(lb);
	flush_signals(current);
	while (!kthread_should_stop())
		msleep(20);
	return ret;
}

static void dead_task_only_cleans_up(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;
	struct task_struct *thread;

	thread = run_thread(test, dead_call);
	while (!loopback_take(lb, &req))
		msleep(20);
	KUNIT_EXPECT_EQ(test, kthread_stop_put(thread), 0);
	KUNIT_EXPECT_EQ(test, req.operation, XENDISPL_OP_DBUF_DESTROY);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, 1);
}

/* --- a full ring --------------------------------------------------------------- */

/* [R10] Nothing is overwritten, and nobody is at fault. */
static void ring_that_stays_full(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start;

	loopback_fill(lb);
	start = jiffies;
	KUNIT_EXPECT_EQ(test, call(lb), -ETIMEDOUT);
	expect_ms(test, start, 3000);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, LOOPBACK_RING_SIZE);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	expect_told(lb, 1, 0);
	loopback_expect_sound(lb);
}

/* What is there already is taken first. */
static void ring_that_looks_full(struct kunit *test)
{
	struct loopback *lb = test->priv;

	loopback_fill(lb);
	answer_next(lb);
	KUNIT_EXPECT_EQ(test, loopback_post(lb), 0);
	answer_next(lb);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), 0);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, LOOPBACK_RING_SIZE + 2);
	expect_told(lb, 0, 0);
}

static void answer_after_a_while(struct loopback *lb, const struct xendispl_req *req)
{
	if (lb->requests == 1)
		msleep(200);
	loopback_agree(lb, req);
}

static void room_is_waited_for(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long start = jiffies;

	loopback_fill(lb);
	loopback_start(lb, answer_after_a_while);
	KUNIT_EXPECT_EQ(test, call(lb), 0);
	expect_ms(test, start, 0);
	KUNIT_EXPECT_EQ(test, lb->requests, LOOPBACK_RING_SIZE + 1);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	expect_told(lb, 0, 0);
	loopback_expect_sound(lb);
}

/* Else they would wait for each other: the task for room, the backend for work. */
static void waiting_for_room_pushes(struct kunit *test)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_FB_ATTACH };
	struct loopback *lb = test->priv;
	unsigned int i;

	loopback_start(lb, loopback_agree);
	for (i = 0; i < 3 * LOOPBACK_RING_SIZE; i++)
		KUNIT_ASSERT_EQ(test, xen_drm_chan_submit(lb->chan, &req, NULL, false), 0);
	loopback_expect_sound(lb);
}

/* Its owner hears when it can try again, which an interrupt finds out. */
static void flip_without_room(struct kunit *test)
{
	struct loopback *lb = test->priv;

	loopback_fill(lb);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EAGAIN);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EAGAIN);
	KUNIT_EXPECT_EQ(test, lb->serial, 0);
	KUNIT_EXPECT_FALSE(test, lb->chan->flip_open);
	expect_told(lb, 0, 0);

	answer_next(lb);
	KUNIT_EXPECT_TRUE(test, loopback_raised(lb, LOOPBACK_REPLY));
	xen_drm_chan_reply_interrupt(-1, lb->chan);
	expect_told(lb, 0, 1);
	KUNIT_EXPECT_EQ(test, lb->chan->num_waits, 0);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), 0);
	KUNIT_EXPECT_EQ(test, lb->serial, 1);

	answer_next(lb);
	KUNIT_EXPECT_FALSE(test, loopback_raised(lb, LOOPBACK_REPLY));
	loopback_expect_sound(lb);
}

/* [R10] A backend that shows flips, but does not answer them, is found out so. */
static void flips_are_shown_but_not_answered(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long since;
	unsigned int i;

	for (i = 0; i < LOOPBACK_RING_SIZE; i++) {
		KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
		loopback_event(lb, i, XENDISPL_EVT_PG_FLIP, COOKIE);
		KUNIT_ASSERT_TRUE(test, loopback_handle_replies(lb));
	}
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, COOKIE), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, xen_drm_chan_overdue(lb->chan, &since));
	loopback_age(lb);
	KUNIT_EXPECT_TRUE(test, xen_drm_chan_overdue(lb->chan, &since));
	expect_told(lb, 1, 0);
	loopback_expect_sound(lb);
}

/* --- overdue ------------------------------------------------------------------- */

/* [T3] Told once for each request, whatever is answered meanwhile. */
static void missed_and_answers(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req lost;

	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &lost));
	loopback_handle_replies(lb);
	expect_told(lb, 0, 0);

	loopback_age(lb);
	loopback_handle_replies(lb);
	loopback_handle_replies(lb);
	expect_told(lb, 1, 0);

	answer_next(lb);
	loopback_handle_replies(lb);
	expect_told(lb, 1, 1);
	answer_next(lb);
	loopback_handle_replies(lb);
	expect_told(lb, 1, 1);

	/* Another one is missed, then a flip. */
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	loopback_age(lb);
	loopback_handle_replies(lb);
	expect_told(lb, 2, 1);
	answer_next(lb);
	loopback_handle_replies(lb);
	expect_told(lb, 2, 2);
	loopback_agree(lb, &lost);
	loopback_handle_replies(lb);
	expect_told(lb, 2, 2);
	loopback_expect_sound(lb);
}

static void missed_flip(struct kunit *test)
{
	struct loopback *lb = test->priv;

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb);
	loopback_age(lb);
	/* The reply is seen first, so it does not count as an answer after a miss. */
	loopback_handle_replies(lb);
	expect_told(lb, 1, 0);

	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, OTHER_COOKIE);
	loopback_handle_replies(lb);
	expect_told(lb, 1, 0);
	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	loopback_handle_replies(lb);
	expect_told(lb, 1, 1);
	KUNIT_EXPECT_EQ(test, lb->num_done, 1);
	loopback_expect_sound(lb);
}

static void expect_stats(struct loopback *lb, u64 requests, u64 refused, u64 missed, u64 late)
{
	struct xen_drm_chan_stats stats = { .requests = 1000, .late = 1000 };

	xen_drm_chan_add_stats(lb->chan, &stats);
	KUNIT_EXPECT_EQ(lb->test, stats.requests, 1000 + requests);
	KUNIT_EXPECT_EQ(lb->test, stats.refused, refused);
	KUNIT_EXPECT_EQ(lb->test, stats.missed, missed);
	KUNIT_EXPECT_EQ(lb->test, stats.late, 1000 + late);
}

/* What an administrator sees in debugfs. */
static void counters(struct kunit *test)
{
	struct loopback *lb = test->priv;
	struct xendispl_req req;

	expect_stats(lb, 0, 0, 0, 0);
	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	expect_stats(lb, 2, 0, 0, 0);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_respond(lb, req.id, req.operation, 0);
	loopback_handle_replies(lb);

	/* Of the flip the event, and of the other request the reply. */
	loopback_age(lb);
	xen_drm_chan_poll(lb->chan);
	expect_stats(lb, 2, 0, 2, 0);
	xen_drm_chan_poll(lb->chan);
	expect_stats(lb, 2, 0, 2, 0);

	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	loopback_handle_replies(lb);
	expect_stats(lb, 2, 0, 2, 1);
	KUNIT_ASSERT_TRUE(test, loopback_take(lb, &req));
	loopback_respond(lb, req.id, req.operation, -EINVAL);
	loopback_handle_replies(lb);
	expect_stats(lb, 2, 1, 2, 2);
	loopback_expect_sound(lb);
}

static void overdue(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long since = 0, flip_sent;

	KUNIT_EXPECT_FALSE(test, xen_drm_chan_overdue(lb->chan, &since));

	KUNIT_ASSERT_EQ(test, loopback_flip(lb, COOKIE), 0);
	answer_next(lb);
	KUNIT_EXPECT_FALSE(test, xen_drm_chan_overdue(lb->chan, &since));
	loopback_age(lb);
	flip_sent = lb->chan->flip_sent;
	KUNIT_EXPECT_TRUE(test, xen_drm_chan_overdue(lb->chan, &since));
	KUNIT_EXPECT_EQ(test, since, flip_sent);

	/* The oldest one counts, also when it is not the first in its slot. */
	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	loopback_age(lb);
	KUNIT_EXPECT_TRUE(test, xen_drm_chan_overdue(lb->chan, &since));
	KUNIT_EXPECT_EQ(test, since, flip_sent - msecs_to_jiffies(3000));

	loopback_event(lb, 0, XENDISPL_EVT_PG_FLIP, COOKIE);
	KUNIT_EXPECT_TRUE(test, xen_drm_chan_overdue(lb->chan, &since));
	KUNIT_EXPECT_GE(test, since, flip_sent);

	/* The answer is in the ring, where nobody has looked yet. */
	answer_next(lb);
	KUNIT_EXPECT_FALSE(test, xen_drm_chan_overdue(lb->chan, &since));
	loopback_expect_sound(lb);
}

/* Nothing is owed to a connection that has ended. */
static void overdue_at_the_end(struct kunit *test)
{
	struct loopback *lb = test->priv;
	unsigned long since;

	KUNIT_ASSERT_EQ(test, loopback_post(lb), 0);
	loopback_age(lb);
	xen_drm_conn_break(lb->conn, "the test ends it");
	KUNIT_EXPECT_FALSE(test, xen_drm_chan_overdue(lb->chan, &since));
	expect_told(lb, 0, 0);
}

static struct kunit_case timeouts_cases[] = {
	KUNIT_CASE_SLOW(no_reply_then_a_late_one),
	KUNIT_CASE(late_reply_leaves_the_call_alone),
	KUNIT_CASE(late_reply_twice),
	KUNIT_CASE(ring_is_looked_into_at_the_end),
	KUNIT_CASE_SLOW(silent_backend_is_waited_for_once),
	KUNIT_CASE_SLOW(busy_backend_is_waited_for),
	KUNIT_CASE(limit_of_all_waits),
	KUNIT_CASE(limit_is_a_silence),
	KUNIT_CASE(limit_then_silence),
	KUNIT_CASE(limit_of_a_full_ring),
	KUNIT_CASE(limit_is_lifted),
	KUNIT_CASE(end_wakes_the_waiter),
	KUNIT_CASE(end_wakes_who_waits_for_room),
	KUNIT_CASE(killed_task_waits_for_its_reply),
	KUNIT_CASE(killed_task_does_not_wait_for_room),
	KUNIT_CASE(dead_task_only_cleans_up),
	KUNIT_CASE_SLOW(ring_that_stays_full),
	KUNIT_CASE(ring_that_looks_full),
	KUNIT_CASE(room_is_waited_for),
	KUNIT_CASE(waiting_for_room_pushes),
	KUNIT_CASE(flip_without_room),
	KUNIT_CASE(flips_are_shown_but_not_answered),
	KUNIT_CASE(missed_and_answers),
	KUNIT_CASE(missed_flip),
	KUNIT_CASE(counters),
	KUNIT_CASE(overdue),
	KUNIT_CASE(overdue_at_the_end),
	{}
};

static struct kunit_suite timeouts_suite = {
	.name = "xen_drm_front_evtchnl_timeouts",
	.init = timeouts_init,
	.test_cases = timeouts_cases,
};

kunit_test_suite(timeouts_suite);
