// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conform.h"
#include "picture.h"

struct operation {
	const char *name;
	uint8_t body;		/* bytes of the body that have a meaning */
	bool connector_0;	/* must come on connector 0's ring */
};

static const struct operation operations[] = {
	[XENDISPL_OP_DBUF_CREATE] = { "DBUF_CREATE", 36, true },
	[XENDISPL_OP_DBUF_DESTROY] = { "DBUF_DESTROY", 8, true },
	[XENDISPL_OP_FB_ATTACH] = { "FB_ATTACH", 28, true },
	[XENDISPL_OP_FB_DETACH] = { "FB_DETACH", 8, true },
	[XENDISPL_OP_SET_CONFIG] = { "SET_CONFIG", 28, false },
	[XENDISPL_OP_PG_FLIP] = { "PG_FLIP", 8, false },
	[XENDISPL_OP_GET_EDID] = { "GET_EDID", 8, false },
};

static const struct operation *find_operation(uint8_t operation)
{
	if (operation >= ARRAY_SIZE(operations))
		return NULL;
	return operations[operation].name ? &operations[operation] : NULL;
}

const char *operation_name(uint8_t operation)
{
	const struct operation *op = find_operation(operation);

	return op ? op->name : NULL;
}

bool operation_parse(const char *name, uint8_t *operation)
{
	for (size_t op = 0; op < ARRAY_SIZE(operations); op++) {
		if (operations[op].name && !strcmp(operations[op].name, name)) {
			*operation = op;
			return true;
		}
	}
	return false;
}

void finding(struct findings *f, int status, const char *fmt, ...)
{
	va_list args;

	if (status && !f->status)
		f->status = status;
	if (f->count == FINDINGS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(f->text[f->count++], sizeof(f->text[0]), fmt, args);
	va_end(args);
}

/*
 * A cookie that nobody has. Buffer and framebuffer come in one push, so the
 * frontend cannot know yet that the buffer was refused.
 */
static void finding_unknown(struct findings *f, const struct view *view, const char *name,
			    uint64_t cookie)
{
	if (!view->refused)
		finding(f, -ENOENT, "%s 0x%" PRIx64 " is unknown", name, cookie);
	else if (!f->status)
		f->status = -ENOENT;
}

/* Index of the first byte that is not 0, or @len. */
static size_t first_nonzero(const void *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && !((const uint8_t *)bytes)[i])
		i++;
	return i;
}

static void check_unused_bytes(const struct xendispl_req *req, const struct operation *op,
			       struct findings *f)
{
	size_t at = first_nonzero(req->reserved, sizeof(req->reserved));

	if (at < sizeof(req->reserved))
		finding(f, 0, "%s: reserved[%zu] of the header is 0x%02x, must be 0", op->name,
			at, req->reserved[at]);
	at = op->body + first_nonzero(req->op.reserved + op->body,
				      sizeof(req->op.reserved) - op->body);
	if (at < sizeof(req->op.reserved))
		finding(f, 0, "%s: unused byte %zu of the body is 0x%02x, must be 0", op->name,
			at, req->op.reserved[at]);
}

static void check_dbuf_create(const struct xendispl_dbuf_create_req *req, const struct view *view,
			      struct findings *f)
{
	uint64_t need = wire_stride(req->width, req->bpp) * req->height;

