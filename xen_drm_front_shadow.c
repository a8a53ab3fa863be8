// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Xen para-virtualised display frontend: copies of pictures that the protocol cannot express.
 */

#include <linux/dma-direction.h>
#include <linux/highmem.h>
#include <linux/kref.h>
#include <linux/slab.h>

#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_mode.h>
#include <drm/drm_rect.h>

#include "xen_drm_front_shadow.h"

#include "xen_drm_front.h"
#include "xen_drm_front_fb.h"
#include "xen_drm_front_gem.h"
#include "xen_drm_front_share.h"

/**
 * DOC: Shadows
 *
 * The protocol shows a framebuffer from its first pixel on, with a stride that follows
 * from a width. A client may ask for a part of a framebuffer, as Xorg does for each of
 * its screens side by side. It may also have a framebuffer within a buffer, or any other
 * pitch. The pipe then shows a shadow, which is a copy of its own, as large as the mode.
 *
 * Commits and DIRTYFB copy the damaged lines before the flip is sent. Each pipe has one
 * shadow, so a backend that shows the guest's memory without copying it may show a
 * picture that is half new.
 */

/**
 * struct xen_drm_shadow - a copy of a picture, as large as that
 */
struct xen_drm_shadow {
	/** @ref: number of plane states that use it, and one while it is the pipe's latest */
	struct kref ref;
	/** @display: DRM device */
	struct xen_drm_display *display;
	/** @obj: memory */
	struct drm_gem_object *obj;
	/** @cpp: number of bytes per pixel */
	unsigned int cpp;
	/** @fb: framebuffer of @obj */
	struct xen_drm_fb fb;
};

/**
 * struct shadow_area - lines of pixels in a share
 */
struct shadow_area {
	/** @share: memory */
	struct xen_drm_share *share;
	/** @offset: number of bytes before the first line */
	size_t offset;
	/** @pitch: number of bytes from line to line */
	size_t pitch;
};

static void shadow_released(struct xen_drm_fb *fb)
{
	struct xen_drm_shadow *shadow = container_of(fb, struct xen_drm_shadow, fb);

	drm_gem_object_put(shadow->obj);
	kfree(shadow);
}

static void shadow_release(struct kref *ref)
{
	struct xen_drm_shadow *shadow = container_of(ref, struct xen_drm_shadow, ref);

	xen_drm_share_detach(shadow->display, &shadow->fb);
}

/**
 * xen_drm_shadow_put - drop a reference
 * @shadow: the shadow, or NULL
 *
 * Context: does not wait.
 */
void xen_drm_shadow_put(struct xen_drm_shadow *shadow)
{
	if (shadow)
		kref_put(&shadow->ref, shadow_release);
}

/**
 * xen_drm_shadow_fb - get the framebuffer of a shadow
 * @shadow: the shadow
 *
 * Returns: the framebuffer.
 */
const struct xen_drm_fb *xen_drm_shadow_fb(const struct xen_drm_shadow *shadow)
{
	return &shadow->fb;
}

static int shadow_init(struct xen_drm_shadow *shadow, const struct drm_framebuffer *fb,
		       unsigned int width, unsigned int height)
{
	struct drm_mode_create_dumb args = {
		.width = width,
		.height = height,
		.bpp = drm_format_info_bpp(fb->format, 0),
	};
	int ret;

	shadow->obj = xen_drm_gem_create(fb->dev, &args, shadow->display->cfg.be_alloc);
	if (IS_ERR(shadow->obj))
		return PTR_ERR(shadow->obj);

	shadow->fb.released = shadow_released;
	shadow->fb.share = &to_xen_drm_gem(shadow->obj)->share;
	shadow->fb.width = width;
	shadow->fb.height = height;
	shadow->fb.pitch = args.pitch;
	shadow->fb.bpp = args.bpp;
	shadow->fb.format = xen_drm_fb_from_drm((struct drm_framebuffer *)fb)->format;

	ret = xen_drm_gem_get_pages(shadow->obj);
	if (!ret)
		ret = xen_drm_share_attach(shadow->display, &shadow->fb);
	if (ret)
		drm_gem_object_put(shadow->obj);
	return ret;
}

