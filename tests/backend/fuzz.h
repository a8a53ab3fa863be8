/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The fuzzing mode: an attack that is a bit of all others. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The words behind "fuzz"; @rate and @break_ms may be 0 for the defaults. */
bool fuzz_start(uint64_t seed, uint32_t rate, uint32_t break_ms);

void fuzz_json(FILE *out);
void fuzz_reset_stats(void);

#endif
