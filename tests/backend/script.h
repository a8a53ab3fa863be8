/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Attacks at their time. One in each line:
 *
 *	# comment
 *	after connect: attack NAME [DOM DEV CONN] [KEY=VALUE...]
 *	after 3 PG_FLIP: attack ...
 *	after 500 ms: attack off
 *
 * The third PG_FLIP that comes, of all connectors, finds the attack under way.
 * Times and numbers count from the start of the script; a line is done once.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRIPT_WORDS_MAX 12

enum script_when { AFTER_CONNECT, AFTER_REQUESTS, AFTER_MS };

struct script_line {
	enum script_when when;
	uint32_t count;		/* requests, or ms */
	uint8_t op;
	char attack[256];	/* what stands behind "attack" */
	bool done;
};

enum script_result { SCRIPT_LINE, SCRIPT_EMPTY, SCRIPT_ERROR };

/* Pure. */
enum script_result script_parse(const char *text, struct script_line *line);

/* Cut @text at its blanks; @words has room for SCRIPT_WORDS_MAX and a NULL. */
unsigned int script_split(char *text, char **words);

/* The rest is in script_run.c. False and a text in @error. */
bool script_start(const char *path, char *error, size_t size);
void script_end(void);
void script_on_connect(void);
void script_on_request(uint8_t op);
int64_t script_run_due(void);

#endif
