// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attacks by replies, by the request ring, and by its channel. */
#include <stdlib.h>

#include "attack.h"

/* Far enough that no honest backend gets there. */
#define RUNAWAY 1000

static int64_t value_or(const struct attack *attack, int64_t otherwise)
{
	return attack->args.has_value ? attack->args.value : otherwise;
}

static void announce(struct connector *conn, RING_IDX prod)
{
	xen_wmb();	/* as a backend that means it */
	WRITE_ONCE(conn->ring.sring->rsp_prod, prod);
	connector_notify(conn, conn->req_port);
}

static bool rsp_forward(struct attack *attack, struct connector *conn)
{
	announce(conn, conn->ring.rsp_prod_pvt + value_or(attack, RUNAWAY));
	return true;
}

static bool rsp_backward(struct attack *attack, struct connector *conn)
{
	announce(conn, conn->ring.rsp_prod_pvt - value_or(attack, 1));
	return true;
}

static enum verdict extra_reply(struct attack *attack, struct connector *conn,
				struct xendispl_resp *resp)
{
	(void)attack;
	connector_send_reply(conn, resp);
	return CHANGED;
}

static enum verdict unknown_id(struct attack *attack, struct connector *conn,
			       struct xendispl_resp *resp)
{
	(void)conn;
	resp->id += value_or(attack, 1000);
	return CHANGED;
}

static enum verdict duplicate(struct attack *attack, struct connector *conn,
			      struct xendispl_resp *resp)
{
	(void)attack;
	if (!conn->last_reply.operation)
		return PASSED;
	*resp = conn->last_reply;
	return CHANGED;
}

static enum verdict wrong_operation(struct attack *attack, struct connector *conn,
				    struct xendispl_resp *resp)
{
	(void)conn;
	resp->operation = value_or(attack, resp->operation ^ 1);
	return CHANGED;
}

static enum verdict status(struct attack *attack, struct connector *conn,
			   struct xendispl_resp *resp)
{
	/* One of each sort: positive, errors, the kernel's own, past all, pointers. */
	static const int32_t values[] = {
		1, INT32_MAX, -1, -4095, -4096, INT32_MIN, -512, -513, -514, -516, -517, -518,
		-519, -521, -529, -531, -11, -4, -110, -133, -255, (int32_t)0x81000000,
		(int32_t)0xffffe000, (int32_t)0xc0000000,
	};

	(void)conn;
	resp->status = value_or(attack, values[attack->fired % ARRAY_SIZE(values)]);
	return CHANGED;
}

/* What the reply has no room for in its operation. */
static enum verdict reply_tail(struct attack *attack, struct connector *conn,
			       struct xendispl_resp *resp)
{
	(void)conn;
	prng_fill(&attack->prng, &resp->reserved, sizeof(resp->reserved));
	if (resp->operation != XENDISPL_OP_GET_EDID)
		prng_fill(&attack->prng, &resp->op, sizeof(resp->op));
	return CHANGED;
}

/* The frontend may look at the slot at any time: it is right, and at once wrong. */
static void reply_rewrite(struct worker *worker)
{
	struct connector *conn = worker->conn;
	struct xendispl_resp *slot = RING_GET_RESPONSE(&conn->ring, conn->ring.rsp_prod_pvt - 1);
	struct xendispl_resp right = *slot, wrong = right;

	if (!right.operation)
		return;
	wrong.status = prng_next(&worker->prng);
	if (worker->attack->args.has_value)
		wrong.operation ^= 1;
	*(volatile struct xendispl_resp *)slot = wrong;
	*(volatile struct xendispl_resp *)slot = right;
	attack_count(worker->attack, 1);
}

static enum verdict mute(struct attack *attack, struct connector *conn,
			 struct xendispl_resp *resp)
{
	(void)attack;
	(void)conn;
	(void)resp;
	return TAKEN;
}

/* Replies that wait for their time. */
struct late {
	struct late *next;
	struct connector *conn;
	struct xendispl_resp resp;
	int64_t due_ns;
};

static struct late *lates;

void late_add(struct connector *conn, const struct xendispl_resp *resp, uint32_t ms)
{
	struct late *late = calloc(1, sizeof(*late)), **link = &lates;

	if (!late)
		return;
	late->conn = conn;
	late->resp = *resp;
	late->due_ns = now_ns() + ms * 1000000ll;
	while (*link)
		link = &(*link)->next;
	*link = late;
}

static enum verdict late(struct attack *attack, struct connector *conn,
			 struct xendispl_resp *resp)
{
	late_add(conn, resp, attack->args.ms);
	return TAKEN;
}

