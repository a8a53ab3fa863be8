// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The actions of everybody. Each of them is one that nobody else can interrupt.
 */
#include "model.h"

#include "xen_drm_front_state.h"

#define INITIALISING	XenbusStateInitialising
#define INITWAIT	XenbusStateInitWait
#define INITIALISED	XenbusStateInitialised
#define CONNECTED	XenbusStateConnected
#define CLOSING		XenbusStateClosing
#define CLOSED		XenbusStateClosed

/* Rounds in which everybody does what there is to do. */
#define PATIENCE	12

const char * const rules[NUM_RULES] = {
	[RULE_JOIN_WITHOUT] = "no JOIN without a connection that works",
	[RULE_TWO_CONNECTIONS] = "no CONNECT while there is a connection",
	[RULE_STATE_BEFORE_RINGS] = "our state says so before rings are closed",
	[RULE_STEP_AFTER_REMOVE] = "no step after remove",
	[RULE_STATE_WITHOUT_RINGS] = "no Initialised or Connected without rings",
	[RULE_DEAF] = "no backend takes up rings that go away",
	[RULE_LIVELOCK] = "the deployed backend always gets a picture again",
	[RULE_NOT_CLOSED] = "a device that is taken away gets Closed",
};

static enum rule broken_rule;

static void breaks(enum rule rule)
{
	if (!broken_rule)
		broken_rule = rule;
}

static bool with_rings(uint8_t state)
{
	return state == INITIALISED || state == CONNECTED;
}

struct model model_start(bool old_core)
{
	return (struct model) {
		.store = INITIALISING,
		.backend = INITIALISING,
		.own = INITIALISING,
		.backend_events = 1,
		.own_event = 1,
		.old_core = old_core,
		.alive = 1,
		.script = S_2,
		.cached = INITIALISING,
	};
}

/* --- XenStore ----------------------------------------------------------------- */

static void write_backend(struct model *m, uint8_t state)
{
	m->backend = state;
	m->backend_events = m->backend_events < 2 ? m->backend_events + 1 : 2;
}

static void write_own(struct model *m, uint8_t state)
{
	m->store = state;
	m->own_event = 1;
	m->core_event = 1;
	m->front_event = 1;
}

/* --- rings -------------------------------------------------------------------- */

static void move_rings(struct model *m, enum rings from, enum rings to)
{
	if (m->published == from)
		m->published = to;
	if (m->binds == from)
		m->binds = to;
	if (m->bound == from)
		m->bound = to;
}

static void close_retired(struct model *m)
{
	if (!m->retired)
		return;
	if (with_rings(m->store))
		breaks(RULE_STATE_BEFORE_RINGS);
	m->retired = 0;
	move_rings(m, RINGS_RETIRED, RINGS_CLOSED);
}

/* --- the work ----------------------------------------------------------------- */

static void want(struct model *m, uint8_t state)
{
	m->wanted = state;
	m->pending = 1;
	m->own_event = 1;
}

static struct xen_drm_facts facts_of(const struct model *m)
{
	return (struct xen_drm_facts) {
		.own = m->own,
		.pending = m->pending,
		.backend = m->noted,
		.offline = m->noted_offline,
		.connected = m->conn,
		.joined = m->joined,
		.broken = m->conn && m->broken,
		.held_off = !m->conn && m->held_off,
		.misconfigured = m->misconfigured,
		.shutdown = m->down && (m->closing || m->own == CLOSING || m->own == CLOSED),
	};
}

static void begin_connect(struct model *m)
{
	if (m->conn)
		breaks(RULE_TWO_CONNECTIONS);
	if (m->own != INITIALISING || m->pending)
		breaks(RULE_STATE_BEFORE_RINGS);
}

