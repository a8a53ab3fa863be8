/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What a fuzzing backend makes of what it should say. Pure: works on private
 * copies, and the same numbers give the same bytes.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include <stdint.h>

#include "prng.h"
#include "wire.h"

/* In ways that a frontend must bear: status, unused bytes, the EDID's size. */
void mutate_reply_mildly(struct prng *prng, struct xendispl_resp *resp);

/* In ways that end the connection: id, operation, or all of it. */
void mutate_reply_badly(struct prng *prng, struct xendispl_resp *resp);

/* Any; often close to one that tells of the flip to @cookie. */
void mutate_event(struct prng *prng, struct xendispl_evt *evt, uint64_t cookie);

/* @edid begins with a right block of 128 bytes and has @room bytes. */
void mutate_edid(struct prng *prng, uint8_t *edid, uint32_t room, uint32_t *size);

/* A directory page with @used references. */
void mutate_directory(struct prng *prng, uint32_t *page, uint32_t used);

/* An index that should be @right and is not. */
uint32_t mutate_index(struct prng *prng, uint32_t right);

/* What to write as "state"; for "versions", one that has a version in it. */
const char *mutate_state(struct prng *prng);
const char *mutate_versions(struct prng *prng);

#endif
