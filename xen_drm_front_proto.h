/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: the requests of the protocol.
 */

#ifndef __XEN_DRM_FRONT_PROTO_H__
#define __XEN_DRM_FRONT_PROTO_H__

#include <linux/types.h>

struct xen_drm_call;
struct xen_drm_chan;
struct xen_drm_chan_stats;
struct xen_drm_flip_ops;

/**
 * struct xen_drm_proto_dbuf - a buffer, as XENDISPL_OP_DBUF_CREATE describes it
 */
struct xen_drm_proto_dbuf {
	/** @cookie: name of the buffer, not 0 */
	u64 cookie;
	/** @width: number of pixels per line; with @bpp it gives the stride */
	u32 width;
	/** @height: number of lines */
	u32 height;
	/** @bpp: number of bits per pixel */
	u32 bpp;
	/** @size: size of the shared pages in bytes */
	u32 size;
	/** @offset: distance of the first pixel from the first page in bytes, version 2 alone */
	u32 offset;
	/** @directory: grant of the first directory page */
	u32 directory;
	/** @be_alloc: whether the backend is to allocate the pages */
	bool be_alloc;
};

/**
 * struct xen_drm_proto_fb - a framebuffer, as XENDISPL_OP_FB_ATTACH describes it
 */
struct xen_drm_proto_fb {
	/** @cookie: name of the framebuffer, not 0 */
	u64 cookie;
	/** @dbuf_cookie: name of its buffer */
	u64 dbuf_cookie;
	/** @width: number of pixels per line */
	u32 width;
	/** @height: number of lines */
	u32 height;
	/** @format: DRM fourcc */
	u32 format;
};

/**
 * struct xen_drm_proto_config - a mode, as XENDISPL_OP_SET_CONFIG describes it
 */
struct xen_drm_proto_config {
	/** @fb_cookie: framebuffer to begin with; all members are 0 to switch off */
	u64 fb_cookie;
	/** @width: number of visible pixels per line */
	u32 width;
	/** @height: number of visible lines */
	u32 height;
	/** @bpp: number of bits per pixel of the framebuffer */
	u32 bpp;
	/** @number: number that &xen_drm_flip_ops.mode_set names; not on the wire */
	u32 number;
};

u32 xen_drm_proto_stride(u32 width, u32 bpp);
u64 xen_drm_proto_new_cookie(void);

int xen_drm_proto_dbuf_create(struct xen_drm_chan *chan, struct xen_drm_call *call,
			      const struct xen_drm_proto_dbuf *dbuf);
int xen_drm_proto_dbuf_destroy(struct xen_drm_chan *chan, struct xen_drm_call *call,
			       u64 cookie);
int xen_drm_proto_fb_attach(struct xen_drm_chan *chan, struct xen_drm_call *call,
			    const struct xen_drm_proto_fb *fb);
int xen_drm_proto_fb_detach(struct xen_drm_chan *chan, struct xen_drm_call *call, u64 cookie);
int xen_drm_proto_set_config(struct xen_drm_chan *chan,
			     const struct xen_drm_proto_config *config);
int xen_drm_proto_get_edid(struct xen_drm_chan *chan, struct xen_drm_call *call,
			   u32 directory, u32 size);
int xen_drm_proto_page_flip(struct xen_drm_chan *chan, u64 fb_cookie, u32 *serial);

void xen_drm_proto_page_flip_panic(struct xen_drm_chan *chan, u64 fb_cookie);

void xen_drm_proto_withdraw(struct xen_drm_chan *chan, u32 directory);
void xen_drm_proto_push(struct xen_drm_chan *chan);
bool xen_drm_proto_owes(struct xen_drm_chan *chan, u32 directory);
int xen_drm_proto_wait(struct xen_drm_chan *chan, struct xen_drm_call *call);
int xen_drm_proto_wait_edid(struct xen_drm_chan *chan, struct xen_drm_call *call);
bool xen_drm_proto_poll(struct xen_drm_chan *chan);
void xen_drm_proto_listen(struct xen_drm_chan *chan);
void xen_drm_proto_add_stats(struct xen_drm_chan *chan, struct xen_drm_chan_stats *sum);
void xen_drm_proto_set_flip_ops(struct xen_drm_chan *chan, const struct xen_drm_flip_ops *ops,
				void *owner);

#endif /* __XEN_DRM_FRONT_PROTO_H__ */