static void work_begins(struct model *m)
{
	struct xen_drm_facts facts;
	struct xen_drm_decision decision;

	if (m->refused)
		m->held_off = 1;
	m->refused = 0;
	if (m->forget && !m->conn) {
		close_retired(m);
		m->forget = 0;
	}

	facts = facts_of(m);
	decision = xen_drm_state_next(&facts);
	m->step = decision.step;
	m->then = decision.then;
	m->was_own = facts.own;
	m->was_pending = facts.pending;
	if (m->removing == 2 && m->step != XEN_DRM_IDLE)
		breaks(RULE_STEP_AFTER_REMOVE);

	if (m->step == XEN_DRM_CONNECT)
		begin_connect(m);
	if (m->step == XEN_DRM_JOIN && (!m->conn || m->broken || m->joined))
		breaks(RULE_JOIN_WITHOUT);
	if (m->step == XEN_DRM_IDLE && m->then != m->was_own)
		want(m, m->then);
	if (m->step == XEN_DRM_IDLE)
		m->then = m->was_own = m->was_pending = 0;
}

/* The retired connection goes first, since the backend is in InitWait. */
static bool end_connect(struct model *m, bool fails)
{
	if (m->retired && m->backend != INITWAIT)
		return false;
	close_retired(m);
	if (fails) {
		m->published = RINGS_CLOSED;
		m->held_off = 1;
		return false;
	}
	m->conn = 1;
	m->broken = 0;
	m->published = RINGS_CURRENT;
	return true;
}

static void end_leave(struct model *m)
{
	if (m->retired)
		close_retired(m);
	m->conn = 0;
	m->broken = 0;
	m->joined = 0;
	m->retired = 1;
	move_rings(m, RINGS_CURRENT, RINGS_RETIRED);
	if (m->forget)
		close_retired(m);
	m->forget = 0;
}

static void work_ends(struct model *m, bool fails)
{
	bool done = true;

	switch (m->step) {
	case XEN_DRM_CONNECT:
		done = end_connect(m, fails);
		break;
	case XEN_DRM_JOIN:
		if (fails)
			m->broken = 1;
		done = !m->broken;
		m->joined = done;
		break;
	case XEN_DRM_LEAVE:
		end_leave(m);
		m->held_off |= fails;
		break;
	case XEN_DRM_CLOSE:
		if (m->down)
			close_retired(m);
		break;
	default:
		break;
	}

	if (done && (m->then != m->was_own || m->was_pending))
		want(m, m->then);
	m->step = XEN_DRM_IDLE;
	m->then = m->was_own = m->was_pending = 0;
}

/* --- the xenwatch thread ------------------------------------------------------ */

static void xenwatch_notes(struct model *m)
{
	bool left = xen_drm_state_has_left(m->own == CONNECTED ? CONNECTED : INITIALISED,
					   m->backend);

	m->backend_events--;
	left |= m->own == CONNECTED && m->backend == CONNECTED && m->noted == CONNECTED;
	m->noted = m->backend;
	m->noted_offline = m->offline && (m->backend == CLOSING || m->backend == CLOSED ||
					  m->backend == XenbusStateUnknown);
	if (m->conn && left)
		m->broken = 1;
}

static void xenwatch_takes(struct model *m)
{
	m->own_event = 0;
	if (m->down && m->store == CLOSING)
		m->closing = 1;
	if (!m->pending)
		return;
	m->xenwatch = XW_TAKEN;
	m->writes = m->wanted;
}

/* A toolstack that has reset the device takes precedence, see xenbus_switch_state(). */
static void xenwatch_writes(struct model *m, bool fails)
{
	m->xenwatch = XW_WRITTEN;
	if (m->own == m->writes ||
	    (!m->old_core && m->store != m->own && m->store == INITIALISING))
		return;
	if (fails && m->own != CLOSING) {
		m->failed_write = 1;
		return;
	}
	m->own = m->writes;
	write_own(m, m->own);
}

static void xenwatch_looks(struct model *m)
{
	if (m->wanted == m->writes) {
		m->pending = 0;
		m->refused = m->own != m->writes;
	}
	m->xenwatch = XW_IDLE;
	m->writes = 0;
}

/* --- the guest, and the toolstack ---------------------------------------------- */

static void remove_begins(struct model *m)
{
	m->removing = 1;
	if (m->conn)
		m->broken = 1;
}

