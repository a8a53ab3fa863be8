// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Unit tests of the backend's pure parts: no Xen, no guest. Each case begins
 * with a request that is right and breaks one thing in it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conform.h"
#include "edid.h"
#include "expect.h"
#include "mutate.h"
#include "picture.h"
#include "script.h"
#include "states.h"

static unsigned int passed, failed;

static const struct dbuf_params dbuf_64x48 = {
	.width = 64, .height = 48, .bpp = 32, .size = 64 * 48 * 4,
};

static const struct fb_params fb_64x48 = { 64, 48, FOURCC('X', 'R', '2', '4') };

static struct view make_view(void)
{
	return (struct view){ .version = 2, .width = 64, .height = 48 };
}

static struct xendispl_req make_request(uint8_t operation)
{
	struct xendispl_req req;

	memset(&req, 0, sizeof(req));
	req.id = 7;
	req.operation = operation;
	return req;
}

static struct xendispl_req make_create(void)
{
	struct xendispl_req req = make_request(XENDISPL_OP_DBUF_CREATE);

	req.op.dbuf_create.dbuf_cookie = 1;
	req.op.dbuf_create.width = 64;
	req.op.dbuf_create.height = 48;
	req.op.dbuf_create.bpp = 32;
	req.op.dbuf_create.buffer_sz = 64 * 48 * 4;
	req.op.dbuf_create.gref_directory = 9;
	return req;
}

static struct xendispl_req make_attach(void)
{
	struct xendispl_req req = make_request(XENDISPL_OP_FB_ATTACH);

	req.op.fb_attach.dbuf_cookie = 1;
	req.op.fb_attach.fb_cookie = 2;
	req.op.fb_attach.width = 64;
	req.op.fb_attach.height = 48;
	req.op.fb_attach.pixel_format = fb_64x48.fourcc;
	return req;
}

static struct xendispl_req make_config(void)
{
	struct xendispl_req req = make_request(XENDISPL_OP_SET_CONFIG);

	req.op.set_config.fb_cookie = 2;
	req.op.set_config.width = 64;
	req.op.set_config.height = 48;
	req.op.set_config.bpp = 32;
	return req;
}

static struct xendispl_req make_edid(void)
{
	struct xendispl_req req = make_request(XENDISPL_OP_GET_EDID);

	req.op.get_edid.buffer_sz = XENDISPL_EDID_MAX_SIZE;
	req.op.get_edid.gref_directory = 9;
	return req;
}

/* The one breach that must be found, and what answers it. */
static bool finds(const struct xendispl_req *req, const struct view *view, int status,
		  const char *text)
{
	struct findings f = { 0 };

	check_request(req, view, &f);
	if (f.count == 1 && f.status == status && strstr(f.text[0], text))
		return true;
	printf("  got %u breach(es), status %d, expected \"%s\", status %d\n", f.count, f.status,
	       text, status);
	for (unsigned int i = 0; i < f.count; i++)
		printf("    %s\n", f.text[i]);
	return false;
}

static bool is_clean(const struct xendispl_req *req, const struct view *view)
{
	struct findings f = { 0 };

	check_request(req, view, &f);
	for (unsigned int i = 0; i < f.count; i++)
		printf("  unexpected: %s\n", f.text[i]);
	return !f.count && !f.status;
}

static void test_right_requests(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_create();

	EXPECT(is_clean(&req, &view));
	req = make_edid();
	EXPECT(is_clean(&req, &view));
	view.dbuf = &dbuf_64x48;
	req = make_attach();
	EXPECT(is_clean(&req, &view));
	req = make_request(XENDISPL_OP_DBUF_DESTROY);
	req.op.dbuf_destroy.dbuf_cookie = 1;
	EXPECT(is_clean(&req, &view));
	view.fb = &fb_64x48;
	req = make_request(XENDISPL_OP_FB_DETACH);
	req.op.fb_detach.fb_cookie = 2;
	EXPECT(is_clean(&req, &view));
	req = make_config();
	EXPECT(is_clean(&req, &view));
	view.configured = true;
	req = make_request(XENDISPL_OP_PG_FLIP);
	req.op.pg_flip.fb_cookie = 2;
	EXPECT(is_clean(&req, &view));
	req = make_request(XENDISPL_OP_SET_CONFIG);
	EXPECT(is_clean(&req, &view));
}

