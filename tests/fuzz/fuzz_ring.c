// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_evtchnl.c, xen_drm_front_call.c and xen_drm_front_conn.c: a
 * connection of two connectors against a backend that writes anything into their
 * pages at any time, while tasks send, wait, flip, look, are killed and give up. A
 * model of the protocol sees each index and each entry as the driver reads it, and
 * says what must follow: what a caller gets, what the layers above are told, which
 * interrupts end and how, and whether the connection must be broken - no sooner, and
 * no later.
 */
#include "xen_drm_front_call.h"
#include "xen_drm_front_conn.h"
#include "xen_drm_front_evtchnl.h"
#include "xen_drm_front_grants.h"

#include "input.h"
#include "shared.h"

#define CHANNELS	2
#define DOMID		3
#define SLOTS		32
#define EVENTS		63
#define HEADER		64
#define ENTRY		64
#define MAX_ATTACKS	8
/* More than the ring holds. */
#define MAX_CALLS	40
/* Tasks that wait, one in the other's turn. */
#define MAX_DEPTH	5
#define TIMEOUT		(3 * HZ)

/* Offsets in the two pages, by displif.h and ring.h. */
enum { REQ_PROD = 0, REQ_EVENT = 4, RSP_PROD = 8, RSP_EVENT = 12 };
enum { IN_CONS = 0, IN_PROD = 4 };

/* Who is interested in the reply to a request. */
enum interest { NONE, CALLER, FLIP, NOBODY };

/* A task's call from the time when it is put into the ring. */
struct waiter {
	/* of the driver; its memory is the task's, and goes with the wait */
	struct xen_drm_call *call;
	/* a task is sending it, or waiting for it */
	bool busy, replied;
	struct xendispl_resp reply;
	unsigned long sent;
};

struct request {
	enum interest interest;
	u16 id;
	u8 operation;
	/* the latest flip at that time, this one included */
	u32 serial;
	unsigned long sent;
	bool late;
	struct waiter *waiter;
};

/* What a task is about to send, and what has become of it. */
struct sending {
	struct xendispl_req req;
	enum interest interest;
	struct waiter *waiter;
	bool stored;
	u16 id;
};

/* What the backend does when the driver loads something, so many loads later. */
struct attack {
	unsigned int loads;
	bool there;
	u16 offset;
	u32 value;
};

/* Which of the two interrupts is handled. */
enum interrupt { NO_INTERRUPT, REPLY_INTERRUPT, EVENT_INTERRUPT };

struct model {
	unsigned int index;
	struct xen_drm_chan *chan;
	/* whom the channel tells when the model does not listen */
	const struct xen_drm_chan_ops *ops;
	void *owner;
	struct shared req, evt;

	struct request open[SLOTS];
	struct waiter waiters[MAX_CALLS];
	u32 sent, published, answered;
	/* where it began */
	u32 first_request, first_event;
	/* tasks that wait for room in the ring */
	unsigned int submitting;
	unsigned int notified;
	u32 old_req_prod;

	/* from one lock of the channel to its unlock */
	bool looked, looked_for_events, progress;
	unsigned int looks;
	enum interrupt interrupt;
	/* responses are announced that have not all been taken */
	bool taking;
	u32 announced, taking_from;
	/* the response that raises an interrupt, and the last one of which that is sure */
	u32 rsp_event, armed;
	bool drained, evt_drained;
	/* the interrupt that was handled ended with progress */
	bool ends_with_progress;
	unsigned long polled_at;
	u32 taken, in_prod;

	bool flip_open, flip_late, flip_waits, in_flip, in_panic, saw_event;
	u32 flip_serial;
	u64 flip_cookie;
	unsigned long flip_sent;
	bool missed;
	/* when the latest answer was taken, and how many it were */
	unsigned long heard;
	unsigned int num_heard;

	/* what must be told next */
	bool fault_told, answers_told, missed_told, flip_told;
	int flip_error;
	u32 told_serial;
	bool has_sink;

	struct attack attacks[MAX_ATTACKS];
	unsigned int num_attacks;
};

static struct {
	struct input in;
	struct xenbus_device xb_dev;
	struct xen_drm_conn *conn;
	struct model models[CHANNELS];
	/* of the DRM device: flips are sent, and ended, under it */
	spinlock_t event_lock;
	bool broken, at_fault, closed, owned, eoi_forbidden, hands_over;
	/* how often the owner was told, and how often it had to be */
	unsigned int told_broken, told_missed, told_answers, must_tell_broken;
	struct sending *sending;
	unsigned int depth;
} run;

/* --- the model ------------------------------------------------------------- */

/* What user space may be told, as the driver documents it. */
static int model_status(s32 status)
{
	static const int same[] = { 0, 12, 22, 28, 95 }, invalid[] = { 1, 2, 13, 17, 34 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(same); i++)
		if (status == -same[i])
			return status;
	for (i = 0; i < ARRAY_SIZE(invalid); i++)
		if (status == -invalid[i])
			return -EINVAL;
	return status == -38 ? -EOPNOTSUPP : -EIO;
}

static void model_gone(void)
{
	if (!run.broken)
		run.must_tell_broken += run.owned;
	run.broken = true;
}

static void model_fault(struct model *m)
{
	model_gone();
	run.at_fault = true;
	m->fault_told = true;
}

static bool model_due(unsigned long sent)
{
	return time_after_eq(jiffies + 1, sent + TIMEOUT);
}

/* Each is missed once; the first one after an answer is told of. */
static void model_note_overdue(struct model *m)
{
	struct request *request;
	bool found = false;

	for (request = m->open; request < m->open + SLOTS; request++) {
		if (request->interest == NONE || request->late || !model_due(request->sent))
			continue;
		request->late = true;
		found = true;
	}
	if (m->flip_open && !m->flip_late && model_due(m->flip_sent)) {
		m->flip_late = true;
		found = true;
	}
	m->missed_told = found && !m->missed;
	m->missed |= found;
}

static bool model_owes(const struct model *m, unsigned long *since)
{
	const struct request *request;
	bool owes = m->flip_open;

	*since = m->flip_sent;
	for (request = m->open; request < m->open + SLOTS; request++) {
		if (request->interest == NONE)
			continue;
		if (!owes || time_before(request->sent, *since))
			*since = request->sent;
		owes = true;
	}
	return owes && !run.broken && !run.closed && model_due(*since);
}

static void model_heard(struct model *m)
{
	/* Only the driver knows when in a flip the ring turned out to be full. */
	if (m->in_flip)
		m->flip_waits |= m->chan->flip_waits;
	m->answers_told |= m->missed || m->flip_waits;
	m->missed = false;
	m->flip_waits = false;
	m->heard = jiffies;
	m->num_heard++;
	m->progress = true;
}

