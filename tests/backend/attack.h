/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What an attack consists of. */
#ifndef ATTACK_H
#define ATTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"
#include "prng.h"

/* For the target's numbers: all that there are. */
#define ATTACK_ANY (-1)
#define ATTACK_TEXT_SIZE 64

enum attack_takes {
	TAKES_OP = 1,		/* only replies to this operation */
	TAKES_COUNT = 2,	/* times until it ends, 0: until "attack off" */
	TAKES_MS = 4,		/* what this means, the text says */
	TAKES_VALUE = 8,
	TAKES_TEXT = 16,
};

struct attack_args {
	uint8_t op;		/* 0: each */
	uint32_t count;
	uint32_t ms;
	bool has_value;
	int64_t value;
	char text[ATTACK_TEXT_SIZE];
};

/* What a hook did with what it was given. */
enum verdict {
	PASSED,		/* nothing; not counted */
	CHANGED,	/* it, or something beside it; the caller goes on */
	TAKEN,		/* the caller shall not do it any more */
};

/* One that is under way. */
struct attack {
	struct attack *next;
	struct attack_kind *kind;
	int domid, devid, index;	/* or ATTACK_ANY */
	struct attack_args args;
	struct prng prng;
	uint64_t fired;
	int64_t end_ns;			/* of ticks and workers, 0: none */
	int64_t tick_ns;		/* the next one is due */
};

/* A thread of an attack, for one connection. */
struct worker {
	struct worker *next;
	struct attack *attack;
	struct connector *conn;
	struct prng prng;
	pthread_t thread;
	bool stop;
};

/*
 * One attack that the backend knows: something that is done at once, or hooks
 * that are asked as long as it is armed, or both.
 */
struct attack_kind {
	const char *name;
	const char *row;	/* of the catalogue of attacks */
	const char *text;
	unsigned int takes;
	uint32_t count, ms;	/* defaults */
	bool excuses;		/* all that the frontend does meanwhile */
	unsigned int keeps;	/* bits of enum keep_what: these stay mapped */

	/* At once; true if it could be done. */
	bool (*fire)(struct attack *attack, struct connector *conn);
	bool (*fire_device)(struct attack *attack, struct device *dev);

	enum verdict (*reply)(struct attack *attack, struct connector *conn,
			      struct xendispl_resp *resp);
	enum verdict (*event)(struct attack *attack, struct connector *conn,
			      struct xendispl_evt *evt);
	enum verdict (*consume)(struct attack *attack, struct connector *conn);
	enum verdict (*release)(struct attack *attack, struct connector *conn);
	enum verdict (*bind)(struct attack *attack, struct device *dev);
	enum verdict (*connect)(struct attack *attack, struct connector *conn);
	enum verdict (*state)(struct attack *attack, struct device *dev, int state);
	enum verdict (*versions)(struct attack *attack, struct device *dev);
	bool (*keep)(struct attack *attack, struct device *dev, enum keep_what what, void *map,
		     uint32_t pages);
	void *(*share)(struct attack *attack, struct device *dev, uint32_t pages,
		       grant_ref_t *grefs);
	enum verdict (*directory)(struct attack *attack, struct device *dev, grant_ref_t ref,
				  uint32_t *page, uint32_t used, bool last);
	enum verdict (*edid)(struct attack *attack, struct connector *conn, uint8_t *edid,
			     uint32_t room, uint32_t *size);

	/* Every tick_ms for each connection, in the main loop. */
	enum verdict (*tick)(struct attack *attack, struct connector *conn);
	enum verdict (*tick_device)(struct attack *attack, struct device *dev);
	unsigned int tick_ms;

	/* Again and again on a thread, for each connection: shared memory and ports only. */
	void (*spin)(struct worker *worker);

	uint64_t fired;		/* statistics */
};

/* Each ends with one that has no name. */
extern struct attack_kind attacks_ring[];
extern struct attack_kind attacks_event[];
extern struct attack_kind attacks_memory[];
extern struct attack_kind attacks_edid[];
extern struct attack_kind attacks_store[];
extern struct attack_kind attacks_early[];
extern struct attack_kind attacks_fuzz[];

/* hostile.c */
void attack_count(struct attack *attack, uint64_t times);

/* orders.c: "NAME [DOM DEV CONN] [KEY=VALUE...]"; false and a text in @error */
bool attack_parse(char **words, struct attack *attack, char *error, size_t size);

/* worker.c */
void workers_start(struct attack *attack, struct connector *conn);
void workers_stop(const struct attack *attack, const struct connector *conn);

/* kept.c */
void kept_add(struct device *dev, enum keep_what what, void *map, uint32_t pages);
void kept_add_for(struct device *dev, enum keep_what what, void *map, uint32_t pages,
		  uint32_t ms);
void kept_add_ghost(struct connector *conn, uint32_t ms);
int64_t kept_run_due(void);
void kept_scribble(struct prng *prng, enum keep_what what);

/* attacks_ring.c: replies that come later */
void late_add(struct connector *conn, const struct xendispl_resp *resp, uint32_t ms);
int64_t late_run_due(void);
void late_forget(const struct connector *conn);

#endif
