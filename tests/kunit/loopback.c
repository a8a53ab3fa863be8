// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A backend without Xen. Its interrupts are bits: a thread that plays the backend
 * looks at them, and calls the handlers. Requests are not notified by default, since
 * the thread looks into the ring by itself.
 */

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include <kunit/device.h>
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>

#include <xen/events.h>

#include "loopback.h"

/* So far ahead that no index of a test comes to it. */
#define NEVER_NOTIFY	0x80000000

static bool loopback_done(void *owner, u32 serial, ktime_t when)
{
	struct loopback *lb = owner;

	lb->num_done++;
	lb->done_serial = serial;
	lb->done_when = when;
	if (lb->during_flip)
		lb->during_flip(lb);
	return lb->quiet;
}

static void loopback_refused(void *owner, u32 serial, int error)
{
	struct loopback *lb = owner;

	lb->num_refused++;
	lb->refused_serial = serial;
	lb->refused_error = error;
	if (lb->during_flip)
		lb->during_flip(lb);
}

static void loopback_mode_set(void *owner, u32 mode, int error)
{
	struct loopback *lb = owner;

	lb->num_modes++;
	lb->mode = mode;
	lb->mode_error = error;
}

static void loopback_not_off(void *owner, int error)
{
	struct loopback *lb = owner;

	lb->num_not_off++;
}

static const struct xen_drm_flip_ops loopback_flip_ops = {
	.done = loopback_done,
	.refused = loopback_refused,
	.mode_set = loopback_mode_set,
	.not_off = loopback_not_off,
};

static void loopback_broken(void *owner, const char *fault)
{
	struct loopback *lb = owner;

	strscpy(lb->fault, fault ?: "");
	atomic_inc(&lb->num_broken);
}

static void loopback_missed(void *owner)
{
	struct loopback *lb = owner;

	atomic_inc(&lb->num_missed);
}

static void loopback_answers(void *owner)
{
	struct loopback *lb = owner;

	atomic_inc(&lb->num_answers);
}

static const struct xen_drm_conn_ops loopback_ops = {
	.broken = loopback_broken,
	.missed = loopback_missed,
	.answers = loopback_answers,
};

/* Stubs are for the test's thread alone; the others' calls find no event channel. */
static struct loopback *loopback_notified;

static void stub_notify(struct xen_drm_chan *chan)
{
	loopback_notified->notified++;
}

static void stub_eoi(struct xen_drm_chan *chan, int irq, unsigned int flags)
{
	loopback_notified->eois++;
	if (flags & XEN_EOI_FLAG_SPURIOUS)
		loopback_notified->spurious++;
}

KUNIT_DEFINE_ACTION_WRAPPER(put_conn, xen_drm_conn_put, struct xen_drm_conn *);

/* A connection with one connector, whose flips are told to the loopback. */
struct loopback *loopback_create(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "vdispl-loopback");
	struct loopback *lb = kunit_kzalloc(test, sizeof(*lb), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_NOT_NULL(test, lb);
	lb->test = test;
	lb->sring = kunit_kzalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
	lb->evt_page = kunit_kzalloc(test, XEN_PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, lb->sring);
	KUNIT_ASSERT_NOT_NULL(test, lb->evt_page);

	lb->conn = xen_drm_conn_alloc(dev, 0, 1, 2, &loopback_ops, lb);
	KUNIT_ASSERT_NOT_NULL(test, lb->conn);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, put_conn, lb->conn), 0);

	lb->chan = xen_drm_conn_chan(lb->conn, 0);
	xen_drm_chan_attach(lb->chan, lb->sring, lb->evt_page);
	xen_drm_chan_set_flip_ops(lb->chan, &loopback_flip_ops, lb);
	BACK_RING_INIT(&lb->ring, lb->sring, XEN_PAGE_SIZE);
	lb->sring->req_event = NEVER_NOTIFY;

	loopback_notified = lb;
	kunit_activate_static_stub(test, xen_drm_chan_notify, stub_notify);
	kunit_activate_static_stub(test, xen_drm_chan_eoi, stub_eoi);
	return lb;
}

