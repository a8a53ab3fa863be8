// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The test picture, a function of format, size and seed. pattern.py computes
 * the same picture; a change here without the same change there fails
 * test_pattern.py.
 *
 * Each component is a sum of a column term and a row term, modulo 256. The
 * terms are a slope, so that a person sees skew at a glance, plus noise in the
 * bits that even a four bit component keeps, so that no shift, swap of
 * channels or other seed gives the same picture.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <drm_fourcc.h>

#include "pattern.h"

#define CORNER 8

static const struct format formats[] = {
	{ "RG16", DRM_FORMAT_RGB565, 16, { {11, 5}, {5, 6}, {0, 5}, {0, 0} }, 0, {0} },
	{ "XR12", DRM_FORMAT_XRGB4444, 16, { {8, 4}, {4, 4}, {0, 4}, {12, 4} }, 0, {0} },
	{ "AR12", DRM_FORMAT_ARGB4444, 16, { {8, 4}, {4, 4}, {0, 4}, {12, 4} }, 0, {0} },
	{ "XR15", DRM_FORMAT_XRGB1555, 16, { {10, 5}, {5, 5}, {0, 5}, {15, 1} }, 0, {0} },
	{ "AR15", DRM_FORMAT_ARGB1555, 16, { {10, 5}, {5, 5}, {0, 5}, {15, 1} }, 0, {0} },
	{ "RG24", DRM_FORMAT_RGB888, 24, { {16, 8}, {8, 8}, {0, 8}, {0, 0} }, 0, {0} },
	{ "XR24", DRM_FORMAT_XRGB8888, 32, { {16, 8}, {8, 8}, {0, 8}, {24, 8} }, 0, {0} },
	{ "AR24", DRM_FORMAT_ARGB8888, 32, { {16, 8}, {8, 8}, {0, 8}, {24, 8} }, 0, {0} },
	{ "XB24", DRM_FORMAT_XBGR8888, 32, { {0, 8}, {8, 8}, {16, 8}, {24, 8} }, 0, {0} },
	{ "AB24", DRM_FORMAT_ABGR8888, 32, { {0, 8}, {8, 8}, {16, 8}, {24, 8} }, 0, {0} },
	{ "XR30", DRM_FORMAT_XRGB2101010, 32, { {20, 10}, {10, 10}, {0, 10}, {30, 2} }, 0, {0} },
	{ "AR30", DRM_FORMAT_ARGB2101010, 32, { {20, 10}, {10, 10}, {0, 10}, {30, 2} }, 0, {0} },
	{ "YUYV", DRM_FORMAT_YUYV, 16, { {0, 0} }, 0, {1, 3} },
	{ "UYVY", DRM_FORMAT_UYVY, 16, { {0, 0} }, 1, {0, 2} },
};

struct painter {
	const struct format *fmt;
	uint32_t width, height, seed;
	uint8_t *column[3];
	uint8_t *row[3];
	uint32_t lut[3][256];
};

const struct format *format_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

/* The protocol has no stride: both ends compute it, and compute it so. */
uint32_t wire_pitch(const struct format *fmt, uint32_t width)
{
	return 4 * (uint32_t)(((uint64_t)width * fmt->bpp + 31) / 32);
}

static bool is_yuv(const struct format *fmt)
{
	return !fmt->comp[0].bits;
}

static uint32_t noise(uint32_t seed, uint32_t kind, uint32_t n)
{
	uint32_t h = seed * 0x9e3779b1u + kind * 0xc2b2ae35u + n * 0x85ebca6bu;

	h ^= h >> 15;
	h *= 0x2c1b3c6du;
	h ^= h >> 12;
	h *= 0x297a2d39u;
	return h ^ h >> 15;
}

static uint8_t column_term(uint32_t seed, uint32_t c, uint32_t x)
{
	return (x * (2 * c + 1) >> 2) + (noise(seed, c, x) & 0x3f);
}

static uint8_t row_term(uint32_t seed, uint32_t c, uint32_t y)
{
	return (y * (5 - 2 * c) >> 2) + (noise(seed, c + 3, y) & 0x3f) +
	       noise(seed, c + 6, 0);
}

static uint32_t scale(uint32_t value, struct component comp)
{
	if (!comp.bits)
		return 0;
	if (comp.bits > 8)
		value = value << (comp.bits - 8) | value >> (16 - comp.bits);
	else
		value >>= 8 - comp.bits;
	return value << comp.shift;
}

static void *xmalloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		abort();
	return p;
}