	if (!req->dbuf_cookie)
		finding(f, -EINVAL, "DBUF_CREATE: dbuf_cookie is 0");
	if (view->dbuf)
		finding(f, -EEXIST, "DBUF_CREATE: dbuf_cookie 0x%" PRIx64 " is in use",
			req->dbuf_cookie);
	if (!req->width || !req->height || !req->bpp)
		finding(f, 0, "DBUF_CREATE: size is %ux%u at %u bits per pixel", req->width,
			req->height, req->bpp);
	if (!req->buffer_sz)
		finding(f, -EINVAL, "DBUF_CREATE: buffer_sz is 0");
	if (req->buffer_sz < need || req->buffer_sz - need < req->data_ofs)
		finding(f, -EINVAL,
			"DBUF_CREATE: buffer_sz is %u, %ux%u at %u bits per pixel from offset %u needs %" PRIu64,
			req->buffer_sz, req->width, req->height, req->bpp, req->data_ofs,
			need + req->data_ofs);
	if (req->flags & ~XENDISPL_DBUF_FLG_REQ_ALLOC)
		finding(f, 0, "DBUF_CREATE: flags are 0x%x, only bit 0 is defined", req->flags);
	if (req->flags & XENDISPL_DBUF_FLG_REQ_ALLOC && !view->be_alloc)
		finding(f, -EPERM, "DBUF_CREATE: REQ_ALLOC although be-alloc is not 1");
	if (!req->gref_directory)
		finding(f, -EINVAL, "DBUF_CREATE: gref_directory is 0");
	if (req->data_ofs && view->version == 1)
		finding(f, 0, "DBUF_CREATE: data_ofs is %u, must be 0 in version 1",
			req->data_ofs);
	if (req->data_ofs && req->flags & XENDISPL_DBUF_FLG_REQ_ALLOC)
		finding(f, -EINVAL, "DBUF_CREATE: data_ofs is %u together with REQ_ALLOC",
			req->data_ofs);
}

static void check_dbuf_destroy(const struct xendispl_dbuf_destroy_req *req,
			       const struct view *view, struct findings *f)
{
	if (!req->dbuf_cookie)
		finding(f, -EINVAL, "DBUF_DESTROY: dbuf_cookie is 0");
	else if (!view->dbuf)
		finding_unknown(f, view, "DBUF_DESTROY: dbuf_cookie", req->dbuf_cookie);
	else if (view->dbuf_has_fbs)
		finding(f, -EBUSY, "DBUF_DESTROY: dbuf_cookie 0x%" PRIx64
			" still has framebuffers attached", req->dbuf_cookie);
}

static void check_fb_size(const struct xendispl_fb_attach_req *req,
			  const struct dbuf_params *dbuf, unsigned int bpp, struct findings *f)
{
	uint64_t need;

	if (!dbuf->width || !dbuf->height || !dbuf->bpp) {
		need = wire_stride(req->width, bpp) * req->height + dbuf->data_ofs;
		if (dbuf->size < need)
			finding(f, -EINVAL, "FB_ATTACH: %ux%u needs %" PRIu64
				" bytes, the buffer has %u", req->width, req->height, need,
				dbuf->size);
		return;
	}
	if (req->width > dbuf->width || req->height > dbuf->height)
		finding(f, -EINVAL, "FB_ATTACH: size %ux%u is larger than the buffer's %ux%u",
			req->width, req->height, dbuf->width, dbuf->height);
	if (bpp != dbuf->bpp)
		finding(f, bpp > dbuf->bpp ? -EINVAL : 0,
			"FB_ATTACH: pixel_format has %u bits per pixel, the buffer %u", bpp,
			dbuf->bpp);
}

static void check_fb_attach(const struct xendispl_fb_attach_req *req, const struct view *view,
			    struct findings *f)
{
	unsigned int bpp = format_bpp(req->pixel_format);

	if (!req->fb_cookie)
		finding(f, -EINVAL, "FB_ATTACH: fb_cookie is 0");
	if (view->fb)
		finding(f, -EEXIST, "FB_ATTACH: fb_cookie 0x%" PRIx64 " is in use",
			req->fb_cookie);
	if (!req->width || !req->height)
		finding(f, -EINVAL, "FB_ATTACH: size is %ux%u", req->width, req->height);
	if (!bpp)
		finding(f, -EINVAL, "FB_ATTACH: pixel_format 0x%08x is unknown",
			req->pixel_format);
	if (!view->dbuf)
		finding_unknown(f, view, "FB_ATTACH: dbuf_cookie", req->dbuf_cookie);
	else if (bpp)
		check_fb_size(req, view->dbuf, bpp, f);
}

