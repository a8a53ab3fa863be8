// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: the transport of a connector.
 */

#include <linux/interrupt.h>
#include <linux/slab.h>

#include <kunit/visibility.h>

#include <xen/events.h>

#include "xen_drm_front.h"

/* What a backend may say of an operation that it does not know. */
#define XEN_ENOSYS	38

/**
 * DOC: Transport
 *
 * Each connector has a request ring and an event page, both shared with the
 * backend, which may write anything into them at any time. Whatever is read
 * from there is read once, into private memory, and checked here and nowhere
 * else: first the index, then the copied entry's id, the state of the request
 * with that id, its operation, and at last its status, which a closed list
 * translates. An entry that no correct backend could have written latches the
 * whole connection as broken: its waiters return, its interrupts stay masked,
 * and the bus device is told to throw it away. Two cases look odd and are not
 * the backend's fault: the reply to a request whose sender gave up waiting, and
 * the completion of a flip that was given up.
 *
 * Per ring there are at most one request that a task waits for, serialised by
 * &xen_drm_front_evtchnl.call_lock, and the connector's page flips, which
 * nobody waits for.
 */

/**
 * xen_drm_front_conn_is_broken - has the connection ended
 * @conn: the connection
 *
 * Returns: whether the latch is set; any use of the connection is refused then.
 */
bool xen_drm_front_conn_is_broken(const struct xen_drm_front_conn *conn)
{
	return test_bit(0, &conn->broken);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_conn_is_broken);

/*
 * Any context that may not sleep. Waiters see the latch under the channel's
 * lock, or are woken here.
 */
static bool conn_latch(struct xen_drm_front_conn *conn, const char *fault)
{
	unsigned int i;

	if (test_and_set_bit(0, &conn->broken))
		return false;

	for (i = 0; i < conn->num_channels; i++)
		wake_up_all(&conn->channels[i].reply_wait);
	conn->ops->broken(conn->owner, fault);
	return true;
}

__printf(2, 3)
static void evtchnl_fault(struct xen_drm_front_evtchnl *chan, const char *fmt, ...)
{
	struct xen_drm_front_conn *conn = chan->conn;
	char text[XEN_DRM_FRONT_FAULT_LEN];
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	snprintf(text, sizeof(text), "connector %u: %pV", chan->index, &vaf);
	va_end(args);

	WRITE_ONCE(conn->at_fault, true);
	if (conn_latch(conn, text))
		dev_err(conn->dev, "%s; the backend is not trusted any more\n", text);
}

/**
 * xen_drm_front_conn_gone - latch a connection whose backend goes away
 * @conn: the connection
 * @why: end of a sentence that says how we know
 *
 * Every waiter is woken, and later uses of the connection return -ENODEV.
 * Called from the xenwatch thread, tasks and work items; does not sleep.
 */
void xen_drm_front_conn_gone(struct xen_drm_front_conn *conn, const char *why)
{
	if (conn_latch(conn, NULL))
		dev_info(conn->dev, "connection ends: %s\n", why);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_conn_gone);

/**
 * xen_drm_front_evtchnl_status - translate the status of a response
 * @status: as the backend wrote it: 0 or a negative XEN_Exx number
 *
 * Returns: 0, or one of the errors that callers and user space are prepared
 * for; -EIO for all that the list does not know, positive numbers and errors
 * with a meaning inside the kernel among them.
 */
