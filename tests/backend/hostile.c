// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Which attacks are under way, on whom, and where they are asked. */
#include <inttypes.h>
#include <stdlib.h>

#include "attack.h"
#include "kept.h"

static struct attack *attacks;

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

#define for_each_on_device(item, dev) \
	for (struct attack *item = next_on_device(NULL, dev); item; \
	     item = next_on_device(item, dev))

#define for_each_on_connector(item, conn) \
	for (struct attack *item = next_on_connector(NULL, conn); item; \
	     item = next_on_connector(item, conn))

/* Calls a hook that this kind of attack may have. Does the caller have nothing left to do? */
#define ASK(attack, dev, hook, ...) \
	takes(attack, dev, \
	      (attack)->kind->hook ? (attack)->kind->hook(attack, __VA_ARGS__) : PASSED)

bool hostile_reply(struct connector *conn, struct xendispl_resp *resp)
{
	uint8_t op = resp->operation;

	for_each_on_connector(attack, conn)
		if ((!attack->args.op || attack->args.op == op) &&
		    ASK(attack, conn->dev, reply, conn, resp))
			return true;
	return false;
}

bool hostile_event(struct connector *conn, struct xendispl_evt *evt)
{
	for_each_on_connector(attack, conn)
		if (ASK(attack, conn->dev, event, conn, evt))
			return true;
	return false;
}

bool hostile_consume(struct connector *conn)
{
	for_each_on_connector(attack, conn)
		if (ASK(attack, conn->dev, consume, conn))
			return true;
	return false;
}

bool hostile_release(struct connector *conn)
{
	workers_stop(NULL, conn);
	late_forget(conn);
	for_each_on_connector(attack, conn)
		if (ASK(attack, conn->dev, release, conn))
			return true;
	return false;
}

bool hostile_bind(struct device *dev)
{
	for_each_on_device(attack, dev)
		if (ASK(attack, dev, bind, dev))
			return true;
	return false;
}

bool hostile_excuses(struct device *dev)
{
	for_each_on_device(attack, dev)
		if (attack->kind->excuses)
			return true;
	return false;
}

static void connect_one(struct connector *conn)
{
	for_each_on_connector(attack, conn)
		ASK(attack, conn->dev, connect, conn);
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
	for_each_on_device(attack, dev)
		for (unsigned int i = 0; i < dev->nr_connectors; i++)
			start_worker(attack, dev->connectors[i]);
}

bool hostile_state(struct device *dev, int state)
{
	for_each_on_device(attack, dev)
		if (ASK(attack, dev, state, dev, state))
			return true;
	return false;
}

bool hostile_versions(struct device *dev)
{
	for_each_on_device(attack, dev)
		if (ASK(attack, dev, versions, dev))
			return true;
	return false;
}

bool hostile_wants(struct device *dev, enum keep_what what)
{
	for_each_on_device(attack, dev)
		if (attack->kind->keeps & 1u << what)
			return true;
	return false;
}

bool hostile_keep(struct device *dev, enum keep_what what, void *map, uint32_t pages)
{
	for_each_on_device(attack, dev) {
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
	for_each_on_device(attack, dev) {
		void *map = attack->kind->share ?
			    attack->kind->share(attack, dev, pages, grefs) : NULL;

		if (map) {
			takes(attack, dev, TAKEN);
			return map;
		}
	}
	return NULL;
}

void hostile_directory(struct device *dev, grant_ref_t ref, uint32_t *page, uint32_t used,
		       bool last)
{
	for_each_on_device(attack, dev)
		ASK(attack, dev, directory, dev, ref, page, used, last);
}

bool hostile_wants_edid(struct connector *conn)
{
	for_each_on_connector(attack, conn)
		if (attack->kind->edid || attack->kind->keeps & 1u << KEEP_EDID)
			return true;
	return false;
}

void hostile_edid(struct connector *conn, uint8_t *edid, uint32_t room, uint32_t *size)
{
	for_each_on_connector(attack, conn)
		ASK(attack, conn->dev, edid, conn, edid, room, size);
}

static void tick_device(struct attack *attack, struct device *dev)
{
	if (!is_device(attack, dev))
		return;
	ASK(attack, dev, tick_device, dev);
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
	if (!attack_parse(words, attack, error, size)) {
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
