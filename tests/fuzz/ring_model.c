// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What must follow from what is in the pages, and what must hold. */
#include "ring.h"

struct run run;

/* --- the model ------------------------------------------------------------- */

/* What user space may be told, as the driver documents it. */
int model_status(s32 status)
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

void model_gone(void)
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

bool model_owes(const struct model *m, unsigned long *since)
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

/* Of those that one look finds, the latest mode is told. */
static void model_end_mode(struct model *m, u32 mode, int error)
{
	if (m->mode_told && mode < m->told_mode)
		return;
	m->mode_told = m->has_sink;
	m->told_mode = mode;
	m->mode_error = error;
	m->answers_told |= error;
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
		m->taken += m->stays;
		m->stays = false;
		m->flip_serial++;
		m->flip_open = true;
		m->flip_late = false;
		m->flip_cookie = req->op.pg_flip.fb_cookie;
		m->flip_sent = jiffies;
	}
	m->modes += interest == MODE;
	*request = (struct request) {
		.interest = interest, .id = req->id, .operation = req->operation,
		.serial = m->flip_serial, .sent = jiffies, .waiter = run.sending->waiter,
		.mode = run.sending->mode,
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
	m->answers_told |= request->late && request->operation == XENDISPL_OP_DBUF_CREATE;
	to_flip = m->flip_open && request->serial == m->flip_serial;
	if (request->interest == CALLER) {
		request->waiter->replied = true;
		request->waiter->reply = *resp;
	}
	if (request->interest == MODE) {
		m->modes--;
		model_end_mode(m, request->mode, model_status(resp->status));
	}
	if (request->interest == OFF && resp->status) {
		m->off_told = m->has_sink;
		m->off_error = model_status(resp->status);
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
	if (count >> 31) {
		/* Another backend counts from 0. */
		model_gone();
		m->anew_told = true;
		return;
	}
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
	bool ends = evt->type == XENDISPL_EVT_PG_FLIP && m->flip_open &&
		    evt->op.pg_flip.fb_cookie == m->flip_cookie;

	/* The newest one may not be there yet, though its index is. */
	m->stays = !ends && m->flip_open && m->taken + 1 == m->in_prod;
	m->taken += !m->stays;
	m->num_events++;
	if (!ends)
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

void expect_told(const struct model *m)
{
	fuzz_check(!m->fault_told, "connector %u: nobody was told of a fault", m->index);
	fuzz_check(!m->anew_told, "connector %u: nobody was told of another backend", m->index);
	fuzz_check(!m->answers_told, "connector %u: nobody was told that it answers", m->index);
	fuzz_check(!m->missed_told, "connector %u: nobody was told of what is missed", m->index);
	fuzz_check(!m->flip_told, "connector %u: nobody was told of flip %u, error %d",
		   m->index, m->told_serial, m->flip_error);
	fuzz_check(!m->mode_told && !m->off_told, "connector %u: nobody was told of a mode",
		   m->index);
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

void req_load(struct shared *shared, size_t offset, size_t size)
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

void req_copied(struct shared *shared, size_t offset, size_t size, const void *copy)
{
	struct model *m = shared->owner;
	const u8 scribble[ENTRY] = { 0xff, 0xff, 0xff, 0xff };

	model_reply(m, copy);
	if (m->taking)
		model_took(m);
	backend_write(shared, offset, scribble, size);
}

void req_stored(struct shared *shared, size_t offset, size_t size)
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

void evt_load(struct shared *shared, size_t offset, size_t size)
{
	struct model *m = shared->owner;

	expect_may_load(m, offset);
	strike(m, shared, offset);
	if (size == 4 && offset == IN_PROD && m->in_panic) {
		m->saw_event = backend_read32(shared, IN_PROD) != m->taken + m->stays;
		return;
	}
	if (size == 4 && offset == IN_PROD) {
		fuzz_check(!m->looked_for_events, "connector %u: in_prod is read again", m->index);
		fuzz_check(!m->looked, "connector %u: a reply could hide an event", m->index);
		m->looked_for_events = true;
		m->stays = false;
		m->in_prod = backend_read32(shared, IN_PROD);
		if (m->in_prod - m->taken > EVENTS)
			model_fault(m);
		return;
	}

	fuzz_check(m->looked_for_events && m->in_prod != m->taken && !m->stays,
		   "connector %u: an event is read, %u are announced", m->index,
		   m->in_prod - m->taken);
	fuzz_check(is_entry(offset, size, m->taken, EVENTS),
		   "connector %u: %zu bytes at %zu are read, not event %u", m->index, size,
		   offset, m->taken);
}

void evt_copied(struct shared *shared, size_t offset, size_t size, const void *copy)
{
	const u8 scribble[ENTRY] = { 0xff, 0xff, 0xff, 0xff };

	model_event(shared->owner, copy);
	backend_write(shared, offset, scribble, size);
}

void evt_stored(struct shared *shared, size_t offset, size_t size)
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
	fuzz_check(m->taken + m->stays == m->in_prod, "connector %u: not all events are taken",
		   m->index);
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

void lock_hook(struct lock *lock, bool taken)
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

static void chan_anew(void *owner)
{
	struct model *m = owner;

	fuzz_check(m->anew_told && !m->chan->lock.held, "connector %u: is said to begin anew",
		   m->index);
	m->anew_told = false;
	m->ops->anew(m->owner);
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

const struct xen_drm_chan_ops chan_ops = {
	.fault = chan_fault,
	.anew = chan_anew,
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

static bool flip_done(void *owner, u32 serial, ktime_t when)
{
	fuzz_check(when == ktime_get(), "the flip's time is not now");
	flip_is_over(owner, serial, 0);
	return false;
}

static void flip_refused(void *owner, u32 serial, int error)
{
	fuzz_check(error, "refused without an error");
	flip_is_over(owner, serial, error);
}

static void flip_mode_set(void *owner, u32 mode, int error)
{
	struct model *m = owner;

	fuzz_check(m->mode_told && m->told_mode == mode && m->mode_error == error,
		   "connector %u: told of mode %u: %d", m->index, mode, error);
	m->mode_told = false;
	fuzz_lock(&run.event_lock, false);
	fuzz_unlock(&run.event_lock, false);
}

static void flip_not_off(void *owner, int error)
{
	struct model *m = owner;

	fuzz_check(m->off_told && m->off_error == error, "connector %u: told of no end: %d",
		   m->index, error);
	m->off_told = false;
}

const struct xen_drm_flip_ops flip_ops = {
	.done = flip_done,
	.refused = flip_refused,
	.mode_set = flip_mode_set,
	.not_off = flip_not_off,
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

const struct xen_drm_conn_ops conn_ops = {
	.broken = conn_broken,
	.missed = conn_missed,
	.answers = conn_answers,
};