static void test_every_unused_byte(void)
{
	static const size_t body[] = { 36, 8, 28, 8, 28, 8, 8 };

	for (unsigned int i = 0; i < ARRAY_SIZE(body); i++) {
		for (size_t at = 3; at < 64; at = at == 7 ? 8 + body[i] : at + 1) {
			struct xendispl_req req = make_request(XENDISPL_OP_DBUF_CREATE + i);
			struct view view = make_view();
			struct findings f = { 0 };

			((uint8_t *)&req)[at] = 0x80;
			check_request(&req, &view, &f);
			EXPECT(f.count && strstr(f.text[0], "must be 0"));
		}
	}
}

static void test_undefined_operations(void)
{
	struct view view = make_view();

	for (unsigned int op = 0; op < 256; op++) {
		struct xendispl_req req = make_request(op);

		if (op < XENDISPL_OP_DBUF_CREATE || op > XENDISPL_OP_GET_EDID)
			EXPECT(finds(&req, &view, -EINVAL, "not defined"));
	}
}

static void test_wrong_ring(void)
{
	struct xendispl_req create = make_create(), config = make_config(), edid = make_edid();
	struct view view = make_view();

	view.connector = 1;
	EXPECT(finds(&create, &view, 0, "belongs on connector 0"));
	EXPECT(is_clean(&edid, &view));
	view.fb = &fb_64x48;
	EXPECT(is_clean(&config, &view));
}

static void test_dbuf_create(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_create();

	req.op.dbuf_create.dbuf_cookie = 0;
	EXPECT(finds(&req, &view, -EINVAL, "dbuf_cookie is 0"));
	req = make_create();
	req.op.dbuf_create.gref_directory = 0;
	EXPECT(finds(&req, &view, -EINVAL, "gref_directory is 0"));
	req = make_create();
	req.op.dbuf_create.flags = 2;
	EXPECT(finds(&req, &view, 0, "flags"));
	req = make_create();
	req.op.dbuf_create.width = 0;
	EXPECT(finds(&req, &view, 0, "size is 0x48"));
	req = make_create();
	view.dbuf = &dbuf_64x48;
	EXPECT(finds(&req, &view, -EEXIST, "in use"));
}

static void test_dbuf_size(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_create();

	req.op.dbuf_create.buffer_sz--;
	EXPECT(finds(&req, &view, -EINVAL, "buffer_sz"));
	/* 3 pixels of 24 bits: 9 bytes, but the wire's stride is 12. */
	req = make_create();
	req.op.dbuf_create.width = 3;
	req.op.dbuf_create.height = 1;
	req.op.dbuf_create.bpp = 24;
	req.op.dbuf_create.buffer_sz = 11;
	EXPECT(finds(&req, &view, -EINVAL, "needs 12"));
	req.op.dbuf_create.buffer_sz = 12;
	EXPECT(is_clean(&req, &view));
	/* 2^16 x 2^16 x 4 bytes must not wrap to 0. */
	req.op.dbuf_create.width = 65536;
	req.op.dbuf_create.height = 65536;
	req.op.dbuf_create.bpp = 32;
	EXPECT(finds(&req, &view, -EINVAL, "needs 17179869184"));
}

static void test_data_ofs(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_create();

	req.op.dbuf_create.data_ofs = 4;
	EXPECT(finds(&req, &view, -EINVAL, "from offset 4 needs 12292"));
	req.op.dbuf_create.buffer_sz += 4;
	EXPECT(is_clean(&req, &view));
	view.version = 0;
	EXPECT(is_clean(&req, &view));
	view.version = 1;
	EXPECT(finds(&req, &view, 0, "version 1"));
}

static void test_backend_allocation(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_create();

	req.op.dbuf_create.flags = XENDISPL_DBUF_FLG_REQ_ALLOC;
	EXPECT(finds(&req, &view, -EPERM, "be-alloc is not 1"));
	view.be_alloc = true;
	EXPECT(is_clean(&req, &view));
	req.op.dbuf_create.data_ofs = 4;
	req.op.dbuf_create.buffer_sz += 4;
	EXPECT(finds(&req, &view, -EINVAL, "together with REQ_ALLOC"));
}

static void test_dbuf_destroy(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_request(XENDISPL_OP_DBUF_DESTROY);

	EXPECT(finds(&req, &view, -EINVAL, "dbuf_cookie is 0"));
	req.op.dbuf_destroy.dbuf_cookie = 1;
	EXPECT(finds(&req, &view, -ENOENT, "unknown"));
	view.dbuf = &dbuf_64x48;
	view.dbuf_has_fbs = true;
	EXPECT(finds(&req, &view, -EBUSY, "still has framebuffers"));
}

