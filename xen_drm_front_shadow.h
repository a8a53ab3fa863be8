/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: copies of pictures that the protocol cannot express.
 */

#ifndef __XEN_DRM_FRONT_SHADOW_H__
#define __XEN_DRM_FRONT_SHADOW_H__

#include <linux/mutex.h>
#include <linux/types.h>

struct drm_clip_rect;
struct drm_framebuffer;
struct drm_rect;
struct xen_drm_display;
struct xen_drm_fb;
struct xen_drm_shadow;

/**
 * struct xen_drm_shadow_pipe - the shadow of a pipe
 */
struct xen_drm_shadow_pipe {
	/** @display: DRM device; constant */
	struct xen_drm_display *display;
	/**
	 * @lock: protects all members below, and the copying. It nests inside modeset
	 * locks, and outside &xen_drm_share.pages_lock and &drm_device.event_lock
	 */
	struct mutex lock;
	/** @latest: latest shadow, for further commits, with a reference, or NULL */
	struct xen_drm_shadow *latest;
	/** @shown: shadow that is shown, or NULL; the plane's state keeps a reference */
	struct xen_drm_shadow *shown;
	/** @fb: framebuffer that @shown is a copy of; the plane's state keeps a reference */
	struct drm_framebuffer *fb;
	/** @x: first pixel of @fb that is shown */
	unsigned int x;
	/** @y: first line of @fb that is shown */
	unsigned int y;
};

void xen_drm_shadow_init(struct xen_drm_shadow_pipe *pipe, struct xen_drm_display *display);
void xen_drm_shadow_fini(struct xen_drm_shadow_pipe *pipe);
struct xen_drm_shadow *xen_drm_shadow_prepare(struct xen_drm_shadow_pipe *pipe,
					      struct drm_framebuffer *fb, unsigned int width,
					      unsigned int height);
void xen_drm_shadow_put(struct xen_drm_shadow *shadow);
const struct xen_drm_fb *xen_drm_shadow_fb(const struct xen_drm_shadow *shadow);
void xen_drm_shadow_show(struct xen_drm_shadow_pipe *pipe, struct xen_drm_shadow *shadow,
			 struct drm_framebuffer *fb, unsigned int x, unsigned int y,
			 const struct drm_rect *damage);
void xen_drm_shadow_hide(struct xen_drm_shadow_pipe *pipe);
u64 xen_drm_shadow_dirty(struct xen_drm_shadow_pipe *pipe, struct drm_framebuffer *fb,
			 const struct drm_clip_rect *clips, unsigned int num_clips);

#endif /* __XEN_DRM_FRONT_SHADOW_H__ */
