/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef PATTERN_H
#define PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct component {
	uint8_t shift;
	uint8_t bits;
};

struct format {
	char name[5];
	uint32_t fourcc;
	uint8_t bpp;
	/* red, green, blue, and alpha or padding; all zero for YUV */
	struct component comp[4];
	/* byte offset of the first luma and of each chroma sample in a pair */
	uint8_t luma, chroma[2];
};

const struct format *format_by_name(const char *name);
uint32_t wire_pitch(const struct format *fmt, uint32_t width);
void pattern_paint(void *dst, uint32_t pitch, const struct format *fmt,
		   uint32_t width, uint32_t height, uint32_t seed);

#endif