static void test_fb_attach(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_attach();

	EXPECT(finds(&req, &view, -ENOENT, "dbuf_cookie 0x1 is unknown"));
	view.dbuf = &dbuf_64x48;
	req.op.fb_attach.fb_cookie = 0;
	EXPECT(finds(&req, &view, -EINVAL, "fb_cookie is 0"));
	req = make_attach();
	req.op.fb_attach.pixel_format = FOURCC('N', 'V', '1', '2');
	EXPECT(finds(&req, &view, -EINVAL, "pixel_format 0x3231564e is unknown"));
	req.op.fb_attach.pixel_format = FOURCC('R', 'G', '1', '6');
	EXPECT(finds(&req, &view, 0, "16 bits per pixel, the buffer 32"));
	req = make_attach();
	view.fb = &fb_64x48;
	EXPECT(finds(&req, &view, -EEXIST, "in use"));
}

/* Answered as unknown, but only its refusal could have been a breach. */
static bool is_only_unknown(const struct xendispl_req *req, const struct view *view)
{
	struct findings f = { 0 };

	check_request(req, view, &f);
	return !f.count && f.status == -ENOENT;
}

static void test_after_a_refusal(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_attach();

	view.refused = true;
	EXPECT(is_only_unknown(&req, &view));
	req.op.fb_attach.width = 0;
	EXPECT(finds(&req, &view, -EINVAL, "size is 0x48"));
	req = make_request(XENDISPL_OP_DBUF_DESTROY);
	req.op.dbuf_destroy.dbuf_cookie = 1;
	EXPECT(is_only_unknown(&req, &view));
	req = make_request(XENDISPL_OP_FB_DETACH);
	req.op.fb_detach.fb_cookie = 2;
	EXPECT(is_only_unknown(&req, &view));
	/* It is not put on a screen by somebody who has waited for the reply. */
	req = make_config();
	EXPECT(finds(&req, &view, -ENOENT, "unknown"));
}

static void test_fb_size(void)
{
	struct dbuf_params pending = { .size = 64 * 48 * 4 };
	struct view view = make_view();
	struct xendispl_req req = make_attach();

	view.dbuf = &dbuf_64x48;
	req.op.fb_attach.width = 65;
	EXPECT(finds(&req, &view, -EINVAL, "larger than the buffer"));
	req = make_attach();
	req.op.fb_attach.height = 49;
	EXPECT(finds(&req, &view, -EINVAL, "larger than the buffer"));
	req.op.fb_attach.height = 0;
	EXPECT(finds(&req, &view, -EINVAL, "size is 64x0"));
	req = make_attach();
	req.op.fb_attach.width = 1;
	req.op.fb_attach.height = 1;
	EXPECT(is_clean(&req, &view));
	/* A buffer without sizes takes those of its framebuffer. */
	view.dbuf = &pending;
	req = make_attach();
	EXPECT(is_clean(&req, &view));
	pending.data_ofs = 1;
	EXPECT(finds(&req, &view, -EINVAL, "needs 12289 bytes"));
}

static void test_fb_detach(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_request(XENDISPL_OP_FB_DETACH);

	EXPECT(finds(&req, &view, -EINVAL, "fb_cookie is 0"));
	req.op.fb_detach.fb_cookie = 2;
	EXPECT(finds(&req, &view, -ENOENT, "unknown"));
	view.fb = &fb_64x48;
	view.fb_on_screen = true;
	EXPECT(finds(&req, &view, 0, "on screen"));
}

static void test_set_config(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_config();

	EXPECT(finds(&req, &view, -ENOENT, "unknown"));
	view.fb = &fb_64x48;
	req.op.set_config.fb_cookie = 0;
	EXPECT(finds(&req, &view, -EINVAL, "the rest is not"));
	req = make_config();
	req.op.set_config.width = 0;
	EXPECT(finds(&req, &view, -EINVAL, "size is 0x48"));
	req = make_config();
	req.op.set_config.x = 1;
	EXPECT(finds(&req, &view, -EINVAL, "exceeds the connector's 64x48"));
	req = make_config();
	req.op.set_config.y = UINT32_MAX;
	EXPECT(finds(&req, &view, -EINVAL, "exceeds"));
	req = make_config();
	req.op.set_config.bpp = 24;
	EXPECT(finds(&req, &view, 0, "bpp is 24"));
	req = make_config();
	req.op.set_config.width = 32;
	req.op.set_config.x = 32;
	EXPECT(is_clean(&req, &view));
}

