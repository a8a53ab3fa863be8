// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: EDIDs of the backend.
 */

#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kunit/visibility.h>

#include <drm/drm_edid.h>
#include <drm/drm_modes.h>
#include <drm/drm_print.h>

#include "xen_drm_front_edid.h"

#include "xen_drm_front.h"
#include "xen_drm_front_pgdir.h"
#include "xen_drm_front_proto.h"

/**
 * DOC: EDIDs
 *
 * A backend that speaks version 2 writes a connector's EDID into pages that are granted
 * to it. Once it has answered, the size in the reply is checked, and the pages are copied.
 * Then the number of blocks is checked in the copy, and DRM checks the header and the
 * checksums. An EDID that fails a check is not used.
 */

#define EDID_NUM_PAGES	DIV_ROUND_UP(XENDISPL_EDID_MAX_SIZE, PAGE_SIZE)
/* Least width and height of a detailed timing: DRM skips smaller ones. */
#define EDID_MIN_DIM	64

/**
 * struct xen_drm_edid_query - a GET_EDID that has not been answered yet
 */
struct xen_drm_edid_query {
	/** @chan: channel that it was sent on */
	struct xen_drm_chan *chan;
	/** @call: storage for the reply */
	struct xen_drm_call call;
	/** @pgdir: directory of @pages */
	struct xen_drm_pgdir *pgdir;
	/** @pages: pages that the backend writes the EDID to */
	struct page *pages[EDID_NUM_PAGES];
};

/* ------------------------------------------------------------------------
 * The request
 */

static void query_free(struct xen_drm_edid_query *query)
{
	unsigned int i;

	if (query->pgdir) {
		xen_drm_proto_withdraw(query->chan, xen_drm_pgdir_start(query->pgdir));
		xen_drm_pgdir_free(query->pgdir);
	}
	/* A page that the backend still maps is deferred with a reference of its own. */
	for (i = 0; i < ARRAY_SIZE(query->pages) && query->pages[i]; i++)
		__free_page(query->pages[i]);
	kfree(query);
}

static int query_send(struct xen_drm_edid_query *query, const struct xen_drm_link *link)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(query->pages); i++) {
		query->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!query->pages[i])
			return -ENOMEM;
	}

	query->pgdir = xen_drm_pgdir_grant(link->domid, query->pages,
					   ARRAY_SIZE(query->pages), NULL);
	if (IS_ERR(query->pgdir)) {
		ret = PTR_ERR(query->pgdir);
		query->pgdir = NULL;
		return ret;
	}

	ret = xen_drm_proto_get_edid(query->chan, &query->call,
				     xen_drm_pgdir_start(query->pgdir),
				     ARRAY_SIZE(query->pages) * PAGE_SIZE);
	if (!ret)
		xen_drm_proto_push(query->chan);
	return ret;
}

/**
 * xen_drm_edid_ask - ask the backend for a connector's EDID
 * @chan: channel of the connector
 * @link: the connection
 *
 * Implements XENDISPL_OP_GET_EDID, with xen_drm_edid_take().
 *
 * Returns: the query; NULL if the backend knows no EDIDs; or an error pointer, after which
 * nobody knows what the EDID is.
 */
struct xen_drm_edid_query *xen_drm_edid_ask(struct xen_drm_chan *chan,
					    const struct xen_drm_link *link)
{
	struct xen_drm_edid_query *query;
	int ret;

	if (link->version < 2)
		return NULL;

	query = kzalloc_obj(*query);
	if (!query)
		return ERR_PTR(-ENOMEM);
	query->chan = chan;
	ret = query_send(query, link);
	if (ret) {
		query_free(query);
		return ERR_PTR(ret);
	}
	return query;
}

/* The EDID is copied before it is looked at, since the backend may go on writing. */
static struct xen_drm_edid *query_copy(const struct xen_drm_edid_query *query, int size)
{
	struct xen_drm_edid *edid = kmalloc(struct_size(edid, data, size), GFP_KERNEL);
	int done;

	if (!edid)
		return NULL;
	edid->size = size;
	for (done = 0; done < size; done += PAGE_SIZE)
		memcpy(edid->data + done, page_address(query->pages[done / PAGE_SIZE]),
		       min_t(size_t, size - done, PAGE_SIZE));
	return edid;
}

/**
 * xen_drm_edid_take - wait for the backend's EDID
 * @drm: the DRM device, for messages
 * @connector: name of the connector, for messages
 * @query: what xen_drm_edid_ask() has returned; freed
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: a valid EDID, to be freed by kfree(); NULL if there is none; or an error pointer
 * if nobody knows: -ENODEV when the connection has ended, -ETIMEDOUT when the backend is
 * silent, or what xen_drm_edid_ask() returned.
 */
