// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * xen_drm_front_{evtchnl,overdue,call,conn}.c: a
 * connection of two connectors. The backend writes anything into their pages at any
 * time, while tasks send, wait, flip, look, are killed and give up.
 *
 * A model of the protocol sees each index and each entry as the driver reads it, and
 * says what must follow: what a caller gets, what the layers above are told, and which
 * interrupts end and how. It also says when the connection must be broken, no sooner
 * and no later.
 */
#include "ring.h"

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
	fuzz_check(run.broken || chan->flip_waits == m->flip_waits,
		   "connector %u: flip_waits is %d", m->index, chan->flip_waits);
	fuzz_check(chan->flip_serial == m->flip_serial, "connector %u: flip %u, not %u",
		   m->index, chan->flip_serial, m->flip_serial);
	fuzz_check(chan->missed == m->missed, "connector %u: missed is %d", m->index,
		   chan->missed);
}

static void expect_same(const struct model *m)
{
	const struct xen_drm_chan *chan = m->chan;
	unsigned int waits = num_open(m, CALLER) + num_open(m, MODE) + num_open(m, OFF) +
			     m->flip_waits + m->submitting;

	fuzz_check(chan->ring.rsp_cons == m->answered, "connector %u: %u responses, not %u",
		   m->index, m->answered, chan->ring.rsp_cons);
	fuzz_check(chan->ring.req_prod_pvt == m->sent && chan->req_prod == m->published,
		   "connector %u: %u of %u requests are out, not %u of %u", m->index,
		   chan->req_prod, chan->ring.req_prod_pvt, m->published, m->sent);
	fuzz_check(chan->evt_cons == m->taken, "connector %u: %u events, not %u", m->index,
		   m->taken, chan->evt_cons);
	/* Whatever breaks a connection leaves the slots as they are, and who waits for one. */
	fuzz_check(run.broken || slots_in_use(chan) == m->sent - m->answered,
		   "connector %u: %u slots in use, %u requests open", m->index,
		   slots_in_use(chan), m->sent - m->answered);
	fuzz_check(run.broken || chan->num_waits == waits,
		   "connector %u: %u waits are counted, not %u", m->index, chan->num_waits,
		   waits);
	expect_same_flip(m);
}

/* All that goes out or is taken, of all connectors. */
static void expect_traced(void)
{
	unsigned int requests = 0, replies = 0, events = 0, i;

	for (i = 0; i < CHANNELS; i++) {
		requests += run.models[i].sent - run.models[i].first_request;
		replies += run.models[i].answered - run.models[i].first_request;
		events += run.models[i].num_events;
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
	fuzz_check(!ret || !taken || !fuzz_fail_in, "buffers have left too few grants for rings");
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