static void remove_ends(struct model *m)
{
	if (m->conn)
		end_leave(m);
	if (m->own != INITIALISING && (m->old_core || m->store != INITIALISING)) {
		m->own = CLOSED;
		write_own(m, CLOSED);
	}
	close_retired(m);
	m->removing = 2;
}

static void guest_resumes(struct model *m)
{
	uint8_t events = m->own_event;

	m->resumed = 1;
	m->own = INITIALISING;
	write_own(m, INITIALISING);
	m->own_event = events | 1;
	m->pending = 0;
	m->refused = 0;
	m->forget = 1;
	m->noted = XenbusStateUnknown;
	m->noted_offline = 0;
	m->offline = 0;
	if (m->conn)
		m->broken = 1;
	/* Nothing of the old host is there. */
	move_rings(m, RINGS_CURRENT, RINGS_CLOSED);
	move_rings(m, RINGS_RETIRED, RINGS_CLOSED);
	m->bound = RINGS_NONE;
	m->binds = RINGS_NONE;
	m->alive = 1;
	m->cached = 0;
	m->script = S_NONE;
	m->backend = 0;
	m->backend_events = 0;
	write_backend(m, INITIALISING);
}

/* A device whose state was reset is a new one: it is removed and probed. */
static void core_looks(struct model *m)
{
	struct model new = model_start(m->old_core);

	m->core_event = 0;
	if (m->old_core || m->store != INITIALISING || m->own == INITIALISING)
		return;
	remove_ends(m);
	new.backend = m->backend;
	new.offline = m->offline;
	new.published = m->published;
	new.resumed = m->resumed;
	new.failed_write = m->failed_write;
	new.reset = m->reset;
	new.alive = m->alive;
	new.cached = m->cached;
	new.front_event = 1;
	new.script = m->script;
	new.binds = m->binds;
	new.bound = m->bound;
	*m = new;
}

static void guest_goes_down(struct model *m)
{
	m->down = 1;
	m->held_off = 1;
	if (m->own == CONNECTED) {
		m->own = CLOSING;
		write_own(m, CLOSING);
	}
}

/* --- the deployed backend ------------------------------------------------------ */

static void backend_binds(struct model *m)
{
	m->script = S_BIND;
	m->binds = m->published;
}

/* One write of those that it does in a row. */
static void backend_writes(struct model *m)
{
	static const struct {
		uint8_t state, next;
	} scripts[] = {
		[S_5_6_1] = { CLOSING, S_6_1 },
		[S_6_1] = { CLOSED, S_1 },
		[S_1] = { INITIALISING, S_NONE },
		[S_5_6_2] = { CLOSING, S_6_2 },
		[S_6_2] = { CLOSED, S_2 },
		[S_2] = { INITWAIT, S_NONE },
		[S_5_6] = { CLOSING, S_6 },
		[S_6] = { CLOSED, S_NONE },
	};

	if (m->script == S_BIND) {
		if (m->binds == RINGS_CLOSED || m->binds == RINGS_NONE)
			breaks(RULE_DEAF);
		m->bound = m->binds;
		m->binds = RINGS_NONE;
		m->script = S_NONE;
		write_backend(m, CONNECTED);
		return;
	}
	m->bound = RINGS_NONE;
	write_backend(m, scripts[m->script].state);
	m->script = scripts[m->script].next;
}

/* displ_be.md, "States": what it does when our state is another one. */
static void backend_reads(struct model *m)
{
	bool connected = m->backend == INITIALISED || m->backend == CONNECTED;

	m->front_event = 0;
	if (m->cached == m->store)
		return;
	m->cached = m->store;
	switch (m->store) {
	case INITIALISING:
		if (m->backend == CONNECTED)
			m->script = S_5_6_2;
		else if (m->backend == INITIALISING || m->backend == CLOSED)
			m->script = S_2;
		break;
	case INITIALISED:
	case CONNECTED:
		if (m->backend == INITIALISING || m->backend == INITWAIT)
			backend_binds(m);
		break;
	case CLOSING:
	case CLOSED:
		if (connected)
			m->script = S_5_6_2;
		break;
	}
}

static void backend_dies(struct model *m)
{
	m->alive = 0;
	m->script = S_NONE;
	m->bound = RINGS_NONE;
	m->binds = RINGS_NONE;
	m->front_event = 0;
	m->cached = 0;
}