static void test_pg_flip(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_request(XENDISPL_OP_PG_FLIP);

	view.configured = true;
	EXPECT(finds(&req, &view, -EINVAL, "fb_cookie is 0"));
	req.op.pg_flip.fb_cookie = 2;
	EXPECT(finds(&req, &view, -ENOENT, "unknown"));
	view.fb = &fb_64x48;
	view.flip_pending = true;
	EXPECT(finds(&req, &view, -EBUSY, "in flight"));
	view.flip_pending = false;
	view.configured = false;
	EXPECT(finds(&req, &view, -EINVAL, "not configured"));
}

static void test_get_edid(void)
{
	struct view view = make_view();
	struct xendispl_req req = make_edid();

	req.op.get_edid.buffer_sz--;
	EXPECT(finds(&req, &view, -EINVAL, "must be 32768"));
	req = make_edid();
	req.op.get_edid.gref_directory = 0;
	EXPECT(finds(&req, &view, -EINVAL, "gref_directory is 0"));
	req = make_edid();
	view.version = 1;
	EXPECT(finds(&req, &view, -EINVAL, "version 1"));
	view.version = 0;
	EXPECT(is_clean(&req, &view));
}

/* A directory page with @grefs references from @from on, then @next. */
static void fill_page(uint32_t page[1024], uint32_t from, uint32_t grefs, uint32_t next)
{
	memset(page, 0, WIRE_PAGE_SIZE);
	page[0] = next;
	for (uint32_t i = 0; i < grefs; i++)
		page[1 + i] = from + i;
}

static void test_directory_lengths(void)
{
	static const uint32_t lengths[] = { 1, 1022, 1023, 1024, 1025, 2046, 2047, 65537 };
	uint32_t page[1024];
	grant_ref_t grefs[GREFS_PER_PAGE];

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		uint32_t left = lengths[i], seen = 0;

		for (unsigned int index = 0; left; index++) {
			uint32_t here = left < GREFS_PER_PAGE ? left : GREFS_PER_PAGE;
			struct findings f = { 0 };

			fill_page(page, 100 + seen, here, left > here ? 5 : 0);
			EXPECT(check_directory_page(page, index, left, grefs, &f) == here);
			EXPECT(!f.count && grefs[0] == 100 + seen &&
			       grefs[here - 1] == 100 + seen + here - 1);
			seen += here;
			left -= here;
		}
		EXPECT(seen == lengths[i]);
	}
}

static bool directory_finds(const uint32_t *page, uint32_t left, int status, const char *text)
{
	grant_ref_t grefs[GREFS_PER_PAGE];
	struct findings f = { 0 };

	check_directory_page(page, 0, left, grefs, &f);
	return f.count == 1 && f.status == status && strstr(f.text[0], text);
}

static void test_directory_breaches(void)
{
	uint32_t page[1024];

	fill_page(page, 100, 10, 77);
	EXPECT(directory_finds(page, 10, 0, "gref_dir_next_page is 77"));
	fill_page(page, 100, 1023, 0);
	EXPECT(directory_finds(page, 1024, -EINVAL, "1 references are missing"));
	fill_page(page, 100, 10, 0);
	page[4] = 0;
	EXPECT(directory_finds(page, 10, -EINVAL, "gref[3] is 0"));
	fill_page(page, 100, 10, 0);
	page[1023] = 3;
	EXPECT(directory_finds(page, 10, 0, "gref[1022] behind the last one is 3"));
}

/* Backend allocation: the references are ours to write, only the links count. */
static void test_directory_links_only(void)
{
	struct findings f = { 0 };
	uint32_t page[1024];

	fill_page(page, 0, 0, 0);
	EXPECT(check_directory_page(page, 0, 10, NULL, &f) == 10 && !f.count);
	EXPECT(check_directory_page(page, 0, 1024, NULL, &f) == 1023 && f.status == -EINVAL);
	memset(&f, 0, sizeof(f));
	page[1023] = 1 << 24;
	EXPECT(check_directory_page(page, 0, 10, NULL, &f) == 10 && f.count == 1 && !f.status);
	EXPECT(strstr(f.text[0], "byte 4091 of 4092 is 0x01"));
}

