// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What must be, and what comes next.
 */
#include "model.h"

#include "xen_drm_front_state.h"

/* Rounds in which everybody does what there is to do. */
#define PATIENCE	12
/* Actions of the driver before anybody else comes. */
#define DRIVER_ROUNDS	8

const char * const rules[NUM_RULES] = {
	[RULE_JOIN_WITHOUT] = "no JOIN without a connection that works",
	[RULE_TWO_CONNECTIONS] = "no CONNECT while there is a connection",
	[RULE_STATE_BEFORE_RINGS] = "our state says so before rings are closed",
	[RULE_STEP_AFTER_REMOVE] = "no step after remove",
	[RULE_STATE_WITHOUT_RINGS] = "no Initialised or Connected without rings",
	[RULE_SAYS_SO] = "LEAVE says Initialising",
	[RULE_HEALTHY] = "a backend that serves us is not taken for a new one",
	[RULE_DEAF] = "no backend takes up rings that go away",
	[RULE_LEFT] = "no display stays with a backend that is not Connected",
	[RULE_LIVELOCK] = "the deployed backend always gets a picture again",
	[RULE_NOT_CLOSED] = "a device that is taken away gets Closed",
};

static const struct action *action_at(enum who who, int n)
{
	const struct action *lists[] = {
		driver_actions, guest_actions,
		who == WHO_DEPLOYED ? deployed_actions : anybody_actions,
	};
	unsigned int list, i;

	for (list = 0; list < 3; list++)
		for (i = 0; lists[list][i].name; i++)
			if (!n--)
				return &lists[list][i];
	return NULL;
}

int model_next(const struct model *from, enum who who, int n, struct model *to,
	       const char **name, enum rule *broken)
{
	const struct action *action;

	for (; (action = action_at(who, n)); n++) {
		if (from->removing == 2 || !action->can(from))
			continue;
		*to = *from;
		model_broken_rule();
		action->act(to);
		*name = action->name;
		*broken = model_broken_rule();
		return n;
	}
	return -1;
}

enum rule model_check(const struct model *m)
{
	if (model_with_rings(m->store) && !m->conn && !m->retired && m->removing != 2)
		return RULE_STATE_WITHOUT_RINGS;
	return RULE_NONE;
}

static void round_of_all(struct model *m)
{
	unsigned int i;

	for (i = 0; i < DRIVER_ROUNDS; i++) {
		model_run_core(m);
		model_run_driver(m);
	}
	model_run_world(m);
}

void model_run_until(struct model *m, uint8_t own)
{
	unsigned int i;

	for (i = 0; i < PATIENCE * DRIVER_ROUNDS && m->own != own; i++) {
		model_run_driver(m);
		if (m->own != own)
			model_run_world(m);
	}
}

static bool is_well(const struct model *m)
{
	return m->own == XenbusStateConnected && m->store == XenbusStateConnected && m->conn &&
	       m->joined && !m->broken && !m->pending &&
	       m->backend == XenbusStateConnected && m->bound == RINGS_CURRENT;
}

/* The core of 6.12 does not write a state that it takes for written. */
static bool is_closed(const struct model *m)
{
	uint8_t state = m->old_core ? m->own : m->store;

	return state == XenbusStateClosed && !m->conn && m->step == XEN_DRM_IDLE;
}

/*
 * Does the driver do what there is to do, with the backend as it is now? A backend that
 * starts anew, or is silent, would end the connection, too, but need not come.
 */
static bool stays_with_other_state(const struct model *m)
{
	struct model settled = *m;
	unsigned int i;

	for (i = 0; i < DRIVER_ROUNDS; i++) {
		model_run_core(&settled);
		model_run_driver(&settled);
	}
	return settled.joined && settled.own == XenbusStateConnected &&
	       settled.noted != XenbusStateConnected;
}

enum rule model_ends_well(const struct model *m, enum who who)
{
	struct model end = *m;
	unsigned int i;
	bool taken;

	if (m->removing)
		return RULE_NONE;
	/* The core tells of no state of a backend while the guest goes down. */
	if (!m->down && stays_with_other_state(m))
		return RULE_LEFT;
	/* Nobody waits for a device that was not Connected. */
	if (m->down && !m->closing && m->own != XenbusStateClosing)
		return RULE_NONE;

	end.misconfigured = 0;
	if (who == WHO_ANYBODY || !end.alive)
		model_restart_backend(&end);
	taken = end.down || end.offline;
	if (end.offline && !end.down) {
		end.script = S_6;
		model_write_backend(&end, XenbusStateClosing);
	}

	model_broken_rule();
	for (i = 0; i < PATIENCE; i++) {
		round_of_all(&end);
		if (taken ? is_closed(&end) : is_well(&end))
			return model_broken_rule();
	}
	return taken ? RULE_NOT_CLOSED : RULE_LIVELOCK;
}
