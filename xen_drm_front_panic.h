/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: the screen of a kernel that panics.
 */

#ifndef __XEN_DRM_FRONT_PANIC_H__
#define __XEN_DRM_FRONT_PANIC_H__

struct drm_format_info;
struct drm_rect;
struct drm_scanout_buffer;
struct xen_drm_fb;

int xen_drm_panic_scanout_buffer(const struct xen_drm_fb *fb,
				 const struct drm_format_info *format,
				 const struct drm_rect *src, struct drm_scanout_buffer *sb);

#endif /* __XEN_DRM_FRONT_PANIC_H__ */