static void test_pages(void)
{
	EXPECT(pages_for(1) == 1 && pages_for(4096) == 1 && pages_for(4097) == 2);
	EXPECT(pages_for(UINT32_MAX) == 1 << 20);
}

static void test_version(void)
{
	struct findings f = { 0 };

	EXPECT(check_version("1,2", "2", &f) == 2 && check_version("1,2", "1", &f) == 1);
	EXPECT(check_version("1,2", NULL, &f) == 1 && check_version(NULL, NULL, &f) == 0);
	EXPECT(!f.count);
	EXPECT(check_version("1", "2", &f) == 1 && f.count == 1);
	EXPECT(check_version("1,2", "1,2", &f) == 1 && f.count == 2);
	EXPECT(check_version("12", "2", &f) == 1 && f.count == 3);
	EXPECT(check_version("1,2", "", &f) == 1 && f.count == 4);
	EXPECT(check_version(NULL, "1", &f) == 0 && f.count == 4);
	EXPECT(check_version(NULL, "2", &f) == 0 && f.count == 5);
}

static void test_numbers(void)
{
	static const char *const bad[] = {
		"", "1920", "1920x", "x1080", "1920x1080x", "1920x1080 ", " 1920x1080",
		"-1x1", "+1x1", "0x1080", "1920x0", "4294967296x1", "0x10x10",
	};
	uint32_t w = 0, h = 0;

	EXPECT(parse_resolution("1920x1080", &w, &h) && w == 1920 && h == 1080);
	EXPECT(parse_resolution("4294967295x1", &w, &h) && w == UINT32_MAX);
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!parse_resolution(bad[i], &w, &h));
	EXPECT(parse_u32("0", &w) && !w);
	EXPECT(!parse_u32("4294967296", &w) && !parse_u32("1a", &w) && !parse_u32(NULL, &w));
}

static bool shows(const char *fourcc, const void *pixel, size_t len, uint32_t expected)
{
	uint8_t data[8] = { 0 };
	struct pixels pixels = {
		FOURCC(fourcc[0], fourcc[1], fourcc[2], fourcc[3]), 1, 1, 8, data,
	};
	uint8_t *rgb;
	uint32_t got;

	memcpy(data, pixel, len);
	rgb = picture_compose(&pixels, 1, 1);
	if (!rgb)
		return false;
	got = rgb[0] << 16 | rgb[1] << 8 | rgb[2];
	free(rgb);
	if (got != expected)
		printf("  %s: got %06x, expected %06x\n", fourcc, got, expected);
	return got == expected;
}

static void test_formats(void)
{
	EXPECT(shows("RG16", "\x00\xf8", 2, 0xff0000) && shows("RG16", "\xe0\x07", 2, 0x00ff00));
	EXPECT(shows("RG16", "\x1f\x00", 2, 0x0000ff) && shows("RG16", "\x41\x08", 2, 0x080808));
	EXPECT(shows("XR12", "\x23\xf1", 2, 0x112233) && shows("AR12", "\x23\x01", 2, 0x112233));
	EXPECT(shows("XR15", "\x00\xfc", 2, 0xff0000) && shows("AR15", "\x21\x04", 2, 0x080808));
	EXPECT(shows("RG24", "\x33\x22\x11", 3, 0x112233));
	EXPECT(shows("XR24", "\x33\x22\x11\xee", 4, 0x112233));
	EXPECT(shows("AR24", "\x33\x22\x11\x00", 4, 0x112233));
	EXPECT(shows("XB24", "\x11\x22\x33\xee", 4, 0x112233));
	EXPECT(shows("AB24", "\x11\x22\x33\x00", 4, 0x112233));
	EXPECT(shows("XR30", "\xff\x03\x00\x00", 4, 0x0000ff));
	EXPECT(shows("AR30", "\x00\x00\xf0\xff", 4, 0xff0000));
	EXPECT(shows("XR30", "\xcc\x20\x42\x04", 4, 0x112233));
	EXPECT(shows("YUYV", "\x10\x80\xeb\x80", 4, 0x000000));
	EXPECT(shows("YUYV", "\xeb\x80\x10\x80", 4, 0xffffff));
	EXPECT(shows("UYVY", "\x5a\x51\xf0\x51", 4, 0xff0000));
	EXPECT(!format_bpp(FOURCC('N', 'V', '1', '2')) && !format_bpp(0));
}

