// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <errno.h>
#include <png.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "picture.h"

/* An RGB format: its size and where each component lies, counted in bits. */
struct rgb_layout {
	uint32_t fourcc;
	uint8_t bpp;
	uint8_t r_shift, r_bits, g_shift, g_bits, b_shift, b_bits;
};

static const struct rgb_layout rgb_layouts[] = {
	{ FOURCC('R', 'G', '1', '6'), 16, 11, 5, 5, 6, 0, 5 },
	{ FOURCC('X', 'R', '1', '2'), 16, 8, 4, 4, 4, 0, 4 },
	{ FOURCC('A', 'R', '1', '2'), 16, 8, 4, 4, 4, 0, 4 },
	{ FOURCC('X', 'R', '1', '5'), 16, 10, 5, 5, 5, 0, 5 },
	{ FOURCC('A', 'R', '1', '5'), 16, 10, 5, 5, 5, 0, 5 },
	{ FOURCC('R', 'G', '2', '4'), 24, 16, 8, 8, 8, 0, 8 },
	{ FOURCC('X', 'R', '2', '4'), 32, 16, 8, 8, 8, 0, 8 },
	{ FOURCC('A', 'R', '2', '4'), 32, 16, 8, 8, 8, 0, 8 },
	{ FOURCC('X', 'B', '2', '4'), 32, 0, 8, 8, 8, 16, 8 },
	{ FOURCC('A', 'B', '2', '4'), 32, 0, 8, 8, 8, 16, 8 },
	{ FOURCC('X', 'R', '3', '0'), 32, 20, 10, 10, 10, 0, 10 },
	{ FOURCC('A', 'R', '3', '0'), 32, 20, 10, 10, 10, 0, 10 },
};

#define FORMAT_YUYV FOURCC('Y', 'U', 'Y', 'V')
#define FORMAT_UYVY FOURCC('U', 'Y', 'V', 'Y')

static const struct rgb_layout *find_layout(uint32_t fourcc)
{
	for (size_t i = 0; i < ARRAY_SIZE(rgb_layouts); i++)
		if (rgb_layouts[i].fourcc == fourcc)
			return &rgb_layouts[i];
	return NULL;
}

static bool is_yuv(uint32_t fourcc)
{
	return fourcc == FORMAT_YUYV || fourcc == FORMAT_UYVY;
}

unsigned int format_bpp(uint32_t fourcc)
{
	const struct rgb_layout *layout = find_layout(fourcc);

	if (is_yuv(fourcc))
		return 16;
	return layout ? layout->bpp : 0;
}

uint64_t wire_stride(uint32_t width, uint32_t bpp)
{
	return 4 * (((uint64_t)width * bpp + 31) / 32);
}

/* Bit replication, so that full scale stays full scale. */
static uint8_t widen(uint32_t value, unsigned int bits)
{
	value &= (1u << bits) - 1;
	if (bits >= 8)
		return value >> (bits - 8);
	value <<= 8 - bits;
	return value | value >> bits;
}

static void rgb_row(const struct rgb_layout *l, const uint8_t *src, uint32_t width, uint8_t *rgb)
{
	unsigned int bytes = l->bpp / 8;

	for (uint32_t x = 0; x < width; x++, src += bytes, rgb += 3) {
		uint32_t pixel = 0;

		for (unsigned int i = 0; i < bytes; i++)
			pixel |= (uint32_t)src[i] << 8 * i;
		rgb[0] = widen(pixel >> l->r_shift, l->r_bits);
		rgb[1] = widen(pixel >> l->g_shift, l->g_bits);
		rgb[2] = widen(pixel >> l->b_shift, l->b_bits);
	}
}

/* The formats in daily use deserve better than a loop over components. */
static void xrgb8888_row(const uint8_t *src, uint32_t width, uint8_t *rgb)
{
	for (uint32_t x = 0; x < width; x++, src += 4, rgb += 3) {
		rgb[0] = src[2];
		rgb[1] = src[1];
		rgb[2] = src[0];
	}
}

