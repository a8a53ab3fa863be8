/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What the LTS kernel 6.12 lacks for xen_drm_front_kms.c alone; see compat.h.
 */

#ifndef __XEN_DRM_FRONT_COMPAT_KMS_H__
#define __XEN_DRM_FRONT_COMPAT_KMS_H__

#include <linux/version.h>

#include <drm/drm_framebuffer.h>
#include <drm/drm_fourcc.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
/*
 * The core did not pass the format's description yet. So the driver's function gets
 * another name, and the callback with its former name looks the description up.
 */
static struct drm_framebuffer *
kms_fb_create_info(struct drm_device *drm, struct drm_file *file,
		   const struct drm_format_info *info,
		   const struct drm_mode_fb_cmd2 *mode_cmd);

static struct drm_framebuffer *
xen_drm_kms_fb_create(struct drm_device *drm, struct drm_file *file,
		      const struct drm_mode_fb_cmd2 *mode_cmd)
{
	return kms_fb_create_info(drm, file, drm_get_format_info(drm, mode_cmd), mode_cmd);
}

#define xen_drm_kms_fb_create(drm, file, info, mode_cmd) \
	kms_fb_create_info(drm, file, info, mode_cmd)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 16, 0)
/* The panic screen could not be drawn into pages, so Kbuild leaves it out, too. */
#include <drm/drm_panic.h>
#undef CONFIG_DRM_PANIC
#endif

#endif /* __XEN_DRM_FRONT_COMPAT_KMS_H__ */
