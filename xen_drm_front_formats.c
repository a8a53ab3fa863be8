// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: formats that the backend takes.
 */

#include <linux/array_size.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <drm/drm_fourcc.h>

#include <kunit/visibility.h>

#include "xen_drm_front_formats.h"

#include "xen_drm_front.h"
#include "xen_drm_front_batch.h"
#include "xen_drm_front_pgdir.h"
#include "xen_drm_front_proto.h"

/**
 * DOC: Formats
 *
 * The protocol has no request for formats, and the formats of a backend depend on its
 * host. Clients choose one from the list of a plane, and do not expect that ADDFB refuses
 * it. So before a display is made, the backend is sent a framebuffer of each format as a
 * trial. All of them are in one page, and all requests fit into the ring, so that the
 * trial costs one round trip. The planes list the formats that are not refused.
 *
 * XRGB8888 is listed in any case, and all formats are if no answer comes. The list is that
 * of the first backend, since DRM has no way to change it. A later backend that cannot show
 * a format refuses it in ADDFB.
 */

/* Width and height of the framebuffers; hosts refuse smaller ones. */
#define TRIAL_DIM	32

/*
 * All have one plane, with a whole number of bytes per pixel or pair of pixels. XRGB8888
 * comes first, since all backends can show it.
 */
static const u32 formats_known[XEN_DRM_MAX_FORMATS] = {
	DRM_FORMAT_XRGB8888,
	DRM_FORMAT_ARGB8888,
	DRM_FORMAT_XBGR8888,
	DRM_FORMAT_ABGR8888,
	DRM_FORMAT_XRGB2101010,
	DRM_FORMAT_ARGB2101010,
	DRM_FORMAT_RGB888,
	DRM_FORMAT_RGB565,
	DRM_FORMAT_XRGB1555,
	DRM_FORMAT_ARGB1555,
	DRM_FORMAT_XRGB4444,
	DRM_FORMAT_ARGB4444,
	DRM_FORMAT_YUYV,
	DRM_FORMAT_UYVY,
};

/* The formats that the wire gets, ordered by their depth. */
static const struct trial_format {
	/* @format: DRM fourcc */
	u32 format;
	/* @bpp: number of bits per pixel */
	u32 bpp;
} trial_formats[] = {
	{ DRM_FORMAT_XRGB8888, 32 },
	{ DRM_FORMAT_XBGR8888, 32 },
	{ DRM_FORMAT_XRGB2101010, 32 },
	{ DRM_FORMAT_RGB888, 24 },
	{ DRM_FORMAT_RGB565, 16 },
	{ DRM_FORMAT_XRGB1555, 16 },
	{ DRM_FORMAT_XRGB4444, 16 },
	{ DRM_FORMAT_YUYV, 16 },
	{ DRM_FORMAT_UYVY, 16 },
};

/**
 * struct trial_object - a buffer or a framebuffer on trial
 */
struct trial_object {
	/** @cookie: name on the wire */
	u64 cookie;
	/** @taken: 0 if the backend has refused it */
	u64 taken;
};

/**
 * struct trial - a framebuffer of each format
 */
struct trial {
	/** @batch: requests */
	struct xen_drm_batch batch;
	/** @page: memory of all buffers */
	struct page *page;
	/** @pgdir: directory of @page */
	struct xen_drm_pgdir *pgdir;
	/** @buffers: buffer for each depth */
	struct trial_object buffers[3];
	/** @num_buffers: number of buffers that the backend has been told of */
	unsigned int num_buffers;
	/** @fbs: framebuffer for each of trial_formats, in the buffer of its depth */
	struct trial_object fbs[ARRAY_SIZE(trial_formats)];
	/** @num_fbs: number of framebuffers that the backend has been told of */
	unsigned int num_fbs;
};

/**
 * xen_drm_formats_opaque - get the format that the wire gets
 * @format: format of a plane's list
 *
 * Nothing is below the plane, so alpha means nothing. A backend that shows the guest in
 * a window would blend it with what is behind the window, so it is told of no alpha.
 *
 * Returns: the format without alpha.
 */