int xen_drm_front_evtchnl_status(s32 status)
{
	switch (status) {
	case 0:
	case -EPERM:
	case -ENOENT:
	case -EIO:
	case -ENOMEM:
	case -EACCES:
	case -EBUSY:
	case -EEXIST:
	case -EINVAL:
	case -ENOSPC:
	case -ERANGE:
	case -EOPNOTSUPP:
		return status;
	case -XEN_ENOSYS:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_status);

static void evtchnl_missed_reply(struct xen_drm_front_evtchnl *chan)
{
	int missed = atomic_inc_return(&chan->conn->timeouts);

	dev_err_ratelimited(chan->conn->dev,
			    "connector %u: no answer within %u ms, %d in a row\n",
			    chan->index, XEN_DRM_FRONT_TIMEOUT_MS, missed);
	if (missed >= XEN_DRM_FRONT_MAX_TIMEOUTS)
		evtchnl_fault(chan, "%d requests in a row were not answered", missed);
}

static struct xen_drm_front_slot *
evtchnl_find_free_slot(struct xen_drm_front_evtchnl *chan)
{
	struct xen_drm_front_slot *slot;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chan->slots); i++) {
		slot = &chan->slots[chan->next_id % ARRAY_SIZE(chan->slots)];
		if (slot->state == XEN_DRM_FRONT_SLOT_FREE) {
			slot->id = chan->next_id++;
			return slot;
		}
		chan->next_id++;
	}
	return NULL;
}

static struct xen_drm_front_slot *
evtchnl_send(struct xen_drm_front_evtchnl *chan, struct xendispl_req *req,
	     enum xen_drm_front_slot_state state)
{
	struct xen_drm_front_slot *slot;
	int notify;

	lockdep_assert_held(&chan->lock);

	if (xen_drm_front_conn_is_broken(chan->conn))
		return ERR_PTR(-ENODEV);

	/*
	 * We have a waiting request, a flip, and what was given up at most. A
	 * backend that completes flips, but does not answer them, is only found
	 * here, since its events show that it lives.
	 */
	slot = RING_FULL(&chan->ring) ? NULL : evtchnl_find_free_slot(chan);
	if (!slot) {
		evtchnl_fault(chan, "%u requests are not answered, the ring is full",
			      chan->ring.req_prod_pvt - chan->ring.rsp_cons);
		return ERR_PTR(-ENODEV);
	}

	req->id = slot->id;
	slot->operation = req->operation;
	slot->state = state;
	*RING_GET_REQUEST(&chan->ring, chan->ring.req_prod_pvt) = *req;
	chan->ring.req_prod_pvt++;

	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&chan->ring, notify);
	if (notify)
		notify_remote_via_irq(chan->req_irq);
	return slot;
}

/* After the wait, however it ended. */
static int evtchnl_collect(struct xen_drm_front_evtchnl *chan,
			   struct xen_drm_front_slot *slot,
			   struct xendispl_resp *reply)
{
	int ret;

	spin_lock(&chan->lock);
	if (slot->state == XEN_DRM_FRONT_SLOT_DONE) {
		slot->state = XEN_DRM_FRONT_SLOT_FREE;
		if (reply)
			*reply = chan->reply;
		ret = xen_drm_front_evtchnl_status(chan->reply.status);
	} else {
		slot->state = XEN_DRM_FRONT_SLOT_ABANDONED;
		ret = xen_drm_front_conn_is_broken(chan->conn) ? -ENODEV : -ETIMEDOUT;
	}
	spin_unlock(&chan->lock);
	return ret;
}

static bool evtchnl_wait_is_over(const struct xen_drm_front_evtchnl *chan,
				 const struct xen_drm_front_slot *slot)
{
	return READ_ONCE(slot->state) == XEN_DRM_FRONT_SLOT_DONE ||
	       xen_drm_front_conn_is_broken(chan->conn);
}

static int evtchnl_call(struct xen_drm_front_evtchnl *chan, struct xendispl_req *req,
			struct xendispl_resp *reply, bool killable)
{
	const long timeout = msecs_to_jiffies(XEN_DRM_FRONT_TIMEOUT_MS);
	struct xen_drm_front_slot *slot;
	long left;
	int ret;

	guard(mutex)(&chan->call_lock);

	spin_lock(&chan->lock);
	slot = evtchnl_send(chan, req, XEN_DRM_FRONT_SLOT_WAITED);
	spin_unlock(&chan->lock);
	if (IS_ERR(slot))
		return PTR_ERR(slot);

