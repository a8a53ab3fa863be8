/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: the screen of a kernel that panics.
 */

#ifndef __XEN_DRM_FRONT_PANIC_H__
#define __XEN_DRM_FRONT_PANIC_H__

struct drm_framebuffer;
struct drm_scanout_buffer;

int xen_drm_panic_scanout_buffer(struct drm_framebuffer *fb, struct drm_scanout_buffer *sb);

#endif /* __XEN_DRM_FRONT_PANIC_H__ */
