/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: the DRM device.
 */

#ifndef __XEN_DRM_FRONT_DISPLAY_H__
#define __XEN_DRM_FRONT_DISPLAY_H__

#include <linux/types.h>

struct device;
struct xen_drm_cfg;
struct xen_drm_conn;
struct xen_drm_display;

struct xen_drm_display *xen_drm_display_create(struct device *parent,
					       struct xen_drm_conn *conn,
					       const struct xen_drm_cfg *cfg);
int xen_drm_display_register(struct xen_drm_display *display);
const char *xen_drm_display_misfit(const struct xen_drm_display *display,
				   const struct xen_drm_cfg *cfg);
int xen_drm_display_join(struct xen_drm_display *display, struct xen_drm_conn *conn,
			 const struct xen_drm_cfg *cfg);
int xen_drm_display_refresh(struct xen_drm_display *display);
void xen_drm_display_hide_pages(struct xen_drm_display *display);
void xen_drm_display_leave(struct xen_drm_display *display, bool forget);
void xen_drm_display_unplug(struct xen_drm_display *display);

#endif /* __XEN_DRM_FRONT_DISPLAY_H__ */
