/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: framebuffers.
 */

#ifndef __XEN_DRM_FRONT_FB_H__
#define __XEN_DRM_FRONT_FB_H__

struct drm_device;
struct drm_file;
struct drm_format_info;
struct drm_framebuffer;
struct drm_framebuffer_funcs;
struct drm_mode_fb_cmd2;
struct xen_drm_fb;

struct drm_framebuffer *
xen_drm_fb_create(struct drm_device *drm, struct drm_file *file,
		  const struct drm_format_info *info,
		  const struct drm_mode_fb_cmd2 *mode_cmd,
		  const struct drm_framebuffer_funcs *funcs);
int xen_drm_fb_begin_read(struct drm_framebuffer *fb);
void xen_drm_fb_sync(struct drm_framebuffer *fb);
void xen_drm_fb_destroy(struct drm_framebuffer *fb);
struct xen_drm_fb *xen_drm_fb_from_drm(struct drm_framebuffer *fb);

#endif /* __XEN_DRM_FRONT_FB_H__ */