/*
 * The alpha and padding bits are the inverse of red: a viewer that takes them
 * for anything shows a wrong picture.
 */
static void painter_init(struct painter *p)
{
	for (uint32_t c = 0; c < 3; c++) {
		p->column[c] = xmalloc(p->width);
		p->row[c] = xmalloc(p->width + 1);
		for (uint32_t x = 0; x < p->width; x++)
			p->column[c][x] = column_term(p->seed, c, x);
		for (uint32_t v = 0; v < 256; v++)
			p->lut[c][v] = scale(v, p->fmt->comp[c]);
	}
	for (uint32_t v = 0; v < 256; v++)
		p->lut[0][v] |= scale(0xff ^ v, p->fmt->comp[3]);
}

static void painter_fini(struct painter *p)
{
	for (int c = 0; c < 3; c++) {
		free(p->column[c]);
		free(p->row[c]);
	}
}

static uint32_t corner_size(const struct painter *p)
{
	uint32_t n = CORNER;

	if (n > p->width / 4)
		n = p->width / 4;
	if (n > p->height / 4)
		n = p->height / 4;
	return n;
}

static void make_row(struct painter *p, uint32_t y)
{
	/* red, green, blue, yellow in reading order; white border */
	static const uint8_t left[2][3] = { {255, 0, 0}, {0, 0, 255} };
	static const uint8_t right[2][3] = { {0, 255, 0}, {255, 255, 0} };
	uint32_t w = p->width, n = corner_size(p);
	bool bottom = y >= p->height - n;
	bool edge = !y || y == p->height - 1;

	for (int c = 0; c < 3; c++) {
		uint8_t term = row_term(p->seed, c, y);
		uint8_t *row = p->row[c];

		for (uint32_t x = 0; x < w; x++)
			row[x] = p->column[c][x] + term;
		if (edge)
			memset(row, 255, w);
		row[0] = 255;
		row[w - 1] = 255;
		if (y < n || bottom) {
			memset(row, left[bottom][c], n);
			memset(row + w - n, right[bottom][c], n);
		}
		/* the second luma of the last pair of an odd width */
		row[w] = 0;
	}
}

static void pack_yuv(const struct painter *p, uint8_t *dst)
{
	const struct format *fmt = p->fmt;

	for (uint32_t x = 0; x < p->width; x += 2, dst += 4) {
		dst[fmt->luma] = p->row[0][x];
		dst[fmt->luma + 2] = p->row[0][x + 1];
		dst[fmt->chroma[0]] = p->row[1][x];
		dst[fmt->chroma[1]] = p->row[2][x];
	}
}

static uint32_t rgb_pixel(const struct painter *p, uint32_t x)
{
	return p->lut[0][p->row[0][x]] | p->lut[1][p->row[1][x]] |
	       p->lut[2][p->row[2][x]];
}

static void pack_rgb(const struct painter *p, uint8_t *dst)
{
	size_t bytes = p->fmt->bpp / 8;

	for (uint32_t x = 0; x < p->width; x++, dst += bytes) {
		uint32_t pixel = rgb_pixel(p, x);

		dst[0] = pixel;
		dst[1] = pixel >> 8;
		if (bytes > 2)
			dst[2] = pixel >> 16;
		if (bytes > 3)
			dst[3] = pixel >> 24;
	}
}

static void pack_rgb32(const struct painter *p, uint32_t *dst)
{
	for (uint32_t x = 0; x < p->width; x++)
		dst[x] = rgb_pixel(p, x);
}

void pattern_paint(void *dst, uint32_t pitch, const struct format *fmt,
		   uint32_t width, uint32_t height, uint32_t seed)
{
	struct painter p = {
		.fmt = fmt, .width = width, .height = height, .seed = seed
	};
	uint32_t bytes = (uint64_t)width * fmt->bpp / 8;
	void *line = xmalloc(wire_pitch(fmt, width));

	/* the last chroma sample of an odd width is beyond the last pixel */
	if (is_yuv(fmt) && bytes + 2 <= pitch)
		bytes = wire_pitch(fmt, width);
	painter_init(&p);
	for (uint32_t y = 0; y < height; y++) {
		make_row(&p, y);
		if (is_yuv(fmt))
			pack_yuv(&p, line);
		else if (fmt->bpp == 32)
			pack_rgb32(&p, line);
		else
			pack_rgb(&p, line);
		memcpy((uint8_t *)dst + (size_t)y * pitch, line, bytes);
	}
	painter_fini(&p);
	free(line);
}