/* Takes the next request from the ring; false if there is none. */
bool loopback_take(struct loopback *lb, struct xendispl_req *req)
{
	RING_IDX prod = READ_ONCE(lb->sring->req_prod);

	virt_rmb(); /* the index before the request that it announces */
	if (prod == lb->ring.req_cons)
		return false;

	memcpy(lb->last_request, RING_GET_REQUEST(&lb->ring, lb->ring.req_cons),
	       sizeof(lb->last_request));
	memcpy(req, lb->last_request, sizeof(*req));
	lb->ring.req_cons++;
	lb->requests++;
	return true;
}

static void loopback_put_response(struct loopback *lb, const struct xendispl_resp *resp)
{
	int notify;

	*RING_GET_RESPONSE(&lb->ring, lb->ring.rsp_prod_pvt) = *resp;
	lb->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&lb->ring, notify);
	if (notify)
		set_bit(LOOPBACK_REPLY, &lb->interrupts);
}

void loopback_respond(struct loopback *lb, u16 id, u8 operation, s32 status)
{
	const struct xendispl_resp resp = {
		.id = id,
		.operation = operation,
		.status = status,
	};

	loopback_put_response(lb, &resp);
}

/* Also to a request for something else. */
void loopback_respond_edid(struct loopback *lb, const struct xendispl_req *req, u32 size)
{
	const struct xendispl_resp resp = {
		.id = req->id,
		.operation = req->operation,
		.op.get_edid.edid_sz = size,
	};

	loopback_put_response(lb, &resp);
}

void loopback_agree(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id, req->operation, 0);
}

void loopback_say_nothing(struct loopback *lb, const struct xendispl_req *req)
{
}

void loopback_event(struct loopback *lb, u16 id, u8 type, u64 cookie)
{
	u32 prod = lb->evt_page->in_prod;

	XENDISPL_IN_RING_REF(lb->evt_page, prod) = (struct xendispl_evt) {
		.id = id,
		.type = type,
		.op.pg_flip.fb_cookie = cookie,
	};
	virt_wmb(); /* the event before the index that announces it */
	WRITE_ONCE(lb->evt_page->in_prod, prod + 1);
	set_bit(LOOPBACK_EVENT, &lb->interrupts);
}

/* Has the backend raised this interrupt since the last time? */
bool loopback_raised(struct loopback *lb, unsigned int which)
{
	return test_and_clear_bit(which, &lb->interrupts);
}

static int loopback_thread(void *data)
{
	struct loopback *lb = data;
	struct xendispl_req req;

	while (!kthread_should_stop()) {
		while (loopback_take(lb, &req))
			lb->answer(lb, &req);
		if (loopback_raised(lb, LOOPBACK_REPLY))
			xen_drm_chan_reply_interrupt(-1, lb->chan);
		/* Xen keeps it for later while it is masked. */
		if (!READ_ONCE(lb->chan->evt_masked) && loopback_raised(lb, LOOPBACK_EVENT)) {
			lb->event_interrupts++;
			xen_drm_chan_event_interrupt(-1, lb->chan);
		}
		usleep_range(500, 1000);
	}
	return 0;
}

KUNIT_DEFINE_ACTION_WRAPPER(stop_thread, kthread_stop, struct task_struct *);

/* From now on each request is answered in another thread. */
void loopback_start(struct loopback *lb,
		    void (*answer)(struct loopback *lb,
				   const struct xendispl_req *req))
{
	struct task_struct *thread;

	lb->answer = answer;
	thread = kthread_run(loopback_thread, lb, "vdispl-loopback");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(lb->test, thread);
	KUNIT_ASSERT_EQ(lb->test,
			kunit_add_action_or_reset(lb->test, stop_thread, thread), 0);
}

/* Takes what is there, without an interrupt; returns whether there was an answer. */
bool loopback_handle_replies(struct loopback *lb)
{
	return xen_drm_chan_poll(lb->chan);
}

int loopback_call(struct loopback *lb, u8 operation)
{
	struct xendispl_req req = { .operation = operation };
	struct xen_drm_call call;
	int ret;

	ret = xen_drm_chan_submit(lb->chan, &req, &call, false);
	return ret ?: xen_drm_chan_wait(lb->chan, &call);
}