static void backend_restarts(struct model *m)
{
	backend_dies(m);
	m->alive = 1;
	m->front_event = 1;
	m->script = m->backend != CLOSED && m->backend != XenbusStateUnknown ? S_5_6_1 : S_1;
}

/* --- actions ------------------------------------------------------------------- */

/* May the work run, or remove() end? */
static bool quiet(const struct model *m)
{
	return m->step == XEN_DRM_IDLE && m->xenwatch == XW_IDLE;
}

/* So quiet that time passes. */
static bool still(const struct model *m)
{
	return quiet(m) && !m->backend_events && !m->own_event && !m->core_event && !m->pending &&
	       (!m->alive || (m->script == S_NONE && !m->front_event));
}

static bool driver_acts(struct model *m, int n, const char **name)
{
#define ACTION(number, condition, text, ...)		\
	case number:					\
		if (!(condition))			\
			return false;			\
		*name = text;				\
		__VA_ARGS__;				\
		return true
	switch (n) {
	ACTION(0, m->step == XEN_DRM_IDLE && !m->removing, "work begins", work_begins(m));
	ACTION(1, m->step != XEN_DRM_IDLE, "work ends", work_ends(m, false));
	ACTION(2, m->step != XEN_DRM_IDLE, "work fails", work_ends(m, true));
	ACTION(3, m->xenwatch == XW_IDLE && m->backend_events && !m->removing && !m->down,
	       "xenwatch notes the backend", xenwatch_notes(m));
	ACTION(4, m->xenwatch == XW_IDLE && m->own_event && !m->removing,
	       "xenwatch takes what is wanted", xenwatch_takes(m));
	ACTION(5, m->xenwatch == XW_TAKEN, "xenwatch writes", xenwatch_writes(m, false));
	ACTION(6, m->xenwatch == XW_TAKEN && !m->failed_write, "xenwatch cannot write",
	       xenwatch_writes(m, true));
	ACTION(7, m->xenwatch == XW_WRITTEN, "xenwatch looks", xenwatch_looks(m));
	ACTION(8, m->pending && !m->own_event, "work wakes xenwatch again", m->own_event = 1);
	ACTION(9, m->held_off && !m->down, "hold-off ends", m->held_off = 0);
	ACTION(10, m->retired && still(m) && !with_rings(m->own), "a minute passes",
	       close_retired(m));
	ACTION(11, m->conn && !m->broken, "connection breaks", m->broken = 1);
	}
	return false;
}

static bool guest_acts(struct model *m, int n, const char **name)
{
	switch (n) {
	ACTION(0, !m->removing && m->xenwatch == XW_IDLE, "remove begins", remove_begins(m));
	ACTION(1, m->removing == 1 && quiet(m), "remove ends", remove_ends(m));
	ACTION(2, !m->removing && quiet(m) && !m->resumed && !m->down, "guest is resumed",
	       guest_resumes(m));
	ACTION(3, !m->removing && !m->down, "guest goes down", guest_goes_down(m));
	ACTION(4, !m->offline, "toolstack detaches", m->offline = 1, m->script = S_6,
	       write_backend(m, CLOSING));
	ACTION(5, m->step == XEN_DRM_IDLE && m->own == INITIALISING && !m->pending && !m->conn &&
	       !m->misconfigured, "configuration is wrong", m->misconfigured = 1);
	ACTION(6, m->misconfigured, "configuration changes", m->misconfigured = 0);
	ACTION(7, !m->removing && !m->reset && !m->down && m->own != INITIALISING,
	       "toolstack resets the device", m->reset = 1, m->offline = 0,
	       write_own(m, INITIALISING));
	ACTION(8, m->core_event && quiet(m) && !m->removing, "core looks", core_looks(m));
	}
	return false;
}