static void check_fb_detach(const struct xendispl_fb_detach_req *req, const struct view *view,
			    struct findings *f)
{
	if (!req->fb_cookie)
		finding(f, -EINVAL, "FB_DETACH: fb_cookie is 0");
	else if (!view->fb)
		finding_unknown(f, view, "FB_DETACH: fb_cookie", req->fb_cookie);
	else if (view->fb_on_screen)
		finding(f, 0, "FB_DETACH: fb_cookie 0x%" PRIx64 " is on screen", req->fb_cookie);
}

bool is_reset(const struct xendispl_set_config_req *req)
{
	return !req->fb_cookie && !req->x && !req->y && !req->width && !req->height &&
	       !req->bpp;
}

static void check_set_config(const struct xendispl_set_config_req *req, const struct view *view,
			     struct findings *f)
{
	if (is_reset(req))
		return;
	if (!req->fb_cookie)
		finding(f, -EINVAL, "SET_CONFIG: fb_cookie is 0 but the rest is not");
	else if (!view->fb)
		finding(f, -ENOENT, "SET_CONFIG: fb_cookie 0x%" PRIx64 " is unknown",
			req->fb_cookie);
	if (!req->width || !req->height)
		finding(f, -EINVAL, "SET_CONFIG: size is %ux%u", req->width, req->height);
	if ((uint64_t)req->x + req->width > view->width ||
	    (uint64_t)req->y + req->height > view->height)
		finding(f, -EINVAL, "SET_CONFIG: %ux%u+%u+%u exceeds the connector's %ux%u",
			req->width, req->height, req->x, req->y, view->width, view->height);
	if (view->fb && req->bpp != format_bpp(view->fb->fourcc))
		finding(f, 0, "SET_CONFIG: bpp is %u, the framebuffer has %u", req->bpp,
			format_bpp(view->fb->fourcc));
}

static void check_pg_flip(const struct xendispl_page_flip_req *req, const struct view *view,
			  struct findings *f)
{
	if (!req->fb_cookie)
		finding(f, -EINVAL, "PG_FLIP: fb_cookie is 0");
	else if (!view->fb)
		finding(f, -ENOENT, "PG_FLIP: fb_cookie 0x%" PRIx64 " is unknown",
			req->fb_cookie);
	if (!view->configured)
		finding(f, -EINVAL, "PG_FLIP: the connector is not configured");
	if (view->flip_pending)
		finding(f, -EBUSY, "PG_FLIP: another flip is in flight");
}

static void check_get_edid(const struct xendispl_get_edid_req *req, const struct view *view,
			   struct findings *f)
{
	if (view->version == 1)
		finding(f, -EINVAL, "GET_EDID: does not exist in version 1");
	if (req->buffer_sz < XENDISPL_EDID_MAX_SIZE)
		finding(f, -EINVAL, "GET_EDID: buffer_sz is %u, must be %u at least",
			req->buffer_sz, XENDISPL_EDID_MAX_SIZE);
	if (!req->gref_directory)
		finding(f, -EINVAL, "GET_EDID: gref_directory is 0");
}