/* A request whose reply nobody waits for. */
int loopback_post(struct loopback *lb)
{
	struct xendispl_req req = { .operation = XENDISPL_OP_DBUF_DESTROY };
	int ret;

	ret = xen_drm_chan_submit(lb->chan, &req, NULL, false);
	xen_drm_chan_push(lb->chan);
	return ret;
}

int loopback_flip(struct loopback *lb, u64 cookie)
{
	struct xendispl_req req = {
		.operation = XENDISPL_OP_PG_FLIP,
		.op.pg_flip.fb_cookie = cookie,
	};

	return xen_drm_chan_flip(lb->chan, &req, &lb->serial);
}

/* Makes the ring full. */
void loopback_fill(struct loopback *lb)
{
	unsigned int i;

	for (i = 0; i < LOOPBACK_RING_SIZE; i++)
		KUNIT_ASSERT_EQ_MSG(lb->test, loopback_post(lb), 0, "request %u", i);
}

/* As if all that is open had gone out a time-out ago. */
void loopback_age(struct loopback *lb)
{
	const unsigned long age = msecs_to_jiffies(3000);
	unsigned int i;

	for (i = 0; i < LOOPBACK_RING_SIZE; i++)
		lb->chan->slots[i].sent -= age;
	lb->chan->flip_sent -= age;
	lb->chan->heard -= age;
}

/* Of the requests without an answer, those by which memory can still be mapped. */
unsigned int loopback_count_grants(struct loopback *lb)
{
	struct xen_displif_front_ring *ring = &lb->chan->ring;
	const struct xendispl_req *req;
	unsigned int count = 0;
	RING_IDX i;

	for (i = ring->rsp_cons; i != ring->req_prod_pvt; i++) {
		req = RING_GET_REQUEST(ring, i);
		if (req->operation == XENDISPL_OP_DBUF_CREATE)
			count += req->op.dbuf_create.gref_directory != INVALID_GRANT_REF;
		else if (req->operation == XENDISPL_OP_GET_EDID)
			count += req->op.get_edid.gref_directory != INVALID_GRANT_REF;
	}
	return count;
}

void loopback_expect_sound(struct loopback *lb)
{
	struct kunit *test = lb->test;

	KUNIT_EXPECT_FALSE(test, xen_drm_conn_is_broken(lb->conn));
	KUNIT_EXPECT_FALSE(test, xen_drm_conn_is_at_fault(lb->conn));
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 0);
}

/* Another thread may have found the fault, and tells of it after waking us. */
static void wait_until_told(struct loopback *lb)
{
	unsigned int ms;

	for (ms = 0; ms < 1000 && !atomic_read(&lb->num_broken); ms++)
		usleep_range(1000, 2000);
}

/* Broken by the backend's fault, told once, and nothing more is sent. */
void loopback_expect_fault(struct loopback *lb)
{
	loopback_expect_end(lb);
	KUNIT_EXPECT_TRUE(lb->test, xen_drm_conn_is_at_fault(lb->conn));
	KUNIT_EXPECT_TRUE_MSG(lb->test, strstarts(lb->fault, "connector 0: ") &&
			      strlen(lb->fault) > 20, "told '%s'", lb->fault);
}

void loopback_expect_end(struct loopback *lb)
{
	RING_IDX prod = lb->sring->req_prod;
	struct kunit *test = lb->test;

	wait_until_told(lb);
	KUNIT_EXPECT_TRUE(test, xen_drm_conn_is_broken(lb->conn));
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 1);
	KUNIT_EXPECT_EQ(test, loopback_call(lb, XENDISPL_OP_FB_ATTACH), -ENODEV);
	KUNIT_EXPECT_EQ(test, loopback_post(lb), -ENODEV);
	KUNIT_EXPECT_EQ(test, loopback_flip(lb, LOOPBACK_COOKIE), -ENODEV);
	KUNIT_EXPECT_EQ(test, lb->sring->req_prod, prod);
	KUNIT_EXPECT_EQ(test, atomic_read(&lb->num_broken), 1);
}
