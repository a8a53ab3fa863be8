// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What is around the driver: the guest, the toolstack, the deployed backend, as
 * displ_be and libxenbe behave, and one that writes any state at any time.
 */
#include "model.h"

#include "xen_drm_front_state.h"

/* More of them tell nothing new, and with a backend that writes anything, two do. */
#define MAX_EVENTS	5
#define MAX_EVENTS_ANYBODY 2

#define INITIALISING	XenbusStateInitialising
#define INITWAIT	XenbusStateInitWait
#define INITIALISED	XenbusStateInitialised
#define CONNECTED	XenbusStateConnected
#define CLOSING		XenbusStateClosing
#define CLOSED		XenbusStateClosed

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

void model_write_backend(struct model *m, uint8_t state)
{
	m->backend = state;
	if (m->backend_events < (m->alive ? MAX_EVENTS : MAX_EVENTS_ANYBODY))
		m->backend_events++;
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
		/* The end of a guest does not wait for a backend that just starts. */
		if ((m->binds == RINGS_CLOSED || m->binds == RINGS_NONE) && !m->down)
			model_breaks(RULE_DEAF);
		m->bound = m->binds;
		if (m->bound == RINGS_CURRENT && m->taken_up < 2)
			m->taken_up++;
		m->binds = RINGS_NONE;
		m->script = S_NONE;
		model_write_backend(m, CONNECTED);
		return;
	}
	m->bound = RINGS_NONE;
	model_write_backend(m, scripts[m->script].state);
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

void model_restart_backend(struct model *m)
{
	backend_dies(m);
	m->alive = 1;
	m->front_event = 1;
	m->script = m->backend != CLOSED && m->backend != XenbusStateUnknown ? S_5_6_1 : S_1;
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
	model_end_driver(m);
}

static void guest_resumes(struct model *m)
{
	uint8_t events = m->own_event;

	m->resumed = 1;
	m->own = INITIALISING;
	model_write_own(m, INITIALISING);
	m->own_event = events | 1;
	m->pending = 0;
	m->unwritten = 0;
	m->forget = 1;
	m->noted = XenbusStateUnknown;
	m->noted_offline = 0;
	m->offline = 0;
	if (m->conn)
		m->broken = 1;
	/* Nothing of the old host is there. */
	model_move_rings(m, RINGS_CURRENT, RINGS_CLOSED);
	model_move_rings(m, RINGS_RETIRED, RINGS_CLOSED);
	m->bound = RINGS_NONE;
	m->binds = RINGS_NONE;
	m->alive = 1;
	m->cached = 0;
	m->script = S_NONE;
	m->backend = 0;
	m->backend_events = 0;
	m->old_events = 0;
	model_write_backend(m, INITIALISING);
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
		model_write_own(m, CLOSING);
	}
}

/* What is left of the device goes, and both ends begin at the beginning. */
static void toolstack_resets(struct model *m)
{
	m->reset = 1;
	m->offline = 0;
	m->published = RINGS_NONE;
	model_write_own(m, INITIALISING);
	model_write_backend(m, INITIALISING);
	if (m->alive)
		model_restart_backend(m);
}

/* --- actions ------------------------------------------------------------------- */

static bool quiet(const struct model *m)
{
	return m->step == XEN_DRM_IDLE && m->xenwatch == XW_IDLE && !m->removing;
}

static bool can_remove(const struct model *m)
{
	return m->xenwatch == XW_IDLE && !m->removing;
}

static bool can_be_removed(const struct model *m)
{
	return m->step == XEN_DRM_IDLE && m->xenwatch == XW_IDLE && m->removing == 1;
}

static bool can_resume(const struct model *m)
{
	return quiet(m) && !m->resumed && !m->down;
}

/* The thread sees that the guest goes down long before the core writes. */
static bool can_go_down(const struct model *m)
{
	return m->xenwatch == XW_IDLE && !m->removing && !m->down;
}

static bool can_detach(const struct model *m)
{
	return !m->offline;
}