void check_request(const struct xendispl_req *req, const struct view *view, struct findings *f)
{
	const struct operation *op = find_operation(req->operation);

	if (!op) {
		finding(f, -EINVAL, "operation 0x%02x is not defined", req->operation);
		return;
	}
	check_unused_bytes(req, op, f);
	if (op->connector_0 && view->connector)
		finding(f, 0, "%s: sent on connector %u, belongs on connector 0", op->name,
			view->connector);
	switch (req->operation) {
	case XENDISPL_OP_DBUF_CREATE:
		return check_dbuf_create(&req->op.dbuf_create, view, f);
	case XENDISPL_OP_DBUF_DESTROY:
		return check_dbuf_destroy(&req->op.dbuf_destroy, view, f);
	case XENDISPL_OP_FB_ATTACH:
		return check_fb_attach(&req->op.fb_attach, view, f);
	case XENDISPL_OP_FB_DETACH:
		return check_fb_detach(&req->op.fb_detach, view, f);
	case XENDISPL_OP_SET_CONFIG:
		return check_set_config(&req->op.set_config, view, f);
	case XENDISPL_OP_PG_FLIP:
		return check_pg_flip(&req->op.pg_flip, view, f);
	case XENDISPL_OP_GET_EDID:
		return check_get_edid(&req->op.get_edid, view, f);
	}
}

uint32_t pages_for(uint64_t bytes)
{
	return (bytes + WIRE_PAGE_SIZE - 1) / WIRE_PAGE_SIZE;
}

void check_zeroed(const char *what, const void *bytes, size_t len, struct findings *f)
{
	size_t at = first_nonzero(bytes, len);

	if (at < len)
		finding(f, 0, "%s: byte %zu of %zu is 0x%02x, must be 0: what was there before?",
			what, at, len, ((const uint8_t *)bytes)[at]);
	f->certain |= at < len;
}

uint32_t check_directory_page(const uint32_t *page, unsigned int index, uint32_t left,
			      grant_ref_t *grefs, struct findings *f)
{
	uint32_t used = left < GREFS_PER_PAGE ? left : GREFS_PER_PAGE;
	bool last = left <= GREFS_PER_PAGE;
	size_t tail;

	if (last && page[0])
		finding(f, 0, "directory page %u: gref_dir_next_page is %u, must be 0 in the last page",
			index, page[0]);
	if (!last && !page[0])
		finding(f, -EINVAL, "directory page %u: the list ends here, %u references are missing",
			index, left - used);
	if (!grefs) {
		check_zeroed("references of a directory that is ours to fill", page + 1,
			     GREFS_PER_PAGE * 4, f);
		return used;
	}
	for (uint32_t i = 0; i < used; i++) {
		grefs[i] = page[1 + i];
		if (!grefs[i])
			finding(f, -EINVAL, "directory page %u: gref[%u] is 0", index, i);
	}
	tail = used + first_nonzero(&page[1 + used], (GREFS_PER_PAGE - used) * 4) / 4;
	if (tail < GREFS_PER_PAGE)
		finding(f, 0, "directory page %u: gref[%zu] behind the last one is %u, must be 0",
			index, tail, page[1 + tail]);
	return used;
}

/* True if @item is one of the items of the list. */
static bool list_has(const char *list, const char *item)
{
	size_t len = strlen(item);

	while (list) {
		if (len && !strncmp(list, item, len) && (!list[len] || list[len] == ','))
			return true;
		list = strchr(list, ',');
		if (list)
			list++;
	}
	return false;
}

unsigned int check_version(const char *offered, const char *chosen, struct findings *f)
{
	uint32_t version;

	if (!chosen)
		return 1;
	if (list_has(offered, chosen) && parse_u32(chosen, &version))
		return version;
	finding(f, 0, "version is \"%s\", the backend offers \"%s\"", chosen, offered);
	return 1;
}

static bool parse_number(const char **text, uint32_t *value)
{
	uint64_t number = 0;
	const char *p = *text;

	while (*p >= '0' && *p <= '9' && number <= UINT32_MAX)
		number = number * 10 + (*p++ - '0');
	if (p == *text || number > UINT32_MAX)
		return false;
	*text = p;
	*value = number;
	return true;
}

bool parse_u32(const char *text, uint32_t *value)
{
	return text && parse_number(&text, value) && !*text;
}

bool parse_resolution(const char *text, uint32_t *width, uint32_t *height)
{
	return text && parse_number(&text, width) && *text++ == 'x' &&
	       parse_number(&text, height) && !*text && *width && *height;
}
