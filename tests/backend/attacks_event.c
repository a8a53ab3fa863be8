// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Attacks by events and by the event page. */
#include "attack.h"

static enum verdict event_cookie(struct attack *attack, struct connector *conn,
				 struct xendispl_evt *evt)
{
	uint64_t right = evt->op.pg_flip.fb_cookie;
	uint64_t wrong[] = { 0, right + 1000, right - 1, ~0ull };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		evt->op.pg_flip.fb_cookie = attack->args.has_value ?
					    (uint64_t)attack->args.value : wrong[i];
		connector_send_event(conn, evt);
	}
	evt->op.pg_flip.fb_cookie = right;
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

struct attack_kind attacks_event[] = {
	{ "event-cookie", "E6", "four events with other cookies before the right one",
	  TAKES_COUNT | TAKES_VALUE, 0, .event = event_cookie },
	{ "event-mute", "E11", "a flip completes and nobody is told",
	  TAKES_COUNT, 0, .event = event_mute },
	{ 0 }
};