int64_t late_run_due(void)
{
	struct late **link = &lates;
	int64_t next = -1;

	while (*link) {
		struct late *late = *link;

		if (late->due_ns <= now_ns()) {
			connector_send_reply(late->conn, &late->resp);
			*link = late->next;
			free(late);
			continue;
		}
		if (next < 0 || late->due_ns < next)
			next = late->due_ns;
		link = &late->next;
	}
	return next;
}

void late_forget(const struct connector *conn)
{
	struct late **link = &lates;

	while (*link) {
		struct late *late = *link;

		if (late->conn == conn) {
			*link = late->next;
			free(late);
		} else {
			link = &late->next;
		}
	}
}

static enum verdict consume_none(struct attack *attack, struct connector *conn)
{
	(void)attack;
	(void)conn;
	return TAKEN;
}

/* Of what is shared, the parts that only we write, but not what we live by. */
static enum verdict ring_scribble(struct attack *attack, struct connector *conn)
{
	struct xen_displif_sring *sring = conn->ring.sring;

	WRITE_ONCE(sring->req_event, (RING_IDX)prng_next(&attack->prng));
	WRITE_ONCE(sring->rsp_event, (RING_IDX)prng_next(&attack->prng));
	prng_fill(&attack->prng, &sring->pvt, sizeof(sring->pvt));
	/* Because of that neither may have rung. */
	connectors_on_event(conn->req_port);
	connector_notify(conn, conn->req_port);
	return CHANGED;
}

static void storm_request(struct worker *worker)
{
	xenevtchn_notify(be.xce, worker->conn->req_port);
	attack_count(worker->attack, 1);
}

static void storm_event(struct worker *worker)
{
	xenevtchn_notify(be.xce, worker->conn->evt_port);
	attack_count(worker->attack, 1);
}

static void storm_both(struct worker *worker)
{
	storm_request(worker);
	storm_event(worker);
}

struct attack_kind attacks_ring[] = {
	{ "rsp-forward", "R1", "rsp_prod runs ahead by 1000, or by value", TAKES_VALUE,
	  .fire = rsp_forward },
	{ "rsp-backward", "R1", "rsp_prod goes back by 1, or by value", TAKES_VALUE,
	  .fire = rsp_backward },
	{ "extra-reply", "R2", "a reply comes twice in a row: more replies than requests",
	  TAKES_OP | TAKES_COUNT, 1, .reply = extra_reply },
	{ "unknown-id", "R3", "a reply's id is 1000 higher, or by value",
	  TAKES_OP | TAKES_COUNT | TAKES_VALUE, 1, .reply = unknown_id },
	{ "duplicate", "R4", "instead of a reply the one before it comes again",
	  TAKES_OP | TAKES_COUNT, 1, .reply = duplicate },
	{ "wrong-operation", "R6", "a reply names the neighbour of its operation, or value",
	  TAKES_OP | TAKES_COUNT | TAKES_VALUE, 1, .reply = wrong_operation },
	{ "status", "R7", "a reply's status is each odd value in turn, or value",
	  TAKES_OP | TAKES_COUNT | TAKES_VALUE, 0, .reply = status },
	{ "reply-tail", "R7", "reserved and unused bytes of a reply are random",
	  TAKES_OP | TAKES_COUNT, 0, .reply = reply_tail },
	{ "reply-rewrite", "R8",
	  "a thread changes the last reply's status, with value=1 its operation, too, and back",
	  TAKES_MS | TAKES_VALUE, .spin = reply_rewrite },
	{ "consume-none", "R10", "requests are not taken from the ring", 0,
	  .consume = consume_none },
	{ "ring-scribble", "R11", "req_event, rsp_event and the private bytes are random",
	  TAKES_MS, .tick = ring_scribble, .tick_ms = 5 },
	{ "storm-request", "R9", "a thread notifies the request channel without a pause",
	  TAKES_MS, .spin = storm_request },
	{ "storm-event", "I1", "a thread notifies the event channel without a pause",
	  TAKES_MS, .spin = storm_event },
	{ "storm-both", "I1", "a thread notifies both channels without a pause",
	  TAKES_MS, .spin = storm_both },
	{ "mute", "T1", "what is asked is done and not answered",
	  TAKES_OP | TAKES_COUNT, 0, .reply = mute },
	{ "late", "T2", "a reply comes ms later", TAKES_OP | TAKES_COUNT | TAKES_MS, 1, 3500,
	  .reply = late },
	{ 0 }
};
