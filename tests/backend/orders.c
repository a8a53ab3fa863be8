// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which attacks there are, and what an order to make one says. */
#include <inttypes.h>
#include <stdlib.h>

#include "attack.h"

static struct attack_kind *const tables[] = {
	attacks_ring, attacks_event, attacks_memory, attacks_edid, attacks_store,
	attacks_early, attacks_fuzz,
};

/* All kinds in turn, from NULL to NULL. */
static struct attack_kind *next_kind(struct attack_kind *kind)
{
	static size_t table;

	if (!kind) {
		table = 0;
		return tables[0];
	}
	kind++;
	while (!kind->name && ++table < ARRAY_SIZE(tables))
		kind = tables[table];
	return kind->name ? kind : NULL;
}

static struct attack_kind *find_kind(const char *name)
{
	for (struct attack_kind *kind = next_kind(NULL); kind; kind = next_kind(kind))
		if (!strcmp(kind->name, name))
			return kind;
	return NULL;
}

static bool parse_target(char **words, struct attack *attack)
{
	int *numbers[] = { &attack->domid, &attack->devid, &attack->index };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint32_t number;

		if (!words[i])
			return false;
		if (!strcmp(words[i], "any"))
			*numbers[i] = ATTACK_ANY;
		else if (parse_u32(words[i], &number))
			*numbers[i] = number;
		else
			return false;
	}
	return true;
}

static bool parse_argument(const char *word, unsigned int takes, struct attack_args *args)
{
	const char *text = strchr(word, '=') + 1;
	char *end;

	if (takes & TAKES_OP && !strncmp(word, "op=", 3))
		return operation_parse(text, &args->op);
	if (takes & TAKES_COUNT && !strncmp(word, "count=", 6))
		return parse_u32(text, &args->count);
	if (takes & TAKES_MS && !strncmp(word, "ms=", 3))
		return parse_u32(text, &args->ms);
	if (takes & TAKES_TEXT && !strncmp(word, "text=", 5)) {
		snprintf(args->text, sizeof(args->text), "%s", text);
		return strlen(text) < sizeof(args->text);
	}
	if (takes & TAKES_VALUE && !strncmp(word, "value=", 6)) {
		args->value = strtoll(text, &end, 0);
		args->has_value = true;
		return *text && !*end;
	}
	return false;
}

bool attack_parse(char **words, struct attack *attack, char *error, size_t size)
{
	attack->kind = find_kind(words[0]);
	if (!attack->kind) {
		snprintf(error, size, "there is no attack \"%s\", see: attacks", words[0]);
		return false;
	}
	attack->domid = ATTACK_ANY;
	attack->devid = ATTACK_ANY;
	attack->index = ATTACK_ANY;
	attack->args.count = attack->kind->count;
	attack->args.ms = attack->kind->ms;
	words++;
	if (*words && !strchr(*words, '=')) {
		if (!parse_target(words, attack)) {
			snprintf(error, size, "\"%s\" is no target, expected DOM DEV CONN, each a number or \"any\"",
				 words[0]);
			return false;
		}
		words += 3;
	}
	for (; *words; words++) {
		if (!strchr(*words, '=') ||
		    !parse_argument(*words, attack->kind->takes, &attack->args)) {
			snprintf(error, size, "%s does not take \"%s\", see: attacks",
				 attack->kind->name, *words);
			return false;
		}
	}
	return true;
}

static void list_args(FILE *out, const struct attack_kind *kind)
{
	if (kind->takes & TAKES_OP)
		fputs(" [op=OP]", out);
	if (kind->takes & TAKES_COUNT)
		fprintf(out, " [count=%u]", kind->count);
	if (kind->takes & TAKES_MS)
		fprintf(out, " [ms=%u]", kind->ms);
	if (kind->takes & TAKES_VALUE)
		fputs(" [value=N]", out);
	if (kind->takes & TAKES_TEXT)
		fputs(" [text=WORD]", out);
}

void attacks_list(FILE *out)
{
	for (struct attack_kind *kind = next_kind(NULL); kind; kind = next_kind(kind)) {
		fprintf(out, "%s %s %s", kind->name, kind->row, kind->text);
		list_args(out, kind);
		fputc('\n', out);
	}
}

void attacks_json(FILE *out)
{
	const char *comma = "";

	fputs("\"attacks\":{", out);
	for (struct attack_kind *kind = next_kind(NULL); kind; kind = next_kind(kind)) {
		fprintf(out, "%s\"%s\":%" PRIu64, comma, kind->name, kind->fired);
		comma = ",";
	}
	fputc('}', out);
}

void attacks_reset_stats(void)
{
	for (struct attack_kind *kind = next_kind(NULL); kind; kind = next_kind(kind))
		kind->fired = 0;
}