static void model_end_flip(struct model *m, int error)
{
	m->flip_open = false;
	m->flip_told = m->has_sink;
	m->flip_error = error;
	m->told_serial = m->flip_serial;
}

static struct request *model_find(struct model *m, u16 id)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (m->open[i].interest != NONE && m->open[i].id == id)
			return &m->open[i];
	return NULL;
}

static void model_sent(struct model *m, const struct xendispl_req *req)
{
	struct request *request = m->open;
	enum interest interest = run.sending->interest;

	fuzz_check(!model_find(m, req->id), "connector %u: id %u is used for two requests",
		   m->index, req->id);
	while (request->interest != NONE)
		request++;
	if (interest == FLIP) {
		m->flip_serial++;
		m->flip_open = true;
		m->flip_late = false;
		m->flip_cookie = req->op.pg_flip.fb_cookie;
		m->flip_sent = jiffies;
	}
	*request = (struct request) {
		.interest = interest, .id = req->id, .operation = req->operation,
		.serial = m->flip_serial, .sent = jiffies, .waiter = run.sending->waiter,
	};
	if (request->waiter)
		request->waiter->sent = jiffies;
	m->sent++;
}

static void model_reply(struct model *m, const struct xendispl_resp *resp)
{
	struct request *request = model_find(m, resp->id);
	bool to_flip;

	m->answered++;
	if (!request || request->operation != resp->operation) {
		m->taking = false;
		model_fault(m);
		return;
	}

	model_heard(m);
	to_flip = m->flip_open && request->serial == m->flip_serial;
	if (request->interest == CALLER) {
		request->waiter->replied = true;
		request->waiter->reply = *resp;
	}
	if (request->interest == FLIP && to_flip && resp->status)
		model_end_flip(m, model_status(resp->status));
	/* Nobody else tells a pipe that another flip can go out. */
	if (request->operation == XENDISPL_OP_SET_CONFIG && to_flip && !resp->status) {
		m->flip_open = false;
		m->answers_told = true;
	}
	request->interest = NONE;
}

static void model_look(struct model *m, u32 announced, u32 rsp_event)
{
	u32 count = announced - m->answered;

	fuzz_check(!m->taking, "connector %u: rsp_prod is looked at once more", m->index);
	fuzz_check(++m->looks < SLOTS + 8, "connector %u: it looks and looks", m->index);
	m->looked = true;
	if (m->chan->rsp_event != m->rsp_event) {
		m->rsp_event = m->chan->rsp_event;
		fuzz_check(m->rsp_event == m->answered + 1 && rsp_event == m->rsp_event,
			   "connector %u: rsp_event is %u, the next response is %u", m->index,
			   rsp_event, m->answered);
	}
	if (!count && rsp_event == m->answered + 1)
		m->armed = rsp_event;
	if (count > m->published - m->answered) {
		model_fault(m);
		return;
	}
	m->taking = count;
	m->taking_from = m->answered;
	m->announced = announced;
}

/* As a backend decides whether to notify when it has written all of them. */
static void model_took(struct model *m)
{
	if (m->answered != m->announced)
		return;
	m->taking = false;
	if (m->answered - m->rsp_event < m->answered - m->taking_from)
		m->drained = true;
}

static void model_event(struct model *m, const struct xendispl_evt *evt)
{
	m->taken++;
	if (evt->type != XENDISPL_EVT_PG_FLIP || !m->flip_open ||
	    evt->op.pg_flip.fb_cookie != m->flip_cookie)
		return;
	model_heard(m);
	model_end_flip(m, 0);
	m->evt_drained = true;
}

/* --- the pages --------------------------------------------------------------- */

static void strike(struct model *m, struct shared *shared, size_t loaded_at)
{
	struct attack *a = m->attacks;
	unsigned int left = 0;

	for (; a < m->attacks + m->num_attacks; a++) {
		if (a->loads--) {
			m->attacks[left++] = *a;
			continue;
		}
		backend_write32(shared, a->there ? a->offset % XEN_PAGE_SIZE : loaded_at,
				a->value);
	}
	m->num_attacks = left;
}

static bool is_entry(size_t offset, size_t size, u32 index, unsigned int entries)
{
	return offset == HEADER + index % entries * ENTRY && size == ENTRY;
}

static void expect_told(const struct model *m)
{
	fuzz_check(!m->fault_told, "connector %u: nobody was told of a fault", m->index);
	fuzz_check(!m->answers_told, "connector %u: nobody was told that it answers", m->index);
	fuzz_check(!m->missed_told, "connector %u: nobody was told of what is missed", m->index);
	fuzz_check(!m->flip_told, "connector %u: nobody was told of flip %u, error %d",
		   m->index, m->told_serial, m->flip_error);
}

static void expect_may_load(const struct model *m, size_t offset)
{
	fuzz_check(!run.broken, "connector %u: byte %zu is read of a broken connection",
		   m->index, offset);
	fuzz_check(m->chan->lock.held, "connector %u: byte %zu is read without the lock",
		   m->index, offset);
}

/* The ring's macros look at these two to decide whether to notify. */
static void req_prod_load(struct model *m, size_t offset)
{
	u32 value = backend_read32(&m->req, offset);

	if (offset == REQ_PROD) {
		m->published = m->sent;
		m->old_req_prod = value;
	} else if (m->sent - value < m->sent - m->old_req_prod) {
		m->notified++;
	}
}

static void req_load(struct shared *shared, size_t offset, size_t size)
{
	struct model *m = shared->owner;
	u32 rsp_event = backend_read32(shared, RSP_EVENT);

	expect_may_load(m, offset);
	fuzz_check(offset != REQ_EVENT || backend_read32(shared, REQ_PROD) == m->sent,
		   "connector %u: req_prod is %u, expected %u", m->index,
		   backend_read32(shared, REQ_PROD), m->sent);
	strike(m, shared, offset);
	if (size == 4 && offset == RSP_PROD) {
		model_look(m, backend_read32(shared, RSP_PROD), rsp_event);
		return;
	}
	if (size == 4 && (offset == REQ_PROD || offset == REQ_EVENT)) {
		req_prod_load(m, offset);
		return;
	}

	fuzz_check(m->taking,
		   "connector %u: an entry is read, %u responses announced, %u requests open",
		   m->index, m->announced - m->answered, m->published - m->answered);
	fuzz_check(is_entry(offset, size, m->answered, SLOTS),
		   "connector %u: %zu bytes at %zu are read, not response %u", m->index,
		   size, offset, m->answered);
}

