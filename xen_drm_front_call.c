// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: requests, and tasks that wait for their
 * replies.
 */

#include "xen_drm_front_call.h"

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>

#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include <xen/events.h>

#include "xen_drm_front_evtchnl.h"
#include "xen_drm_front_overdue.h"
#include "xen_drm_front_trace.h"

/* Time that a kernel which panics waits for the flip before its last one. */
#define PANIC_PATIENCE_MS	100

/**
 * DOC: Requests
 *
 * xen_drm_chan_submit() puts a request into the ring, and xen_drm_chan_push() lets
 * the backend see it, so that several requests can go out with one notification. The
 * reply is stored in a &struct xen_drm_call of the task that waits. When it stops
 * waiting, its slot in the ring becomes an abandoned one, which a late reply frees.
 * The request itself may still be executed, until xen_drm_chan_withdraw() takes the
 * grant out that it names.
 *
 * Local clients can fill a ring while the backend is busy, so a full ring is no
 * fault: tasks wait for room, and pipes try their flips again.
 */

/**
 * xen_drm_chan_notify - tell the backend that there are requests
 * @chan: the channel
 *
 * Context: any.
 */
VISIBLE_IF_KUNIT void xen_drm_chan_notify(struct xen_drm_chan *chan)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_chan_notify, chan);
	notify_remote_via_irq(chan->req_irq);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_notify);

static void chan_publish(struct xen_drm_chan *chan)
{
	int notify;

	lockdep_assert_held(&chan->lock);

	if (xen_drm_chan_is_dead(chan) || chan->req_prod == chan->ring.req_prod_pvt)
		return;

	chan->req_prod = chan->ring.req_prod_pvt;
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&chan->ring, notify);
	if (notify)
		xen_drm_chan_notify(chan);
}

static struct xen_drm_slot *chan_find_free_slot(struct xen_drm_chan *chan)
{
	struct xen_drm_slot *slot;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chan->slots); i++) {
		slot = &chan->slots[chan->next_id % ARRAY_SIZE(chan->slots)];
		if (slot->state == XEN_DRM_SLOT_FREE) {
			slot->id = chan->next_id++;
			return slot;
		}
		chan->next_id++;
	}
	return NULL;
}

/* Returns where a request names a grant, or NULL if its operation has none. */
static grant_ref_t *request_grant(struct xendispl_req *req, u8 operation)
{
	switch (operation) {
	case XENDISPL_OP_DBUF_CREATE:
		return &req->op.dbuf_create.gref_directory;
	case XENDISPL_OP_GET_EDID:
		return &req->op.get_edid.gref_directory;
	default:
		return NULL;
	}
}

/* The grant is taken from our copy, since the backend may write over the ring. */
static void chan_write_request(struct xen_drm_chan *chan, struct xendispl_req *req,
			       struct xen_drm_slot *slot)
{
	RING_IDX i = chan->ring.req_prod_pvt;
	struct xendispl_req *shared = RING_GET_REQUEST(&chan->ring, i);
	struct xen_drm_named *named = &chan->named[i % ARRAY_SIZE(chan->named)];

	*shared = *req;
	slot->directory = INVALID_GRANT_REF;
	named->at = request_grant(shared, req->operation);
	if (!named->at)
		return;
	named->ref = *request_grant(req, req->operation);
	slot->directory = named->ref;
}

/* All requests go into the ring here. Returns -EAGAIN when it is full. */
static struct xen_drm_slot *
chan_put(struct xen_drm_chan *chan, struct xendispl_req *req,
	 enum xen_drm_slot_state state, struct xen_drm_chan_news *news)
{
	struct xen_drm_slot *slot;

	lockdep_assert_held(&chan->lock);

	/* Replies that no task waits for raise no interrupt, so the ring may be full of them. */
	if (RING_FULL(&chan->ring))
		xen_drm_chan_drain_replies(chan, news);
	if (xen_drm_chan_is_dead(chan))
		return ERR_PTR(-ENODEV);

	slot = RING_FULL(&chan->ring) ? NULL : chan_find_free_slot(chan);
	if (!slot)
		return ERR_PTR(-EAGAIN);

