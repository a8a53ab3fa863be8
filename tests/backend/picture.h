/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Pixels: from a buffer in one of the wire's formats to the 8-bit RGB picture
 * that a viewer of the connector would see. Pure, apart from writing the PNG.
 */
#ifndef PICTURE_H
#define PICTURE_H

#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define FOURCC(a, b, c, d) \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* A rectangle of pixels in memory; does not own @data. */
struct pixels {
	uint32_t fourcc;
	uint32_t width;
	uint32_t height;
	uint64_t stride;
	const uint8_t *data;
};

/* Bits per pixel of a format, 0 if the format is not one we know. */
unsigned int format_bpp(uint32_t fourcc);

/* The wire has no stride: this is what both sides agree on. */
uint64_t wire_stride(uint32_t width, uint32_t bpp);

/*
 * The picture of a mode of @width x @height that shows @src at its top left
 * corner: 3 bytes per pixel, allocated; black where @src does not reach.
 * NULL when memory is short or the format is unknown.
 */
uint8_t *picture_compose(const struct pixels *src, uint32_t width, uint32_t height);

/* zlib's crc32 over the picture. */
uint32_t picture_crc(const uint8_t *rgb, uint32_t width, uint32_t height);

/* Save as PNG; 0 or a negative errno. */
int picture_save(const char *path, const uint8_t *rgb, uint32_t width, uint32_t height);

#endif