	if (killable)
		left = wait_event_killable_timeout(chan->reply_wait,
						   evtchnl_wait_is_over(chan, slot),
						   timeout);
	else
		left = wait_event_timeout(chan->reply_wait,
					  evtchnl_wait_is_over(chan, slot), timeout);

	/* The reply may have come at the last moment, whatever ended the wait. */
	ret = evtchnl_collect(chan, slot, reply);
	if (ret != -ETIMEDOUT)
		return ret;
	if (left < 0)
		return -EINTR;
	evtchnl_missed_reply(chan);
	return ret;
}

/**
 * xen_drm_front_evtchnl_call - send a request and wait for its reply
 * @chan: transport of the connector
 * @req: zeroed but for what the operation needs; the id is filled in
 * @reply: filled with a copy of the response, or NULL
 *
 * Context: may sleep, XEN_DRM_FRONT_TIMEOUT_MS at most for the reply and as
 * long for each request that waits before this one.
 *
 * Returns: 0, the translated status of the response, -ETIMEDOUT when none came
 * (a later one will be recognised), -ENODEV when the connection is gone, or ends
 * now because the backend does not empty the ring.
 */
int xen_drm_front_evtchnl_call(struct xen_drm_front_evtchnl *chan,
			       struct xendispl_req *req,
			       struct xendispl_resp *reply)
{
	return evtchnl_call(chan, req, reply, false);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_call);

/**
 * xen_drm_front_evtchnl_call_killable - send a request that a dying task gives up
 * @chan: transport of the connector
 * @req: zeroed but for what the operation needs; the id is filled in
 *
 * For an ioctl that can still be undone. The backend may execute the request all
 * the same, as after a time-out, but is not to blame.
 *
 * Context: as xen_drm_front_evtchnl_call().
 *
 * Returns: as xen_drm_front_evtchnl_call(), or -EINTR when the task is killed.
 */
int xen_drm_front_evtchnl_call_killable(struct xen_drm_front_evtchnl *chan,
					struct xendispl_req *req)
{
	return evtchnl_call(chan, req, NULL, true);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_call_killable);

/**
 * xen_drm_front_evtchnl_post - send a request whose outcome does not matter
 * @chan: transport of the connector
 * @req: zeroed but for what the operation needs; the id is filled in
 *
 * Context: does not sleep.
 *
 * Returns: 0, or -ENODEV as xen_drm_front_evtchnl_call().
 */
int xen_drm_front_evtchnl_post(struct xen_drm_front_evtchnl *chan,
			       struct xendispl_req *req)
{
	struct xen_drm_front_slot *slot;

	spin_lock(&chan->lock);
	slot = evtchnl_send(chan, req, XEN_DRM_FRONT_SLOT_ABANDONED);
	spin_unlock(&chan->lock);
	return PTR_ERR_OR_ZERO(slot);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_post);

/**
 * xen_drm_front_evtchnl_flip - send a page flip
 * @chan: transport of the connector
 * @req: a XENDISPL_OP_PG_FLIP
 *
 * The completion, or the failure that the backend answers, is told to
 * &xen_drm_front_conn_ops.flip_done with the framebuffer's cookie, possibly
 * before this function returns.
 *
 * Context: does not sleep.
 *
 * Returns: 0, or -ENODEV as xen_drm_front_evtchnl_call().
 */
int xen_drm_front_evtchnl_flip(struct xen_drm_front_evtchnl *chan,
			       struct xendispl_req *req)
{
	struct xen_drm_front_slot *slot;

	spin_lock(&chan->lock);
	slot = evtchnl_send(chan, req, XEN_DRM_FRONT_SLOT_FLIP);
	if (!IS_ERR(slot))
		slot->cookie = req->op.pg_flip.fb_cookie;
	spin_unlock(&chan->lock);
	return PTR_ERR_OR_ZERO(slot);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_flip);

/**
 * xen_drm_front_evtchnl_flip_expired - KMS gave up waiting for a flip
 * @chan: transport of the connector
 *
 * Counts as a missed reply, whether the request or the event was not answered.
 */
