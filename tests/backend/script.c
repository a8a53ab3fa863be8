// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <stdio.h>
#include <string.h>

#include "conform.h"
#include "script.h"

unsigned int script_split(char *text, char **words)
{
	unsigned int count = 0;
	char *save = NULL;

	for (char *word = strtok_r(text, " \t\n", &save); word && count < SCRIPT_WORDS_MAX;
	     word = strtok_r(NULL, " \t\n", &save))
		words[count++] = word;
	words[count] = NULL;
	return count;
}

/* "connect", "N OP" or "N ms" */
static bool parse_when(char **words, unsigned int count, struct script_line *line)
{
	if (count == 1 && !strcmp(words[0], "connect")) {
		line->when = AFTER_CONNECT;
		return true;
	}
	if (count != 2 || !parse_u32(words[0], &line->count))
		return false;
	if (!strcmp(words[1], "ms")) {
		line->when = AFTER_MS;
		return true;
	}
	line->when = AFTER_REQUESTS;
	return line->count && operation_parse(words[1], &line->op);
}

enum script_result script_parse(const char *text, struct script_line *line)
{
	char copy[sizeof(line->attack) + 64];
	char *words[SCRIPT_WORDS_MAX + 1];
	unsigned int count;
	char *behind;

	memset(line, 0, sizeof(*line));
	text += strspn(text, " \t\n");
	if (!*text || *text == '#')
		return SCRIPT_EMPTY;
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return SCRIPT_ERROR;
	behind = strchr(copy, ':');
	if (!behind)
		return SCRIPT_ERROR;
	*behind++ = 0;
	count = script_split(copy, words);
	if (!count || strcmp(words[0], "after") || !parse_when(words + 1, count - 1, line))
		return SCRIPT_ERROR;
	count = script_split(behind, words);
	if (count < 2 || strcmp(words[0], "attack"))
		return SCRIPT_ERROR;
	for (unsigned int i = 1; i < count; i++) {
		size_t len = strlen(line->attack);

		snprintf(line->attack + len, sizeof(line->attack) - len, "%s%s",
			 i > 1 ? " " : "", words[i]);
	}
	return SCRIPT_LINE;
}