static void req_copied(struct shared *shared, size_t offset, size_t size, const void *copy)
{
	struct model *m = shared->owner;
	const u8 scribble[ENTRY] = { 0xff, 0xff, 0xff, 0xff };

	model_reply(m, copy);
	if (m->taking)
		model_took(m);
	backend_write(shared, offset, scribble, size);
}

static void req_stored(struct shared *shared, size_t offset, size_t size)
{
	struct model *m = shared->owner;
	struct sending *sending = run.sending;
	struct xendispl_req sent;

	fuzz_check(is_entry(offset, size, m->sent, SLOTS),
		   "connector %u: %zu bytes at %zu are written, not request %u", m->index,
		   size, offset, m->sent);
	fuzz_check(sending && !sending->stored, "connector %u: a request that nobody sends",
		   m->index);
	fuzz_check(m->sent - m->answered < SLOTS, "connector %u: a request into a full ring",
		   m->index);
	backend_read(shared, offset, &sent, sizeof(sent));
	sending->stored = true;
	sending->id = sent.id;
	sending->req.id = sent.id;
	fuzz_check(!memcmp(&sent, &sending->req, sizeof(sent)),
		   "connector %u: the request is not what was asked for", m->index);
	model_sent(m, &sent);
}

static void evt_load(struct shared *shared, size_t offset, size_t size)
{
	struct model *m = shared->owner;

	expect_may_load(m, offset);
	strike(m, shared, offset);
	if (size == 4 && offset == IN_PROD && m->in_panic) {
		m->saw_event = backend_read32(shared, IN_PROD) != m->taken;
		return;
	}
	if (size == 4 && offset == IN_PROD) {
		fuzz_check(!m->looked_for_events, "connector %u: in_prod is read again", m->index);
		fuzz_check(!m->looked, "connector %u: a reply could hide an event", m->index);
		m->looked_for_events = true;
		m->in_prod = backend_read32(shared, IN_PROD);
		if (m->in_prod - m->taken > EVENTS)
			model_fault(m);
		return;
	}

	fuzz_check(m->looked_for_events && m->in_prod != m->taken,
		   "connector %u: an event is read, %u are announced", m->index,
		   m->in_prod - m->taken);
	fuzz_check(is_entry(offset, size, m->taken, EVENTS),
		   "connector %u: %zu bytes at %zu are read, not event %u", m->index, size,
		   offset, m->taken);
}

static void evt_copied(struct shared *shared, size_t offset, size_t size, const void *copy)
{
	const u8 scribble[ENTRY] = { 0xff, 0xff, 0xff, 0xff };

	model_event(shared->owner, copy);
	backend_write(shared, offset, scribble, size);
}

static void evt_stored(struct shared *shared, size_t offset, size_t size)
{
	fuzz_broken("%zu bytes are copied to %zu of the events", size, offset);
}

/* --- the channel's lock --------------------------------------------------------- */

static void model_end_interrupt(struct model *m)
{
	bool *drained = m->interrupt == REPLY_INTERRUPT ? &m->drained : &m->evt_drained;

	fuzz_check(m->looked && m->looked_for_events, "connector %u: an interrupt is ignored",
		   m->index);
	m->ends_with_progress = m->progress || *drained;
	*drained = false;
}

static void section_ends(struct model *m)
{
	run.eoi_forbidden = run.broken;
	if (run.broken || run.closed)
		return;
	fuzz_check(!m->taking, "connector %u: not all responses are taken", m->index);
	fuzz_check(m->taken == m->in_prod, "connector %u: not all events are taken", m->index);
	fuzz_check(!m->looked_for_events || backend_read32(&m->evt, IN_CONS) == m->taken,
		   "connector %u: in_cons is %u, expected %u", m->index,
		   backend_read32(&m->evt, IN_CONS), m->taken);
	fuzz_check(!m->chan->num_waits || m->armed == m->answered + 1,
		   "connector %u: somebody waits, but no interrupt will come", m->index);
	fuzz_check(fuzz_num_notified(m->chan->req_irq) == m->notified,
		   "connector %u: %u notifications, expected %u", m->index,
		   fuzz_num_notified(m->chan->req_irq), m->notified);
	if (m->interrupt) {
		model_end_interrupt(m);
	} else if (m->looked_for_events) {
		m->polled_at = jiffies;
		model_note_overdue(m);
	}
}

static void lock_hook(struct lock *lock, bool taken)
{
	struct model *m = run.models;

	for (; m < run.models + CHANNELS; m++) {
		if (!m->chan || lock != &m->chan->lock)
			continue;
		if (taken) {
			m->looked = false;
			m->looked_for_events = false;
			m->progress = false;
			m->looks = 0;
		} else {
			section_ends(m);
			m->interrupt = NO_INTERRUPT;
		}
	}
}

/* --- above the transport ------------------------------------------------------- */

static void task_flips(struct model *m);

static void chan_fault(void *owner, const char *what)
{
	struct model *m = owner;
	char begin[16];

	sprintf(begin, "connector %u: ", m->index);
	fuzz_check(m->fault_told, "connector %u: is said to be at fault", m->index);
	fuzz_check(!m->chan->lock.held, "told with the lock held");
	fuzz_check(!strncmp(what, begin, strlen(begin)) && strlen(what) < XEN_DRM_FAULT_LEN,
		   "the fault is '%s'", what);
	m->fault_told = false;
	m->ops->fault(m->owner, what);
}

static void chan_answers(void *owner, unsigned int index)
{
	struct model *m = owner;
	unsigned int told = run.told_answers;

	fuzz_check(m->answers_told && m->index == index && !m->chan->lock.held,
		   "connector %u: is said to answer again", index);
	m->answers_told = false;
	m->ops->answers(m->owner, index);
	fuzz_check(run.told_answers == told + run.owned, "the owner is told %u times",
		   run.told_answers - told);
}

static void chan_missed(void *owner, unsigned int index)
{
	struct model *m = owner;
	unsigned int told = run.told_missed;

	fuzz_check(m->missed_told && m->index == index && !m->chan->lock.held,
		   "connector %u: is said to be silent", index);
	m->missed_told = false;
	m->ops->missed(m->owner, index);
	fuzz_check(run.told_missed == told + run.owned, "the owner is told %u times",
		   run.told_missed - told);
}

static const struct xen_drm_chan_ops chan_ops = {
	.fault = chan_fault,
	.missed = chan_missed,
	.answers = chan_answers,
};