void xen_drm_front_evtchnl_flip_expired(struct xen_drm_front_evtchnl *chan)
{
	unsigned int i;

	spin_lock(&chan->lock);
	for (i = 0; i < ARRAY_SIZE(chan->slots); i++)
		if (chan->slots[i].state == XEN_DRM_FRONT_SLOT_FLIP)
			chan->slots[i].state = XEN_DRM_FRONT_SLOT_ABANDONED;
	spin_unlock(&chan->lock);

	evtchnl_missed_reply(chan);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_flip_expired);

static bool evtchnl_flip_done(struct xen_drm_front_evtchnl *chan, u64 cookie,
			      int error)
{
	struct xen_drm_front_conn *conn = chan->conn;

	guard(rwsem_read)(&conn->sink_lock);

	return conn->sink &&
	       conn->ops->flip_done(conn->sink, chan->index, cookie, error);
}

/**
 * struct failed_flip - what to tell KMS once the channel's lock is released
 * @cookie: of the framebuffer
 * @error: 0 when there is nothing to tell
 */
struct failed_flip {
	u64 cookie;
	int error;
};

static bool evtchnl_take_reply(struct xen_drm_front_evtchnl *chan,
			       const struct xendispl_resp *resp,
			       struct failed_flip *failed)
{
	struct xen_drm_front_slot *slot;

	lockdep_assert_held(&chan->lock);

	slot = &chan->slots[resp->id % ARRAY_SIZE(chan->slots)];
	if (slot->id != resp->id || slot->state == XEN_DRM_FRONT_SLOT_FREE ||
	    slot->state == XEN_DRM_FRONT_SLOT_DONE) {
		evtchnl_fault(chan, "response with id %u, which no request waits for",
			      resp->id);
		return false;
	}
	if (slot->operation != resp->operation) {
		evtchnl_fault(chan, "response to operation 0x%x, request %u was 0x%x",
			      resp->operation, resp->id, slot->operation);
		return false;
	}

	if (slot->state != XEN_DRM_FRONT_SLOT_ABANDONED)
		atomic_set(&chan->conn->timeouts, 0);

	if (slot->state == XEN_DRM_FRONT_SLOT_WAITED) {
		chan->reply = *resp;
		WRITE_ONCE(slot->state, XEN_DRM_FRONT_SLOT_DONE);
		wake_up(&chan->reply_wait);
		return true;
	}

	if (slot->state == XEN_DRM_FRONT_SLOT_FLIP) {
		failed->cookie = slot->cookie;
		failed->error = xen_drm_front_evtchnl_status(resp->status);
	}
	slot->state = XEN_DRM_FRONT_SLOT_FREE;
	return true;
}

/* Returns whether a response was taken. */
static bool evtchnl_next_reply(struct xen_drm_front_evtchnl *chan,
			       struct failed_flip *failed)
{
	struct xen_displif_front_ring *ring = &chan->ring;
	struct xendispl_resp resp;
	RING_IDX prod, outstanding;

	lockdep_assert_held(&chan->lock);

	prod = READ_ONCE(ring->sring->rsp_prod);
	virt_rmb(); /* the index before the response that it announces */
	if (prod == ring->rsp_cons)
		return false;

	outstanding = ring->req_prod_pvt - ring->rsp_cons;
	if (prod - ring->rsp_cons > outstanding) {
		evtchnl_fault(chan, "%u responses announced, %u requests are outstanding",
			      prod - ring->rsp_cons, outstanding);
		return false;
	}

	RING_COPY_RESPONSE(ring, ring->rsp_cons, &resp);
	barrier(); /* what is checked below is the copy, not the slot */
	ring->rsp_cons++;
	return evtchnl_take_reply(chan, &resp, failed);
}

/**
 * xen_drm_front_evtchnl_drain_replies - handle the responses in the ring
 * @chan: transport of the connector
 * @progress: set when there was one
 *
 * Bounded by the number of our outstanding requests. Implements the responses
 * of displif.h, "Requests".
 *
 * Context: may sleep.
 *
 * Returns: whether more responses have come meanwhile.
 */
