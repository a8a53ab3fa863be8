// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A backend without Xen. Nothing is ever notified: the frontend is made to
 * believe that the backend looks by itself, which it does.
 */

#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include <kunit/device.h>

#include "loopback.h"

/* So far ahead that no index of a test comes to it. */
#define NEVER_NOTIFY	0x80000000

static bool loopback_flip_done(void *sink, unsigned int index, u64 cookie, int error)
{
	struct loopback *lb = sink;

	if (lb->num_flips < ARRAY_SIZE(lb->flips))
		lb->flips[lb->num_flips] = (struct loopback_flip) {
			.index = index,
			.cookie = cookie,
			.error = error,
		};
	lb->num_flips++;
	if (lb->during_flip)
		lb->during_flip(lb);

	if (!lb->expected_cookie || lb->expected_cookie != cookie)
		return false;
	lb->expected_cookie = 0;
	return true;
}

static void loopback_broken(void *owner, const char *fault)
{
	struct loopback *lb = owner;

	strscpy(lb->fault, fault ?: "");
	atomic_inc(&lb->num_broken);
}

static const struct xen_drm_front_conn_ops loopback_ops = {
	.flip_done = loopback_flip_done,
	.broken = loopback_broken,
};

KUNIT_DEFINE_ACTION_WRAPPER(put_conn, xen_drm_front_conn_put,
			    struct xen_drm_front_conn *);

/* A connection with one connector, which KMS listens to, and its backend. */
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

	lb->held.max_pages = 1000;
	lb->conn = xen_drm_front_conn_alloc(dev, &lb->held, 0, 1, 2, &loopback_ops, lb);
	KUNIT_ASSERT_NOT_NULL(test, lb->conn);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, put_conn, lb->conn), 0);

	lb->chan = &lb->conn->channels[0];
	xen_drm_front_evtchnl_attach(lb->chan, lb->sring, lb->evt_page);
	xen_drm_front_conn_set_sink(lb->conn, lb);
	BACK_RING_INIT(&lb->ring, lb->sring, XEN_PAGE_SIZE);
	lb->sring->req_event = NEVER_NOTIFY;
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

void loopback_respond(struct loopback *lb, u16 id, u8 operation, s32 status)
{
	struct xendispl_resp *resp = RING_GET_RESPONSE(&lb->ring, lb->ring.rsp_prod_pvt);

	*resp = (struct xendispl_resp) {
		.id = id,
		.operation = operation,
		.status = status,
	};
	lb->ring.rsp_prod_pvt++;
	RING_PUSH_RESPONSES(&lb->ring);
}

void loopback_agree(struct loopback *lb, const struct xendispl_req *req)
{
	loopback_respond(lb, req->id, req->operation, 0);
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
}

/* What the interrupt's thread does; returns whether there was progress. */
bool loopback_handle_replies(struct loopback *lb)
{
	bool progress = false;

	while (xen_drm_front_evtchnl_drain_replies(lb->chan, &progress))
		;
	return progress;
}

static int loopback_thread(void *data)
{
	struct loopback *lb = data;
	struct xendispl_req req;

	while (!kthread_should_stop()) {
		while (loopback_take(lb, &req))
			lb->answer(lb, &req);
		loopback_handle_replies(lb);
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
