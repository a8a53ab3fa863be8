// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attacks by replies and by the request ring. */
#include "attack.h"

/* Far enough that no honest backend gets there. */
#define RUNAWAY 1000

static void announce(struct connector *conn, RING_IDX prod)
{
	xen_wmb();	/* as a backend that means it */
	WRITE_ONCE(conn->ring.sring->rsp_prod, prod);
	connector_notify(conn, conn->req_port);
}

static bool rsp_forward(struct attack *attack, struct connector *conn)
{
	announce(conn, conn->ring.rsp_prod_pvt +
		       (attack->args.has_value ? attack->args.value : RUNAWAY));
	return true;
}

static bool rsp_backward(struct attack *attack, struct connector *conn)
{
	announce(conn, conn->ring.rsp_prod_pvt -
		       (attack->args.has_value ? attack->args.value : 1));
	return true;
}

static enum verdict unknown_id(struct attack *attack, struct connector *conn,
			       struct xendispl_resp *resp)
{
	(void)conn;
	resp->id += attack->args.has_value ? attack->args.value : 1000;
	return CHANGED;
}

static enum verdict duplicate(struct attack *attack, struct connector *conn,
			      struct xendispl_resp *resp)
{
	(void)attack;
	connector_send_reply(conn, resp);
	return CHANGED;
}

static enum verdict status(struct attack *attack, struct connector *conn,
			   struct xendispl_resp *resp)
{
	/* One of each sort: positive, errors, the kernel's own, past all, pointers. */
	static const int32_t values[] = {
		1, 2147483647, -1, -4095, -4096, -2147483647 - 1, -512, -513, -514, -516,
		-517, -518, -519, -521, -529, -531, -11, -4, -110, -133, -255, (int32_t)0x81000000,
		(int32_t)0xffffe000, (int32_t)0xc0000000,
	};

	(void)conn;
	resp->status = attack->args.has_value ? attack->args.value :
		       values[attack->fired % ARRAY_SIZE(values)];
	return CHANGED;
}

static enum verdict mute(struct attack *attack, struct connector *conn,
			 struct xendispl_resp *resp)
{
	(void)attack;
	(void)conn;
	(void)resp;
	return TAKEN;
}

struct attack_kind attacks_ring[] = {
	{ "rsp-forward", "R1", "rsp_prod runs ahead by 1000, or by value", TAKES_VALUE,
	  .fire = rsp_forward },
	{ "rsp-backward", "R1", "rsp_prod goes back by 1, or by value", TAKES_VALUE,
	  .fire = rsp_backward },
	{ "unknown-id", "R3", "a reply's id is 1000 higher, or by value",
	  TAKES_OP | TAKES_COUNT | TAKES_VALUE, 1, .reply = unknown_id },
	{ "duplicate", "R4", "a reply comes twice", TAKES_OP | TAKES_COUNT, 1,
	  .reply = duplicate },
	{ "status", "R7", "a reply's status is each odd value in turn, or value",
	  TAKES_OP | TAKES_COUNT | TAKES_VALUE, 0, .reply = status },
	{ "mute", "T1", "what is asked is done and not answered",
	  TAKES_OP | TAKES_COUNT, 0, .reply = mute },
	{ 0 }
};
