// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: ring and event page of a connector.
 */

#include "xen_drm_front_evtchnl.h"

#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/rcupdate.h>

#include <kunit/static_stub.h>
#include <kunit/visibility.h>

#include <xen/events.h>

#include "xen_drm_front_trace.h"

/* Status by which a backend may refuse an operation that it does not know. */
#define XEN_ENOSYS	38

/**
 * DOC: Transport
 *
 * Each connector has a request ring and an event page, both shared with the
 * backend, which may write anything into them at any time. A look reads each value once,
 * into private memory, and it is checked here and nowhere else. The index is checked first,
 * then the copied entry: its id, the state of the request with that id, and its
 * operation. A closed list translates its status. An entry that no correct backend
 * could have written breaks the channel, and with it the connection: waiters return,
 * and the interrupts stay masked.
 *
 * Three things look wrong and are not. One is the reply to a request whose task has
 * stopped waiting, and one is the event of a flip that was given up. The third one is an
 * index of replies that goes back: another backend has taken up the ring. The connection
 * ends without a fault.
 *
 * Interrupts, timers and the work look into the ring and the event page. So do tasks
 * whose wait is over, or who find the ring full. Each look is bounded by the
 * number of our open requests and by the size of the event page. It is made under the
 * channel's lock, and collects in a &struct xen_drm_chan_news what the layers above
 * must know. They are called after the lock has been released.
 *
 * Replies raise an interrupt only while a task or a flip waits for one. The event of a
 * flip tells of its success, and the reply is taken along with that. A refusal has no
 * event, so xen_drm_chan_poll() finds it.
 *
 * A pipe that has to wait for its vblank anyway looks for the event of a flip then. The
 * interrupt for the event before has not ended, so there is none for this one. When the
 * pipe finds no event, it asks for an interrupt by xen_drm_chan_listen().
 */

/**
 * xen_drm_chan_tell - call the layers above
 * @chan: the channel, unlocked
 * @news: collected under the lock
 *
 * Context: any; under rcu_read_lock() since before the lock was taken, so that
 * xen_drm_conn_mute() can wait for calls that are under way.
 *
 * Returns: whether the pipe looks for later events itself.
 */
bool xen_drm_chan_tell(struct xen_drm_chan *chan, const struct xen_drm_chan_news *news)
{
	lockdep_assert_in_rcu_read_lock();

	if (news->fault[0])
		chan->ops->fault(chan->owner, news->fault);
	if (news->anew)
		chan->ops->anew(chan->owner);
	if (news->flip_ops && news->mode_over)
		news->flip_ops->mode_set(news->flip_owner, news->mode, news->mode_error);
	if (news->flip_ops && news->off_error)
		news->flip_ops->not_off(news->flip_owner, news->off_error);
	/* The work must find what has become of the mode. */
	if (news->answers)
		chan->ops->answers(chan->owner, chan->index);
	if (news->missed)
		chan->ops->missed(chan->owner, chan->index);

	if (!news->flip_over || !news->flip_ops)
		return false;
	if (!news->flip_error)
		return news->flip_ops->done(news->flip_owner, news->flip_serial,
					    news->flip_when);
	news->flip_ops->refused(news->flip_owner, news->flip_serial, news->flip_error);
	return false;
}

static void chan_stop(struct xen_drm_chan *chan)
{
	lockdep_assert_held(&chan->lock);

	WRITE_ONCE(chan->broken, true);
	wake_up_all(&chan->reply_wait);
}

__printf(3, 4)
static void chan_fault(struct xen_drm_chan *chan, struct xen_drm_chan_news *news,
		       const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	snprintf(news->fault, sizeof(news->fault), "connector %u: %pV", chan->index, &vaf);
	va_end(args);

	chan_stop(chan);
}

/**
 * xen_drm_chan_status - translate the status of a reply
 * @status: as the backend wrote it: 0 or a negative XEN_Exx number
 *
 * Positive numbers, and errors with a meaning inside the kernel, are not in the list.
 *
 * Returns: 0, or an error that may be told to user space: -EINVAL, -ENOMEM,
 * -ENOSPC, -EOPNOTSUPP, and -EIO for all that is not in the list.
 */