u32 xen_drm_formats_opaque(u32 format)
{
	switch (format) {
	case DRM_FORMAT_ARGB8888:
		return DRM_FORMAT_XRGB8888;
	case DRM_FORMAT_ABGR8888:
		return DRM_FORMAT_XBGR8888;
	case DRM_FORMAT_ARGB2101010:
		return DRM_FORMAT_XRGB2101010;
	case DRM_FORMAT_ARGB1555:
		return DRM_FORMAT_XRGB1555;
	case DRM_FORMAT_ARGB4444:
		return DRM_FORMAT_XRGB4444;
	default:
		return format;
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_formats_opaque);

static int trial_create(struct trial *trial, u32 bpp)
{
	struct trial_object *buffer = &trial->buffers[trial->num_buffers];
	const struct xen_drm_proto_dbuf dbuf = {
		.cookie = xen_drm_proto_new_cookie(),
		.width = TRIAL_DIM,
		.height = TRIAL_DIM,
		.bpp = bpp,
		.size = PAGE_SIZE,
		.directory = xen_drm_pgdir_start(trial->pgdir),
	};
	struct xen_drm_call *call;
	int ret;

	buffer->cookie = dbuf.cookie;
	buffer->taken = 1;
	call = xen_drm_batch_next(&trial->batch, &buffer->taken);
	ret = xen_drm_batch_sent(&trial->batch,
				 xen_drm_proto_dbuf_create(trial->batch.chan, call, &dbuf));
	if (!ret)
		trial->num_buffers++;
	return ret;
}

/* The framebuffer is in the latest buffer. */
static int trial_attach(struct trial *trial, u32 format)
{
	struct trial_object *trial_fb = &trial->fbs[trial->num_fbs];
	const struct xen_drm_proto_fb fb = {
		.cookie = xen_drm_proto_new_cookie(),
		.dbuf_cookie = trial->buffers[trial->num_buffers - 1].cookie,
		.width = TRIAL_DIM,
		.height = TRIAL_DIM,
		.format = format,
	};
	struct xen_drm_call *call;
	int ret;

	trial_fb->cookie = fb.cookie;
	trial_fb->taken = 1;
	call = xen_drm_batch_next(&trial->batch, &trial_fb->taken);
	ret = xen_drm_batch_sent(&trial->batch,
				 xen_drm_proto_fb_attach(trial->batch.chan, call, &fb));
	if (!ret)
		trial->num_fbs++;
	return ret;
}

static int trial_begin(struct trial *trial)
{
	unsigned int i;
	u32 bpp = 0;
	int ret = 0;

	for (i = 0; !ret && i < ARRAY_SIZE(trial_formats); i++) {
		if (bpp != trial_formats[i].bpp)
			ret = trial_create(trial, trial_formats[i].bpp);
		bpp = trial_formats[i].bpp;
		if (!ret)
			ret = trial_attach(trial, trial_formats[i].format);
	}
	return ret;
}

/* Refused objects are taken back, too: a hostile backend may have kept what it refused. */
static void trial_end(struct trial *trial)
{
	struct xen_drm_chan *chan = trial->batch.chan;
	struct xen_drm_call *call;
	unsigned int i;

	for (i = 0; i < trial->num_fbs; i++) {
		call = xen_drm_batch_next(&trial->batch, NULL);
		xen_drm_batch_sent(&trial->batch,
				   xen_drm_proto_fb_detach(chan, call, trial->fbs[i].cookie));
	}
	for (i = 0; i < trial->num_buffers; i++) {
		call = xen_drm_batch_next(&trial->batch, NULL);
		xen_drm_batch_sent(&trial->batch,
				   xen_drm_proto_dbuf_destroy(chan, call,
							      trial->buffers[i].cookie));
	}
	xen_drm_batch_wait(&trial->batch);
}

/* Returns whether the backend has been given a buffer. */
static bool trial_run(struct trial *trial, const struct xen_drm_link *link)
{
	bool ran;

	trial->batch.chan = link->chan;
	trial->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!trial->page)
		return false;

	trial->pgdir = xen_drm_pgdir_grant(link->domid, &trial->page, 1, NULL);
	ran = !IS_ERR(trial->pgdir);
	if (ran) {
		trial_begin(trial);
		trial_end(trial);
		xen_drm_proto_withdraw(link->chan, xen_drm_pgdir_start(trial->pgdir));
		xen_drm_pgdir_free(trial->pgdir);
	}
	/* A page that the backend still maps is deferred with a reference of its own. */
	__free_page(trial->page);
	return ran;
}

/* The formats in a refused buffer are unknown, so they are listed. */
static bool trial_takes(const struct trial *trial, u32 format)
{
	unsigned int i, buffer = 0;

	for (i = 0; i < trial->num_fbs; i++) {
		if (i && trial_formats[i].bpp != trial_formats[i - 1].bpp)
			buffer++;
		if (trial_formats[i].format == format)
			return trial->fbs[i].taken || !trial->buffers[buffer].taken;
	}
	return true;
}

/**
 * xen_drm_formats_ask - find out which formats the backend takes
 * @formats: filled; never empty
 * @link: a connection whose backend is Connected
 *
 * Implements XENDISPL_OP_DBUF_CREATE, XENDISPL_OP_FB_ATTACH and their opposites. The
 * buffer is the guest's, also if the backend is to allocate buffers, since formats do not
 * depend on that.
 *
 * Context: may sleep; waits for the backend.
 */
void xen_drm_formats_ask(struct xen_drm_formats *formats, const struct xen_drm_link *link)
{
	struct trial *trial __free(kfree) = kzalloc_obj(*trial);
	unsigned int i;
	u32 opaque;
	bool ran;

	ran = trial && trial_run(trial, link);
	formats->num = 0;
	for (i = 0; i < ARRAY_SIZE(formats_known); i++) {
		opaque = xen_drm_formats_opaque(formats_known[i]);
		if (!ran || opaque == DRM_FORMAT_XRGB8888 || trial_takes(trial, opaque))
			formats->list[formats->num++] = formats_known[i];
	}
}
EXPORT_SYMBOL_IF_KUNIT(xen_drm_formats_ask);