/* A framebuffer of 3x1 in a mode of 4x2: the rest is black, odd YUV pairs end well. */
static void test_compose(void)
{
	static const uint8_t yuyv[] = { 0xeb, 0x80, 0x10, 0x80, 0xeb, 0x80, 0xeb, 0x80 };
	struct pixels pixels = { FOURCC('Y', 'U', 'Y', 'V'), 3, 1, sizeof(yuyv), yuyv };
	static const uint8_t expected[4 * 2 * 3] = { 255, 255, 255, 0, 0, 0, 255, 255, 255 };
	uint8_t *rgb = picture_compose(&pixels, 4, 2);

	EXPECT(rgb && !memcmp(rgb, expected, sizeof(expected)));
	free(rgb);
	pixels.width = 100;
	rgb = picture_compose(&pixels, 1, 1);
	EXPECT(rgb && rgb[0] == 255);
	free(rgb);
}

static void test_crc(void)
{
	/* zlib.crc32(b"123456789") */
	EXPECT(picture_crc((const uint8_t *)"123456789", 1, 3) == 0xcbf43926);
	EXPECT(picture_crc((const uint8_t *)"123456789", 3, 1) == 0xcbf43926);
}

static void test_stride(void)
{
	EXPECT(wire_stride(3, 24) == 12 && wire_stride(4, 24) == 12 && wire_stride(5, 24) == 16);
	EXPECT(wire_stride(1, 16) == 4 && wire_stride(2, 16) == 4 && wire_stride(3, 16) == 8);
	EXPECT(wire_stride(UINT32_MAX, 32) == 4ull * UINT32_MAX);
}

/* What the detailed timing says, read the way a monitor's reader does. */
static bool edid_says(uint32_t width, uint32_t height)
{
	uint8_t edid[EDID_SIZE], sum = 0;
	const uint8_t *d = edid + 54;
	uint32_t h, v, htotal, vtotal;
	double hz;

	if (edid_make(edid, width, height))
		return false;
	for (int i = 0; i < EDID_SIZE; i++)
		sum += edid[i];
	h = d[2] | (d[4] & 0xf0) << 4;
	v = d[5] | (d[7] & 0xf0) << 4;
	htotal = h + (d[3] | (d[4] & 0xf) << 8);
	vtotal = v + (d[6] | (d[7] & 0xf) << 8);
	hz = (d[0] | d[1] << 8) * 10000.0 / htotal / vtotal;
	return !sum && !memcmp(edid, "\0\xff\xff\xff\xff\xff\xff\0", 8) &&
	       edid[18] == 1 && edid[19] == 4 && !edid[126] && h == width && v == height &&
	       hz > 59.5 && hz < 60.5;
}

static void test_edid(void)
{
	uint8_t edid[EDID_SIZE];

	EXPECT(edid_says(64, 64) && edid_says(640, 480) && edid_says(1366, 768));
	EXPECT(edid_says(1920, 1080) && edid_says(3440, 1440) && edid_says(3840, 2160));
	EXPECT(edid_make(edid, 5120, 2880) == -EOPNOTSUPP);	/* width has 12 bits */
	EXPECT(edid_make(edid, 1024, 4096) == -EOPNOTSUPP);
	EXPECT(edid_make(edid, 4095, 4095) == -EOPNOTSUPP);	/* clock has 16 bits */
	EXPECT(edid_make(edid, 0, 480) == -EOPNOTSUPP);
}

static bool script_says(const char *text, enum script_when when, uint32_t count, uint8_t op,
			const char *attack)
{
	struct script_line line;

	if (script_parse(text, &line) == SCRIPT_LINE && line.when == when &&
	    line.count == count && line.op == op && !strcmp(line.attack, attack) && !line.done)
		return true;
	printf("  \"%s\": %d, %u, 0x%x, \"%s\"\n", text, line.when, line.count, line.op,
	       line.attack);
	return false;
}

static bool script_refuses(const char *text)
{
	struct script_line line;

	if (script_parse(text, &line) == SCRIPT_ERROR)
		return true;
	printf("  taken: \"%s\"\n", text);
	return false;
}

