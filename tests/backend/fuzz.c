// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The fuzzing mode. Most of what it does a frontend must bear; now and then it
 * does something that must end the connection, so that the next one is made.
 */
#include <inttypes.h>

#include "attack.h"
#include "fuzz.h"
#include "mutate.h"

#define TICK_MS 10
#define DEFAULT_RATE 2000
#define DEFAULT_BREAK_MS 3000
/* Places in the event page that are left to real events. */
#define ROOM 8

/*
 * One stream of numbers for each sort of decision: what happens to the N-th reply
 * does not depend on how many events there were meanwhile.
 */
static struct {
	struct prng replies, events, made_events, pages, edids, store, breaks, shared;
} streams;

static struct fuzz_counters {
	uint64_t replies, events, withheld;
	uint64_t indices, notifications, directories, edids, versions, states;
	uint64_t kept, scribbles, reconnects;
} counters;

static uint64_t seed;
static uint32_t rate, break_ms;
static bool break_next_reply;

static void plan_break(struct device *dev)
{
	uint32_t ms = break_ms * 3 / 4 + prng_below(&streams.breaks, break_ms / 2 + 1);

	dev->break_ns = now_ns() + ms * 1000000ll;
}

static enum verdict reply(struct attack *attack, struct connector *conn,
			  struct xendispl_resp *resp)
{
	struct prng *prng = &streams.replies;

	(void)attack;
	if (break_next_reply) {
		break_next_reply = false;
		mutate_reply_badly(prng, resp);
	} else if (prng_one_in(prng, 2)) {
		mutate_reply_mildly(prng, resp);
	} else if (prng_one_in(prng, 64)) {
		late_add(conn, resp, prng_below(prng, 4000));
		counters.withheld++;
		return TAKEN;
	} else if (prng_one_in(prng, 200)) {
		counters.withheld++;
		return TAKEN;
	} else {
		return PASSED;
	}
	counters.replies++;
	return CHANGED;
}

static enum verdict event(struct attack *attack, struct connector *conn,
			  struct xendispl_evt *evt)
{
	struct prng *prng = &streams.events;

	(void)attack;
	switch (prng_below(prng, 32)) {
	case 0:
		counters.withheld++;
		return TAKEN;
	case 1:
	case 2:
		mutate_event(prng, evt, evt->op.pg_flip.fb_cookie);
		break;
	case 3:
		connector_send_event(conn, evt);
		break;
	case 4:
	case 5:
	case 6:
		evt->id = prng_next(prng);
		prng_fill(prng, evt->reserved, sizeof(evt->reserved));
		break;
	default:
		return PASSED;
	}
	counters.events++;
	return CHANGED;
}

/* False when the page is full, or the index says something that cannot be. */
static bool has_room(const struct connector *conn)
{
	return conn->in_prod - READ_ONCE(conn->events->in_cons) < XENDISPL_IN_RING_LEN - ROOM;
}

static void make_events(struct connector *conn)
{
	struct prng *prng = &streams.made_events;
	uint32_t count = prng_below(prng, 2 * rate * TICK_MS / 1000 + 1);
	struct xendispl_evt evt;

	if (!count)
		return;
	for (; count && has_room(conn); count--) {
		mutate_event(prng, &evt, conn->flip_cookie);
		connector_put_event(conn, &evt);
		counters.events++;
	}
	connector_notify(conn, conn->evt_port);
}

static void disturb_shared_words(struct connector *conn)
{
	struct prng *prng = &streams.shared;

	switch (prng_below(prng, 32)) {
	case 0:
		WRITE_ONCE(conn->events->in_cons, mutate_index(prng, conn->in_prod));
		break;
	case 1:
		WRITE_ONCE(conn->ring.sring->req_event, mutate_index(prng, conn->ring.req_cons));
		WRITE_ONCE(conn->ring.sring->rsp_event,
			   mutate_index(prng, conn->ring.rsp_prod_pvt));
		break;
	default:
		return;
	}
	counters.indices++;
	/* The frontend sets right what is its own, and may not have rung. */
	connector_notify(conn, conn->evt_port);
	connector_notify(conn, conn->req_port);
	connectors_on_event(conn->req_port);
}

