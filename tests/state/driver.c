// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The driver: its work, and what it does in the xenwatch thread. Mirrors
 * xen_drm_front_work.c, xen_drm_front_steps.c and xen_drm_front.c; the decisions are
 * those of xen_drm_front_state.c itself.
 */
#include "model.h"

#include "xen_drm_front_state.h"

#define INITIALISING	XenbusStateInitialising
#define INITWAIT	XenbusStateInitWait
#define INITIALISED	XenbusStateInitialised
#define CONNECTED	XenbusStateConnected
#define CLOSING		XenbusStateClosing
#define CLOSED		XenbusStateClosed

static enum rule broken_rule;

enum rule model_broken_rule(void)
{
	enum rule rule = broken_rule;

	broken_rule = RULE_NONE;
	return rule;
}

void model_breaks(enum rule rule)
{
	if (!broken_rule)
		broken_rule = rule;
}

bool model_with_rings(uint8_t state)
{
	return state == INITIALISED || state == CONNECTED;
}

void model_write_own(struct model *m, uint8_t state)
{
	m->store = state;
	m->own_event = 1;
	m->core_event = 1;
	m->front_event = 1;
}

/* --- rings -------------------------------------------------------------------- */

void model_move_rings(struct model *m, enum rings from, enum rings to)
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
	if (model_with_rings(m->store) && m->published == RINGS_RETIRED)
		model_breaks(RULE_STATE_BEFORE_RINGS);
	m->retired = 0;
	model_move_rings(m, RINGS_RETIRED, RINGS_CLOSED);
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
		model_breaks(RULE_TWO_CONNECTIONS);
	if (m->own != INITIALISING || m->pending)
		model_breaks(RULE_STATE_BEFORE_RINGS);
}

/* So that states that differ in nothing else are one. */
static void forget_step(struct model *m)
{
	m->step = XEN_DRM_IDLE;
	m->then = 0;
	m->was_own = 0;
	m->was_pending = 0;
	m->was_down = 0;
}

static void work_begins(struct model *m)
{
	struct xen_drm_facts facts;
	struct xen_drm_decision decision;

	if (m->unwritten)
		m->held_off = 1;
	m->unwritten = 0;
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
	m->was_down = facts.shutdown;
	if (m->removing == 2 && m->step != XEN_DRM_IDLE)
		model_breaks(RULE_STEP_AFTER_REMOVE);

	if (m->step == XEN_DRM_CONNECT)
		begin_connect(m);
	if (m->step == XEN_DRM_LEAVE && m->then != INITIALISING)
		model_breaks(RULE_SAYS_SO);
	if (m->step == XEN_DRM_JOIN && (!m->conn || m->broken || m->joined))
		model_breaks(RULE_JOIN_WITHOUT);
	if (m->step == XEN_DRM_IDLE && m->then != m->was_own)
		want(m, m->then);
	if (m->step == XEN_DRM_IDLE)
		forget_step(m);
}

static bool end_connect(struct model *m, bool fails)
{
	if (fails) {
		m->published = RINGS_CLOSED;
		m->held_off = 1;
		return false;
	}
	m->conn = 1;
	m->broken = 0;
	m->published = RINGS_CURRENT;
	m->taken_up = 0;
	return true;
}

static void end_leave(struct model *m)
{
	close_retired(m);
	/* Always after a failure, and sometimes after a success. */
	m->held_off |= !m->joined && !m->forget;
	m->conn = 0;
	m->broken = 0;
	m->joined = 0;
	m->retired = 1;
	model_move_rings(m, RINGS_CURRENT, RINGS_RETIRED);
	if (m->forget)
		close_retired(m);
	m->forget = 0;
}

/* The core waits for it. */
static void close_for_core(struct model *m)
{
	close_retired(m);
	if (m->own == CLOSED)
		return;
	m->own = CLOSED;
	model_write_own(m, CLOSED);
}

static void work_is_done(struct model *m, bool fails)
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
		if (done)
			close_retired(m);
		break;
	case XEN_DRM_LEAVE:
		end_leave(m);
		m->held_off |= fails;
		break;
	case XEN_DRM_CLOSE:
		if (m->conn)
			end_leave(m);
		if (m->was_down)
			close_for_core(m);
		break;
	default:
		break;
	}

	if (done && (m->then != m->own || m->was_pending))
		want(m, m->then);
	forget_step(m);
}

/* --- the xenwatch thread ------------------------------------------------------ */

static void xenwatch_notes(struct model *m)
{
	bool left = xen_drm_state_has_left(m->own == CONNECTED ? CONNECTED : INITIALISED,
					   m->backend);

	m->backend_events--;
	if (m->old_events) {
		m->old_events--;
	} else if (m->own == CONNECTED && m->backend == CONNECTED && m->noted == CONNECTED) {
		left = true;
		if (m->conn && m->bound == RINGS_CURRENT && m->taken_up == 1)
			model_breaks(RULE_HEALTHY);
	}
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
	if (m->conn && m->store == INITIALISING && model_with_rings(m->own)) {
		m->broken = 1;
		return;
	}
	if (!m->pending)
		return;
	if (m->down) {
		m->pending = 0;
		m->unwritten = 1;
		return;
	}
	m->xenwatch = XW_TAKEN;
	m->writes = m->wanted;
}

