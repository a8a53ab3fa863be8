// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_evtchnl.c: a connection of two connectors against a backend that
 * writes anything into their pages at any time, while tasks send, wait and give
 * up. A model of the protocol sees each index and each entry as the driver
 * reads it, and says what must follow: what the sender gets, what KMS is told, and
 * whether the connection must be latched - no sooner, and no later.
 */
#include "xen_drm_front.h"

#include "input.h"
#include "shared.h"

#define CHANNELS	2
#define SLOTS		32
#define EVENTS		63
#define HEADER		64
#define ENTRY		64
#define MAX_ATTACKS	8

/* Offsets in the two pages, by displif.h and ring.h. */
enum { REQ_PROD = 0, REQ_EVENT = 4, RSP_PROD = 8, RSP_EVENT = 12 };
enum { IN_CONS = 0, IN_PROD = 4 };

/* Who is interested in the reply to a request. */
enum interest { NONE, CALLER, FLIP, NOBODY };

/*
 * Why the driver looks at rsp_prod: for a response to take, or, when there was
 * none, whether it may go to sleep, before and after asking for a notification.
 */
enum look { TAKE, SLEEP, SLEEP_AGAIN, ENTRY_ANNOUNCED, NO_MORE };

struct request {
	enum interest interest;
	u16 id;
	u8 operation;
	u64 cookie;
};

/* What the backend does when the driver loads something, so many loads later. */
struct attack {
	unsigned int loads;
	bool there;
	u16 offset;
	u32 value;
};

struct model {
	unsigned int index;
	struct xen_drm_front_evtchnl *chan;
	struct shared req, evt;

	struct request open[SLOTS];
	u32 sent, answered;
	/* which look at rsp_prod is next, and what the last one saw */
	enum look look;
	u32 announced;
	/* the reply of the caller, once it is there */
	bool replied;
	struct xendispl_resp reply;

	u32 taken, in_prod;
	bool in_work, progress_replies, progress_events;

	/* what KMS must be told next */
	bool flip_expected;
	u64 flip_cookie;
	int flip_error;
	/* the flip that KMS waits for */
	u64 pending_cookie;

	struct attack attacks[MAX_ATTACKS];
	unsigned int num_attacks;
};

static struct {
	struct input in;
	struct xenbus_device xb_dev;
	struct xen_drm_front_conn *conn;
	struct xen_drm_front_held held;
	struct model models[CHANNELS];
	bool broken, at_fault, closed, has_sink;
	bool told_of_fault;
	unsigned int times_told, timeouts;
	/* what is being sent, and for whom */
	struct xendispl_req sending;
	enum interest sending_for;
	bool in_call;
} run;

/* --- the model ------------------------------------------------------------- */

/* The errors that displif.h lets a backend answer, as the driver documents them. */
static int model_status(s32 status)
{
	static const int known[] = { 1, 2, 5, 12, 13, 16, 17, 22, 28, 34, 95 };
	unsigned int i;

	if (!status)
		return 0;
	if (status == -38)
		return -EOPNOTSUPP;
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (status == -known[i])
			return status;
	return -EIO;
}

static void model_fault(void)
{
	run.broken = true;
	run.at_fault = true;
}

static void model_gone(void)
{
	run.broken = true;
}

static void model_missed(void)
{
	if (++run.timeouts >= 2)
		model_fault();
}

static struct request *model_find(struct model *m, u16 id)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (m->open[i].interest != NONE && m->open[i].id == id)
			return &m->open[i];
	return NULL;
}

static void model_give_up(struct model *m, enum interest interest)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (m->open[i].interest == interest)
			m->open[i].interest = NOBODY;
}

static void model_sent(struct model *m, const struct xendispl_req *req)
{
	struct request *request = m->open;

	fuzz_check(!model_find(m, req->id), "connector %u: id %u is used for two requests",
		   m->index, req->id);
	while (request->interest != NONE)
		request++;
	*request = (struct request) {
		.interest = run.sending_for,
		.id = req->id,
		.operation = req->operation,
		.cookie = req->op.pg_flip.fb_cookie,
	};
	m->sent++;
}

static void model_reply(struct model *m, const struct xendispl_resp *resp)
{
	struct request *request = model_find(m, resp->id);

	m->answered++;
	if (!request || request->operation != resp->operation) {
		model_fault();
		return;
	}

	m->progress_replies = true;
	if (request->interest != NOBODY)
		run.timeouts = 0;
	if (request->interest == CALLER) {
		m->replied = true;
		m->reply = *resp;
	}
	if (request->interest == FLIP && model_status(resp->status)) {
		m->flip_expected = run.has_sink;
		m->flip_cookie = request->cookie;
		m->flip_error = model_status(resp->status);
	}
	request->interest = NONE;
}