static void notify_for_nothing(struct connector *conn)
{
	uint32_t count = prng_one_in(&streams.shared, 16) ? prng_below(&streams.shared, 100) : 0;

	counters.notifications += 2 * count;
	while (count--) {
		connector_notify(conn, conn->req_port);
		connector_notify(conn, conn->evt_port);
	}
}

static void scribble(struct device *dev)
{
	struct prng *prng = &streams.pages;

	for (struct dbuf *dbuf = dev->dbufs; dbuf && !dbuf->ours; dbuf = dbuf->next) {
		uint64_t at = (uint64_t)prng_below(prng, dbuf->pages) * WIRE_PAGE_SIZE;

		prng_fill(prng, dbuf->map + at, 64);
		counters.scribbles++;
	}
}

static void write_state(struct device *dev)
{
	store_write_raw_state(dev, mutate_state(&streams.breaks));
	counters.states++;
}

/* Its time begins when the frontend is Connected, mostly. */
static bool is_break_due(struct device *dev)
{
	if (!dev->break_ns && (dev->fe_state == XenbusStateConnected ||
			       prng_one_in(&streams.breaks, 1000)))
		plan_break(dev);
	return dev->break_ns && now_ns() >= dev->break_ns;
}

/* What a frontend cannot go on after, mostly. */
static void break_connection(struct connector *conn)
{
	struct prng *prng = &streams.breaks;

	switch (prng_below(prng, 8)) {
	case 0:
		WRITE_ONCE(conn->ring.sring->rsp_prod,
			   mutate_index(prng, conn->ring.rsp_prod_pvt));
		connector_notify(conn, conn->req_port);
		counters.indices++;
		break;
	case 1:
		WRITE_ONCE(conn->events->in_prod, mutate_index(prng, conn->in_prod));
		connector_notify(conn, conn->evt_port);
		counters.indices++;
		break;
	case 2:
	case 3:
		break_next_reply = true;
		break;
	case 4:
		write_state(conn->dev);
		break;
	case 5:
		for (unsigned int i = 0; i < 9; i++)
			write_state(conn->dev);
		store_end_raw_state(conn->dev);
		break;
	default:
		device_reconnect(conn->dev);
	}
}

static enum verdict tick(struct attack *attack, struct connector *conn)
{
	(void)attack;
	conn->dev->attacked = true;
	make_events(conn);
	disturb_shared_words(conn);
	notify_for_nothing(conn);
	if (prng_one_in(&streams.pages, 16))
		scribble(conn->dev);
	if (is_break_due(conn->dev)) {
		plan_break(conn->dev);
		break_connection(conn);
	}
	return PASSED;
}

/* A raw state stays until the frontend has seen it; then ours is the truth again. */
static enum verdict tick_device(struct attack *attack, struct device *dev)
{
	(void)attack;
	if (dev->raw_state && prng_one_in(&streams.store, 50))
		store_end_raw_state(dev);
	return PASSED;
}

static enum verdict versions(struct attack *attack, struct device *dev)
{
	(void)attack;
	if (prng_one_in(&streams.store, 2))
		return PASSED;
	store_write_versions(dev, mutate_versions(&streams.store));
	counters.versions++;
	return TAKEN;
}

static enum verdict bind(struct attack *attack, struct device *dev)
{
	(void)attack;
	if (!prng_one_in(&streams.store, 20))
		return PASSED;
	store_write_state(dev, XenbusStateClosing);
	store_write_state(dev, XenbusStateClosed);
	counters.states += 2;
	return TAKEN;
}

static enum verdict connect(struct attack *attack, struct connector *conn)
{
	struct xendispl_resp resp;

	(void)attack;
	if (!conn->index) {
		counters.reconnects++;
		conn->dev->break_ns = 0;
	}
	if (prng_one_in(&streams.made_events, 4))
		make_events(conn);
	if (!prng_one_in(&streams.breaks, 30))
		return CHANGED;
	prng_fill(&streams.breaks, &resp, sizeof(resp));
	connector_send_reply(conn, &resp);
	counters.replies++;
	return CHANGED;
}

