// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attacks by events and by the event page. */
#include "attack.h"

#define RUNAWAY 1000
/* Places in the event page that are left to real events. */
#define ROOM 8

static void announce(struct connector *conn, uint32_t prod)
{
	WRITE_ONCE(conn->events->in_prod, prod);
	connector_notify(conn, conn->evt_port);
}

static bool in_prod_forward(struct attack *attack, struct connector *conn)
{
	announce(conn, conn->in_prod + (attack->args.has_value ? attack->args.value : RUNAWAY));
	return true;
}

static bool in_prod_backward(struct attack *attack, struct connector *conn)
{
	announce(conn, conn->in_prod - (attack->args.has_value ? attack->args.value : 1));
	return true;
}

static enum verdict in_cons(struct attack *attack, struct connector *conn)
{
	WRITE_ONCE(conn->events->in_cons, (uint32_t)prng_next(&attack->prng));
	return CHANGED;
}

/* Type and cookie, while the frontend may be reading them. */
static void event_rewrite(struct worker *worker)
{
	struct connector *conn = worker->conn;
	volatile struct xendispl_evt *slot = &XENDISPL_IN_RING_REF(conn->events, conn->in_prod - 1);
	struct xendispl_evt right = *slot, wrong = right;

	wrong.type = prng_next(&worker->prng);
	wrong.op.pg_flip.fb_cookie = prng_next(&worker->prng);
	*slot = wrong;
	*slot = right;
	attack_count(worker->attack, 1);
}

static enum verdict event_id(struct attack *attack, struct connector *conn,
			     struct xendispl_evt *evt)
{
	(void)conn;
	evt->id = prng_next(&attack->prng);
	return CHANGED;
}

static enum verdict event_type(struct attack *attack, struct connector *conn,
			       struct xendispl_evt *evt)
{
	struct xendispl_evt odd = *evt;

	for (unsigned int i = 0; i < 4; i++) {
		odd.type = attack->args.has_value ? attack->args.value :
			   1 + prng_below(&attack->prng, 255);
		connector_send_event(conn, &odd);
	}
	return CHANGED;
}

static enum verdict event_cookie(struct attack *attack, struct connector *conn,
				 struct xendispl_evt *evt)
{
	uint64_t right = evt->op.pg_flip.fb_cookie;
	uint64_t wrong[] = { 0, right + 1000, right - 1, ~0ull };
	struct xendispl_evt odd = *evt;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		odd.op.pg_flip.fb_cookie = attack->args.has_value ?
					   (uint64_t)attack->args.value : wrong[i];
		connector_send_event(conn, &odd);
	}
	return CHANGED;
}

static enum verdict event_twice(struct attack *attack, struct connector *conn,
				struct xendispl_evt *evt)
{
	(void)attack;
	connector_send_event(conn, evt);
	return CHANGED;
}

static enum verdict event_mute(struct attack *attack, struct connector *conn,
			       struct xendispl_evt *evt)
{
	(void)attack;
	(void)conn;
	(void)evt;
	return TAKEN;
}

static void send_stray(struct attack *attack, struct connector *conn)
{
	struct xendispl_evt evt = {
		.type = XENDISPL_EVT_PG_FLIP,
		.op.pg_flip.fb_cookie = attack->args.has_value ? (uint64_t)attack->args.value :
				       prng_below(&attack->prng, 32),
	};

	connector_send_event(conn, &evt);
}

static bool event_stray(struct attack *attack, struct connector *conn)
{
	send_stray(attack, conn);
	return true;
}

/* As many as the page takes, over and over. */
static enum verdict storm_junk(struct attack *attack, struct connector *conn)
{
	struct xendispl_event_page *page = conn->events;
	uint32_t waiting = conn->in_prod - READ_ONCE(page->in_cons);

	if (waiting >= XENDISPL_IN_RING_LEN - ROOM)
		return PASSED;
	for (uint32_t i = waiting; i < XENDISPL_IN_RING_LEN - ROOM; i++)
		prng_fill(&attack->prng, &XENDISPL_IN_RING_REF(page, conn->in_prod++),
			  sizeof(struct xendispl_evt));
	xen_wmb();	/* what the frontend reads are these events, not older ones */
	announce(conn, conn->in_prod);
	attack_count(attack, XENDISPL_IN_RING_LEN - ROOM - waiting - 1);
	return CHANGED;	/* which counts one more */
}

static enum verdict early_events(struct attack *attack, struct connector *conn)
{
	for (unsigned int i = 0; i < 10; i++)
		send_stray(attack, conn);
	connector_notify(conn, conn->req_port);
	return CHANGED;
}

static enum verdict early_reply(struct attack *attack, struct connector *conn)
{
	struct xendispl_resp resp = { .operation = XENDISPL_OP_SET_CONFIG };

	(void)attack;
	connector_send_reply(conn, &resp);
	return CHANGED;
}

/* Rings and channels go on for a while after we said that they do not. */
static enum verdict after_close(struct attack *attack, struct connector *conn)
{
	if (conn->req_port < 0 || conn->evt_port < 0)
		return PASSED;
	kept_add_ghost(conn, attack->args.ms);
	return TAKEN;
}

struct attack_kind attacks_event[] = {
	{ "in-prod-forward", "E1", "in_prod runs ahead by 1000, or by value", TAKES_VALUE,
	  .fire = in_prod_forward },
	{ "in-prod-backward", "E1", "in_prod goes back by 1, or by value", TAKES_VALUE,
	  .fire = in_prod_backward },
	{ "in-cons", "E2", "in_cons is random", TAKES_MS, .tick = in_cons, .tick_ms = 5 },
	{ "event-rewrite", "E3", "a thread changes the last event's type and cookie, and back",
	  TAKES_MS, .spin = event_rewrite },
	{ "event-id", "E4", "ids of events are random", TAKES_COUNT, 0, .event = event_id },
	{ "event-type", "E5", "four events of unknown types, or of value, before the right one",
	  TAKES_COUNT | TAKES_VALUE, 0, .event = event_type },
	{ "event-cookie", "E6",
	  "four events with other cookies, or with value, before the right one",
	  TAKES_COUNT | TAKES_VALUE, 0, .event = event_cookie },
	{ "event-twice", "E6", "each event comes twice", TAKES_COUNT, 0, .event = event_twice },
	{ "event-stray", "E8", "one event that nobody waits for, with a small cookie or value",
	  TAKES_VALUE, .fire = event_stray },
	{ "storm-junk", "E7", "the event page is full of random events all the time, but for 8", TAKES_MS,
	  .tick = storm_junk, .tick_ms = 2 },
	{ "early-events", "E9", "ten events and a notification right before Connected",
	  TAKES_COUNT, 0, .connect = early_events },
	{ "early-reply", "E9", "a reply right before Connected", TAKES_COUNT, 1,
	  .connect = early_reply },
	{ "after-close", "E9", "events, replies and notifications for ms after Closed",
	  TAKES_COUNT | TAKES_MS, 0, 1000, .release = after_close },
	{ "event-mute", "E11", "a flip completes and nobody is told",
	  TAKES_COUNT, 0, .event = event_mute },
	{ 0 }
};