	req->id = slot->id;
	slot->operation = req->operation;
	slot->state = state;
	slot->sent = jiffies;
	slot->late = false;
	slot->serial = chan->flip_serial;
	chan_write_request(chan, req, slot);
	chan->ring.req_prod_pvt++;
	chan->stats.requests++;
	trace_xen_drm_request(chan->dev, chan->index, req);
	return slot;
}

/* A request with its slot's first state, and who is told of the reply. */
struct chan_sending {
	struct xendispl_req *req;
	enum xen_drm_slot_state state;
	/* @call: storage for the reply, or NULL */
	struct xen_drm_call *call;
	/* @mode: number for the pipe, in state XEN_DRM_SLOT_MODE */
	u32 mode;
};

static int chan_try_submit(struct xen_drm_chan *chan, const struct chan_sending *sending)
{
	struct xen_drm_chan_news news = {};
	struct xen_drm_slot *slot;

	guard(rcu)();

	scoped_guard(spinlock_irqsave, &chan->lock) {
		slot = chan_put(chan, sending->req, sending->state, &news);
		if (!IS_ERR(slot) && sending->state != XEN_DRM_SLOT_ABANDONED) {
			slot->call = sending->call;
			if (slot->call)
				*slot->call = (struct xen_drm_call) { .id = slot->id };
			slot->mode = sending->mode;
			chan->num_modes += sending->state == XEN_DRM_SLOT_MODE;
			if (!chan->num_waits++)
				xen_drm_chan_drain_replies(chan, &news);
		}
	}
	xen_drm_chan_tell(chan, &news);
	return PTR_ERR_OR_ZERO(slot);
}

/* Counts a task that wants an interrupt for the next reply. */
static void chan_begin_wait(struct xen_drm_chan *chan)
{
	struct xen_drm_chan_news news = {};

	guard(rcu)();

	scoped_guard(spinlock_irqsave, &chan->lock) {
		chan_publish(chan);
		if (!chan->num_waits++)
			xen_drm_chan_drain_replies(chan, &news);
	}
	xen_drm_chan_tell(chan, &news);
}

static void chan_end_wait(struct xen_drm_chan *chan)
{
	scoped_guard(spinlock_irqsave, &chan->lock)
		chan->num_waits--;
}

/* Returns how many jiffies a task may wait that waits until @end. */
static long chan_time_until(const struct xen_drm_chan *chan, unsigned long end)
{
	lockdep_assert_held(&chan->lock);

	if (chan->limited && time_before(chan->limit, end))
		end = chan->limit;
	return max((long)(end - jiffies), 0L);
}

/* The requests in the full ring go out first, since no room would come otherwise. */
static int chan_wait_for_room(struct xen_drm_chan *chan, const struct chan_sending *sending,
			      bool killable)
{
	long timeout, left;
	int ret = -EAGAIN;

	scoped_guard(spinlock_irqsave, &chan->lock)
		timeout = chan_time_until(chan,
					  jiffies + msecs_to_jiffies(XEN_DRM_TIMEOUT_MS));

	chan_begin_wait(chan);
	if (killable)
		left = wait_event_killable_timeout(chan->reply_wait,
						   (ret = chan_try_submit(chan, sending)) !=
						   -EAGAIN, timeout);
	else
		left = wait_event_timeout(chan->reply_wait,
					  (ret = chan_try_submit(chan, sending)) !=
					  -EAGAIN, timeout);
	chan_end_wait(chan);

	if (ret != -EAGAIN)
		return ret;
	if (left < 0)
		return -EINTR;
	/* The interrupt may be late. This also tells the connection of overdue answers. */
	xen_drm_chan_poll(chan);
	ret = chan_try_submit(chan, sending);
	return ret == -EAGAIN ? -ETIMEDOUT : ret;
}

static int chan_submit(struct xen_drm_chan *chan, const struct chan_sending *sending,
		       bool killable)
{
	int ret;

	might_sleep();

	if (killable && fatal_signal_pending(current))
		return -EINTR;

	ret = chan_try_submit(chan, sending);
	return ret == -EAGAIN ? chan_wait_for_room(chan, sending, killable) : ret;
}

