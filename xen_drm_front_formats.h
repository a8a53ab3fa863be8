/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: formats that the backend takes.
 */

#ifndef __XEN_DRM_FRONT_FORMATS_H__
#define __XEN_DRM_FRONT_FORMATS_H__

#include <linux/types.h>

struct xen_drm_formats;
struct xen_drm_link;

u32 xen_drm_formats_opaque(u32 format);
void xen_drm_formats_ask(struct xen_drm_formats *formats, const struct xen_drm_link *link);

#endif /* __XEN_DRM_FRONT_FORMATS_H__ */
