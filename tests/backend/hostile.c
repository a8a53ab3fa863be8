// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which attacks are under way, on whom, and where they are asked. */
#include <inttypes.h>
#include <stdlib.h>

#include "attack.h"
#include "hostile.h"

static struct attack_kind *const tables[] = { attacks_ring, attacks_event };

static struct attack *attacks;

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

static bool is_target(const struct attack *attack, const struct connector *conn)
{
	return (attack->domid == ATTACK_ANY || attack->domid == (int)conn->dev->domid) &&
	       (attack->devid == ATTACK_ANY || attack->devid == (int)conn->dev->devid) &&
	       (attack->index == ATTACK_ANY || attack->index == (int)conn->index);
}

static bool is_over(const struct attack *attack)
{
	return attack->args.count && attack->fired >= attack->args.count;
}

/* From here to the next connection the frontend is free to react. */
static void count_fired(struct attack *attack, struct connector *conn)
{
	attack->fired++;
	attack->kind->fired++;
	conn->dev->attacked = true;
	log_debug("dom%u/%u/%u: attack %s, %" PRIu64, conn->dev->domid, conn->dev->devid,
		  conn->index, attack->kind->name, attack->fired);
}

bool hostile_reply(struct connector *conn, struct xendispl_resp *resp)
{
	uint8_t op = resp->operation;

	for (struct attack *attack = attacks; attack; attack = attack->next) {
		enum verdict verdict;

		if (!attack->kind->reply || is_over(attack) || !is_target(attack, conn) ||
		    (attack->args.op && attack->args.op != op))
			continue;
		verdict = attack->kind->reply(attack, conn, resp);
		if (verdict != PASSED)
			count_fired(attack, conn);
		if (verdict == TAKEN)
			return true;
	}
	return false;
}

bool hostile_event(struct connector *conn, struct xendispl_evt *evt)
{
	for (struct attack *attack = attacks; attack; attack = attack->next) {
		enum verdict verdict;

		if (!attack->kind->event || is_over(attack) || !is_target(attack, conn))
			continue;
		verdict = attack->kind->event(attack, conn, evt);
		if (verdict != PASSED)
			count_fired(attack, conn);
		if (verdict == TAKEN)
			return true;
	}
	return false;
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
	if (takes & TAKES_VALUE && !strncmp(word, "value=", 6)) {
		args->value = strtoll(text, &end, 0);
		args->has_value = true;
		return *text && !*end;
	}
	return false;
}

/* "NAME [DOM DEV CONN] [KEY=VALUE...]" */
static bool parse_attack(char **words, struct attack *attack, char *error, size_t size)
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

static void fire_at(struct attack *attack, struct connector *conn)
{
	if (conn->bound && is_target(attack, conn) && attack->kind->fire(attack, conn))
		count_fired(attack, conn);
}

static void fire(struct attack *attack)
{
	for (struct device *dev = be.devices; dev; dev = dev->next)
		for (unsigned int i = 0; i < dev->nr_connectors; i++)
			fire_at(attack, dev->connectors[i]);
}

bool attack_start(char **words, char *error, size_t size)
{
	struct attack *attack = calloc(1, sizeof(*attack));
	bool armed;

	if (!attack) {
		snprintf(error, size, "out of memory");
		return false;
	}
	if (!parse_attack(words, attack, error, size)) {
		free(attack);
		return false;
	}
	armed = attack->kind->reply || attack->kind->event;
	if (armed) {
		attack->next = attacks;
		attacks = attack;
	}
	if (!attack->kind->fire)
		return true;
	fire(attack);
	if (attack->fired || armed)
		return true;
	snprintf(error, size, "%s: there is no such connection now", attack->kind->name);
	free(attack);
	return false;
}

void attacks_off(void)
{
	while (attacks) {
		struct attack *attack = attacks;

		attacks = attack->next;
		free(attack);
	}
	for (struct device *dev = be.devices; dev; dev = dev->next)
		store_end_raw_state(dev);
}

static void list_args(FILE *out, const struct attack_kind *kind)
{
	if (kind->takes & TAKES_OP)
		fputs(" [op=OP]", out);
	if (kind->takes & TAKES_COUNT)
		fprintf(out, " [count=%u]", kind->count);
	if (kind->takes & TAKES_VALUE)
		fputs(" [value=N]", out);
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