/**
 * xen_drm_chan_submit - put a request into the ring
 * @chan: the channel
 * @req: request, zeroed where the operation needs nothing; its id is filled in
 * @call: storage for the reply, in which case xen_drm_chan_wait() must follow on
 *	success; NULL if the outcome does not matter
 * @killable: whether to give up when the task is killed, or has been before
 *
 * The backend sees the request only after xen_drm_chan_push(), or when the ring is
 * full.
 *
 * Context: may sleep, XEN_DRM_TIMEOUT_MS at most, if the ring is full.
 *
 * Returns: 0; -EINTR when the task is killed; -ETIMEDOUT when the ring stays full;
 * -ENODEV when the channel is broken.
 */
int xen_drm_chan_submit(struct xen_drm_chan *chan, struct xendispl_req *req,
			struct xen_drm_call *call, bool killable)
{
	const struct chan_sending sending = {
		.req = req,
		.state = call ? XEN_DRM_SLOT_CALL : XEN_DRM_SLOT_ABANDONED,
		.call = call,
	};

	return chan_submit(chan, &sending, killable);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_submit);

/**
 * xen_drm_chan_config - send a mode, or switch off
 * @chan: the channel
 * @req: a XENDISPL_OP_SET_CONFIG; its id is filled in
 * @mode: number of the mode that it sets, 0 if it switches off
 *
 * The request goes out at once. The reply is told to the pipe, by
 * &xen_drm_flip_ops.mode_set or &xen_drm_flip_ops.not_off, possibly before this returns.
 *
 * Context: may sleep, XEN_DRM_TIMEOUT_MS at most, if the ring is full.
 *
 * Returns: 0; -ETIMEDOUT when the ring stays full; -ENODEV when the channel is broken.
 */
int xen_drm_chan_config(struct xen_drm_chan *chan, struct xendispl_req *req, u32 mode)
{
	const struct chan_sending sending = {
		.req = req,
		.state = mode ? XEN_DRM_SLOT_MODE : XEN_DRM_SLOT_OFF,
		.mode = mode,
	};
	int ret;

	ret = chan_submit(chan, &sending, false);
	if (!ret)
		xen_drm_chan_push(chan);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_config);

/**
 * xen_drm_chan_push - let the backend see the submitted requests
 * @chan: the channel
 *
 * Notifies the backend once, if it has asked for that.
 *
 * Context: any.
 */
void xen_drm_chan_push(struct xen_drm_chan *chan)
{
	scoped_guard(spinlock_irqsave, &chan->lock)
		chan_publish(chan);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_push);

/*
 * The time counts from the latest reply or flip event, if that is younger than the
 * request: a backend that works through a full ring is not silent. A silent one is
 * waited for once, however many replies it owes.
 */
static long chan_time_left(struct xen_drm_chan *chan, const struct xen_drm_call *call)
{
	unsigned long begin;
	long left;

	scoped_guard(spinlock_irqsave, &chan->lock) {
		begin = chan->slots[call->id % ARRAY_SIZE(chan->slots)].sent;
		/* With 32 bits, a time of weeks ago looks as if it were to come. */
		if (time_in_range(chan->heard, begin, jiffies))
			begin = chan->heard;
		left = chan_time_until(chan, begin + msecs_to_jiffies(XEN_DRM_TIMEOUT_MS));
	}
	return left;
}

static bool chan_wait_is_over(const struct xen_drm_chan *chan,
			      const struct xen_drm_call *call)
{
	return READ_ONCE(call->done) || READ_ONCE(chan->broken);
}

/* Ends a wait, whatever its outcome. The channel does not write to @call any more. */
static int chan_collect(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	struct xen_drm_slot *slot = &chan->slots[call->id % ARRAY_SIZE(chan->slots)];
	struct xen_drm_chan_news news = {};
	bool broken;

	guard(rcu)();

	scoped_guard(spinlock_irqsave, &chan->lock) {
		broken = chan->broken;
		if (!call->done && slot->call == call) {
			slot->state = XEN_DRM_SLOT_ABANDONED;
			slot->call = NULL;
			chan->num_waits--;
			if (!broken)
				xen_drm_chan_note_late(chan, slot, &news);
		}
	}
	xen_drm_chan_tell(chan, &news);

	if (call->done)
		return xen_drm_chan_status(call->status);
	return broken ? -ENODEV : -ETIMEDOUT;
}

