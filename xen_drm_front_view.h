/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: how pixels lie in a share.
 */

#ifndef __XEN_DRM_FRONT_VIEW_H__
#define __XEN_DRM_FRONT_VIEW_H__

#include <linux/types.h>

struct xen_drm_fb;
struct xen_drm_share;
struct xen_drm_view;

struct xen_drm_view *xen_drm_view_create(struct xen_drm_share *share, u32 width, u32 height,
					 u32 bpp, u32 offset);
struct xen_drm_view *xen_drm_view_find(const struct xen_drm_fb *fb, unsigned int version);
void xen_drm_view_free_all(struct xen_drm_share *share);

#endif /* __XEN_DRM_FRONT_VIEW_H__ */