static void flip_is_over(struct model *m, u32 serial, int error)
{
	fuzz_check(m->flip_told && m->told_serial == serial && m->flip_error == error,
		   "connector %u: told of flip %u, error %d", m->index, serial, error);
	m->flip_told = false;
	fuzz_lock(&run.event_lock, false);
	/* As a pipe that has become dirty meanwhile. */
	if (input_u8(&run.in) > 0xc0)
		task_flips(m);
	fuzz_unlock(&run.event_lock, false);
}

static void flip_done(void *owner, u32 serial, ktime_t when)
{
	fuzz_check(when == ktime_get(), "the flip's time is not now");
	flip_is_over(owner, serial, 0);
}

static void flip_refused(void *owner, u32 serial, int error)
{
	fuzz_check(error, "refused without an error");
	flip_is_over(owner, serial, error);
}

static const struct xen_drm_flip_ops flip_ops = {
	.done = flip_done,
	.refused = flip_refused,
};

static void conn_broken(void *owner, const char *fault)
{
	fuzz_check(owner == &run && run.owned, "the wrong owner is told of the end");
	fuzz_check(run.at_fault || !fault, "told that the backend is at fault");
	run.told_broken++;
}

static void conn_missed(void *owner)
{
	fuzz_check(owner == &run && run.owned, "the wrong owner is told");
	run.told_missed++;
}

static void conn_answers(void *owner)
{
	fuzz_check(owner == &run && run.owned, "the wrong owner is told");
	run.told_answers++;
}

static const struct xen_drm_conn_ops conn_ops = {
	.broken = conn_broken,
	.missed = conn_missed,
	.answers = conn_answers,
};

/* --- invariants ------------------------------------------------------------------ */

static unsigned int slots_in_use(const struct xen_drm_chan *chan)
{
	unsigned int i, used = 0;

	for (i = 0; i < SLOTS; i++)
		used += chan->slots[i].state != XEN_DRM_SLOT_FREE;
	return used;
}

static unsigned int num_open(const struct model *m, enum interest interest)
{
	unsigned int i, count = 0;

	for (i = 0; i < SLOTS; i++)
		count += m->open[i].interest == interest;
	return count;
}

static void expect_same_flip(const struct model *m)
{
	const struct xen_drm_chan *chan = m->chan;

	fuzz_check(chan->flip_open == m->flip_open, "connector %u: flip_open is %d", m->index,
		   chan->flip_open);
	fuzz_check(chan->flip_waits == m->flip_waits, "connector %u: flip_waits is %d",
		   m->index, chan->flip_waits);
	fuzz_check(chan->flip_serial == m->flip_serial, "connector %u: flip %u, not %u",
		   m->index, chan->flip_serial, m->flip_serial);
	fuzz_check(chan->missed == m->missed, "connector %u: missed is %d", m->index,
		   chan->missed);
}

static void expect_same(const struct model *m)
{
	const struct xen_drm_chan *chan = m->chan;
	unsigned int waits = num_open(m, CALLER) + m->flip_waits + m->submitting;

	fuzz_check(chan->ring.rsp_cons == m->answered, "connector %u: %u responses, not %u",
		   m->index, m->answered, chan->ring.rsp_cons);
	fuzz_check(chan->ring.req_prod_pvt == m->sent && chan->req_prod == m->published,
		   "connector %u: %u of %u requests are out, not %u of %u", m->index,
		   chan->req_prod, chan->ring.req_prod_pvt, m->published, m->sent);
	fuzz_check(chan->evt_cons == m->taken, "connector %u: %u events, not %u", m->index,
		   m->taken, chan->evt_cons);
	/* Whatever breaks a connection leaves the slots as they are. */
	fuzz_check(run.broken || slots_in_use(chan) == m->sent - m->answered,
		   "connector %u: %u slots in use, %u requests open", m->index,
		   slots_in_use(chan), m->sent - m->answered);
	fuzz_check(chan->num_waits == waits, "connector %u: %u waits are counted, not %u",
		   m->index, chan->num_waits, waits);
	expect_same_flip(m);
}

/* All that goes out or is taken, of all connectors. */
static void expect_traced(void)
{
	unsigned int requests = 0, replies = 0, events = 0, i;

	for (i = 0; i < CHANNELS; i++) {
		requests += run.models[i].sent - run.models[i].first_request;
		replies += run.models[i].answered - run.models[i].first_request;
		events += run.models[i].taken - run.models[i].first_event;
	}
	fuzz_check(fuzz_traced_request == requests, "%u requests are traced, not %u",
		   fuzz_traced_request, requests);
	fuzz_check(run.broken || fuzz_traced_reply == replies, "%u replies are traced, not %u",
		   fuzz_traced_reply, replies);
	fuzz_check(fuzz_traced_event == events, "%u events are traced, not %u",
		   fuzz_traced_event, events);
}

static void expect_sound(void)
{
	struct model *m = run.models;

	fuzz_check(xen_drm_conn_is_broken(run.conn) == run.broken,
		   "the connection is %sbroken, but the backend was %s",
		   run.broken ? "not " : "", run.broken ? "wrong" : "right");
	fuzz_check(xen_drm_conn_is_at_fault(run.conn) == run.at_fault, "at_fault is %d",
		   !run.at_fault);
	fuzz_check(run.told_broken == run.must_tell_broken, "told of the end %u times",
		   run.told_broken);
	for (; m < run.models + CHANNELS; m++) {
		expect_told(m);
		fuzz_check(!m->chan->lock.held, "connector %u: its lock is held", m->index);
		fuzz_check(m->chan->broken == run.broken, "connector %u: broken is %d",
			   m->index, m->chan->broken);
		if (!run.closed)
			expect_same(m);
	}
	expect_traced();
}

/* --- the backend ------------------------------------------------------------------- */

/* One of the open requests, or any id. */
static struct request backend_picks(struct model *m)
{
	u8 choice = input_u8(&run.in);
	unsigned int i, n;

	for (i = 0; i < SLOTS; i++) {
		n = (choice + i) % SLOTS;
		if (choice < 0xe0 && m->open[n].interest != NONE)
			return m->open[n];
	}
	return (struct request) {
		.id = input_take(&run.in, 2), .operation = input_u8(&run.in),
	};
}

static s32 backend_status(void)
{
	u8 choice = input_u8(&run.in);

	if (choice < 0x80)
		return 0;
	return choice < 0xf0 ? -(choice & 0x7f) : (s32)input_u32(&run.in);
}