static enum verdict release(struct attack *attack, struct connector *conn)
{
	(void)attack;
	if (conn->req_port < 0 || conn->evt_port < 0 || !prng_one_in(&streams.pages, 4))
		return PASSED;
	kept_add_ghost(conn, prng_below(&streams.pages, 500));
	counters.kept += 2;
	return TAKEN;
}

static bool keep(struct attack *attack, struct device *dev, enum keep_what what, void *map,
		 uint32_t pages)
{
	(void)attack;
	if (!prng_one_in(&streams.pages, 8))
		return false;
	kept_add_for(dev, what, map, pages, prng_below(&streams.pages, 2000));
	counters.kept += pages;
	return true;
}

static enum verdict directory(struct attack *attack, struct device *dev, grant_ref_t ref,
			      uint32_t *page, uint32_t used, bool last)
{
	(void)attack;
	(void)dev;
	(void)ref;
	(void)last;
	if (!prng_one_in(&streams.pages, 4))
		return PASSED;
	mutate_directory(&streams.pages, page, used);
	counters.directories++;
	return CHANGED;
}

static enum verdict edid(struct attack *attack, struct connector *conn, uint8_t *edid,
			 uint32_t room, uint32_t *size)
{
	(void)attack;
	(void)conn;
	if (prng_one_in(&streams.edids, 4))
		return PASSED;
	mutate_edid(&streams.edids, edid, room, size);
	counters.edids++;
	return CHANGED;
}

struct attack_kind attacks_fuzz[] = {
	{ "fuzz", "all", "a random mixture; use the command fuzz", 0,
	  .reply = reply, .event = event, .release = release, .bind = bind, .connect = connect,
	  .versions = versions, .keep = keep, .directory = directory, .edid = edid, .tick = tick,
	  .tick_device = tick_device, .tick_ms = TICK_MS, .excuses = true },
	{ 0 }
};

bool fuzz_start(uint64_t new_seed, uint32_t new_rate, uint32_t new_break_ms)
{
	char name[] = "fuzz";
	char *words[2] = { name };
	struct prng base = { new_seed };
	struct prng *all[] = {
		&streams.replies, &streams.events, &streams.made_events, &streams.pages,
		&streams.edids, &streams.store, &streams.breaks, &streams.shared,
	};
	char error[200];

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		all[i]->state = prng_next(&base);
	seed = new_seed;
	rate = new_rate ? new_rate : DEFAULT_RATE;
	break_ms = new_break_ms ? new_break_ms : DEFAULT_BREAK_MS;
	break_next_reply = false;
	for (struct device *dev = be.devices; dev; dev = dev->next)
		dev->break_ns = 0;
	log_error("fuzz: seed %" PRIu64 ", %u events a second, a break each %u ms", seed, rate,
		  break_ms);
	return attack_start(words, error, sizeof(error));
}

/* A frontend that goes to Closed takes the device for lost, and has to be bound anew. */
static unsigned int given_up(void)
{
	unsigned int count = 0;

	for (const struct device *dev = be.devices; dev; dev = dev->next)
		count += dev->fe_state == XenbusStateClosed;
	return count;
}

void fuzz_json(FILE *out)
{
	const struct fuzz_counters *c = &counters;

	fprintf(out, "\"fuzz\":{\"seed\":%" PRIu64 ",\"messages_mutated\":%" PRIu64
		",\"reconnects\":%" PRIu64, seed, c->replies + c->events, c->reconnects);
	fprintf(out, ",\"replies\":%" PRIu64 ",\"events\":%" PRIu64 ",\"withheld\":%" PRIu64,
		c->replies, c->events, c->withheld);
	fprintf(out, ",\"indices\":%" PRIu64 ",\"notifications\":%" PRIu64
		",\"directories\":%" PRIu64 ",\"edids\":%" PRIu64, c->indices, c->notifications,
		c->directories, c->edids);
	fprintf(out, ",\"versions\":%" PRIu64 ",\"states\":%" PRIu64 ",\"kept\":%" PRIu64
		",\"scribbles\":%" PRIu64 ",\"given_up\":%u}", c->versions, c->states,
		c->kept, c->scribbles, given_up());
}

void fuzz_reset_stats(void)
{
	memset(&counters, 0, sizeof(counters));
}