/**
 * xen_drm_chan_wait - wait for the reply to a request
 * @chan: the channel
 * @call: submitted call; on return its storage is the caller's again
 *
 * Pushes all submitted requests. If no reply comes, the backend may still execute the
 * request, now or later.
 *
 * Context: may sleep, XEN_DRM_TIMEOUT_MS at most after the latest answer, also when the
 * task is killed.
 *
 * Returns: 0 or the translated status of the reply; -ETIMEDOUT when none came, after
 * the connection has been told; -ENODEV when the channel is broken.
 */
int xen_drm_chan_wait(struct xen_drm_chan *chan, struct xen_drm_call *call)
{
	long left;

	xen_drm_chan_push(chan);
	left = chan_time_left(chan, call);
	left = wait_event_timeout(chan->reply_wait, chan_wait_is_over(chan, call), left);
	/* If the guest did not run, the reply may be there without its interrupt. */
	if (!left)
		xen_drm_chan_poll(chan);
	return chan_collect(chan, call);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_wait);

/**
 * xen_drm_chan_limit - limit the time that tasks wait from now on, all together
 * @chan: the channel
 * @ms: number of milliseconds, 0 for no limit
 *
 * For a task that others wait for. A backend that answers each request just in time would
 * hold it up for as long as there are requests. What it has not answered within the limit
 * counts as overdue.
 *
 * Context: any.
 */