struct xen_drm_edid *xen_drm_edid_take(struct drm_device *drm, const char *connector,
				       struct xen_drm_edid_query *query)
{
	struct xen_drm_edid *edid = NULL;
	int size, ret = 0;

	if (IS_ERR_OR_NULL(query))
		return ERR_CAST(query);

	size = xen_drm_proto_wait_edid(query->chan, &query->call);
	if (size > 0) {
		edid = query_copy(query, size);
		ret = edid ? 0 : -ENOMEM;
	}
	if (size == -EPROTO || (edid && !xen_drm_edid_is_valid(edid->data, edid->size))) {
		drm_err_ratelimited(drm,
				    "%s: the backend's EDID is not valid, it is not used\n",
				    connector);
		kfree(edid);
		edid = NULL;
	}
	query_free(query);
	if (size == -ENODEV || size == -ETIMEDOUT)
		ret = size;
	return ret ? ERR_PTR(ret) : edid;
}

/* ------------------------------------------------------------------------
 * Content
 */

/**
 * xen_drm_edid_is_valid - check the blocks of an EDID
 * @data: first block
 * @size: size of all blocks in bytes
 *
 * The first block says how many there are, unless there is an extension by which DRM
 * corrects that number.
 *
 * Returns: whether there are so many blocks, and DRM finds each of them right.
 */
bool xen_drm_edid_is_valid(const void *data, size_t size)
{
	const struct drm_edid *edid;
	bool valid;

	/* DRM would let an extension reduce the number of blocks, and warn of that later. */
	if (size < EDID_LENGTH ||
	    size < (((const struct edid *)data)->extensions + 1) * EDID_LENGTH)
		return false;

	edid = drm_edid_alloc(data, size);
	valid = drm_edid_valid(edid);
	drm_edid_free(edid);
	return valid;
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_edid_is_valid);

/**
 * xen_drm_edid_is_same - compare two EDIDs
 * @a: one of them, or NULL
 * @b: another one, or NULL
 *
 * Returns: whether they are the same.
 */
bool xen_drm_edid_is_same(const struct xen_drm_edid *a, const struct xen_drm_edid *b)
{
	if (!a || !b)
		return a == b;
	return a->size == b->size && !memcmp(a->data, b->data, a->size);
}

/**
 * xen_drm_edid_preferred - look up the timing that a monitor prefers
 * @edid: a valid EDID
 * @mode: filled with visible size, whole size and clock, which are not checked
 *
 * Returns: whether the EDID begins with a progressive timing that is not stereo.
 */
bool xen_drm_edid_preferred(const struct xen_drm_edid *edid, struct drm_display_mode *mode)
{
	const struct edid *base = (const struct edid *)edid->data;
	const struct detailed_timing *timing = &base->detailed_timings[0];
	const struct detailed_pixel_timing *pt = &timing->data.pixel_data;

	memset(mode, 0, sizeof(*mode));
	mode->clock = le16_to_cpu(timing->pixel_clock) * 10;
	mode->hdisplay = pt->hactive_lo | (pt->hactive_hblank_hi & 0xf0) << 4;
	mode->htotal = mode->hdisplay + (pt->hblank_lo | (pt->hactive_hblank_hi & 0xf) << 8);
	mode->vdisplay = pt->vactive_lo | (pt->vactive_vblank_hi & 0xf0) << 4;
	mode->vtotal = mode->vdisplay + (pt->vblank_lo | (pt->vactive_vblank_hi & 0xf) << 8);

	return mode->clock && mode->hdisplay >= EDID_MIN_DIM && mode->vdisplay >= EDID_MIN_DIM &&
	       !(pt->misc & (DRM_EDID_PT_INTERLACED | DRM_EDID_PT_STEREO));
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_edid_preferred);

/**
 * xen_drm_edid_read_block - read a block, as drm_edid_read_custom() wants it
 * @context: an EDID, or NULL
 * @buf: filled
 * @block: number of the block
 * @len: number of bytes
 *
 * Returns: 0, or -ENODATA if there is no such block.
 */
int xen_drm_edid_read_block(void *context, u8 *buf, unsigned int block, size_t len)
{
	const struct xen_drm_edid *edid = context;
	size_t start = block * EDID_LENGTH;

	if (!edid || start + len > edid->size)
		return -ENODATA;

	memcpy(buf, edid->data + start, len);
	return 0;
}