bool xen_drm_front_evtchnl_drain_replies(struct xen_drm_front_evtchnl *chan,
					 bool *progress)
{
	struct failed_flip failed;
	int more = 0;
	bool taken;

	do {
		failed.error = 0;
		spin_lock(&chan->lock);
		taken = !xen_drm_front_conn_is_broken(chan->conn) &&
			evtchnl_next_reply(chan, &failed);
		if (!taken && !xen_drm_front_conn_is_broken(chan->conn))
			RING_FINAL_CHECK_FOR_RESPONSES(&chan->ring, more);
		spin_unlock(&chan->lock);

		*progress |= taken;
		if (failed.error)
			evtchnl_flip_done(chan, failed.cookie, failed.error);
	} while (taken);

	return more;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_drain_replies);

static bool evtchnl_take_event(struct xen_drm_front_evtchnl *chan,
			       const struct xendispl_evt *evt)
{
	if (evt->type != XENDISPL_EVT_PG_FLIP) {
		dev_dbg_ratelimited(chan->conn->dev,
				    "connector %u: unknown event type %u\n",
				    chan->index, evt->type);
		return false;
	}

	if (!evtchnl_flip_done(chan, evt->op.pg_flip.fb_cookie, 0))
		return false;

	atomic_set(&chan->conn->timeouts, 0);
	return true;
}

/**
 * xen_drm_front_evtchnl_drain_events - handle the events in the event page
 * @chan: transport of the connector
 *
 * One pass: what the backend adds meanwhile, it must ring for. Implements
 * displif.h, "Back to front events delivery". Ids of events are not looked at:
 * backends count those that they drop.
 *
 * Context: may sleep. Only one caller at a time, which is the work item.
 *
 * Returns: whether one of the events was expected.
 */
bool xen_drm_front_evtchnl_drain_events(struct xen_drm_front_evtchnl *chan)
{
	struct xendispl_event_page *page = chan->evt_page;
	struct xendispl_evt evt;
	bool progress = false;
	u32 prod;

	if (xen_drm_front_conn_is_broken(chan->conn))
		return false;

	prod = READ_ONCE(page->in_prod);
	virt_rmb(); /* the index before the events that it announces */
	if (prod - chan->evt_cons > XENDISPL_IN_RING_LEN) {
		evtchnl_fault(chan, "%u events announced, the page holds %zu",
			      prod - chan->evt_cons, XENDISPL_IN_RING_LEN);
		return false;
	}

	while (chan->evt_cons != prod) {
		memcpy(&evt, &XENDISPL_IN_RING_REF(page, chan->evt_cons), sizeof(evt));
		barrier(); /* what is checked below is the copy, not the page */
		chan->evt_cons++;
		progress |= evtchnl_take_event(chan, &evt);
	}

	virt_mb(); /* the events are read before the backend may reuse them */
	WRITE_ONCE(page->in_cons, chan->evt_cons);
	return progress;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_drain_events);

/*
 * A channel without its end-of-interrupt stays masked: until the work has been
 * done, and for ever once the connection is broken. An interrupt without cause
 * makes the core delay the next ones, so that a storm costs the guest a bounded
 * share of a CPU.
 */
static void evtchnl_eoi(struct xen_drm_front_evtchnl *chan, int irq, bool progress)
{
	if (!xen_drm_front_conn_is_broken(chan->conn))
		xen_irq_lateeoi(irq, progress ? 0 : XEN_EOI_FLAG_SPURIOUS);
}

/* One for both interrupts, as a flip usually raises them together. */
static void evtchnl_work(struct work_struct *work)
{
	struct xen_drm_front_evtchnl *chan =
		container_of(work, struct xen_drm_front_evtchnl, work);
	bool progress = false;

	if (test_and_clear_bit(XEN_DRM_FRONT_REPLY_PENDING, &chan->pending)) {
		while (xen_drm_front_evtchnl_drain_replies(chan, &progress))
			cond_resched();
		evtchnl_eoi(chan, chan->req_irq, progress);
	}
	if (test_and_clear_bit(XEN_DRM_FRONT_EVENT_PENDING, &chan->pending)) {
		progress = xen_drm_front_evtchnl_drain_events(chan);
		evtchnl_eoi(chan, chan->evt_irq, progress);
	}
}

