// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which attacks are under way, on whom, and where they are asked. */
#include <inttypes.h>
#include <stdlib.h>

#include "attack.h"
#include "kept.h"

static struct attack_kind *const tables[] = {
	attacks_ring, attacks_event, attacks_memory, attacks_edid, attacks_store,
	attacks_early, attacks_fuzz,
};

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

static bool is_device(const struct attack *attack, const struct device *dev)
{
	return (attack->domid == ATTACK_ANY || attack->domid == (int)dev->domid) &&
	       (attack->devid == ATTACK_ANY || attack->devid == (int)dev->devid);
}

static bool is_target(const struct attack *attack, const struct connector *conn)
{
	return is_device(attack, conn->dev) &&
	       (attack->index == ATTACK_ANY || attack->index == (int)conn->index);
}

static bool is_over(const struct attack *attack)
{
	return (attack->args.count && attack->fired >= attack->args.count) ||
	       (attack->end_ns && attack->end_ns <= now_ns());
}

/* Threads count, too. */
void attack_count(struct attack *attack, uint64_t times)
{
	__atomic_fetch_add(&attack->fired, times, __ATOMIC_RELAXED);
	__atomic_fetch_add(&attack->kind->fired, times, __ATOMIC_RELAXED);
}

/*
 * Does the caller have nothing left to do? From here to the next connection the
 * frontend is free to react.
 */
static bool takes(struct attack *attack, struct device *dev, enum verdict verdict)
{
	if (verdict == PASSED)
		return false;
	attack_count(attack, 1);
	dev->attacked = true;
	log_debug("dom%u/%u: attack %s, %" PRIu64, dev->domid, dev->devid,
		  attack->kind->name, attack->fired);
	return verdict == TAKEN;
}

/* The next one under way, from NULL to NULL. */
static struct attack *next_on_device(struct attack *attack, const struct device *dev)
{
	attack = attack ? attack->next : attacks;
	while (attack && (is_over(attack) || !is_device(attack, dev)))
		attack = attack->next;
	return attack;
}

static struct attack *next_on_connector(struct attack *attack, const struct connector *conn)
{
	attack = next_on_device(attack, conn->dev);
	while (attack && !is_target(attack, conn))
		attack = next_on_device(attack, conn->dev);
	return attack;
}

bool hostile_reply(struct connector *conn, struct xendispl_resp *resp)
{
	struct attack *attack = NULL;
	uint8_t op = resp->operation;

	while ((attack = next_on_connector(attack, conn)))
		if (attack->kind->reply && (!attack->args.op || attack->args.op == op) &&
		    takes(attack, conn->dev, attack->kind->reply(attack, conn, resp)))
			return true;
	return false;
}

bool hostile_event(struct connector *conn, struct xendispl_evt *evt)
{
	struct attack *attack = NULL;

	while ((attack = next_on_connector(attack, conn)))
		if (attack->kind->event &&
		    takes(attack, conn->dev, attack->kind->event(attack, conn, evt)))
			return true;
	return false;
}

bool hostile_consume(struct connector *conn)
{
	struct attack *attack = NULL;

	while ((attack = next_on_connector(attack, conn)))
		if (attack->kind->consume &&
		    takes(attack, conn->dev, attack->kind->consume(attack, conn)))
			return true;
	return false;
}

bool hostile_release(struct connector *conn)
{
	struct attack *attack = NULL;

	workers_stop(NULL, conn);
	late_forget(conn);
	while ((attack = next_on_connector(attack, conn)))
		if (attack->kind->release &&
		    takes(attack, conn->dev, attack->kind->release(attack, conn)))
			return true;
	return false;
}

bool hostile_bind(struct device *dev)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev)))
		if (attack->kind->bind &&
		    takes(attack, dev, attack->kind->bind(attack, dev)))
			return true;
	return false;
}

bool hostile_excuses(struct device *dev)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev)))
		if (attack->kind->excuses)
			return true;
	return false;
}

static void connect_one(struct connector *conn)
{
	struct attack *attack = NULL;

	while ((attack = next_on_connector(attack, conn)))
		if (attack->kind->connect)
			takes(attack, conn->dev, attack->kind->connect(attack, conn));
}

void hostile_connect(struct device *dev)
{
	for (unsigned int i = 0; i < dev->nr_connectors; i++)
		connect_one(dev->connectors[i]);
}

static void start_worker(struct attack *attack, struct connector *conn)
{
	if (attack->kind->spin && conn->bound && is_target(attack, conn))
		workers_start(attack, conn);
}

void hostile_connected(struct device *dev)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev)))
		for (unsigned int i = 0; i < dev->nr_connectors; i++)
			start_worker(attack, dev->connectors[i]);
}

bool hostile_state(struct device *dev, int state)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev)))
		if (attack->kind->state &&
		    takes(attack, dev, attack->kind->state(attack, dev, state)))
			return true;
	return false;
}

bool hostile_versions(struct device *dev)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev)))
		if (attack->kind->versions &&
		    takes(attack, dev, attack->kind->versions(attack, dev)))
			return true;
	return false;
}

bool hostile_wants(struct device *dev, enum keep_what what)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev)))
		if (attack->kind->keeps & 1u << what)
			return true;
	return false;
}