static void backend_responds(struct model *m, bool wrong)
{
	u32 prod = backend_read32(&m->req, RSP_PROD);
	struct request request = backend_picks(m);
	struct xendispl_resp resp = {
		.id = request.id, .operation = request.operation, .status = backend_status(),
	};
	u8 how = wrong ? input_u8(&run.in) : 0;

	if (how & 1)
		resp.id += input_u8(&run.in);
	if (how & 2)
		resp.operation = input_u8(&run.in);
	resp.op.get_edid.edid_sz = prod;
	backend_write(&m->req, HEADER + prod % SLOTS * ENTRY, &resp, sizeof(resp));
	backend_write32(&m->req, RSP_PROD, prod + 1 + (how >> 6));
}

static void backend_sends_event(struct model *m)
{
	u32 prod = backend_read32(&m->evt, IN_PROD);
	u8 how = input_u8(&run.in);
	struct xendispl_evt evt = {
		.id = input_u8(&run.in),
		.type = how < 0xf0 ? XENDISPL_EVT_PG_FLIP : how,
		.op.pg_flip.fb_cookie = how < 0x80 ? m->flip_cookie : how % 5,
	};

	backend_write(&m->evt, HEADER + prod % EVENTS * ENTRY, &evt, sizeof(evt));
	backend_write32(&m->evt, IN_PROD, prod + 1);
}

static void backend_writes_anywhere(struct shared *shared)
{
	u16 offset = input_take(&run.in, 2) % XEN_PAGE_SIZE;
	u8 data[ENTRY];
	size_t size = 1 + input_u8(&run.in) % sizeof(data), i;

	for (i = 0; i < size; i++)
		data[i] = input_u8(&run.in);
	backend_write(shared, offset, data, size);
}

static void backend_moves_index(struct shared *shared, size_t offset)
{
	backend_write32(shared, offset, backend_read32(shared, offset) +
			input_number(&run.in));
}

static void backend_plans_attack(struct model *m)
{
	struct attack *a = &m->attacks[m->num_attacks];
	u16 offset;

	if (m->num_attacks == MAX_ATTACKS)
		return;
	m->num_attacks++;
	a->loads = input_u8(&run.in) % 16;
	offset = input_take(&run.in, 2);
	a->there = offset & 0x8000;
	a->offset = offset;
	a->value = input_number(&run.in);
	if (a->there)
		return;
	/* A moderate change of what is there hits more often than any number. */
	a->value += offset & 0x4000 ? m->answered : m->taken;
}

static void backend_interrupts(struct model *m, enum interrupt interrupt)
{
	int irq = interrupt == REPLY_INTERRUPT ? m->chan->req_irq : m->chan->evt_irq;

	m->interrupt = interrupt;
	m->ends_with_progress = false;
	if (!fuzz_interrupt(irq)) {
		m->interrupt = NO_INTERRUPT;
		return;
	}
	if (run.broken)
		return;
	fuzz_check(!fuzz_irq_is_masked(irq), "connector %u: interrupt %d stays masked",
		   m->index, irq);
	fuzz_check(fuzz_last_eoi(irq) ==
		   (m->ends_with_progress ? 0 : XEN_EOI_FLAG_SPURIOUS),
		   "connector %u: interrupt %d ends with %u", m->index, irq,
		   fuzz_last_eoi(irq));
}

static void step_of_backend(struct model *m, unsigned int what)
{
	if (run.closed)
		return;
	switch (what) {
	case 0:
	case 1:
		backend_interrupts(m, REPLY_INTERRUPT);
		break;
	case 2:
	case 3:
		backend_interrupts(m, EVENT_INTERRUPT);
		break;
	case 4:
	case 5:
	case 6:
		backend_responds(m, false);
		break;
	case 7:
		backend_responds(m, true);
		break;
	case 8:
	case 9:
		backend_sends_event(m);
		break;
	case 10:
		backend_writes_anywhere(&m->req);
		break;
	case 11:
		backend_writes_anywhere(&m->evt);
		break;
	case 12:
		backend_moves_index(&m->req, RSP_PROD);
		break;
	case 13:
		backend_moves_index(&m->evt, IN_PROD);
		break;
	default:
		backend_plans_attack(m);
		break;
	}
}

/* --- tasks ------------------------------------------------------------------------- */

static void expect_submitted(struct model *m, int ret, const struct sending *sending,
			     bool killable, unsigned long began, u32 sent)
{
	fuzz_check(sending->stored == !ret, "connector %u: a request is %ssent: %d", m->index,
		   sending->stored ? "" : "not ", ret);
	switch (ret) {
	case 0:
		break;
	case -EINTR:
		fuzz_check(killable && fuzz_task_killed, "a task is killed that lives");
		break;
	case -ENODEV:
		fuzz_check(run.broken, "connector %u: is said to be broken", m->index);
		break;
	case -ETIMEDOUT:
		fuzz_check(!run.broken && m->sent - m->answered == SLOTS,
			   "connector %u: no room, with %u requests open", m->index,
			   m->sent - m->answered);
		fuzz_check(m->published == m->sent || m->sent != sent,
			   "room is waited for that cannot come");
		fuzz_check(time_after_eq(jiffies, began + TIMEOUT), "gives up after %lu",
			   jiffies - began);
		fuzz_check(!time_before(m->polled_at, jiffies), "gives up without a last look");
		break;
	default:
		fuzz_broken("sending returns %d", ret);
	}
}

static struct waiter *new_waiter(struct model *m)
{
	struct waiter *waiter = m->waiters;

	for (; waiter < m->waiters + MAX_CALLS; waiter++)
		if (!waiter->call) {
			*waiter = (struct waiter) {
				.call = malloc(sizeof(*waiter->call)), .busy = true,
			};
			memset(waiter->call, 0xa5, sizeof(*waiter->call));
			return waiter;
		}
	return NULL;
}

static void free_waiter(struct waiter *waiter)
{
	free(waiter->call);
	waiter->call = NULL;
}