int xen_drm_chan_status(s32 status)
{
	switch (status) {
	case 0:
	case -EINVAL:
	case -ENOMEM:
	case -ENOSPC:
	case -EOPNOTSUPP:
		return status;
	case -EPERM:
	case -ENOENT:
	case -EACCES:
	case -EEXIST:
	case -ERANGE:
		return -EINVAL;
	case -XEN_ENOSYS:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_status);

static void chan_heard(struct xen_drm_chan *chan, struct xen_drm_chan_news *news)
{
	chan->heard = jiffies;
	news->progress = true;
	if (chan->missed || chan->flip_waits)
		news->answers = true;
	if (chan->flip_waits)
		chan->num_waits--;
	chan->missed = false;
	chan->flip_waits = false;
}

static void chan_tell_pipe(struct xen_drm_chan *chan, struct xen_drm_chan_news *news)
{
	news->flip_ops = chan->flip_ops;
	news->flip_owner = chan->flip_owner;
}

static void chan_end_flip(struct xen_drm_chan *chan, int error, struct xen_drm_chan_news *news)
{
	chan->flip_open = false;
	news->flip_over = true;
	news->flip_error = error;
	news->flip_serial = chan->flip_serial;
	news->flip_when = ktime_get();
	chan_tell_pipe(chan, news);
}

static void chan_end_mode(struct xen_drm_chan *chan, u32 mode, int error,
			  struct xen_drm_chan_news *news)
{
	chan->num_waits--;
	chan->num_modes--;
	if (news->mode_over && (s32)(mode - news->mode) < 0)
		return;
	news->mode_over = true;
	news->mode = mode;
	news->mode_error = error;
	/* It may have to be sent again, with a picture that is still there. */
	news->answers |= error;
	chan_tell_pipe(chan, news);
}

static void chan_end_off(struct xen_drm_chan *chan, int error, struct xen_drm_chan_news *news)
{
	chan->num_waits--;
	news->off_error = error ?: news->off_error;
	chan_tell_pipe(chan, news);
}

static void chan_end_call(struct xen_drm_chan *chan, struct xen_drm_slot *slot,
			  const struct xendispl_resp *resp)
{
	struct xen_drm_call *call = slot->call;

	call->status = resp->status;
	if (resp->operation == XENDISPL_OP_GET_EDID)
		call->edid_size = resp->op.get_edid.edid_sz;
	WRITE_ONCE(call->done, true);
	slot->call = NULL;
	chan->num_waits--;
}

static void chan_take_reply(struct xen_drm_chan *chan, const struct xendispl_resp *resp,
			    struct xen_drm_chan_news *news)
{
	struct xen_drm_slot *slot = &chan->slots[resp->id % ARRAY_SIZE(chan->slots)];
	bool to_open_flip;

	lockdep_assert_held(&chan->lock);

	if (slot->id != resp->id || slot->state == XEN_DRM_SLOT_FREE) {
		chan_fault(chan, news, "reply with id %u, which no request waits for",
			   resp->id);
		return;
	}
	if (slot->operation != resp->operation) {
		chan_fault(chan, news, "reply to operation 0x%x, request %u was 0x%x",
			   resp->operation, resp->id, slot->operation);
		return;
	}

	trace_xen_drm_reply(chan->dev, chan->index, resp, slot->sent, slot->late);
	chan_heard(chan, news);
	chan->stats.refused += resp->status != 0;
	chan->stats.late += slot->late;
	/* The work maps this buffer now, or has it made anew. */
	if (slot->late && slot->operation == XENDISPL_OP_DBUF_CREATE)
		news->answers = true;
	/* The request is the open flip, or was sent after it. */
	to_open_flip = chan->flip_open && slot->serial == chan->flip_serial;
	if (slot->state == XEN_DRM_SLOT_CALL)
		chan_end_call(chan, slot, resp);
	else if (slot->state == XEN_DRM_SLOT_MODE)
		chan_end_mode(chan, slot->mode, xen_drm_chan_status(resp->status), news);
	else if (slot->state == XEN_DRM_SLOT_OFF)
		chan_end_off(chan, xen_drm_chan_status(resp->status), news);
	else if (slot->state == XEN_DRM_SLOT_FLIP && to_open_flip && resp->status)
		chan_end_flip(chan, xen_drm_chan_status(resp->status), news);

	/* A backend that sets a mode drops the event of a flip that it has not shown yet. */
	if (slot->operation == XENDISPL_OP_SET_CONFIG && to_open_flip && !resp->status) {
		chan->flip_open = false;
		/* A pipe may be waiting for the end of that flip, to send the next one. */
		news->answers = true;
	}
	slot->state = XEN_DRM_SLOT_FREE;
}

/*
 * A backend that is killed and started again may take up the old ring. It counts its
 * replies from 0, possibly before we have seen its new state.
 *
 * Returns false when the channel is broken.
 */
static bool chan_take_replies(struct xen_drm_chan *chan, RING_IDX prod,
			      struct xen_drm_chan_news *news)
{
	struct xen_displif_front_ring *ring = &chan->ring;
	const RING_IDX first = ring->rsp_cons;
	struct xendispl_resp resp;

	virt_rmb(); /* the index before the replies that it announces */
	if ((s32)(prod - first) < 0) {
		news->anew = true;
		chan_stop(chan);
		return false;
	}
	if (prod - first > chan->req_prod - first) {
		chan_fault(chan, news, "%u replies announced, %u requests are outstanding",
			   prod - first, chan->req_prod - first);
		return false;
	}

	while (ring->rsp_cons != prod && !chan->broken) {
		RING_COPY_RESPONSE(ring, ring->rsp_cons, &resp);
		barrier(); /* what is checked below is the copy, not the slot */
		ring->rsp_cons++;
		chan_take_reply(chan, &resp, news);
	}

	/* If rsp_event is among these replies, their interrupt is still to come. */
	if (ring->rsp_cons - chan->rsp_event < ring->rsp_cons - first)
		chan->drained = true;
	return !chan->broken;
}

/**
 * xen_drm_chan_drain_replies - take the replies in the ring
 * @chan: the channel, locked
 * @news: filled with what xen_drm_chan_tell() must tell
 *
 * Asks for an interrupt at the next reply if a task or a flip waits. Bounded by the
 * number of open requests, since each round takes one or breaks the channel.
 * Implements the responses of displif.h, "Requests".
 *
 * Context: any.
 */
void xen_drm_chan_drain_replies(struct xen_drm_chan *chan, struct xen_drm_chan_news *news)
{
	struct xen_displif_front_ring *ring = &chan->ring;
	const RING_IDX first = ring->rsp_cons;
	RING_IDX prod;

	lockdep_assert_held(&chan->lock);

	if (xen_drm_chan_is_dead(chan))
		return;

	prod = READ_ONCE(ring->sring->rsp_prod);
	while (chan_take_replies(chan, prod, news) && chan->num_waits) {
		chan->rsp_event = ring->rsp_cons + 1;
		WRITE_ONCE(ring->sring->rsp_event, chan->rsp_event);
		virt_mb(); /* the backend sees it, or we see its reply */
		prod = READ_ONCE(ring->sring->rsp_prod);
		if (prod == ring->rsp_cons)
			break;
	}

	if (ring->rsp_cons != first)
		wake_up_all(&chan->reply_wait);
}

/* Returns whether the event has ended the open flip. */
static bool chan_take_event(struct xen_drm_chan *chan, const struct xendispl_evt *evt,
			    struct xen_drm_chan_news *news)
{
	trace_xen_drm_event(chan->dev, chan->index, evt);
	if (evt->type != XENDISPL_EVT_PG_FLIP) {
		dev_dbg_ratelimited(chan->dev, "connector %u: event of type %u, expected %u\n",
				    chan->index, evt->type, XENDISPL_EVT_PG_FLIP);
		return false;
	}

	if (!chan->flip_open || evt->op.pg_flip.fb_cookie != chan->flip_cookie)
		return false;

	chan_heard(chan, news);
	chan->stats.late += chan->flip_late;
	chan_end_flip(chan, 0, news);
	chan->evt_drained = true;
	return true;
}

/*
 * One pass is enough, since the backend must notify us of events that it adds
 * meanwhile. Ids of events are not checked, since backends count dropped ones, too.
 * Implements displif.h, "Back to front events delivery".
 *
 * Deployed backends have no barrier between an event and its index, so on Arm the newest
 * entry may still be an old one. While it does not end the open flip, it stays in the page
 * for the next look.
 */
static void chan_drain_events(struct xen_drm_chan *chan, struct xen_drm_chan_news *news)
{
	struct xendispl_event_page *page = chan->evt_page;
	struct xendispl_evt evt;
	u32 prod;

	lockdep_assert_held(&chan->lock);

	if (xen_drm_chan_is_dead(chan))
		return;

	prod = READ_ONCE(page->in_prod);
	virt_rmb(); /* the index before the events that it announces */
	if (prod - chan->evt_cons > XENDISPL_IN_RING_LEN) {
		chan_fault(chan, news, "%u events announced, the page holds %zu",
			   prod - chan->evt_cons, XENDISPL_IN_RING_LEN);
		return;
	}

	chan->evt_stays = false;
	while (chan->evt_cons != prod) {
		memcpy(&evt, &XENDISPL_IN_RING_REF(page, chan->evt_cons), sizeof(evt));
		barrier(); /* what is checked below is the copy, not the page */
		chan->evt_stays = !chan_take_event(chan, &evt, news) && chan->flip_open &&
				  chan->evt_cons + 1 == prod;
		if (chan->evt_stays)
			break;
		chan->evt_cons++;
	}

	virt_mb(); /* the events are read before the backend may reuse them */
	WRITE_ONCE(page->in_cons, chan->evt_cons);
}

/**
 * xen_drm_chan_drain - take the events and replies of a channel
 * @chan: the channel, locked
 * @news: filled with what xen_drm_chan_tell() must tell
 *
 * Events come first: the success of a later SET_CONFIG ends an open flip silently,
 * which must not hide the flip's event.
 *
 * Context: any.
 */
void xen_drm_chan_drain(struct xen_drm_chan *chan, struct xen_drm_chan_news *news)
{
	chan_drain_events(chan, news);
	xen_drm_chan_drain_replies(chan, news);
}

/**
 * xen_drm_chan_eoi - end an interrupt
 * @chan: the channel, for tests
 * @irq: the interrupt
 * @flags: 0 or XEN_EOI_FLAG_SPURIOUS
 *
 * Context: any.
 */
VISIBLE_IF_KUNIT void xen_drm_chan_eoi(struct xen_drm_chan *chan, int irq,
				       unsigned int flags)
{
	KUNIT_STATIC_STUB_REDIRECT(xen_drm_chan_eoi, chan, irq, flags);
	xen_irq_lateeoi(irq, flags);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_eoi);

/**
 * xen_drm_chan_listen - have events raise interrupts again
 * @chan: the channel
 *
 * An event that has come meanwhile raises one at once.
 *
 * Context: any.
 */
void xen_drm_chan_listen(struct xen_drm_chan *chan)
{
	/* xchg(), so that only one caller ends the interrupt. */
	if (READ_ONCE(chan->evt_masked) && xchg(&chan->evt_masked, false) &&
	    !READ_ONCE(chan->broken))
		xen_drm_chan_eoi(chan, chan->evt_irq, 0);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_listen);

/*
 * An event channel stays masked until its end-of-interrupt, and for ever once the
 * channel is broken. An interrupt without cause makes the core delay the next
 * ones, so that a storm costs the guest a bounded share of a CPU. One whose cause was
 * taken before, as @drained says, is none of those.
 *
 * It also stays masked, and @masked says so, while the pipe looks for events itself.
 */
static irqreturn_t chan_interrupt(struct xen_drm_chan *chan, int irq, bool *drained,
				  bool *masked)
{
	struct xen_drm_chan_news news = {};
	bool quiet;

	guard(rcu)();

	scoped_guard(spinlock_irqsave, &chan->lock) {
		xen_drm_chan_drain(chan, &news);
		news.progress |= *drained;
		*drained = false;
	}
	quiet = xen_drm_chan_tell(chan, &news);
	/* The layers above may have broken it meanwhile. */
	if (READ_ONCE(chan->broken))
		return IRQ_HANDLED;
	if (quiet && masked)
		WRITE_ONCE(*masked, true);
	else
		xen_drm_chan_eoi(chan, irq, news.progress ? 0 : XEN_EOI_FLAG_SPURIOUS);
	return IRQ_HANDLED;
}

/**
 * xen_drm_chan_reply_interrupt - handler of the request ring's interrupt
 * @irq: the interrupt
 * @data: the channel
 *
 * Context: hard interrupt.
 *
 * Returns: IRQ_HANDLED.
 */
irqreturn_t xen_drm_chan_reply_interrupt(int irq, void *data)
{
	struct xen_drm_chan *chan = data;

	return chan_interrupt(chan, irq, &chan->drained, NULL);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_reply_interrupt);

/**
 * xen_drm_chan_event_interrupt - handler of the event page's interrupt
 * @irq: the interrupt
 * @data: the channel
 *
 * Context: hard interrupt.
 *
 * Returns: IRQ_HANDLED.
 */
irqreturn_t xen_drm_chan_event_interrupt(int irq, void *data)
{
	struct xen_drm_chan *chan = data;

	return chan_interrupt(chan, irq, &chan->evt_drained, &chan->evt_masked);
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_event_interrupt);

/**
 * xen_drm_chan_init - initialise a channel that has no pages yet
 * @chan: zeroed memory
 * @dev: device for messages; outlives the channel
 * @index: number of the connector
 * @ops: callbacks of the connection
 * @owner: argument of @ops
 */
void xen_drm_chan_init(struct xen_drm_chan *chan, struct device *dev, unsigned int index,
		       const struct xen_drm_chan_ops *ops, void *owner)
{
	chan->dev = dev;
	chan->index = index;
	chan->ops = ops;
	chan->owner = owner;
	init_waitqueue_head(&chan->reply_wait);
	spin_lock_init(&chan->lock);
	chan->heard = jiffies;
	chan->req_ref = INVALID_GRANT_REF;
	chan->evt_ref = INVALID_GRANT_REF;
	chan->req_irq = -1;
	chan->evt_irq = -1;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_init);

/**
 * xen_drm_chan_attach - give a channel its two shared pages
 * @chan: the channel
 * @sring: zeroed page of XEN_PAGE_SIZE bytes for the request ring
 * @evt_page: zeroed page of XEN_PAGE_SIZE bytes for the events
 */
void xen_drm_chan_attach(struct xen_drm_chan *chan, struct xen_displif_sring *sring,
			 struct xendispl_event_page *evt_page)
{
	scoped_guard(spinlock_irqsave, &chan->lock) {
		XEN_FRONT_RING_INIT(&chan->ring, sring, XEN_PAGE_SIZE);
		/* No reply raises an interrupt until something waits for one. */
		sring->rsp_event = 0;
		chan->evt_page = evt_page;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_attach);

/**
 * xen_drm_chan_set_flip_ops - choose which pipe is told of flips
 * @chan: the channel
 * @ops: callbacks of the pipe, or NULL
 * @owner: argument of @ops
 *
 * A call of the former @ops may still be under way on return; xen_drm_conn_mute()
 * waits for it.
 *
 * Context: any.
 */
void xen_drm_chan_set_flip_ops(struct xen_drm_chan *chan, const struct xen_drm_flip_ops *ops,
			       void *owner)
{
	scoped_guard(spinlock_irqsave, &chan->lock) {
		chan->flip_ops = ops;
		chan->flip_owner = owner;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_chan_set_flip_ops);