static struct xen_drm_shadow *shadow_create(struct xen_drm_display *display,
					    const struct drm_framebuffer *fb,
					    unsigned int width, unsigned int height)
{
	struct xen_drm_shadow *shadow = kzalloc_obj(*shadow);
	int ret;

	if (!shadow)
		return ERR_PTR(-ENOMEM);

	kref_init(&shadow->ref);
	shadow->display = display;
	shadow->cpp = fb->format->cpp[0];
	ret = shadow_init(shadow, fb, width, height);
	if (ret) {
		kfree(shadow);
		return ERR_PTR(ret);
	}
	return shadow;
}

static bool shadow_fits(const struct xen_drm_shadow *shadow, struct drm_framebuffer *fb,
			unsigned int width, unsigned int height)
{
	return shadow && shadow->fb.width == width && shadow->fb.height == height &&
	       shadow->fb.format == xen_drm_fb_from_drm(fb)->format;
}

/**
 * xen_drm_shadow_prepare - get a shadow for a picture
 * @pipe: the pipe
 * @fb: framebuffer with the picture
 * @width: number of pixels per line of the picture
 * @height: number of lines of the picture
 *
 * Context: may sleep; waits for the backend.
 *
 * Returns: the shadow, with a reference; or an error as xen_drm_gem_create() or
 * xen_drm_share_attach().
 */
struct xen_drm_shadow *xen_drm_shadow_prepare(struct xen_drm_shadow_pipe *pipe,
					      struct drm_framebuffer *fb, unsigned int width,
					      unsigned int height)
{
	struct xen_drm_shadow *shadow;

	guard(mutex)(&pipe->lock);

	if (!shadow_fits(pipe->latest, fb, width, height)) {
		shadow = shadow_create(pipe->display, fb, width, height);
		if (IS_ERR(shadow))
			return shadow;
		xen_drm_shadow_put(pipe->latest);
		pipe->latest = shadow;
	}
	kref_get(&pipe->latest->ref);
	return pipe->latest;
}

/* Returns how many of @len bytes lie in the page of @at. */
static size_t area_bytes_left(size_t at, size_t len)
{
	return min(len, PAGE_SIZE - offset_in_page(at));
}

static void copy_bytes(struct page **to, size_t to_at, struct page **from, size_t from_at,
		       size_t len)
{
	size_t part;
	void *src, *dst;

	for (; len; len -= part, to_at += part, from_at += part) {
		part = area_bytes_left(to_at, area_bytes_left(from_at, len));
		src = kmap_local_page(from[from_at / PAGE_SIZE]);
		dst = kmap_local_page(to[to_at / PAGE_SIZE]);
		memcpy(dst + offset_in_page(to_at), src + offset_in_page(from_at), part);
		kunmap_local(dst);
		kunmap_local(src);
	}
}

/* Does nothing while a buffer of the backend has no pages. */
static void copy_lines(const struct shadow_area *to, const struct shadow_area *from,
		       size_t bytes, unsigned int lines)
{
	unsigned int i;

	guard(rwsem_read)(&to->share->pages_lock);
	/* The shares differ, since user space has no framebuffer of a shadow. */
	down_read_nested(&from->share->pages_lock, SINGLE_DEPTH_NESTING);
	for (i = 0; to->share->pages && from->share->pages && i < lines; i++) {
		copy_bytes(to->share->pages, to->offset + i * to->pitch,
			   from->share->pages, from->offset + i * from->pitch, bytes);
		cond_resched();
	}
	up_read(&from->share->pages_lock);
}

/*
 * @area is in pixels of the framebuffer. If the exporter of an imported buffer fails, its
 * memory is copied as it is.
 */
static void shadow_copy(struct xen_drm_shadow_pipe *pipe, const struct drm_rect *area)
{
	const struct xen_drm_fb *source = xen_drm_fb_from_drm(pipe->fb);
	struct xen_drm_shadow *shadow = pipe->shown;
	struct drm_rect visible = DRM_RECT_INIT(pipe->x, pipe->y, shadow->fb.width,
						shadow->fb.height);
	struct shadow_area to, from;

	lockdep_assert_held(&pipe->lock);

	if (!drm_rect_intersect(&visible, area))
		return;
	/* Begin at an even pixel: two pixels of YUYV share their colour. */
	visible.x1 = round_down(visible.x1 - pipe->x, 2) + pipe->x;

	to.share = shadow->fb.share;
	to.pitch = shadow->fb.pitch;
	to.offset = (visible.y1 - pipe->y) * to.pitch + (visible.x1 - pipe->x) * shadow->cpp;
	from.share = source->share;
	from.pitch = source->pitch;
	from.offset = source->offset + visible.y1 * from.pitch + visible.x1 * shadow->cpp;
	copy_lines(&to, &from, drm_rect_width(&visible) * shadow->cpp,
		   drm_rect_height(&visible));
}