static void test_script(void)
{
	struct script_line line;
	char text[400];

	EXPECT(script_says("after connect: attack scribble ms=5\n", AFTER_CONNECT, 0, 0,
			   "scribble ms=5"));
	EXPECT(script_says("after 3 PG_FLIP: attack status 1 0 any value=-512", AFTER_REQUESTS,
			   3, XENDISPL_OP_PG_FLIP, "status 1 0 any value=-512"));
	EXPECT(script_says("  after\t500   ms :  attack  off  \n", AFTER_MS, 500, 0, "off"));
	EXPECT(script_parse("", &line) == SCRIPT_EMPTY);
	EXPECT(script_parse(" \n", &line) == SCRIPT_EMPTY);
	EXPECT(script_parse("# after connect: attack off", &line) == SCRIPT_EMPTY);
	EXPECT(script_refuses("after connect attack off"));
	EXPECT(script_refuses("after connect: off"));
	EXPECT(script_refuses("after connect: attack"));
	EXPECT(script_refuses("after 0 PG_FLIP: attack off"));
	EXPECT(script_refuses("after -1 ms: attack off"));
	EXPECT(script_refuses("after 3 FLIP: attack off"));
	EXPECT(script_refuses("after 3: attack off"));
	EXPECT(script_refuses("before connect: attack off"));
	EXPECT(script_refuses(":"));
	memset(text, 'x', sizeof(text));
	memcpy(text, "after connect: attack ", 22);
	text[sizeof(text) - 1] = 0;
	EXPECT(script_refuses(text));
}

static void test_prng(void)
{
	struct prng a = { 7 }, b = { 7 }, other = { 8 };
	unsigned int seen[10] = { 0 };
	uint8_t bytes[16] = { 0 };

	/* SplitMix64's own first number for the seed 0. */
	EXPECT(prng_next(&(struct prng){ 0 }) == 0xe220a8397b1dcdaf);
	EXPECT(prng_next(&a) == prng_next(&b));
	EXPECT(prng_next(&a) != prng_next(&other));
	for (int i = 0; i < 1000; i++)
		seen[prng_below(&a, 10)]++;
	for (int i = 0; i < 10; i++)
		EXPECT(seen[i] > 50 && seen[i] < 150);
	EXPECT(!prng_below(&a, 1));
	prng_fill(&a, bytes, 13);
	EXPECT(!bytes[13] && !bytes[14] && !bytes[15]);
}

/* All that a mutator is given and can change. */
struct mutated {
	struct xendispl_resp mild, bad;
	struct xendispl_evt evt;
	uint8_t edid[1024];
	uint32_t edid_size, page[1024], index;
	const char *state, *versions;
};

static void mutate_all(struct prng *prng, struct mutated *m)
{
	memset(m, 0, sizeof(*m));
	m->mild.id = 5;
	m->mild.operation = XENDISPL_OP_PG_FLIP;
	m->bad = m->mild;
	mutate_reply_mildly(prng, &m->mild);
	mutate_reply_badly(prng, &m->bad);
	mutate_event(prng, &m->evt, 9);
	edid_make(m->edid, 1024, 768);
	m->edid_size = EDID_SIZE;
	mutate_edid(prng, m->edid, sizeof(m->edid), &m->edid_size);
	mutate_directory(prng, m->page, 700);
	m->index = mutate_index(prng, 40);
	m->state = mutate_state(prng);
	m->versions = mutate_versions(prng);
}

static void test_mutators_replay(void)
{
	struct prng a = { 3 }, b = { 3 }, other = { 4 };
	struct mutated first, second, third;
	unsigned int differ = 0;

	for (int i = 0; i < 500; i++) {
		mutate_all(&a, &first);
		mutate_all(&b, &second);
		mutate_all(&other, &third);
		EXPECT(!memcmp(&first, &second, sizeof(first)));
		differ += memcmp(&first, &third, sizeof(first)) != 0;
	}
	EXPECT(differ == 500);
}

/* A mild reply is one that the frontend must take for an answer; a bad one is not. */
static void test_mutators_keep_their_word(void)
{
	unsigned int bad = 0, odd_status = 0;
	struct prng prng = { 5 };
	struct mutated m;

	for (int i = 0; i < 1000; i++) {
		mutate_all(&prng, &m);
		EXPECT(m.mild.id == 5 && m.mild.operation == XENDISPL_OP_PG_FLIP);
		odd_status += m.mild.status != 0;
		bad += m.bad.id != 5 || m.bad.operation != XENDISPL_OP_PG_FLIP;
		for (int at = 701; at < 1024; at++)
			EXPECT(!m.page[at]);
		EXPECT(strchr(m.versions, '1') || strchr(m.versions, '2'));
	}
	EXPECT(bad >= 999);	/* all random may be right by chance */
	EXPECT(odd_status > 100 && odd_status < 400);
}

