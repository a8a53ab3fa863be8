// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Does what a script says when its time has come. */
#include <stdio.h>

#include "backend.h"
#include "script.h"

#define LINES_MAX 64

static struct script_line lines[LINES_MAX];
static unsigned int nr_lines;
static uint32_t requests[OPERATIONS];
static int64_t start_ns;

static void run(struct script_line *line)
{
	char text[sizeof(line->attack)], error[200];
	char *words[SCRIPT_WORDS_MAX + 1];

	line->done = true;
	memcpy(text, line->attack, sizeof(text));
	script_split(text, words);
	log_debug("script: attack %s", line->attack);
	if (!strcmp(words[0], "off"))
		attacks_off();
	else if (!attack_start(words, error, sizeof(error)))
		log_error("script: attack %s: %s", line->attack, error);
}

static bool add(const char *text, unsigned int number, char *error, size_t size)
{
	enum script_result result = SCRIPT_ERROR;

	if (nr_lines < LINES_MAX)
		result = script_parse(text, &lines[nr_lines]);
	nr_lines += result == SCRIPT_LINE;
	if (result == SCRIPT_ERROR)
		snprintf(error, size,
			 "line %u is not \"after connect|N OP|N ms: attack ...\", or one of more than %u",
			 number, LINES_MAX);
	return result != SCRIPT_ERROR;
}

static bool read_lines(FILE *file, char *error, size_t size)
{
	unsigned int number = 1;
	char text[512];

	for (; fgets(text, sizeof(text), file); number++)
		if (!add(text, number, error, size))
			return false;
	return true;
}

bool script_start(const char *path, char *error, size_t size)
{
	FILE *file = fopen(path, "r");
	bool ok;

	script_end();
	if (!file) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
		return false;
	}
	ok = read_lines(file, error, size);
	fclose(file);
	if (!ok)
		script_end();
	memset(requests, 0, sizeof(requests));
	start_ns = now_ns();
	return ok;
}

void script_end(void)
{
	nr_lines = 0;
}

void script_on_connect(void)
{
	for (unsigned int i = 0; i < nr_lines; i++)
		if (lines[i].when == AFTER_CONNECT && !lines[i].done)
			run(&lines[i]);
}

void script_on_request(uint8_t op)
{
	if (op >= OPERATIONS)
		return;
	requests[op]++;
	for (unsigned int i = 0; i < nr_lines; i++)
		if (lines[i].when == AFTER_REQUESTS && !lines[i].done && lines[i].op == op &&
		    lines[i].count <= requests[op])
			run(&lines[i]);
}

int64_t script_run_due(void)
{
	int64_t next = -1;

	for (unsigned int i = 0; i < nr_lines; i++) {
		int64_t due = start_ns + lines[i].count * 1000000ll;

		if (lines[i].when != AFTER_MS || lines[i].done)
			continue;
		if (due <= now_ns())
			run(&lines[i]);
		else if (next < 0 || due < next)
			next = due;
	}
	return next;
}