static uint8_t clip8(int value)
{
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* BT.601, limited range, in integers: tests compute the same elsewhere. */
static void yuv_row(uint32_t fourcc, const uint8_t *src, uint32_t width, uint8_t *rgb)
{
	unsigned int luma = fourcc == FORMAT_YUYV ? 0 : 1;

	for (uint32_t x = 0; x < width; x++, rgb += 3) {
		const uint8_t *pair = src + x / 2 * 4;
		int c = pair[luma + x % 2 * 2] - 16;
		int d = pair[1 - luma] - 128;
		int e = pair[3 - luma] - 128;

		rgb[0] = clip8((298 * c + 409 * e + 128) >> 8);
		rgb[1] = clip8((298 * c - 100 * d - 208 * e + 128) >> 8);
		rgb[2] = clip8((298 * c + 516 * d + 128) >> 8);
	}
}

static void convert_row(uint32_t fourcc, const uint8_t *src, uint32_t width, uint8_t *rgb)
{
	if (is_yuv(fourcc))
		yuv_row(fourcc, src, width, rgb);
	else if (fourcc == FOURCC('X', 'R', '2', '4') || fourcc == FOURCC('A', 'R', '2', '4'))
		xrgb8888_row(src, width, rgb);
	else
		rgb_row(find_layout(fourcc), src, width, rgb);
}

uint8_t *picture_compose(const struct pixels *src, uint32_t width, uint32_t height)
{
	uint32_t columns = src->width < width ? src->width : width;
	uint32_t rows = src->height < height ? src->height : height;
	uint8_t *rgb;

	if (!format_bpp(src->fourcc))
		return NULL;
	rgb = calloc((size_t)width * height, 3);
	if (!rgb)
		return NULL;
	for (uint32_t y = 0; y < rows; y++)
		convert_row(src->fourcc, src->data + y * src->stride, columns,
			    rgb + (size_t)y * width * 3);
	return rgb;
}

uint32_t picture_crc(const uint8_t *rgb, uint32_t width, uint32_t height)
{
	uint32_t crc = crc32(0, NULL, 0);

	/* By rows: zlib takes its lengths as 32 bits. */
	for (uint32_t y = 0; y < height; y++)
		crc = crc32(crc, rgb + (size_t)y * width * 3, width * 3);
	return crc;
}

/* Few large writes: the file may lie on a network file system. */
#define IDAT_SIZE (1024 * 1024)

/*
 * Differences to the left and runs: fair for screens, and several times as fast
 * as real searching, which takes long under emulation.
 */
static void write_rows(png_structp png, png_infop info, const uint8_t *rgb, uint32_t width,
		       uint32_t height)
{
	png_set_compression_level(png, Z_BEST_SPEED);
	png_set_compression_strategy(png, Z_RLE);
	png_set_compression_buffer_size(png, IDAT_SIZE);
	png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
	png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_BASE, PNG_FILTER_TYPE_BASE);
	png_write_info(png, info);
	for (uint32_t y = 0; y < height; y++)
		png_write_row(png, rgb + (size_t)y * width * 3);
	png_write_end(png, info);
}

static int write_png(FILE *file, const uint8_t *rgb, uint32_t width, uint32_t height)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	int ret = info ? 0 : -ENOMEM;

	if (info && setjmp(png_jmpbuf(png))) {
		ret = errno ? -errno : -EIO;
	} else if (info) {
		errno = 0;
		png_init_io(png, file);
		write_rows(png, info, rgb, width, height);
	}
	png_destroy_write_struct(&png, &info);
	return ret;
}

int picture_save(const char *path, const uint8_t *rgb, uint32_t width, uint32_t height)
{
	FILE *file = fopen(path, "wb");
	int ret;

	if (!file)
		return -errno;
	ret = write_png(file, rgb, width, height);
	if (fclose(file) && !ret)
		ret = -errno;
	return ret;
}