#define STATES (XenbusStateReconfigured + 1)

/* A digit for each state of the frontend from 0 on: the step. */
static bool steps_are(const struct reaction reactions[STATES], const char *expected)
{
	char got[STATES + 1] = { 0 };

	for (int fe = 0; fe < STATES; fe++)
		got[fe] = "-wbrcx"[reactions[fe].step];
	if (!strcmp(got, expected))
		return true;
	printf("  got %s, expected %s\n", got, expected);
	return false;
}

/* - nothing, w InitWait, b bind, r return, c close, x release */
static void test_states_deployed(void)
{
	static const char *const expected[STATES] = {
		[XenbusStateUnknown] = "---------",
		[XenbusStateInitialising] = "-w-bb----",
		[XenbusStateInitWait] = "---bb----",
		[XenbusStateInitialised] = "---------",
		[XenbusStateConnected] = "-r---rr--",
		[XenbusStateClosing] = "---------",
		[XenbusStateClosed] = "-w-------",
		[XenbusStateReconfiguring] = "---------",
		[XenbusStateReconfigured] = "---------",
	};

	for (int be = 0; be < STATES; be++) {
		struct reaction reactions[STATES];

		for (int fe = 0; fe < STATES; fe++) {
			reactions[fe] = states_deployed(be, fe);
			EXPECT(!reactions[fe].breach);
		}
		EXPECT(steps_are(reactions, expected[be]));
	}
}

static void test_states_strict(void)
{
	struct reaction online[STATES], offline[STATES];

	for (int fe = 0; fe < STATES; fe++) {
		online[fe] = states_strict(XenbusStateConnected, fe, true);
		offline[fe] = states_strict(XenbusStateConnected, fe, false);
		EXPECT(!online[fe].breach == (fe != XenbusStateInitialised));
	}
	EXPECT(steps_are(online, "rr-r-rrx-"));
	EXPECT(steps_are(offline, "cr-r-ccx-"));
	for (int fe = 0; fe < STATES; fe++) {
		online[fe] = states_strict(XenbusStateInitWait, fe, true);
		offline[fe] = states_strict(XenbusStateClosed, fe, false);
		EXPECT(!online[fe].breach == (fe != XenbusStateConnected));
	}
	EXPECT(steps_are(online, "---bb----"));
	EXPECT(steps_are(offline, "---------"));
	EXPECT(states_strict(XenbusStateClosed, XenbusStateInitialising, true).step == STEP_AWAIT);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "right requests have no breach", test_right_requests },
	{ "every unused byte must be 0", test_every_unused_byte },
	{ "undefined operations", test_undefined_operations },
	{ "wrong ring", test_wrong_ring },
	{ "DBUF_CREATE", test_dbuf_create },
	{ "DBUF_CREATE: buffer_sz", test_dbuf_size },
	{ "DBUF_CREATE: data_ofs", test_data_ofs },
	{ "DBUF_CREATE: REQ_ALLOC", test_backend_allocation },
	{ "DBUF_DESTROY", test_dbuf_destroy },
	{ "FB_ATTACH", test_fb_attach },
	{ "after a refusal", test_after_a_refusal },
	{ "FB_ATTACH: sizes", test_fb_size },
	{ "FB_DETACH", test_fb_detach },
	{ "SET_CONFIG", test_set_config },
	{ "PG_FLIP", test_pg_flip },
	{ "GET_EDID", test_get_edid },
	{ "directories of every length", test_directory_lengths },
	{ "directory breaches", test_directory_breaches },
	{ "directory without references", test_directory_links_only },
	{ "pages of a size", test_pages },
	{ "version", test_version },
	{ "numbers and resolutions", test_numbers },
	{ "pixel formats", test_formats },
	{ "composing a picture", test_compose },
	{ "crc of a picture", test_crc },
	{ "stride", test_stride },
	{ "edid", test_edid },
	{ "script", test_script },
	{ "random numbers", test_prng },
	{ "states as the deployed backend has them", test_states_deployed },
	{ "states when strict", test_states_strict },
	{ "mutators: the same seed gives the same bytes", test_mutators_replay },
	{ "mutators: what may be changed", test_mutators_keep_their_word },
};

int main(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		all_ok = true;
		cases[i].run();
		if (all_ok)
			passed++;
		else
			failed++;
		printf("%s %s\n", all_ok ? "ok" : "FAILED", cases[i].name);
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
