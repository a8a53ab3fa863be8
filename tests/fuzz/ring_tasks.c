// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What the backend does, and tasks of the guest. */
#include "ring.h"

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

void step_of_backend(struct model *m, unsigned int what)
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

struct waiter *new_waiter(struct model *m)
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

/* A mode that nobody waits for is the pipe's. */
void task_submits(struct model *m, struct waiter *waiter)
{
	u8 how = input_u8(&run.in);
	struct sending sending = { .waiter = waiter, .interest = waiter ? CALLER : NOBODY };
	struct sending *outer = run.sending;
	bool killable = how & 0x80, outer_killed = fuzz_task_killed, was_killed, expects_room;
	bool is_mode;
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
	is_mode = !waiter && sending.req.operation == XENDISPL_OP_SET_CONFIG;
	if (is_mode) {
		sending.interest = how & 0x20 ? MODE : OFF;
		sending.mode = how & 0x20 ? ++m->mode : 0;
		killable = false;
	}
	req = sending.req;
	fuzz_task_killed = how & 0x40;
	was_killed = killable && fuzz_task_killed;
	expects_room = !run.broken && m->sent - m->answered < SLOTS && !was_killed;

	run.sending = &sending;
	m->submitting++;
	run.depth++;
	ret = is_mode ? xen_drm_chan_config(m->chan, &req, sending.mode) :
			xen_drm_chan_submit(m->chan, &req, waiter ? waiter->call : NULL, killable);
	run.depth--;
	m->submitting--;
	run.sending = outer;

	fuzz_check(!expects_room || !ret, "connector %u: not sent: %d", m->index, ret);
	fuzz_check(!was_killed || ret == -EINTR, "a task is dead and sends: %d", ret);
	expect_submitted(m, ret, &sending, killable, began, sent);
	fuzz_check(!is_mode || ret || run.broken || m->published == m->sent, "a mode stays here");
	fuzz_check(ret || !waiter || waiter->call->id == sending.id,
		   "a call has id %u, not %u", waiter->call->id, sending.id);
	if (ret && waiter)
		free_waiter(waiter);
	else if (waiter)
		waiter->busy = false;
	fuzz_task_killed = outer_killed;
}

static void expect_waited(struct model *m, struct waiter *waiter, int ret, unsigned long base)
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

void task_waits(struct model *m, struct waiter *waiter, u8 how)
{
	bool outer_killed = fuzz_task_killed;
	unsigned long base = waiter->sent;
	int ret;

	/* A backend that has said something since is not silent. */
	if (time_after(m->heard, base))
		base = m->heard;
	fuzz_task_killed = how & 0x40;
	waiter->busy = true;
	run.depth++;
	ret = xen_drm_chan_wait(m->chan, waiter->call);
	run.depth--;
	expect_waited(m, waiter, ret, base);
	model_give_up(m, waiter);
	free_waiter(waiter);
	fuzz_task_killed = outer_killed;
}

void task_waits_for_any(struct model *m)
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

void task_pushes(struct model *m)
{
	xen_drm_chan_push(m->chan);
	fuzz_check(run.broken || m->published == m->sent, "connector %u: %u requests stay",
		   m->index, m->sent - m->published);
}

/* With event_lock held: no flip may end now. */
void task_flips(struct model *m)
{
	struct sending sending = { .interest = FLIP }, *outer = run.sending;
	bool was_broken = run.broken, was_open = m->flip_open || m->modes;
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
		fuzz_check(ret == -EBUSY, "a flip beside another one, or a mode: %d", ret);
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

void pipe_flips(struct model *m)
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
void kernel_panics(struct model *m)
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

void task_polls(struct model *m)
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

void somebody_asks_for_silence(struct model *m)
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