bool hostile_keep(struct device *dev, enum keep_what what, void *map, uint32_t pages)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev))) {
		if (attack->kind->keeps & 1u << what) {
			kept_add(dev, what, map, pages);
			return takes(attack, dev, TAKEN);
		}
		if (attack->kind->keep && attack->kind->keep(attack, dev, what, map, pages))
			return takes(attack, dev, TAKEN);
	}
	return false;
}

void *hostile_share(struct device *dev, uint32_t pages, grant_ref_t *grefs)
{
	struct attack *attack = NULL;
	void *map = NULL;

	while (!map && (attack = next_on_device(attack, dev))) {
		if (!attack->kind->share)
			continue;
		map = attack->kind->share(attack, dev, pages, grefs);
		takes(attack, dev, map ? TAKEN : PASSED);
	}
	return map;
}

void hostile_directory(struct device *dev, grant_ref_t ref, uint32_t *page, uint32_t used,
		       bool last)
{
	struct attack *attack = NULL;

	while ((attack = next_on_device(attack, dev)))
		if (attack->kind->directory)
			takes(attack, dev, attack->kind->directory(attack, dev, ref, page, used,
								   last));
}

bool hostile_wants_edid(struct connector *conn)
{
	struct attack *attack = NULL;

	while ((attack = next_on_connector(attack, conn)))
		if (attack->kind->edid || attack->kind->keeps & 1u << KEEP_EDID)
			return true;
	return false;
}

void hostile_edid(struct connector *conn, uint8_t *edid, uint32_t room, uint32_t *size)
{
	struct attack *attack = NULL;

	while ((attack = next_on_connector(attack, conn)))
		if (attack->kind->edid)
			takes(attack, conn->dev, attack->kind->edid(attack, conn, edid, room,
								    size));
}

static void tick_device(struct attack *attack, struct device *dev)
{
	if (!is_device(attack, dev))
		return;
	if (attack->kind->tick_device)
		takes(attack, dev, attack->kind->tick_device(attack, dev));
	for (unsigned int i = 0; attack->kind->tick && i < dev->nr_connectors; i++) {
		struct connector *conn = dev->connectors[i];

		if (conn->bound && is_target(attack, conn))
			takes(attack, dev, attack->kind->tick(attack, conn));
	}
}

static void tick(struct attack *attack)
{
	for (struct device *dev = be.devices; dev; dev = dev->next)
		tick_device(attack, dev);
	attack->tick_ns = now_ns() + attack->kind->tick_ms * 1000000ll;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

int64_t hostile_run_due(void)
{
	int64_t next = sooner(late_run_due(), kept_run_due());

	for (struct attack *attack = attacks; attack; attack = attack->next) {
		if (!attack->kind->tick_ms || is_over(attack))
			continue;
		if (attack->tick_ns <= now_ns())
			tick(attack);
		next = sooner(next, attack->tick_ns);
	}
	return next;
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

static void fire_at_device(struct attack *attack, struct device *dev)
{
	if (!is_device(attack, dev))
		return;
	if (attack->kind->fire_device && attack->kind->fire_device(attack, dev))
		takes(attack, dev, CHANGED);
	for (unsigned int i = 0; i < dev->nr_connectors; i++) {
		struct connector *conn = dev->connectors[i];

		if (attack->kind->fire && conn->bound && is_target(attack, conn) &&
		    attack->kind->fire(attack, conn))
			takes(attack, dev, CHANGED);
		start_worker(attack, conn);
	}
}

/* An attack that is done at once needs somebody to be there. */
static bool is_armed(const struct attack_kind *kind)
{
	return !(kind->fire || kind->fire_device) || kind->keeps || kind->tick_ms;
}

bool attack_start(char **words, char *error, size_t size)
{
	struct attack *attack = calloc(1, sizeof(*attack));

	*error = 0;
	if (!attack) {
		snprintf(error, size, "out of memory");
		return false;
	}
	if (!parse_attack(words, attack, error, size)) {
		free(attack);
		return false;
	}
	if ((attack->kind->tick_ms || attack->kind->spin) && attack->args.ms)
		attack->end_ns = now_ns() + attack->args.ms * 1000000ll;
	for (struct device *dev = be.devices; dev; dev = dev->next)
		fire_at_device(attack, dev);
	if (is_armed(attack->kind)) {
		attack->next = attacks;
		attacks = attack;
		return true;
	}
	if (!attack->fired)
		snprintf(error, size, "%s: there is no such connection now",
			 attack->kind->name);
	free(attack);
	return !*error;
}

/* What was not consumed has nobody else who would look at it. */
static void set_right(struct device *dev)
{
	store_end_raw_state(dev);
	for (unsigned int i = 0; i < dev->nr_connectors; i++)
		if (dev->connectors[i]->bound)
			connectors_on_event(dev->connectors[i]->req_port);
}

void attacks_off(void)
{
	while (attacks) {
		struct attack *attack = attacks;

		attacks = attack->next;
		workers_stop(attack, NULL);
		free(attack);
	}
	kept_end_all();
	for (struct device *dev = be.devices; dev; dev = dev->next)
		set_right(dev);
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
