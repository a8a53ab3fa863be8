/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: what the backend shall know of buffers
 * and framebuffers, and what it has been told.
 */

#ifndef __XEN_DRM_FRONT_SHARE_H__
#define __XEN_DRM_FRONT_SHARE_H__

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct page;
struct xen_drm_backing;
struct xen_drm_display;
struct xen_drm_link;
struct xen_drm_pgdir;
struct xen_drm_share;

/** struct xen_drm_share_ops - what a share tells the memory that it belongs to */
struct xen_drm_share_ops {
	/**
	 * @moved: &xen_drm_share.pages has changed, so existing mappings must go.
	 * The backend's buffers alone; may sleep
	 */
	void (*moved)(struct xen_drm_share *share);
	/** @released: nobody knows of the share any more, free it; may sleep */
	void (*released)(struct xen_drm_share *share);
};

/**
 * struct xen_drm_share - memory that can be shared with a backend
 *
 * Embedded in a GEM object. It has grants to one domain and one page directory
 * at most, which survive connections. A view is what the wire calls a dbuf.
 */
struct xen_drm_share {
	/** @node: in &xen_drm_display.shares while there is a directory, or can be one */
	struct list_head node;
	/** @dead: in &xen_drm_display.dead_shares after its end */
	struct llist_node dead;
	/** @ops: constant */
	const struct xen_drm_share_ops *ops;
	/** @size: bytes, a multiple of PAGE_SIZE, less than 4 GiB */
	size_t size;
	/** @be_alloc: the pages belong to the backend */
	bool be_alloc;
	/** @backing: the pages' common reference count, NULL if each has its own */
	struct xen_drm_backing *backing;
	/** @pages_lock: read for a use of the backend's pages, written to change @pages */
	struct rw_semaphore pages_lock;
	/**
	 * @pages: @size / PAGE_SIZE pages; set before a framebuffer is made. Of a
	 * buffer of the backend NULL while there are none
	 */
	struct page **pages;
	/** @pgdir: page directory with the grants or mappings, or NULL */
	struct xen_drm_pgdir *pgdir;
	/** @domid: domain that @pgdir is for */
	u16 domid;
	/** @views: what framebuffers have wanted so far; never changed, gone with the share */
	struct list_head views;
};

/** struct xen_drm_view - a description of a share's pixels, on the wire a dbuf */
struct xen_drm_view {
	/** @node: in &xen_drm_share.views */
	struct list_head node;
	/** @cookie: name on the wire */
	u64 cookie;
	/** @width: pixels per line; with @bpp it gives the stride on the wire */
	u32 width;
	/** @height: lines */
	u32 height;
	/** @bpp: bits per pixel */
	u32 bpp;
	/** @offset: bytes before the first pixel; only version 2 can say it */
	u32 offset;
	/** @told: number of the last connection that was told of it, or 0 */
	u64 told;
};

/**
 * struct xen_drm_fb - a framebuffer, as the protocol knows it
 *
 * Embedded in a DRM framebuffer, which holds a reference of the GEM object.
 */
struct xen_drm_fb {
	/** @node: in &xen_drm_display.fbs */
	struct list_head node;
	/** @dead: in &xen_drm_display.dead_fbs after its end */
	struct llist_node dead;
	/** @released: nobody knows of the framebuffer any more, free it; may sleep */
	void (*released)(struct xen_drm_fb *fb);
	/** @share: memory */
	struct xen_drm_share *share;
	/**
	 * @view: description of the memory, set by xen_drm_share_attach(); NULL if
	 * the protocol cannot express the framebuffer
	 */
	struct xen_drm_view *view;
	/** @cookie: name on the wire; constant since xen_drm_share_attach() */
	u64 cookie;
	/** @width: pixels per line */
	u32 width;
	/** @height: lines */
	u32 height;
	/** @pitch: bytes from line to line */
	u32 pitch;
	/** @offset: bytes before the first pixel */
	u32 offset;
	/** @bpp: bits per pixel of @format */
	u32 bpp;
	/** @format: DRM fourcc for the wire */
	u32 format;
	/**
	 * @told: number of the last connection that has been told of it, or 0.
	 * Written under &xen_drm_display.lock, read by flips without it
	 */
	u64 told;
};

u32 xen_drm_share_stride(u32 width, u32 bpp);
bool xen_drm_share_fits(size_t size, bool be_alloc);
int xen_drm_share_init_display(struct xen_drm_display *display);
void xen_drm_share_init(struct xen_drm_share *share, const struct xen_drm_share_ops *ops,
			size_t size);
int xen_drm_share_allocate(struct xen_drm_display *display, struct xen_drm_share *share,
			   u32 width, u32 height, u32 bpp);
bool xen_drm_share_expresses(struct xen_drm_display *display, const struct xen_drm_fb *fb);
int xen_drm_share_attach(struct xen_drm_display *display, struct xen_drm_fb *fb);
void xen_drm_share_detach(struct xen_drm_display *display, struct xen_drm_fb *fb);
void xen_drm_share_release(struct xen_drm_display *display, struct xen_drm_share *share);
void xen_drm_share_room(struct xen_drm_display *display);
void xen_drm_share_flush(struct xen_drm_display *display);
int xen_drm_share_join(struct xen_drm_display *display, const struct xen_drm_link *link);
int xen_drm_share_replay(struct xen_drm_display *display);
void xen_drm_share_leave(struct xen_drm_display *display, bool forget);

#endif /* __XEN_DRM_FRONT_SHARE_H__ */
