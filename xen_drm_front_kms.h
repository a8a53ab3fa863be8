/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: mode setting.
 */

#ifndef __XEN_DRM_FRONT_KMS_H__
#define __XEN_DRM_FRONT_KMS_H__

#include <linux/types.h>

struct xen_drm_cfg;
struct xen_drm_chan;
struct xen_drm_display;
struct xen_drm_edid_query;
struct xen_drm_link;

int xen_drm_kms_init(struct xen_drm_display *display);
void xen_drm_kms_ask(struct xen_drm_display *display, struct xen_drm_chan *const *chans,
		     const struct xen_drm_link *link, struct xen_drm_edid_query **queries);
bool xen_drm_kms_join(struct xen_drm_display *display, const struct xen_drm_cfg *cfg,
		      struct xen_drm_chan *const *chans, const struct xen_drm_link *link,
		      struct xen_drm_edid_query **queries);
void xen_drm_kms_leave(struct xen_drm_display *display);
void xen_drm_kms_answers(struct xen_drm_display *display);
int xen_drm_kms_show_again(struct xen_drm_display *display);

#endif /* __XEN_DRM_FRONT_KMS_H__ */