static bool deployed_acts(struct model *m, int n, const char **name)
{
	switch (n) {
	ACTION(0, m->alive && m->script != S_NONE, "backend writes", backend_writes(m));
	ACTION(1, m->alive && m->script == S_NONE && m->front_event, "backend reads",
	       backend_reads(m));
	ACTION(2, m->alive, "backend is killed", backend_dies(m));
	ACTION(3, !m->alive, "backend starts", backend_restarts(m));
	ACTION(4, m->alive && m->bound && m->script == S_NONE, "backend fails",
	       m->script = S_5_6);
	}
	return false;
}

/* Any state at any time, those of Xen that have a name, and one that has none. */
static bool anybody_acts(struct model *m, int n, const char **name)
{
	static const char * const names[] = {
		"backend writes 0", "backend writes 1", "backend writes 2",
		"backend writes 3", "backend writes 4", "backend writes 5",
		"backend writes 6", "backend writes 7",
	};

	if (n >= 8)
		return false;
	*name = names[n];
	m->script = S_NONE;
	m->alive = 0;
	m->bound = RINGS_NONE;
	m->binds = RINGS_NONE;
	m->front_event = 0;
	m->cached = 0;
	write_backend(m, n);
	return true;
}

int model_next(const struct model *from, enum who who, int n, struct model *to,
	       const char **name, enum rule *broken)
{
	bool acts;

	for (; n < 40; n++) {
		*to = *from;
		broken_rule = RULE_NONE;
		if (n < 20)
			acts = driver_acts(to, n, name);
		else if (n < 30)
			acts = guest_acts(to, n - 20, name);
		else if (who == WHO_DEPLOYED)
			acts = deployed_acts(to, n - 30, name);
		else
			acts = anybody_acts(to, n - 30, name);
		if (acts && from->removing != 2) {
			*broken = broken_rule;
			return n;
		}
	}
	return -1;
}

enum rule model_check(const struct model *m)
{
	/* Until the core has seen that it was reset, the device is nobody's. */
	if (with_rings(m->store) && !m->conn && !m->retired && m->removing != 2)
		return RULE_STATE_WITHOUT_RINGS;
	return RULE_NONE;
}

/* --- the end --------------------------------------------------------------------- */

static bool runs(struct model *m, bool (*acts)(struct model *m, int n, const char **name),
		 int n)
{
	const char *name;

	return acts(m, n, &name);
}

/* Everybody in turn, until nobody has anything to do, or has done much. */
static void round_of_all(struct model *m)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		runs(m, guest_acts, 8);
		runs(m, driver_acts, 5);
		runs(m, driver_acts, 7);
		while (runs(m, driver_acts, 3))
			;
		runs(m, driver_acts, 4);
		runs(m, driver_acts, 5);
		runs(m, driver_acts, 7);
		runs(m, driver_acts, 1);
		runs(m, driver_acts, 0);
		runs(m, driver_acts, 1);
		runs(m, driver_acts, 8);
	}
	while (runs(m, deployed_acts, 0) || runs(m, deployed_acts, 1))
		;
	runs(m, driver_acts, 9);
}

static bool is_well(const struct model *m)
{
	return m->own == CONNECTED && m->store == CONNECTED && m->conn && m->joined &&
	       !m->broken && !m->pending && m->backend == CONNECTED &&
	       m->bound == RINGS_CURRENT;
}

static bool is_closed(const struct model *m)
{
	return m->store == CLOSED && !m->conn && m->step == XEN_DRM_IDLE;
}

enum rule model_ends_well(const struct model *m, enum who who)
{
	bool taken;
	struct model end = *m;
	unsigned int i;

	if (m->removing)
		return RULE_NONE;
	if (m->down && !m->closing && m->own != CLOSING)
		return RULE_NONE;

	end.misconfigured = 0;
	if (who == WHO_ANYBODY || !end.alive)
		backend_restarts(&end);
	taken = end.down || end.offline;
	if (end.offline && !end.down) {
		end.script = S_6;
		write_backend(&end, CLOSING);
	}
	broken_rule = RULE_NONE;
	for (i = 0; i < PATIENCE; i++) {
		round_of_all(&end);
		if (taken ? is_closed(&end) : is_well(&end))
			return broken_rule;
	}
	return taken ? RULE_NOT_CLOSED : RULE_LIVELOCK;
}
