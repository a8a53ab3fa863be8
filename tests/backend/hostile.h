/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The backend that misbehaves on demand: what the correct part asks on its way.
 * Without an attack all of these do nothing and return false.
 *
 *	hostile.c	which attacks are under way, on whom, and the hooks
 *	orders.c	which attacks there are, and what an order to make one says
 *	attack.h	what an attack consists of
 *	attacks_*.c	the attacks, by the room of the frontend they aim at
 *	worker.c	attacks that need a thread
 *	kept.c		pages of the guest that stay mapped though they should not
 *	prng.c		numbers for all of them; pure
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "wire.h"

struct connector;
struct device;

enum keep_what { KEEP_BUFFER, KEEP_DIRECTORY, KEEP_EDID, KEEP_RINGS };

/* control.c: the words behind "attack"; false and a text in @error. */
bool attack_start(char **words, char *error, size_t size);
void attacks_off(void);
void attacks_list(FILE *out);

/* stats.c */
void attacks_json(FILE *out);
void attacks_reset_stats(void);

/* main.c: do what is due; next due time or -1 */
int64_t hostile_run_due(void);

/* connector.c; true: there is nothing left to do for the caller */
bool hostile_reply(struct connector *conn, struct xendispl_resp *resp);
bool hostile_event(struct connector *conn, struct xendispl_evt *evt);
bool hostile_consume(struct connector *conn);
bool hostile_release(struct connector *conn);

/* device.c: before rings are looked at; before and after we are Connected */
bool hostile_bind(struct device *dev);
bool hostile_excuses(struct device *dev);
void hostile_connect(struct device *dev);
void hostile_connected(struct device *dev);

/* store.c */
bool hostile_state(struct device *dev, int state);
bool hostile_versions(struct device *dev);

/* buffer.c */
bool hostile_wants(struct device *dev, enum keep_what what);
bool hostile_keep(struct device *dev, enum keep_what what, void *map, uint32_t pages);
void *hostile_share(struct device *dev, uint32_t pages, grant_ref_t *grefs);
void hostile_directory(struct device *dev, grant_ref_t ref, uint32_t *page, uint32_t used,
		       bool last);
bool hostile_wants_edid(struct connector *conn);
void hostile_edid(struct connector *conn, uint8_t *edid, uint32_t room, uint32_t *size);

#endif
