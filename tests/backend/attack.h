/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* What an attack consists of. */
#ifndef ATTACK_H
#define ATTACK_H

#include <stdbool.h>
#include <stdint.h>

#include "backend.h"

/* For the target's numbers: all that there are. */
#define ATTACK_ANY (-1)

enum attack_takes {
	TAKES_OP = 1,		/* only replies to this operation */
	TAKES_COUNT = 2,	/* times until it ends, 0: until "attack off" */
	TAKES_VALUE = 4,
};

struct attack_args {
	uint8_t op;		/* 0: each */
	uint32_t count;
	bool has_value;
	int64_t value;
};

/* What a hook did with what it was given. */
enum verdict {
	PASSED,		/* nothing; not counted */
	CHANGED,	/* it, or something beside it; it is sent */
	TAKEN,		/* it is not sent */
};

struct attack;

/*
 * One attack that the backend knows: something that is done at once, or hooks
 * that are asked as long as it is armed.
 */
struct attack_kind {
	const char *name;
	const char *row;	/* of the catalogue of attacks */
	const char *text;
	unsigned int takes;
	uint32_t count;		/* default */
	bool (*fire)(struct attack *attack, struct connector *conn);
	enum verdict (*reply)(struct attack *attack, struct connector *conn,
			      struct xendispl_resp *resp);
	enum verdict (*event)(struct attack *attack, struct connector *conn,
			      struct xendispl_evt *evt);
	uint64_t fired;		/* statistics */
};

/* One that is under way. */
struct attack {
	struct attack *next;
	struct attack_kind *kind;
	int domid, devid, index;	/* or ATTACK_ANY */
	struct attack_args args;
	uint64_t fired;
};

/* Each ends with one that has no name. */
extern struct attack_kind attacks_ring[];
extern struct attack_kind attacks_event[];

#endif
