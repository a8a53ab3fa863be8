/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Everybody who acts on a display, as a machine whose states are all visited. The
 * driver's decisions are the driver's own, from xen_drm_front_state.c; around them
 * is played what xen_drm_front_work.c, xen_drm_front_steps.c and xen_drm_front.c do.
 */
#ifndef STATE_MODEL_H
#define STATE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* Where rings are that somebody has read of. */
enum rings { RINGS_NONE, RINGS_CURRENT, RINGS_RETIRED, RINGS_CLOSED };

/* What the xenwatch thread does with the state that is wanted. */
enum xenwatch { XW_IDLE, XW_TAKEN, XW_WRITTEN };

/* What a backend is about to write, or the rings that it is about to take up. */
enum script { S_NONE, S_5_6_1, S_6_1, S_1, S_5_6_2, S_6_2, S_2, S_5_6, S_6, S_BIND };

enum who { WHO_ANYBODY, WHO_DEPLOYED };

/* One byte each, so that two of them can be compared by memcmp(). */
struct model {
	/* XenStore */
	uint8_t store;		/* our state */
	uint8_t backend;	/* the backend's state */
	uint8_t offline;	/* "online" is 0 */
	uint8_t published;	/* enum rings */
	/* the core, and events of watches that wait for the xenwatch thread */
	uint8_t own;
	uint8_t backend_events;
	uint8_t own_event;
	uint8_t core_event;
	uint8_t old_core;	/* 6.12's does not see that the device was reset */
	/* the xenwatch thread */
	uint8_t xenwatch;	/* enum xenwatch */
	uint8_t writes;		/* state that it took */
	uint8_t noted;
	uint8_t noted_offline;
	uint8_t old_events;	/* of @backend_events */
	/* what the work and the thread tell each other */
	uint8_t wanted;
	uint8_t pending;
	uint8_t unwritten;
	/* the work */
	uint8_t step;		/* enum xen_drm_step that is under way */
	uint8_t then;
	uint8_t was_own;
	uint8_t was_pending;
	uint8_t was_down;
	/* what the work has */
	uint8_t conn;
	uint8_t broken;
	uint8_t joined;
	uint8_t retired;
	uint8_t held_off;
	uint8_t misconfigured;
	uint8_t forget;
	/* the guest */
	uint8_t removing;	/* 1: remove() waits for the work, 2: it is over */
	uint8_t down;
	uint8_t closing;
	/* things that happen once at most */
	uint8_t resumed;
	uint8_t failed_write;
	uint8_t reset;
	/* the deployed backend */
	uint8_t alive;
	uint8_t cached;		/* our state, as it read it last */
	uint8_t front_event;
	uint8_t script;		/* enum script */
	uint8_t binds;		/* enum rings, with S_BIND */
	uint8_t bound;		/* enum rings */
	uint8_t taken_up;	/* how often the current rings were, 2 stands for more */
};

/* What must never be. */
enum rule {
	RULE_NONE,
	RULE_JOIN_WITHOUT,
	RULE_TWO_CONNECTIONS,
	RULE_STATE_BEFORE_RINGS,
	RULE_STEP_AFTER_REMOVE,
	RULE_STATE_WITHOUT_RINGS,
	RULE_SAYS_SO,
	RULE_HEALTHY,
	RULE_DEAF,
	RULE_LEFT,
	RULE_LIVELOCK,
	RULE_NOT_CLOSED,
	NUM_RULES,
};

extern const char * const rules[NUM_RULES];

/* One thing that somebody does, and when. Nobody else can interrupt it. */
struct action {
	const char *name;
	bool (*can)(const struct model *m);
	void (*act)(struct model *m);
};

/* Each list ends with an action without a name. */
extern const struct action driver_actions[];
extern const struct action guest_actions[];
extern const struct action deployed_actions[];
extern const struct action anybody_actions[];

/* driver.c: the work and the xenwatch thread */
enum rule model_broken_rule(void);
void model_breaks(enum rule rule);
bool model_with_rings(uint8_t state);
void model_write_own(struct model *m, uint8_t state);
void model_move_rings(struct model *m, enum rings from, enum rings to);
/* All that is to be done for now. */
void model_run_driver(struct model *m);
void model_end_driver(struct model *m);

/* world.c: the guest, the toolstack, and backends */
struct model model_start(bool old_core);
void model_write_backend(struct model *m, uint8_t state);
void model_restart_backend(struct model *m);
void model_run_world(struct model *m);
void model_run_core(struct model *m);

/* model.c: what must be */
/*
 * The next action from @from whose number is @n or more. Returns its number, fills in
 * what it leads to and what it is called; -1 if there is none. @broken is the rule
 * that the action itself broke.
 */
int model_next(const struct model *from, enum who who, int n, struct model *to,
	       const char **name, enum rule *broken);
/* Rules that can be seen from a state alone. */
enum rule model_check(const struct model *m);
/* The state after a while, if everybody does what there is to do, once it is @own. */
void model_run_until(struct model *m, uint8_t own);
/* Does all end well from here, if from now on the backend is the deployed one? */
enum rule model_ends_well(const struct model *m, enum who who);

#endif /* STATE_MODEL_H */
