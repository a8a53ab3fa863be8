/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* The fuzzer's bytes, taken one number at a time; zeroes when they are used up. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include "kernel.h"

struct input {
	const u8 *data;
	size_t left;
};

static inline u64 input_take(struct input *in, unsigned int bytes)
{
	u64 value = 0;

	while (bytes-- && in->left) {
		value = value << 8 | *in->data++;
		in->left--;
	}
	return value;
}

static inline u8 input_u8(struct input *in)
{
	return input_take(in, 1);
}

static inline u32 input_u32(struct input *in)
{
	return input_take(in, 4);
}

/* Numbers at which something usually changes, or any. */
static inline u32 input_number(struct input *in)
{
	static const u32 edges[] = {
		0, 1, 2, 31, 32, 33, 63, 64, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	u8 choice = input_u8(in);

	if (choice < ARRAY_SIZE(edges))
		return edges[choice];
	return choice < 0xc0 ? choice : input_u32(in);
}

#endif /* FUZZ_INPUT_H */
