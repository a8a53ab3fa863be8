/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: EDIDs of the backend.
 */

#ifndef __XEN_DRM_FRONT_EDID_H__
#define __XEN_DRM_FRONT_EDID_H__

#include <linux/types.h>

struct drm_device;
struct drm_display_mode;
struct xen_drm_chan;
struct xen_drm_edid_query;
struct xen_drm_link;

/**
 * struct xen_drm_edid - a copy of an EDID whose blocks have been checked
 */
struct xen_drm_edid {
	/** @size: size of @data in bytes, a whole number of blocks */
	size_t size;
	/** @data: blocks */
	u8 data[] __counted_by(size);
};

struct xen_drm_edid_query *xen_drm_edid_ask(struct xen_drm_chan *chan,
					    const struct xen_drm_link *link);
struct xen_drm_edid *xen_drm_edid_take(struct drm_device *drm, const char *connector,
				       struct xen_drm_edid_query *query);
bool xen_drm_edid_is_valid(const void *data, size_t size);
bool xen_drm_edid_is_same(const struct xen_drm_edid *a, const struct xen_drm_edid *b);
bool xen_drm_edid_preferred(const struct xen_drm_edid *edid, struct drm_display_mode *mode);
int xen_drm_edid_read_block(void *context, u8 *buf, unsigned int block, size_t len);

#endif /* __XEN_DRM_FRONT_EDID_H__ */
