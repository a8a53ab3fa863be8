// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <string.h>

#include "prng.h"

/* Steele, Lea, Flood: SplitMix64. Any seed will do, 0 too. */
uint64_t prng_next(struct prng *prng)
{
	uint64_t z = prng->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t prng_below(struct prng *prng, uint32_t limit)
{
	return (prng_next(prng) >> 32) * limit >> 32;
}

bool prng_one_in(struct prng *prng, uint32_t n)
{
	return !prng_below(prng, n);
}

void prng_fill(struct prng *prng, void *bytes, size_t size)
{
	uint8_t *at = bytes;

	while (size) {
		uint64_t word = prng_next(prng);
		size_t part = size < sizeof(word) ? size : sizeof(word);

		memcpy(at, &word, part);
		at += part;
		size -= part;
	}
}
