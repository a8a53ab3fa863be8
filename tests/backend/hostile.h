/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The backend that misbehaves on demand: what the correct part asks on its way.
 * Without an attack all of these do nothing.
 *
 *	hostile.c		which attacks are under way, on whom, and the hooks
 *	attack.h		what an attack consists of
 *	attacks_*.c		the attacks, by the room of the frontend they aim at
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "wire.h"

struct connector;
struct device;

/* control.c: the words behind "attack"; false and a text in @error. */
bool attack_start(char **words, char *error, size_t size);
void attacks_off(void);
void attacks_list(FILE *out);

/* stats.c */
void attacks_json(FILE *out);
void attacks_reset_stats(void);

/* connector.c: true when nothing is left to send. */
bool hostile_reply(struct connector *conn, struct xendispl_resp *resp);
bool hostile_event(struct connector *conn, struct xendispl_evt *evt);

#endif
