/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: what the backend shall know of buffers
 * and framebuffers, and what it has been told.
 */

#ifndef __XEN_DRM_FRONT_SHARE_H__
#define __XEN_DRM_FRONT_SHARE_H__

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/types.h>

struct page;
struct xen_drm_backing;
struct xen_drm_batch;
struct xen_drm_display;
struct xen_drm_link;
struct xen_drm_pgdir;
struct xen_drm_share;

/**
 * struct xen_drm_share_ops - what a share tells the memory that it belongs to
 */
struct xen_drm_share_ops {
	/**
	 * @moved: &xen_drm_share.pages of a backend's buffer has changed, so
	 * existing mappings must go; may sleep
	 */
	void (*moved)(struct xen_drm_share *share);
	/** @released: the share is not used any more, and must be freed; may sleep */
	void (*released)(struct xen_drm_share *share);
};

/**
 * struct xen_drm_share - memory that can be shared with a backend
 *
 * Embedded in a GEM object. It has grants to one domain and one page directory
 * at most, which survive connections.
 */
struct xen_drm_share {
	/** @node: entry in &xen_drm_display.shares while there is a directory, or can be one */
	struct list_head node;
	/** @dead: entry in &xen_drm_display.dead_shares after its end */
	struct llist_node dead;
	/** @ops: callbacks of the memory; constant */
	const struct xen_drm_share_ops *ops;
	/** @size: size in bytes, a multiple of PAGE_SIZE, less than 4 GiB */
	size_t size;
	/** @be_alloc: whether the pages belong to the backend */
	bool be_alloc;
	/** @backing: common reference count of the pages, NULL if each has its own */
	struct xen_drm_backing *backing;
	/** @pages_lock: held for reading to use the backend's pages, for writing to set @pages */
	struct rw_semaphore pages_lock;
	/**
	 * @pages: array of @size / PAGE_SIZE pages, set before a framebuffer is made;
	 * NULL while a buffer of the backend has none
	 */
	struct page **pages;
	/** @pgdir: page directory with the grants or mappings, or NULL */
	struct xen_drm_pgdir *pgdir;
	/** @domid: domain that @pgdir is for */
	u16 domid;
	/** @views: views of all framebuffers so far, freed with the share */
	struct list_head views;
};

/**
 * struct xen_drm_view - a description of a share's pixels, on the wire a dbuf
 */
struct xen_drm_view {
	/** @node: entry in &xen_drm_share.views */
	struct list_head node;
	/** @cookie: name on the wire */
	u64 cookie;
	/** @width: number of pixels per line; with @bpp it gives the stride on the wire */
	u32 width;
	/** @height: number of lines */
	u32 height;
	/** @bpp: number of bits per pixel */
	u32 bpp;
	/** @offset: number of bytes before the first pixel; 0 with version 1 */
	u32 offset;
	/** @told: number of the latest connection that was told of the view, or 0 */
	u64 told;
};

/**
 * struct xen_drm_fb - a framebuffer, as the protocol knows it
 *
 * Embedded in a DRM framebuffer, which holds a reference of the GEM object.
 */
struct xen_drm_fb {
	/** @node: entry in &xen_drm_display.fbs */
	struct list_head node;
	/** @dead: entry in &xen_drm_display.dead_fbs after its end */
	struct llist_node dead;
	/** @released: callback that frees a framebuffer which is not used any more; may sleep */
	void (*released)(struct xen_drm_fb *fb);
	/** @share: memory */
	struct xen_drm_share *share;
	/**
	 * @view: description of the memory, set by xen_drm_share_attach(); NULL if
	 * the protocol cannot express the framebuffer
	 */
	struct xen_drm_view *view;
	/** @cookie: name on the wire; constant after xen_drm_share_attach() */
	u64 cookie;
	/** @width: number of pixels per line */
	u32 width;
	/** @height: number of lines */
	u32 height;
	/** @pitch: number of bytes from line to line */
	u32 pitch;
	/** @offset: number of bytes before the first pixel */
	u32 offset;
	/** @bpp: number of bits per pixel of @format */
	u32 bpp;
	/** @format: DRM fourcc for the wire */
	u32 format;
	/**
	 * @told: number of the latest connection that was told of the framebuffer, or
	 * 0. Written under &xen_drm_display.lock, read by commits without it
	 */
	u64 told;
	/** @tried: the same, also if it was refused, or could not be told; locked as @told */
	u64 tried;
};

static inline unsigned int xen_drm_share_num_pages(const struct xen_drm_share *share)
{
	return share->size / PAGE_SIZE;
}

/* xen_drm_front_share.c */
u32 xen_drm_share_stride(u32 width, u32 bpp);
bool xen_drm_share_fits(size_t size, bool be_alloc);
void xen_drm_share_init(struct xen_drm_share *share, const struct xen_drm_share_ops *ops,
			size_t size);
bool xen_drm_share_expresses(struct xen_drm_display *display, const struct xen_drm_fb *fb);
bool xen_drm_share_is_told(const struct xen_drm_display *display, u64 told);
int xen_drm_share_attach(struct xen_drm_display *display, struct xen_drm_fb *fb);
int xen_drm_share_get_pgdir(struct xen_drm_display *display, struct xen_drm_share *share);
void xen_drm_share_drop_pgdir(struct xen_drm_display *display, struct xen_drm_share *share);
int xen_drm_share_tell_view(struct xen_drm_display *display, struct xen_drm_share *share,
			    struct xen_drm_view *view, struct xen_drm_batch *batch);
int xen_drm_share_take_view_back(struct xen_drm_display *display, struct xen_drm_view *view);
int xen_drm_share_tell_fb(struct xen_drm_display *display, struct xen_drm_fb *fb,
			  struct xen_drm_batch *batch);

/* xen_drm_front_share_backend.c */
int xen_drm_share_allocate(struct xen_drm_display *display, struct xen_drm_share *share,
			   u32 width, u32 height, u32 bpp);
void xen_drm_share_unmap(struct xen_drm_display *display, struct xen_drm_share *share,
			 bool forget);
int xen_drm_share_replay_backend(struct xen_drm_display *display, struct xen_drm_batch *batch);
void xen_drm_share_hide(struct xen_drm_display *display);

/* xen_drm_front_share_join.c */
int xen_drm_share_join(struct xen_drm_display *display, const struct xen_drm_link *link);
int xen_drm_share_replay(struct xen_drm_display *display);
void xen_drm_share_leave(struct xen_drm_display *display, bool forget);

/* xen_drm_front_share_release.c */
int xen_drm_share_init_display(struct xen_drm_display *display);
void xen_drm_share_detach(struct xen_drm_display *display, struct xen_drm_fb *fb);
void xen_drm_share_release(struct xen_drm_display *display, struct xen_drm_share *share);
void xen_drm_share_room(struct xen_drm_display *display);
void xen_drm_share_flush(struct xen_drm_display *display);

#endif /* __XEN_DRM_FRONT_SHARE_H__ */
