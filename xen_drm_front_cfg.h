/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: configuration from XenStore.
 */

#ifndef __XEN_DRM_FRONT_CFG_H__
#define __XEN_DRM_FRONT_CFG_H__

#include <linux/types.h>

#include "xen_drm_front.h"

struct xenbus_device;

int xen_drm_cfg_read(struct xenbus_device *xb_dev, struct xen_drm_cfg *cfg);
bool xen_drm_cfg_is_wrong(int error);
bool xen_drm_cfg_is_setting(const char *path);
bool xen_drm_cfg_is_same(const struct xen_drm_cfg *a, const struct xen_drm_cfg *b);
int xen_drm_cfg_parse_resolution(const char *text, u32 *width, u32 *height);
bool xen_drm_cfg_parse_be_alloc(const char *text);
bool xen_drm_cfg_parse_trusted(const char *text);
int xen_drm_cfg_pick_version(const char *list);
void xen_drm_cfg_make_label(const char *unique_id, char label[XEN_DRM_LABEL_LEN]);

#endif /* __XEN_DRM_FRONT_CFG_H__ */
