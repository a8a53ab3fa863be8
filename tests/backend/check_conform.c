// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * What is wrong in a request, a directory, a version or a number. Each case begins
 * with a request that is right and breaks one thing in it.
 */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "conform.h"
#include "expect.h"
#include "picture.h"

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
	EXPECT(check_version("1,2", NULL, &f) == 1);
	EXPECT(!f.count);
	EXPECT(check_version("1", "2", &f) == 1 && f.count == 1);
	EXPECT(check_version("1,2", "1,2", &f) == 1 && f.count == 2);
	EXPECT(check_version("12", "2", &f) == 1 && f.count == 3);
	EXPECT(check_version("1,2", "", &f) == 1 && f.count == 4);
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

const struct check conform_checks[] = {
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
	{ NULL, NULL }
};