static void toolstack_detaches(struct model *m)
{
	m->offline = 1;
	m->script = S_6;
	model_write_backend(m, CLOSING);
}

static bool can_be_wrong(const struct model *m)
{
	return m->step == XEN_DRM_IDLE && m->own == INITIALISING && !m->pending && !m->conn &&
	       !m->misconfigured;
}

static void config_is_wrong(struct model *m)
{
	m->misconfigured = 1;
}

static bool is_wrong(const struct model *m)
{
	return m->misconfigured;
}

static void config_changes(struct model *m)
{
	m->misconfigured = 0;
}

/* The core of 6.12 writes our state, whatever the toolstack has just written. */
static bool can_reset(const struct model *m)
{
	return !m->removing && !m->reset && !m->down && m->own != INITIALISING &&
	       (!m->old_core || m->xenwatch == XW_IDLE);
}

static bool can_core_look(const struct model *m)
{
	return m->core_event && quiet(m);
}

const struct action guest_actions[] = {
	{ "remove begins", can_remove, remove_begins },
	{ "remove ends", can_be_removed, remove_ends },
	{ "guest is resumed", can_resume, guest_resumes },
	{ "guest goes down", can_go_down, guest_goes_down },
	{ "toolstack detaches", can_detach, toolstack_detaches },
	{ "configuration is wrong", can_be_wrong, config_is_wrong },
	{ "configuration changes", is_wrong, config_changes },
	{ "toolstack makes the device anew", can_reset, toolstack_resets },
	{ "core looks", can_core_look, core_looks },
	{}
};

static bool can_backend_write(const struct model *m)
{
	return m->alive && m->script != S_NONE;
}

static bool can_backend_read(const struct model *m)
{
	return m->alive && m->script == S_NONE && m->front_event;
}

static bool can_die(const struct model *m)
{
	return m->alive;
}

static bool can_start(const struct model *m)
{
	return !m->alive;
}

static bool can_backend_fail(const struct model *m)
{
	return m->alive && m->bound && m->script == S_NONE;
}

static void backend_fails(struct model *m)
{
	m->script = S_5_6;
}

const struct action deployed_actions[] = {
	{ "backend writes", can_backend_write, backend_writes },
	{ "backend reads", can_backend_read, backend_reads },
	{ "backend is killed", can_die, backend_dies },
	{ "backend starts", can_start, model_restart_backend },
	{ "backend fails", can_backend_fail, backend_fails },
	{}
};

static bool always(const struct model *m)
{
	return m->removing != 2;
}

#define ANYBODY_WRITES(state)					\
static void anybody_writes_##state(struct model *m)		\
{								\
	backend_dies(m);					\
	model_write_backend(m, state);				\
}

ANYBODY_WRITES(0)
ANYBODY_WRITES(1)
ANYBODY_WRITES(2)
ANYBODY_WRITES(3)
ANYBODY_WRITES(4)
ANYBODY_WRITES(5)
ANYBODY_WRITES(6)
ANYBODY_WRITES(7)

const struct action anybody_actions[] = {
	{ "backend writes 0", always, anybody_writes_0 },
	{ "backend writes 1", always, anybody_writes_1 },
	{ "backend writes 2", always, anybody_writes_2 },
	{ "backend writes 3", always, anybody_writes_3 },
	{ "backend writes 4", always, anybody_writes_4 },
	{ "backend writes 5", always, anybody_writes_5 },
	{ "backend writes 6", always, anybody_writes_6 },
	{ "backend writes 7", always, anybody_writes_7 },
	{}
};

void model_run_world(struct model *m)
{
	while (can_backend_write(m) || can_backend_read(m)) {
		if (can_backend_write(m))
			backend_writes(m);
		else
			backend_reads(m);
	}
	if (m->held_off && !m->down)
		m->held_off = 0;
	/* Its requests are not answered. */
	if (m->joined && m->bound != RINGS_CURRENT)
		m->broken = 1;
}

void model_run_core(struct model *m)
{
	if (can_core_look(m))
		core_looks(m);
}