static void task_submits(struct model *m, struct waiter *waiter)
{
	u8 how = input_u8(&run.in);
	struct sending sending = { .waiter = waiter, .interest = waiter ? CALLER : NOBODY };
	struct sending *outer = run.sending;
	bool killable = how & 0x80, outer_killed = fuzz_task_killed, was_killed, expects_room;
	unsigned long began = jiffies;
	u32 sent = m->sent;
	struct xendispl_req req;
	int ret;

	memset(&sending.req, 0, sizeof(sending.req));
	/* All but flips. */
	sending.req.operation = 0x10 + how % 7;
	if (sending.req.operation == XENDISPL_OP_PG_FLIP)
		sending.req.operation = XENDISPL_OP_SET_CONFIG;
	sending.req.op.fb_attach.fb_cookie = how;
	req = sending.req;
	fuzz_task_killed = how & 0x40;
	was_killed = killable && fuzz_task_killed;
	expects_room = !run.broken && m->sent - m->answered < SLOTS && !was_killed;

	run.sending = &sending;
	m->submitting++;
	run.depth++;
	ret = xen_drm_chan_submit(m->chan, &req, waiter ? waiter->call : NULL, killable);
	run.depth--;
	m->submitting--;
	run.sending = outer;

	fuzz_check(!expects_room || !ret, "connector %u: not sent: %d", m->index, ret);
	fuzz_check(!was_killed || ret == -EINTR, "a task is dead and sends: %d", ret);
	expect_submitted(m, ret, &sending, killable, began, sent);
	fuzz_check(ret || !waiter || waiter->call->id == sending.id,
		   "a call has id %u, not %u", waiter->call->id, sending.id);
	if (ret && waiter)
		free_waiter(waiter);
	else if (waiter)
		waiter->busy = false;
	fuzz_task_killed = outer_killed;
}

static void expect_waited(struct model *m, struct waiter *waiter, int ret, bool killable,
			  unsigned long base)
{
	bool is_edid = waiter->reply.operation == XENDISPL_OP_GET_EDID;

	if (waiter->replied) {
		fuzz_check(ret == model_status(waiter->reply.status), "a call returns %d for %d",
			   ret, waiter->reply.status);
		fuzz_check(waiter->call->edid_size ==
			   (is_edid ? waiter->reply.op.get_edid.edid_sz : 0),
			   "an EDID of %u bytes", waiter->call->edid_size);
	} else if (run.broken) {
		fuzz_check(ret == -ENODEV, "a call returns %d of a broken connection", ret);
	} else if (ret == -EINTR) {
		fuzz_check(killable && fuzz_task_killed, "a task is killed that lives");
	} else {
		fuzz_check(ret == -ETIMEDOUT, "a call returns %d without a reply", ret);
		fuzz_check(time_after_eq(jiffies, base + TIMEOUT), "missed after %lu",
			   jiffies - base);
		fuzz_check(!time_before(m->polled_at, jiffies), "missed without a last look");
	}
}

static void model_give_up(struct model *m, const struct waiter *waiter)
{
	struct request *request;

	for (request = m->open; request < m->open + SLOTS; request++)
		if (request->interest == CALLER && request->waiter == waiter)
			request->interest = NOBODY;
}

static void task_waits(struct model *m, struct waiter *waiter, u8 how)
{
	bool killable = how & 0x80, outer_killed = fuzz_task_killed;
	unsigned long base = waiter->sent;
	int ret;

	/* A backend that has said something since is not silent. */
	if (time_after(m->heard, base))
		base = m->heard;
	fuzz_task_killed = how & 0x40;
	waiter->busy = true;
	run.depth++;
	ret = xen_drm_chan_wait(m->chan, waiter->call, killable);
	run.depth--;
	expect_waited(m, waiter, ret, killable, base);
	model_give_up(m, waiter);
	free_waiter(waiter);
	fuzz_task_killed = outer_killed;
}

static void task_waits_for_any(struct model *m)
{
	u8 choice = input_u8(&run.in);
	unsigned int i;

	for (i = 0; i < MAX_CALLS; i++) {
		struct waiter *waiter = &m->waiters[(choice + i) % MAX_CALLS];

		if (waiter->call && !waiter->busy) {
			task_waits(m, waiter, choice);
			return;
		}
	}
}

static void task_pushes(struct model *m)
{
	xen_drm_chan_push(m->chan);
	fuzz_check(run.broken || m->published == m->sent, "connector %u: %u requests stay",
		   m->index, m->sent - m->published);
}

/* With event_lock held: no flip may end now. */
static void task_flips(struct model *m)
{
	struct sending sending = { .interest = FLIP }, *outer = run.sending;
	bool was_broken = run.broken, was_open = m->flip_open;
	bool expects_room = !was_broken && !was_open && m->sent - m->answered < SLOTS;
	struct xendispl_req req;
	u32 serial = 0;
	int ret;

	memset(&sending.req, 0, sizeof(sending.req));
	sending.req.operation = XENDISPL_OP_PG_FLIP;
	sending.req.op.pg_flip.fb_cookie = 1 + input_u8(&run.in) % 3;
	req = sending.req;
	run.sending = &sending;
	m->in_flip = true;
	ret = xen_drm_chan_flip(m->chan, &req, &serial);
	m->in_flip = false;
	run.sending = outer;

	fuzz_check(sending.stored == !ret, "connector %u: a flip is %ssent: %d", m->index,
		   sending.stored ? "" : "not ", ret);
	fuzz_check(!expects_room || !ret, "connector %u: a flip is not sent: %d", m->index, ret);
	if (was_broken) {
		fuzz_check(ret == -ENODEV, "a flip of a broken connection: %d", ret);
	} else if (was_open) {
		fuzz_check(ret == -EBUSY, "two flips at the same time: %d", ret);
	} else if (ret == -EAGAIN) {
		m->flip_waits = true;
		fuzz_check(m->sent - m->answered == SLOTS, "connector %u: no room, %u requests",
			   m->index, m->sent - m->answered);
	} else if (ret) {
		fuzz_check(ret == -ENODEV && run.broken, "a flip fails with %d", ret);
	} else {
		fuzz_check(serial == m->flip_serial, "flip %u, not %u", serial, m->flip_serial);
		fuzz_check(run.broken || m->published == m->sent, "a flip stays here");
	}
}

static void pipe_flips(struct model *m)
{
	fuzz_lock(&run.event_lock, false);
	task_flips(m);
	fuzz_unlock(&run.event_lock, false);
}

/* While a CPU spins, the backend may still complete the flip. */
static void delay_hook(void)
{
	u8 how = input_u8(&run.in);

	if (how & 1)
		backend_sends_event(&run.models[how >> 7]);
}

/* One more picture, if the one before is out, or seems to be. */
static void kernel_panics(struct model *m)
{
	struct sending sending = { .interest = NOBODY }, *outer = run.sending;
	u8 how = input_u8(&run.in);
	/* Of a CPU that has been stopped. */
	bool is_locked = how > 0xc0;
	bool can = !run.broken && !run.closed && m->sent - m->answered < SLOTS && !is_locked;
	bool was_open = m->flip_open;
	struct xendispl_req req;

	memset(&sending.req, 0, sizeof(sending.req));
	sending.req.operation = XENDISPL_OP_PG_FLIP;
	sending.req.op.pg_flip.fb_cookie = how;
	req = sending.req;
	run.sending = &sending;
	m->chan->lock.held = is_locked;
	m->in_panic = true;
	m->saw_event = false;
	fuzz_delay_hook = delay_hook;
	fuzz_atomic_begin();
	xen_drm_chan_flip_panic(m->chan, &req);
	fuzz_atomic_end();
	fuzz_delay_hook = NULL;
	m->in_panic = false;
	m->chan->lock.held = false;
	run.sending = outer;

	fuzz_check(sending.stored == (can && (!was_open || m->saw_event)),
		   "connector %u: the last flip is %ssent", m->index,
		   sending.stored ? "" : "not ");
	fuzz_check(!sending.stored || m->published == m->sent, "the last flip stays here");
}