/* A toolstack that has reset the device takes precedence, see xenbus_switch_state(). */
static void write_wanted(struct model *m, bool fails)
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
	model_write_own(m, m->own);
	m->old_events = m->backend_events;
}

static void xenwatch_looks(struct model *m)
{
	if (m->wanted == m->writes) {
		m->pending = 0;
		m->unwritten = m->own != m->writes;
	}
	m->xenwatch = XW_IDLE;
	m->writes = 0;
}

/* --- actions ------------------------------------------------------------------- */

/* May the work run, or remove() end? */
static bool quiet(const struct model *m)
{
	return m->step == XEN_DRM_IDLE && m->xenwatch == XW_IDLE;
}

/* So quiet that a minute passes. */
static bool still(const struct model *m)
{
	return quiet(m) && !m->backend_events && !m->own_event && !m->core_event && !m->pending &&
	       (!m->alive || (m->script == S_NONE && !m->front_event));
}

static bool can_begin(const struct model *m)
{
	return m->step == XEN_DRM_IDLE && !m->removing;
}

static bool can_end(const struct model *m)
{
	return m->step != XEN_DRM_IDLE;
}

static void work_ends(struct model *m)
{
	work_is_done(m, false);
}

static void work_fails(struct model *m)
{
	work_is_done(m, true);
}

/* The core does not tell drivers any more while the guest goes down. */
static bool can_note(const struct model *m)
{
	return m->xenwatch == XW_IDLE && m->backend_events && !m->removing && !m->down;
}

static bool can_take(const struct model *m)
{
	return m->xenwatch == XW_IDLE && m->own_event && !m->removing;
}

static bool can_write(const struct model *m)
{
	return m->xenwatch == XW_TAKEN;
}

static void xenwatch_writes(struct model *m)
{
	write_wanted(m, false);
}

static bool can_fail_to_write(const struct model *m)
{
	return m->xenwatch == XW_TAKEN && !m->failed_write;
}

static void xenwatch_fails_to_write(struct model *m)
{
	write_wanted(m, true);
}

static bool can_look(const struct model *m)
{
	return m->xenwatch == XW_WRITTEN;
}

static bool can_wake(const struct model *m)
{
	return m->pending && !m->own_event;
}

static void work_wakes(struct model *m)
{
	m->own_event = 1;
}

/*
 * The time counts from when our state is written, and is more than a backend needs to
 * take up rings.
 */
static bool can_go_on(const struct model *m)
{
	return m->held_off && !m->down && !m->pending && m->script != S_BIND;
}

static void hold_off_ends(struct model *m)
{
	m->held_off = 0;
}

static bool can_retire(const struct model *m)
{
	return m->retired && still(m) && !model_with_rings(m->own);
}

static bool can_break(const struct model *m)
{
	return m->conn && !m->broken;
}

static void conn_breaks(struct model *m)
{
	m->broken = 1;
}

const struct action driver_actions[] = {
	{ "work begins", can_begin, work_begins },
	{ "work ends", can_end, work_ends },
	{ "work fails", can_end, work_fails },
	{ "xenwatch notes the backend", can_note, xenwatch_notes },
	{ "xenwatch takes what is wanted", can_take, xenwatch_takes },
	{ "xenwatch writes", can_write, xenwatch_writes },
	{ "xenwatch cannot write", can_fail_to_write, xenwatch_fails_to_write },
	{ "xenwatch looks", can_look, xenwatch_looks },
	{ "work wakes xenwatch again", can_wake, work_wakes },
	{ "hold-off ends", can_go_on, hold_off_ends },
	{ "a minute passes", can_retire, close_retired },
	{ "connection breaks", can_break, conn_breaks },
	{}
};

/* --- all of it ------------------------------------------------------------------ */

static void xenwatch_runs(struct model *m)
{
	if (can_take(m))
		xenwatch_takes(m);
	if (can_write(m))
		xenwatch_writes(m);
	if (can_look(m))
		xenwatch_looks(m);
}

void model_run_driver(struct model *m)
{
	if (can_write(m))
		xenwatch_writes(m);
	if (can_look(m))
		xenwatch_looks(m);
	while (can_note(m))
		xenwatch_notes(m);
	xenwatch_runs(m);
	if (can_end(m))
		work_ends(m);
	if (can_begin(m))
		work_begins(m);
	if (can_end(m))
		work_ends(m);
	if (can_wake(m))
		work_wakes(m);
}

void model_end_driver(struct model *m)
{
	if (m->conn)
		end_leave(m);
	if (m->own != INITIALISING && (m->old_core || m->store != INITIALISING)) {
		m->own = CLOSED;
		model_write_own(m, CLOSED);
	}
	close_retired(m);
	m->removing = 2;
}