static irqreturn_t evtchnl_reply_interrupt(int irq, void *data)
{
	struct xen_drm_front_evtchnl *chan = data;

	set_bit(XEN_DRM_FRONT_REPLY_PENDING, &chan->pending);
	queue_work(xen_drm_front_wq, &chan->work);
	return IRQ_HANDLED;
}

static irqreturn_t evtchnl_event_interrupt(int irq, void *data)
{
	struct xen_drm_front_evtchnl *chan = data;

	set_bit(XEN_DRM_FRONT_EVENT_PENDING, &chan->pending);
	queue_work(xen_drm_front_wq, &chan->work);
	return IRQ_HANDLED;
}

/**
 * xen_drm_front_evtchnl_init - initialise a channel that has no pages yet
 * @chan: the channel
 * @conn: what it belongs to
 * @index: number of the connector
 */
void xen_drm_front_evtchnl_init(struct xen_drm_front_evtchnl *chan,
				struct xen_drm_front_conn *conn,
				unsigned int index)
{
	chan->conn = conn;
	chan->index = index;
	mutex_init(&chan->call_lock);
	init_waitqueue_head(&chan->reply_wait);
	spin_lock_init(&chan->lock);
	INIT_WORK(&chan->work, evtchnl_work);
	chan->req_ref = INVALID_GRANT_REF;
	chan->evt_ref = INVALID_GRANT_REF;
	chan->req_irq = -1;
	chan->evt_irq = -1;
}

/**
 * xen_drm_front_evtchnl_attach - give a channel its two shared pages
 * @chan: the channel
 * @sring: zeroed page of XEN_PAGE_SIZE bytes for the request ring
 * @evt_page: zeroed page of XEN_PAGE_SIZE bytes for the events
 */
void xen_drm_front_evtchnl_attach(struct xen_drm_front_evtchnl *chan,
				  struct xen_displif_sring *sring,
				  struct xendispl_event_page *evt_page)
{
	XEN_FRONT_RING_INIT(&chan->ring, sring, XEN_PAGE_SIZE);
	chan->evt_page = evt_page;
	chan->evt_cons = 0;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_evtchnl_attach);

static int evtchnl_bind(struct xen_drm_front_evtchnl *chan,
			struct xenbus_device *xb_dev, evtchn_port_t *port,
			int *bound_irq, irq_handler_t handler)
{
	int irq, ret;

	ret = xenbus_alloc_evtchn(xb_dev, port);
	if (ret)
		return ret;

	irq = bind_evtchn_to_irqhandler_lateeoi(*port, handler, 0,
						dev_name(&xb_dev->dev), chan);
	if (irq < 0) {
		xenbus_free_evtchn(xb_dev, *port);
		return irq;
	}

	*bound_irq = irq;
	return 0;
}

static int evtchnl_open(struct xen_drm_front_evtchnl *chan,
			struct xenbus_device *xb_dev)
{
	void *sring, *evt_page;
	int ret;

	ret = xenbus_setup_ring(xb_dev, GFP_KERNEL, &sring, 1, &chan->req_ref);
	if (ret)
		return ret;

	ret = xenbus_setup_ring(xb_dev, GFP_KERNEL, &evt_page, 1, &chan->evt_ref);
	if (ret) {
		xenbus_teardown_ring(&sring, 1, &chan->req_ref);
		return ret;
	}
	xen_drm_front_evtchnl_attach(chan, sring, evt_page);

	ret = evtchnl_bind(chan, xb_dev, &chan->req_port, &chan->req_irq,
			   evtchnl_reply_interrupt);
	if (ret)
		return ret;

	return evtchnl_bind(chan, xb_dev, &chan->evt_port, &chan->evt_irq,
			    evtchnl_event_interrupt);
}