static void task_polls(struct model *m)
{
	unsigned int heard = m->num_heard;
	bool answered;

	m->polled_at = jiffies - 1;
	answered = xen_drm_chan_poll(m->chan);
	fuzz_check(answered == (m->num_heard != heard), "something was %sheard",
		   answered ? "not " : "");
	fuzz_check(run.broken || !time_before(m->polled_at, jiffies), "nothing is looked at");
}

static void expect_silent(bool silent, unsigned long since, bool expected,
			  unsigned long expected_since)
{
	if (run.broken)
		return;
	fuzz_check(silent == expected, "the backend is %ssilent", silent ? "" : "not ");
	fuzz_check(!silent || since == expected_since, "silent since %lu, not %lu", since,
		   expected_since);
}

static void somebody_asks_for_silence(struct model *m)
{
	unsigned long since = 0, expected_since = 0, other;
	bool silent, expected = false;
	unsigned int i;

	if (input_u8(&run.in) & 1) {
		silent = xen_drm_chan_overdue(m->chan, &since);
		expected = model_owes(m, &expected_since);
		expect_silent(silent, since, expected, expected_since);
		return;
	}

	silent = xen_drm_conn_silent(run.conn, &since);
	for (i = 0; i < CHANNELS; i++) {
		if (!model_owes(&run.models[i], &other))
			continue;
		if (!expected || time_before(other, expected_since))
			expected_since = other;
		expected = true;
	}
	expect_silent(silent, since, expected, expected_since);
}

/* --- what else happens --------------------------------------------------------------- */

static void backend_leaves(void)
{
	model_gone();
	xen_drm_conn_break(run.conn, input_u8(&run.in) & 1 ? "the backend has left" : NULL);
}

static void connection_is_closed(void)
{
	unsigned int pages = input_u8(&run.in) % 5;

	if (run.closed)
		return;
	/* Closing tells nobody. */
	run.broken = true;
	while (pages--)
		fuzz_backend_maps(pages);
	pages = fuzz_pages_held();
	shared_remove_all();
	xen_drm_conn_close(run.conn);
	run.closed = true;
	fuzz_check(xen_drm_grants_deferred(DOMID) == pages,
		   "%lu pages are deferred, the backend maps %u",
		   xen_drm_grants_deferred(DOMID), pages);
}

static void display_leaves(void)
{
	unsigned int i;

	for (i = 0; i < CHANNELS; i++)
		run.models[i].has_sink = false;
	xen_drm_conn_mute(run.conn);
}

static void owner_leaves(void)
{
	run.owned = false;
	xen_drm_conn_disown(run.conn);
}

static void connection_ends(void)
{
	switch (input_u8(&run.in) % 4) {
	case 0:
		backend_leaves();
		break;
	case 1:
		connection_is_closed();
		break;
	case 2:
		display_leaves();
		break;
	default:
		owner_leaves();
		break;
	}
}

static void listener_changes(struct model *m)
{
	m->has_sink = !m->has_sink;
	xen_drm_chan_set_flip_ops(m->chan, m->has_sink ? &flip_ops : NULL, m);
}

static void time_passes(void)
{
	u8 choice = input_u8(&run.in);

	jiffies += choice < 0x80 ? choice : choice < 0xc0 ? TIMEOUT - 2 + choice % 4 :
		   choice * 16;
}

static void step_of_task(struct model *m, unsigned int what)
{
	bool may_wait = run.depth < MAX_DEPTH;
	struct waiter *waiter;

	switch (what) {
	case 0:
		if (may_wait)
			task_submits(m, NULL);
		break;
	case 1:
	case 2:
	case 3:
		waiter = may_wait ? new_waiter(m) : NULL;
		if (waiter)
			task_submits(m, waiter);
		break;
	case 4:
		task_pushes(m);
		break;
	case 5:
	case 6:
		if (may_wait)
			task_waits_for_any(m);
		break;
	case 7:
	case 8:
	case 9:
		pipe_flips(m);
		break;
	case 10:
		task_polls(m);
		break;
	case 11:
		somebody_asks_for_silence(m);
		break;
	case 12:
		time_passes();
		break;
	case 13:
		listener_changes(m);
		break;
	case 14:
		fuzz_task_killed = run.depth;
		break;
	default:
		if (input_u8(&run.in) < 16)
			connection_ends();
		else
			kernel_panics(m);
		break;
	}
}

/* One bit for the connector, five for what happens. */
static void step(void)
{
	u8 what = input_u8(&run.in);
	struct model *m = &run.models[what >> 7];

	what %= 32;
	if (what < 15)
		step_of_backend(m, what);
	else
		step_of_task(m, what - 15);
	expect_sound();
}

void fuzz_wait(void)
{
	if (run.in.left)
		step();
}

unsigned long totalram_pages(void)
{
	return 1 << 16;
}

/* --- XenStore ------------------------------------------------------------------ */

int xenbus_transaction_start(struct xenbus_transaction *xbt)
{
	xbt->id = 1;
	return fuzz_fails() ? -ENOMEM : 0;
}

int xenbus_transaction_end(struct xenbus_transaction xbt, int abort)
{
	fuzz_check(xbt.id == 1, "another transaction ends");
	return !abort && fuzz_fails() ? -EAGAIN : 0;
}

int xenbus_rm(struct xenbus_transaction xbt, const char *dir, const char *node)
{
	fuzz_check(xbt.id == 1 && dir == run.xb_dev.nodename && !strcmp(node, "version"),
		   "%s/%s is removed", dir, node);
	return 0;
}

static u32 published(unsigned int index, const char *node)
{
	const struct xen_drm_chan *chan = xen_drm_conn_chan(run.conn, index);

	if (!strcmp(node, "req-ring-ref"))
		return chan->req_ref;
	if (!strcmp(node, "evt-ring-ref"))
		return chan->evt_ref;
	if (!strcmp(node, "req-event-channel"))
		return chan->req_port;
	fuzz_check(!strcmp(node, "evt-event-channel"), "connector %u: node %s", index, node);
	return chan->evt_port;
}

