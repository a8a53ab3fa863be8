/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Numbers that look random and are the same for the same seed. Pure. */
#ifndef PRNG_H
#define PRNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prng {
	uint64_t state;
};

uint64_t prng_next(struct prng *prng);

/* 0 to @limit - 1; @limit is 1 at least. */
uint32_t prng_below(struct prng *prng, uint32_t limit);

/* True once in @n times. */
bool prng_one_in(struct prng *prng, uint32_t n);

void prng_fill(struct prng *prng, void *bytes, size_t size);

#endif