/* The page is reused only when the backend has let go of it. */
static void evtchnl_free_page(struct xen_drm_front_evtchnl *chan, void *page,
			      grant_ref_t ref)
{
	struct held_batch *batch;

	if (ref != INVALID_GRANT_REF && !gnttab_try_end_foreign_access(ref)) {
		batch = xen_drm_front_held_begin(1, NULL);
		xen_drm_front_held_page(batch, ref, virt_to_page(page));
		xen_drm_front_held_add(chan->conn->held, batch);
	}

	ref = INVALID_GRANT_REF;
	xenbus_teardown_ring(&page, 1, &ref);
}

static void evtchnl_close(struct xen_drm_front_evtchnl *chan)
{
	void *sring, *evt_page = chan->evt_page;

	/* Waits for the senders that have not seen the latch. */
	spin_lock(&chan->lock);
	sring = chan->ring.sring;
	spin_unlock(&chan->lock);

	/* First, since it may not have seen the latch, and last, if it is queued. */
	cancel_work_sync(&chan->work);
	if (chan->req_irq >= 0)
		unbind_from_irqhandler(chan->req_irq, chan);
	if (chan->evt_irq >= 0)
		unbind_from_irqhandler(chan->evt_irq, chan);
	cancel_work_sync(&chan->work);
	chan->req_irq = -1;
	chan->evt_irq = -1;

	chan->ring.sring = NULL;
	chan->evt_page = NULL;
	evtchnl_free_page(chan, sring, chan->req_ref);
	evtchnl_free_page(chan, evt_page, chan->evt_ref);
	chan->req_ref = INVALID_GRANT_REF;
	chan->evt_ref = INVALID_GRANT_REF;
}

/**
 * xen_drm_front_conn_alloc - allocate a connection that is not open yet
 * @dev: for messages
 * @held: where pages go in the end that the backend does not unmap
 * @otherend_id: domain of the backend
 * @num_channels: connectors
 * @version: protocol version, 1 or 2
 * @ops: what to call, constant
 * @owner: argument of @ops->broken
 *
 * Returns: the connection with one reference, or NULL.
 */
struct xen_drm_front_conn *
xen_drm_front_conn_alloc(struct device *dev, struct xen_drm_front_held *held,
			 domid_t otherend_id,
			 unsigned int num_channels, unsigned int version,
			 const struct xen_drm_front_conn_ops *ops, void *owner)
{
	struct xen_drm_front_conn *conn;
	unsigned int i;

	conn = kzalloc(struct_size(conn, channels, num_channels), GFP_KERNEL);
	if (!conn)
		return NULL;

	kref_init(&conn->ref);
	conn->dev = get_device(dev);
	conn->held = held;
	conn->otherend_id = otherend_id;
	conn->version = version;
	conn->ops = ops;
	conn->owner = owner;
	init_rwsem(&conn->sink_lock);
	conn->num_channels = num_channels;
	for (i = 0; i < num_channels; i++)
		xen_drm_front_evtchnl_init(&conn->channels[i], conn, i);
	return conn;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_conn_alloc);

/**
 * xen_drm_front_conn_open - create rings and event channels of all connectors
 * @conn: the connection
 * @xb_dev: the bus device
 *
 * Returns: 0 or an error; the caller closes the connection in either case.
 */
int xen_drm_front_conn_open(struct xen_drm_front_conn *conn,
			    struct xenbus_device *xb_dev)
{
	unsigned int i;
	int ret;

	for (i = 0; i < conn->num_channels; i++) {
		ret = evtchnl_open(&conn->channels[i], xb_dev);
		if (ret)
			return ret;
	}
	return 0;
}