int xenbus_printf(struct xenbus_transaction xbt, const char *dir, const char *node,
		  const char *fmt, ...)
{
	unsigned int index, value;
	char name[32];
	va_list args;

	fuzz_check(xbt.id == 1 && dir == run.xb_dev.nodename, "written elsewhere: %s", dir);
	if (fuzz_fails())
		return -ENOMEM;
	va_start(args, fmt);
	fuzz_check(!strcmp(fmt, "%u"), "node %s as %s", node, fmt);
	value = va_arg(args, unsigned int);
	va_end(args);

	if (sscanf(node, "%u/%31s", &index, name) == 2)
		fuzz_check(index < CHANNELS && value == published(index, name),
			   "%s is %u", node, value);
	else
		fuzz_check(!strcmp(node, "version") && value == 2, "%s is %u", node, value);
	return 0;
}

/* --- one run ----------------------------------------------------------------------- */

/* As if as many requests and events had been before. */
static void age(struct model *m, u32 index, u32 events)
{
	struct xen_drm_chan *chan = m->chan;

	chan->ring.req_prod_pvt = index;
	chan->ring.rsp_cons = index;
	chan->req_prod = index;
	chan->rsp_event = index;
	chan->next_id = index;
	chan->evt_cons = events;
	chan->flip_serial = index;
	m->sent = index;
	m->published = index;
	m->answered = index;
	m->rsp_event = index;
	m->flip_serial = index;
	m->taken = events;
	m->first_request = index;
	m->first_event = events;
	m->in_prod = events;
	backend_write32(&m->req, REQ_PROD, index);
	backend_write32(&m->req, REQ_EVENT, index + 1);
	backend_write32(&m->req, RSP_PROD, index);
	backend_write32(&m->req, RSP_EVENT, index);
	backend_write32(&m->evt, IN_CONS, events);
	backend_write32(&m->evt, IN_PROD, events);
}

static void watch(struct model *m, unsigned int index)
{
	m->index = index;
	m->chan = xen_drm_conn_chan(run.conn, index);
	m->ops = m->chan->ops;
	m->owner = m->chan->owner;
	m->chan->ops = &chan_ops;
	m->chan->owner = m;
	m->heard = jiffies;
	m->req = (struct shared) {
		.address = m->chan->ring.sring, .size = XEN_PAGE_SIZE, .owner = m,
		.load = req_load, .copied = req_copied, .stored = req_stored,
	};
	m->evt = (struct shared) {
		.address = m->chan->evt_page, .size = XEN_PAGE_SIZE, .owner = m,
		.load = evt_load, .copied = evt_copied, .stored = evt_stored,
	};
	shared_add(&m->req);
	shared_add(&m->evt);
	if (input_u8(&run.in) & 1)
		age(m, -(u32)(input_u8(&run.in) % 64), -(u32)(input_u8(&run.in) % 128));
	listener_changes(m);
}

/* Memory, grants and ports may run out at any point. */
static bool open_connection(void)
{
	static const struct xen_drm_cfg_connector connectors[CHANNELS];
	u8 how = input_u8(&run.in);
	/* Other displays have taken nearly all that displays may have. */
	unsigned int taken = how >= 0xf0 ? xen_drm_grants_budget() - how % 8 : 0;
	int ret;

	fuzz_check(!xen_drm_grants_take(taken), "nothing can be taken");
	fuzz_fail_in = how % 64;
	run.owned = true;
	run.conn = xen_drm_conn_alloc(&run.xb_dev.dev, DOMID, CHANNELS, 2, &conn_ops, &run);
	ret = run.conn ? 0 : -ENOMEM;
	if (!ret)
		ret = xen_drm_conn_open(run.conn, &run.xb_dev, connectors);
	fuzz_check(ret || !taken || how % 8 >= 2 * CHANNELS,
		   "%u grants of %u are enough", how % 8, 2 * CHANNELS);
	if (!ret)
		ret = xen_drm_conn_publish(run.conn, &run.xb_dev, true);
	fuzz_fail_in = 0;
	xen_drm_grants_give_back(taken);
	if (ret && run.conn)
		xen_drm_conn_close(run.conn);
	return !ret;
}

/* Whoever still waits sees the end, and what it was told so far is right. */
static void end_tasks(void)
{
	struct waiter *waiter;
	struct model *m;

	for (m = run.models; m < run.models + CHANNELS; m++) {
		for (waiter = m->waiters; waiter < m->waiters + MAX_CALLS; waiter++)
			if (waiter->call)
				task_waits(m, waiter, 0);
		expect_sound();
	}
}

/* Nothing is counted that is not there. */
static void end_grants(void)
{
	unsigned int left;

	if (!run.hands_over)
		fuzz_backend_lets_go();
	fuzz_run_queued_work();
	left = fuzz_pages_held();
	fuzz_check(xen_drm_grants_deferred(DOMID) == left, "%lu pages are deferred, not %u",
		   xen_drm_grants_deferred(DOMID), left);
	xen_drm_grants_exit();
	/* The counter of the next run is another one. */
	xen_drm_grants_give_back(left);
	fuzz_check(!xen_drm_grants_take(xen_drm_grants_budget()), "grants are still counted");
	xen_drm_grants_give_back(xen_drm_grants_budget());
	fuzz_backend_lets_go();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	unsigned int i;

	memset(&run, 0, sizeof(run));
	run.in = (struct input) { data, size };
	run.xb_dev.nodename = "device/vdispl/0";
	run.xb_dev.dev.refs = 1;
	run.xb_dev.otherend_id = DOMID;
	fuzz_task_killed = false;
	fuzz_xen_reset(1);
	xen_drm_grants_init();
	fuzz_eoi_forbidden = &run.eoi_forbidden;
	run.hands_over = size & 1;
	fuzz_traced_request = 0;
	fuzz_traced_reply = 0;
	fuzz_traced_event = 0;

	if (open_connection()) {
		for (i = 0; i < CHANNELS; i++)
			watch(&run.models[i], i);
		fuzz_spinlock_hook = lock_hook;
		while (run.in.left)
			step();
		end_tasks();
		connection_is_closed();
		fuzz_spinlock_hook = NULL;
	}
	shared_remove_all();
	if (run.conn)
		xen_drm_conn_put(run.conn);
	end_grants();
	fuzz_xen_expect_nothing_left();
	fuzz_check(run.xb_dev.dev.refs == 1, "%d references of the device", run.xb_dev.dev.refs);
	return 0;
}