/**
 * xen_drm_shadow_show - show a part of a framebuffer by a shadow
 * @pipe: the pipe
 * @shadow: shadow; the plane's state keeps a reference
 * @fb: framebuffer; the plane's state keeps a reference
 * @x: first pixel that is shown
 * @y: first line that is shown
 * @damage: area that has changed, in pixels of the framebuffer
 *
 * Context: commit tail; may sleep.
 */
void xen_drm_shadow_show(struct xen_drm_shadow_pipe *pipe, struct xen_drm_shadow *shadow,
			 struct drm_framebuffer *fb, unsigned int x, unsigned int y,
			 const struct drm_rect *damage)
{
	int ret;

	guard(mutex)(&pipe->lock);

	pipe->shown = shadow;
	pipe->fb = fb;
	pipe->x = x;
	pipe->y = y;
	ret = xen_drm_fb_begin_read(fb);
	shadow_copy(pipe, damage);
	if (!ret)
		drm_gem_fb_end_cpu_access(fb, DMA_FROM_DEVICE);
}

/**
 * xen_drm_shadow_hide - stop showing a shadow
 * @pipe: the pipe
 *
 * Context: commit tail; may sleep.
 */
void xen_drm_shadow_hide(struct xen_drm_shadow_pipe *pipe)
{
	guard(mutex)(&pipe->lock);

	pipe->shown = NULL;
	pipe->fb = NULL;
	xen_drm_shadow_put(pipe->latest);
	pipe->latest = NULL;
}

static u64 shadow_copy_clips(struct xen_drm_shadow_pipe *pipe, struct drm_framebuffer *fb,
			     const struct drm_clip_rect *clips, unsigned int num_clips)
{
	struct drm_rect area = DRM_RECT_INIT(0, 0, fb->width, fb->height);
	unsigned int i;

	guard(mutex)(&pipe->lock);

	if (pipe->fb != fb)
		return 0;

	if (!num_clips)
		shadow_copy(pipe, &area);
	for (i = 0; i < num_clips; i++) {
		drm_rect_init(&area, clips[i].x1, clips[i].y1, clips[i].x2 - clips[i].x1,
			      clips[i].y2 - clips[i].y1);
		shadow_copy(pipe, &area);
	}
	return pipe->shown->fb.cookie;
}

/**
 * xen_drm_shadow_dirty - copy what has been drawn into a framebuffer
 * @pipe: the pipe
 * @fb: framebuffer
 * @clips: areas that have changed
 * @num_clips: number of @clips, 0 for all of @fb
 *
 * Context: may sleep.
 *
 * Returns: cookie of the shadow that the backend shows, 0 if the pipe shows no shadow
 * of @fb.
 */
u64 xen_drm_shadow_dirty(struct xen_drm_shadow_pipe *pipe, struct drm_framebuffer *fb,
			 const struct drm_clip_rect *clips, unsigned int num_clips)
{
	u64 cookie;
	int ret;

	/*
	 * Not under pipe->lock: this waits for devices, which may wait for a commit that
	 * takes it.
	 */
	ret = drm_gem_fb_begin_cpu_access(fb, DMA_FROM_DEVICE);
	cookie = shadow_copy_clips(pipe, fb, clips, num_clips);
	if (!ret)
		drm_gem_fb_end_cpu_access(fb, DMA_FROM_DEVICE);
	return cookie;
}

/**
 * xen_drm_shadow_init - initialise a pipe without a shadow
 * @pipe: zeroed memory
 * @display: the DRM device
 */
void xen_drm_shadow_init(struct xen_drm_shadow_pipe *pipe, struct xen_drm_display *display)
{
	pipe->display = display;
	mutex_init(&pipe->lock);
}

/**
 * xen_drm_shadow_fini - drop the latest shadow
 * @pipe: a pipe that shows nothing
 */
void xen_drm_shadow_fini(struct xen_drm_shadow_pipe *pipe)
{
	xen_drm_shadow_hide(pipe);
	mutex_destroy(&pipe->lock);
}