static int evtchnl_publish(struct xen_drm_front_evtchnl *chan,
			   struct xenbus_device *xb_dev,
			   struct xenbus_transaction xbt)
{
	const struct {
		const char *node;
		u32 value;
	} nodes[] = {
		{ XENDISPL_FIELD_REQ_RING_REF, chan->req_ref },
		{ XENDISPL_FIELD_REQ_CHANNEL, chan->req_port },
		{ XENDISPL_FIELD_EVT_RING_REF, chan->evt_ref },
		{ XENDISPL_FIELD_EVT_CHANNEL, chan->evt_port },
	};
	char node[32];
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		snprintf(node, sizeof(node), "%u/%s", chan->index, nodes[i].node);
		ret = xenbus_printf(xbt, xb_dev->nodename, node, "%u",
				    nodes[i].value);
		if (ret)
			return ret;
	}
	return 0;
}

static int conn_publish(struct xen_drm_front_conn *conn,
			struct xenbus_device *xb_dev,
			struct xenbus_transaction xbt, bool with_version)
{
	unsigned int i;
	int ret;

	for (i = 0; i < conn->num_channels; i++) {
		ret = evtchnl_publish(&conn->channels[i], xb_dev, xbt);
		if (ret)
			return ret;
	}

	/* An earlier backend may have got one; a missing node is no error. */
	if (!with_version) {
		xenbus_rm(xbt, xb_dev->nodename, XENDISPL_FIELD_FE_VERSION);
		return 0;
	}
	return xenbus_printf(xbt, xb_dev->nodename, XENDISPL_FIELD_FE_VERSION,
			     "%u", conn->version);
}

/**
 * xen_drm_front_conn_publish - tell the backend where the rings are
 * @conn: the open connection
 * @xb_dev: the bus device
 * @with_version: write the protocol version, too
 *
 * All nodes of all connectors in one transaction, as displif.h, "Frontend
 * XenBus Nodes", names them.
 *
 * Returns: 0 or an error.
 */
int xen_drm_front_conn_publish(struct xen_drm_front_conn *conn,
			       struct xenbus_device *xb_dev,
			       bool with_version)
{
	struct xenbus_transaction xbt;
	int ret;

	do {
		ret = xenbus_transaction_start(&xbt);
		if (ret)
			return ret;

		ret = conn_publish(conn, xb_dev, xbt, with_version);
		if (ret) {
			xenbus_transaction_end(xbt, 1);
			return ret;
		}

		ret = xenbus_transaction_end(xbt, 0);
	} while (ret == -EAGAIN);

	return ret;
}

/**
 * xen_drm_front_conn_close - give back all that the connection shares
 * @conn: a connection that is latched
 *
 * The pages of the rings are reused only when the backend has let go of them.
 * Buffers are not the connection's to revoke.
 *
 * Context: may sleep; does not wait for the backend.
 */
void xen_drm_front_conn_close(struct xen_drm_front_conn *conn)
{
	unsigned int i;

	for (i = 0; i < conn->num_channels; i++)
		evtchnl_close(&conn->channels[i]);
}

/**
 * xen_drm_front_conn_set_sink - choose whom flips are reported to
 * @conn: the connection
 * @sink: argument of &xen_drm_front_conn_ops.flip_done, or NULL
 *
 * On return no call to the former sink is under way.
 */
void xen_drm_front_conn_set_sink(struct xen_drm_front_conn *conn, void *sink)
{
	guard(rwsem_write)(&conn->sink_lock);

	conn->sink = sink;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_conn_set_sink);

/**
 * xen_drm_front_conn_get - take a reference
 * @conn: the connection
 *
 * Returns: @conn.
 */
struct xen_drm_front_conn *
xen_drm_front_conn_get(struct xen_drm_front_conn *conn)
{
	kref_get(&conn->ref);
	return conn;
}

static void conn_release(struct kref *ref)
{
	struct xen_drm_front_conn *conn =
		container_of(ref, struct xen_drm_front_conn, ref);

	put_device(conn->dev);
	kfree(conn);
}

/**
 * xen_drm_front_conn_put - drop a reference
 * @conn: a connection that is closed if this is the last reference
 */
void xen_drm_front_conn_put(struct xen_drm_front_conn *conn)
{
	kref_put(&conn->ref, conn_release);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_front_conn_put);