static void model_look(struct model *m, u32 announced)
{
	u32 count = announced - m->answered;

	m->announced = announced;
	switch (m->look) {
	case TAKE:
		m->look = count ? ENTRY_ANNOUNCED : SLEEP;
		if (count > m->sent - m->answered)
			model_fault();
		break;
	case SLEEP:
		m->look = count ? TAKE : SLEEP_AGAIN;
		break;
	case SLEEP_AGAIN:
		m->look = count ? TAKE : NO_MORE;
		break;
	default:
		fuzz_broken("connector %u: rsp_prod is looked at once more", m->index);
	}
}

static void model_event(struct model *m, const struct xendispl_evt *evt)
{
	m->taken++;
	if (evt->type != XENDISPL_EVT_PG_FLIP)
		return;
	m->flip_expected = run.has_sink;
	m->flip_cookie = evt->op.pg_flip.fb_cookie;
	m->flip_error = 0;
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

static void expect_told(struct model *m)
{
	fuzz_check(!m->flip_expected, "connector %u: KMS was not told of flip %llu, error %d",
		   m->index, (unsigned long long)m->flip_cookie, m->flip_error);
}

static bool is_entry(size_t offset, size_t size, u32 index, unsigned int entries)
{
	return offset == HEADER + index % entries * ENTRY && size == ENTRY;
}

static void req_load(struct shared *shared, size_t offset, size_t size)
{
	struct model *m = shared->owner;

	fuzz_check(!run.broken, "connector %u: byte %zu is read after the latch", m->index,
		   offset);
	strike(m, shared, offset);
	if (size == 4 && offset == RSP_PROD) {
		model_look(m, backend_read32(shared, RSP_PROD));
		return;
	}
	/* The ring's macros look at these two to decide whether to notify. */
	if (size == 4 && (offset == REQ_PROD || offset == REQ_EVENT))
		return;

	fuzz_check(m->in_work, "connector %u: byte %zu of the ring is read", m->index, offset);
	fuzz_check(m->look == ENTRY_ANNOUNCED,
		   "connector %u: an entry is read, %u responses announced, %u requests open",
		   m->index, m->announced - m->answered, m->sent - m->answered);
	fuzz_check(is_entry(offset, size, m->answered, SLOTS),
		   "connector %u: %zu bytes at %zu are read, not response %u", m->index,
		   size, offset, m->answered);
}

static void req_copied(struct shared *shared, size_t offset, size_t size, const void *copy)
{
	struct model *m = shared->owner;
	const u8 scribble[ENTRY] = { 0xff, 0xff, 0xff, 0xff };

	expect_told(m);
	m->look = TAKE;
	model_reply(m, copy);
	backend_write(shared, offset, scribble, size);
}

static void req_stored(struct shared *shared, size_t offset, size_t size)
{
	struct model *m = shared->owner;
	struct xendispl_req sent;

	fuzz_check(is_entry(offset, size, m->sent, SLOTS),
		   "connector %u: %zu bytes at %zu are written, not request %u", m->index,
		   size, offset, m->sent);
	fuzz_check(run.sending_for != NONE, "connector %u: a request that nobody sends", m->index);
	backend_read(shared, offset, &sent, sizeof(sent));
	run.sending.id = sent.id;
	fuzz_check(!memcmp(&sent, &run.sending, sizeof(sent)),
		   "connector %u: the request is not what was asked for", m->index);
	model_sent(m, &sent);
	run.sending_for = NONE;
}

static void evt_load(struct shared *shared, size_t offset, size_t size)
{
	struct model *m = shared->owner;

	fuzz_check(!run.broken, "connector %u: byte %zu is read after the latch", m->index,
		   offset);
	fuzz_check(m->in_work, "connector %u: byte %zu of the events is read", m->index, offset);
	strike(m, shared, offset);
	if (size == 4 && offset == IN_PROD) {
		shared_load_once(shared, offset, size, "in_prod");
		m->in_prod = backend_read32(shared, IN_PROD);
		if (m->in_prod - m->taken > EVENTS)
			model_fault();
		return;
	}

	fuzz_check(m->in_prod != m->taken && m->in_prod - m->taken <= EVENTS,
		   "connector %u: an event is read, %u are announced", m->index,
		   m->in_prod - m->taken);
	fuzz_check(is_entry(offset, size, m->taken, EVENTS),
		   "connector %u: %zu bytes at %zu are read, not event %u", m->index, size,
		   offset, m->taken);
}

static void evt_copied(struct shared *shared, size_t offset, size_t size, const void *copy)
{
	struct model *m = shared->owner;
	const u8 scribble[ENTRY] = { 0xff, 0xff, 0xff, 0xff };

	expect_told(m);
	model_event(m, copy);
	backend_write(shared, offset, scribble, size);
}

static void evt_stored(struct shared *shared, size_t offset, size_t size)
{
	fuzz_broken("%zu bytes are copied to %zu of the events", size, offset);
}

/* --- above the transport ------------------------------------------------------- */

static bool flip_done(void *sink, unsigned int index, u64 cookie, int error)
{
	struct model *m = &run.models[index];

	fuzz_might_sleep();
	fuzz_check(run.has_sink && sink == &run, "KMS is told, but does not listen");
	fuzz_check(m->flip_expected && m->flip_cookie == cookie && m->flip_error == error,
		   "connector %u: KMS is told of flip %llu, error %d", index,
		   (unsigned long long)cookie, error);
	m->flip_expected = false;
	if (!m->pending_cookie || cookie != m->pending_cookie)
		return false;
	m->pending_cookie = 0;
	if (!error) {
		m->progress_events = true;
		run.timeouts = 0;
	}
	return true;
}

static void broken(void *owner, const char *fault)
{
	fuzz_check(owner == &run, "the wrong owner is told of the latch");
	run.told_of_fault = fault;
	fuzz_check(!fault || !strncmp(fault, "connector ", 10), "fault is '%s'", fault);
	run.times_told++;
}

static const struct xen_drm_front_conn_ops ops = {
	.flip_done = flip_done,
	.broken = broken,
};

/* --- invariants ------------------------------------------------------------------ */

static unsigned int slots_in_use(const struct xen_drm_front_evtchnl *chan)
{
	unsigned int i, used = 0;

	for (i = 0; i < SLOTS; i++)
		used += chan->slots[i].state != XEN_DRM_FRONT_SLOT_FREE;
	return used;
}

static void expect_sound(struct model *m)
{
	const struct xen_drm_front_evtchnl *chan = m->chan;

	expect_told(m);
	fuzz_check(xen_drm_front_conn_is_broken(run.conn) == run.broken,
		   "the connection is %slatched, but the backend was %s",
		   run.broken ? "not " : "", run.broken ? "wrong" : "right");
	fuzz_check(run.conn->at_fault == run.at_fault, "at_fault is %d", run.conn->at_fault);
	/* A fault that comes after the backend has left changes at_fault alone. */
	fuzz_check(run.at_fault || !run.told_of_fault, "told that the backend is at fault");
	fuzz_check(run.times_told == run.broken, "told of the latch %u times", run.times_told);
	if (run.closed)
		return;

	fuzz_check(chan->ring.rsp_cons == m->answered, "connector %u: %u responses, not %u",
		   m->index, m->answered, chan->ring.rsp_cons);
	fuzz_check(chan->ring.req_prod_pvt == m->sent, "connector %u: %u requests, not %u",
		   m->index, m->sent, chan->ring.req_prod_pvt);
	fuzz_check(chan->evt_cons == m->taken, "connector %u: %u events, not %u", m->index,
		   m->taken, chan->evt_cons);
	fuzz_check(run.broken ||
		   slots_in_use(chan) == m->sent - m->answered + m->replied,
		   "connector %u: %u slots in use, %u requests open", m->index,
		   slots_in_use(chan), m->sent - m->answered);
	fuzz_check(!chan->lock.held, "connector %u: its lock is held", m->index);
}

/* --- what happens -------------------------------------------------------------------- */

static void expect_sent(struct model *m, int ret, u32 before, bool was_broken)
{
	if (was_broken) {
		fuzz_check(ret == -ENODEV, "sent after the latch: %d", ret);
	} else if (before - m->answered + m->replied >= SLOTS) {
		fuzz_check(ret == -ENODEV, "sent into a full ring: %d", ret);
		model_fault();
	} else {
		fuzz_check(!ret && m->sent == before + 1, "not sent: %d", ret);
	}
	run.sending_for = NONE;
}

static void prepare(u8 operation, enum interest interest, u64 cookie)
{
	memset(&run.sending, 0, sizeof(run.sending));
	run.sending.operation = operation;
	run.sending.op.pg_flip.fb_cookie = cookie;
	run.sending_for = interest;
}

static void task_posts(struct model *m)
{
	struct xendispl_req req;
	bool was_broken = run.broken;
	u32 before = m->sent;

	prepare(0x10 + input_u8(&run.in) % 7, NOBODY, 0);
	req = run.sending;
	expect_sent(m, xen_drm_front_evtchnl_post(m->chan, &req), before, was_broken);
}

static void task_flips(struct model *m)
{
	struct xendispl_req req;
	bool was_broken = run.broken;
	u32 before = m->sent;
	int ret;

	prepare(XENDISPL_OP_PG_FLIP, FLIP, 1 + input_u8(&run.in) % 4);
	req = run.sending;
	ret = xen_drm_front_evtchnl_flip(m->chan, &req);
	expect_sent(m, ret, before, was_broken);
	if (!ret)
		m->pending_cookie = req.op.pg_flip.fb_cookie;
}

/* By the model, before the caller has returned. */
static void expect_called(struct model *m, int ret, const struct xendispl_resp *reply)
{
	if (m->replied) {
		fuzz_check(ret == model_status(m->reply.status), "a call returns %d for %d",
			   ret, m->reply.status);
		fuzz_check(!reply || !memcmp(reply, &m->reply, sizeof(*reply)),
			   "the caller's copy is not what was checked");
	} else if (run.broken) {
		fuzz_check(ret == -ENODEV, "a call returns %d after the latch", ret);
	} else {
		fuzz_check(ret == (fuzz_task_killed ? -EINTR : -ETIMEDOUT),
			   "a call returns %d without a reply", ret);
	}
}

static void task_calls(struct model *m)
{
	struct xendispl_req req;
	struct xendispl_resp reply;
	bool was_broken = run.broken;
	u32 before = m->sent;
	bool full = before - m->answered >= SLOTS;
	u8 how = input_u8(&run.in);
	bool killable = how & 0x80;
	int ret;

	prepare(0x10 + how % 7, CALLER, 0);
	req = run.sending;
	m->replied = false;
	run.in_call = true;
	fuzz_task_killed = killable && how & 0x40;
	ret = killable ? xen_drm_front_evtchnl_call_killable(m->chan, &req) :
			 xen_drm_front_evtchnl_call(m->chan, &req, &reply);
	run.in_call = false;

	if (was_broken || full) {
		expect_sent(m, ret, before, was_broken);
		return;
	}
	expect_called(m, ret, killable ? NULL : &reply);
	if (!m->replied && !run.broken && !fuzz_task_killed)
		model_missed();
	m->replied = false;
	model_give_up(m, CALLER);
}

static void flip_expires(struct model *m)
{
	model_give_up(m, FLIP);
	m->pending_cookie = 0;
	model_missed();
	xen_drm_front_evtchnl_flip_expired(m->chan);
}

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
		.op.pg_flip.fb_cookie = how < 0x80 ? m->pending_cookie : how % 5,
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

static void expect_eoi(struct model *m, int irq, bool progress)
{
	fuzz_check(!fuzz_irq_is_masked(irq), "connector %u: interrupt %d stays masked",
		   m->index, irq);
	fuzz_check(fuzz_last_eoi(irq) == (progress ? 0 : XEN_EOI_FLAG_SPURIOUS),
		   "connector %u: interrupt %d ends with %u, progress %d", m->index, irq,
		   fuzz_last_eoi(irq), progress);
}

static void work_runs(struct model *m)
{
	bool replies = test_bit(XEN_DRM_FRONT_REPLY_PENDING, &m->chan->pending);
	bool events = test_bit(XEN_DRM_FRONT_EVENT_PENDING, &m->chan->pending);

	if (!m->chan->work.queued)
		return;
	m->in_work = true;
	m->look = TAKE;
	m->progress_replies = false;
	m->progress_events = false;
	shared_forget_loads(&m->evt);
	fuzz_run_work(&m->chan->work);
	m->in_work = false;
	m->num_attacks = 0;

	if (run.broken)
		return;
	if (replies) {
		fuzz_check(m->look == NO_MORE, "connector %u: not all responses are taken",
			   m->index);
		expect_eoi(m, m->chan->req_irq, m->progress_replies);
	}
	if (events) {
		fuzz_check(m->taken == m->in_prod, "connector %u: not all events are taken",
			   m->index);
		fuzz_check(backend_read32(&m->evt, IN_CONS) == m->taken,
			   "connector %u: in_cons is %u, expected %u", m->index,
			   backend_read32(&m->evt, IN_CONS), m->taken);
		expect_eoi(m, m->chan->evt_irq, m->progress_events);
	}
}

static void backend_leaves(void)
{
	model_gone();
	xen_drm_front_conn_gone(run.conn, "the backend has left");
}

static void connection_is_closed(void)
{
	unsigned int pages = input_u8(&run.in) % 5;

	if (run.closed)
		return;
	backend_leaves();
	while (pages--)
		fuzz_backend_maps(pages);
	shared_remove_all();
	xen_drm_front_conn_close(run.conn);
	run.closed = true;
	fuzz_check(run.held.num_pages == fuzz_pages_held(), "%lu held pages are counted, %u are",
		   run.held.num_pages, fuzz_pages_held());
}

static void listener_changes(void)
{
	run.has_sink = !run.has_sink;
	xen_drm_front_conn_set_sink(run.conn, run.has_sink ? &run : NULL);
}

static void step_of_backend(struct model *m, unsigned int what)
{
	if (run.closed)
		return;
	switch (what) {
	case 0:
	case 1:
		backend_responds(m, false);
		break;
	case 2:
		backend_responds(m, true);
		break;
	case 3:
		backend_sends_event(m);
		break;
	case 4:
		backend_writes_anywhere(&m->req);
		break;
	case 5:
		backend_writes_anywhere(&m->evt);
		break;
	case 6:
		backend_moves_index(&m->req, RSP_PROD);
		break;
	case 7:
		backend_moves_index(&m->evt, IN_PROD);
		break;
	case 8:
		backend_plans_attack(m);
		break;
	case 9:
		fuzz_interrupt(m->chan->req_irq);
		break;
	default:
		fuzz_interrupt(m->chan->evt_irq);
		break;
	}
}

static void step(void)
{
	u8 what = input_u8(&run.in);
	struct model *m = &run.models[what >> 7];

	what %= 32;
	if (what < 6)
		work_runs(m);
	else if (what < 17)
		step_of_backend(m, what - 6);
	else if (what < 19)
		task_posts(m);
	else if (what < 22)
		task_flips(m);
	else if (what < 24)
		flip_expires(m);
	else if (what == 24)
		listener_changes();
	else if (what == 25)
		backend_leaves();
	else if (what == 26)
		connection_is_closed();
	else if (!run.in_call)
		task_calls(m);
	expect_sound(m);
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
	const struct xen_drm_front_evtchnl *chan = &run.conn->channels[index];

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
	struct xen_drm_front_evtchnl *chan = m->chan;

	chan->ring.req_prod_pvt = index;
	chan->ring.rsp_cons = index;
	chan->next_id = index;
	chan->evt_cons = events;
	m->sent = index;
	m->answered = index;
	m->taken = events;
	m->in_prod = events;
	backend_write32(&m->req, REQ_PROD, index);
	backend_write32(&m->req, RSP_PROD, index);
	backend_write32(&m->req, RSP_EVENT, index + 1);
	backend_write32(&m->evt, IN_CONS, events);
	backend_write32(&m->evt, IN_PROD, events);
}

static void watch(struct model *m, unsigned int index)
{
	m->index = index;
	m->chan = &run.conn->channels[index];
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
}

/* Memory, grants and ports may run out at any point. */
static bool open_connection(void)
{
	fuzz_fail_in = input_u8(&run.in) % 64;
	run.conn = xen_drm_front_conn_alloc(&run.xb_dev.dev, &run.held,
					    run.xb_dev.otherend_id, CHANNELS, 2, &ops, &run);
	if (!run.conn)
		return false;
	if (xen_drm_front_conn_open(run.conn, &run.xb_dev) ||
	    xen_drm_front_conn_publish(run.conn, &run.xb_dev, true)) {
		fuzz_fail_in = 0;
		backend_leaves();
		xen_drm_front_conn_close(run.conn);
		return false;
	}
	fuzz_fail_in = 0;
	return true;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	unsigned int i;

	memset(&run, 0, sizeof(run));
	run.in = (struct input) { data, size };
	run.xb_dev.nodename = "device/vdispl/0";
	run.xb_dev.dev.refs = 1;
	fuzz_xen_reset(1);
	fuzz_eoi_forbidden = &run.broken;
	xen_drm_front_held_init(&run.held);

	if (open_connection()) {
		for (i = 0; i < CHANNELS; i++)
			watch(&run.models[i], i);
		listener_changes();
		while (run.in.left)
			step();
		connection_is_closed();
	}
	shared_remove_all();
	if (run.conn)
		xen_drm_front_conn_put(run.conn);
	xen_drm_front_held_hand_over(&run.held);
	fuzz_backend_lets_go();
	fuzz_xen_expect_nothing_left();
	fuzz_check(run.xb_dev.dev.refs == 1, "%d references of the device", run.xb_dev.dev.refs);
	return 0;
}
