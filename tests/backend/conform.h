/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The conformance checker: what displif.h asks of a frontend's request, of a
 * page directory, and of the version it chose. Pure: works on private copies
 * and on a plain view of what the backend knows, touches no shared memory.
 */
#ifndef CONFORM_H
#define CONFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

#define FINDINGS_MAX 8
#define GREFS_PER_PAGE 1023

/*
 * What is wrong with one request. @status is 0 as long as the request's meaning
 * is clear in spite of its breaches, else the error that answers it.
 */
struct findings {
	unsigned int count;
	int status;
	bool certain;		/* whatever else goes on, it is the frontend's fault */
	char text[FINDINGS_MAX][200];
};

/* Add a breach; @status as above, 0 for one that can be served all the same. */
__attribute__((format(printf, 3, 4)))
void finding(struct findings *f, int status, const char *fmt, ...);

/* A display buffer as it was created. Width 0: sizes come with the framebuffer. */
struct dbuf_params {
	uint32_t width, height, bpp, size, data_ofs;
};

struct fb_params {
	uint32_t width, height, fourcc;
};

/* What the backend knows at the moment the request is looked at. */
struct view {
	unsigned int version;		/* 1 or 2; 0: nothing was negotiated */
	bool be_alloc;			/* the toolstack allows REQ_ALLOC */
	unsigned int connector;		/* on whose ring the request came */
	uint32_t width, height;		/* that connector's resolution */
	bool configured;
	bool flip_pending;
	const struct dbuf_params *dbuf;	/* what dbuf_cookie names, or NULL */
	const struct fb_params *fb;	/* what fb_cookie names, or NULL */
	bool refused;			/* unknown, since its creation was refused */
	bool dbuf_has_fbs;
	bool fb_on_screen;
};

/* "DBUF_CREATE" ...; NULL for an operation that the protocol does not have. */
const char *operation_name(uint8_t operation);

/* False if @name is no operation's. */
bool operation_parse(const char *name, uint8_t *operation);

/* True if the request has no content: SET_CONFIG's way to say "off". */
bool is_reset(const struct xendispl_set_config_req *req);

void check_request(const struct xendispl_req *req, const struct view *view,
		   struct findings *f);

/* How many pages hold @bytes. */
uint32_t pages_for(uint64_t bytes);

/*
 * Take the references of one directory page (1024 words; a private copy) while
 * @left are still wanted; @index is only for the text. Stores them in @grefs
 * unless that is NULL (backend allocation: there is nothing to take yet).
 * Returns how many entries of this page belong to the buffer.
 */
uint32_t check_directory_page(const uint32_t *page, unsigned int index, uint32_t left,
			      grant_ref_t *grefs, struct findings *f);

/* A page that is shared for the first time must not tell what it held before. */
void check_zeroed(const char *what, const void *bytes, size_t len, struct findings *f);

/*
 * The protocol version to use: @chosen is the frontend's node or NULL, @offered
 * the backend's list or NULL when it wrote none. 0 means: not negotiated.
 */
unsigned int check_version(const char *offered, const char *chosen, struct findings *f);

/* True if "1x2" and nothing else; sizes are 1 at least. */
bool parse_resolution(const char *text, uint32_t *width, uint32_t *height);

/* True if @text is a decimal number of 32 bits and nothing else. */
bool parse_u32(const char *text, uint32_t *value);

#endif