void xen_drm_chan_limit(struct xen_drm_chan *chan, unsigned int ms)
{
	scoped_guard(spinlock_irqsave, &chan->lock) {
		chan->limited = ms;
		chan->limit = jiffies + msecs_to_jiffies(ms);
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_limit);

/*
 * Takes the grants out of all requests without an answer, or of those that name
 * @directory. The ring is only written to. A slot may have a reply by now, in which
 * these bytes mean nothing.
 */
static void chan_withdraw(struct xen_drm_chan *chan, bool all, u32 directory)
{
	struct xen_drm_named *named;
	RING_IDX i;

	lockdep_assert_held(&chan->lock);

	if (!chan->ring.sring)
		return;

	for (i = chan->ring.rsp_cons; i != chan->ring.req_prod_pvt; i++) {
		named = &chan->named[i % ARRAY_SIZE(chan->named)];
		if (named->at && (all || named->ref == directory))
			WRITE_ONCE(*named->at, INVALID_GRANT_REF);
	}
}

/**
 * xen_drm_chan_withdraw - take a grant out of the requests that have no answer
 * @chan: the channel
 * @directory: grant of a page directory, which is about to be revoked
 *
 * The next user of the same entry of the grant table may be another device of the same
 * domain. A backend that was silent for so long would map that device's page.
 *
 * Context: any.
 */
void xen_drm_chan_withdraw(struct xen_drm_chan *chan, u32 directory)
{
	scoped_guard(spinlock_irqsave, &chan->lock)
		chan_withdraw(chan, false, directory);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_withdraw);

/**
 * xen_drm_chan_break - break a channel
 * @chan: the channel
 *
 * All waiters are woken; they and all later users get -ENODEV. The connection is not
 * told. Requests that have no answer lose their grants, since a backend that is killed
 * and started again may execute them. The shared pages are not looked at any more.
 *
 * Context: any.
 */
void xen_drm_chan_break(struct xen_drm_chan *chan)
{
	scoped_guard(spinlock_irqsave, &chan->lock) {
		WRITE_ONCE(chan->broken, true);
		chan_withdraw(chan, true, INVALID_GRANT_REF);
	}
	wake_up_all(&chan->reply_wait);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_break);

/* Returns as chan_put(). A flip cannot wait for room, so the connection will be told of it. */
static struct xen_drm_slot *chan_put_flip(struct xen_drm_chan *chan, struct xendispl_req *req,
					  struct xen_drm_chan_news *news)
{
	struct xen_drm_slot *slot;

	lockdep_assert_held(&chan->lock);

	if (xen_drm_chan_is_dead(chan))
		return ERR_PTR(-ENODEV);
	if (chan->flip_open || chan->num_modes)
		return ERR_PTR(-EBUSY);

	slot = chan_put(chan, req, XEN_DRM_SLOT_FLIP, news);
	if (slot != ERR_PTR(-EAGAIN) || chan->flip_waits)
		return slot;

	chan->flip_waits = true;
	if (chan->num_waits++)
		return slot;
	xen_drm_chan_drain_replies(chan, news);
	return chan_put(chan, req, XEN_DRM_SLOT_FLIP, news);
}

/**
 * xen_drm_chan_flip - send a page flip
 * @chan: the channel
 * @req: a XENDISPL_OP_PG_FLIP
 * @serial: set to the number of the flip, which &xen_drm_flip_ops names
 *
 * The flip is open until its event or a refusal comes. The success of a later
 * SET_CONFIG ends it, too, which the pipe is not told of. Requests that have been
 * submitted before go out as well.
 *
 * Context: does not sleep; may be called under &drm_device.event_lock.
 *
 * Returns: 0; -EBUSY while another flip is open, even if its pipe has given it up, or
 * while a mode has no answer; -EAGAIN when the ring is full, in which case
 * &xen_drm_chan_ops.answers will be called when there is room; -ENODEV when the channel
 * is broken.
 */
int xen_drm_chan_flip(struct xen_drm_chan *chan, struct xendispl_req *req, u32 *serial)
{
	struct xen_drm_chan_news news = {};
	struct xen_drm_slot *slot;

	guard(rcu)();

	scoped_guard(spinlock_irqsave, &chan->lock) {
		slot = chan_put_flip(chan, req, &news);
		if (!IS_ERR(slot)) {
			/* The event that was left in the page belongs to an older flip. */
			chan->evt_cons += chan->evt_stays;
			chan->evt_stays = false;
			slot->serial = ++chan->flip_serial;
			chan->flip_open = true;
			chan->flip_late = false;
			chan->flip_cookie = req->op.pg_flip.fb_cookie;
			chan->flip_sent = slot->sent;
			*serial = chan->flip_serial;
			chan_publish(chan);
		}
	}
	/* No flip and no mode was open, so the pipe is told of none. */
	xen_drm_chan_tell(chan, &news);
	return PTR_ERR_OR_ZERO(slot);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_flip);

/**
 * xen_drm_chan_add_stats - add what a channel has counted to a sum
 * @chan: the channel
 * @sum: the sum
 *
 * Context: any.
 */
void xen_drm_chan_add_stats(struct xen_drm_chan *chan, struct xen_drm_chan_stats *sum)
{
	scoped_guard(spinlock_irqsave, &chan->lock) {
		sum->requests += chan->stats.requests;
		sum->refused += chan->stats.refused;
		sum->missed += chan->stats.missed;
		sum->late += chan->stats.late;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_add_stats);

/* Other CPUs have been stopped, so nothing that the lock protects changes. */
static bool chan_wait_for_event_in_panic(const struct xen_drm_chan *chan)
{
	unsigned int ms;

	for (ms = 0; chan->flip_open && ms < PANIC_PATIENCE_MS; ms++) {
		/* An event is enough, whatever it says: nothing is read from it. */
		if (READ_ONCE(chan->evt_page->in_prod) != chan->evt_cons + chan->evt_stays)
			return true;
		mdelay(1);
	}
	return !chan->flip_open;
}

/**
 * xen_drm_chan_flip_panic - send a page flip while the kernel panics
 * @chan: the channel
 * @req: a XENDISPL_OP_PG_FLIP
 *
 * Waits up to PANIC_PATIENCE_MS for an open flip, since backends refuse a second one.
 * Gives up if a CPU was stopped while it held the lock, or if the ring is full.
 *
 * Context: a panic. Does not sleep; the pipe is not told of the flip's outcome.
 */
void xen_drm_chan_flip_panic(struct xen_drm_chan *chan, struct xendispl_req *req)
{
	struct xen_drm_chan_news news = {};
	unsigned long flags;
	bool can_send;

	if (!spin_trylock_irqsave(&chan->lock, flags))
		return;

	/* In a full ring chan_put() would look for room, and wake tasks. */
	can_send = !xen_drm_chan_is_dead(chan) && !RING_FULL(&chan->ring) &&
		   chan_wait_for_event_in_panic(chan);
	if (can_send && !IS_ERR(chan_put(chan, req, XEN_DRM_SLOT_ABANDONED, &news)))
		chan_publish(chan);
	spin_unlock_irqrestore(&chan->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_flip_panic);
