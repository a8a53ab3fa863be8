/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Xen para-virtualised display frontend: connectors.
 */

#ifndef __XEN_DRM_FRONT_CONNECTOR_H__
#define __XEN_DRM_FRONT_CONNECTOR_H__

#include <linux/types.h>
#include <linux/workqueue.h>

#include <drm/drm_connector.h>
#include <drm/drm_modes.h>

#include "xen_drm_front.h"

struct xen_drm_edid;

/* Prefix of a PATH that tells whose name follows, as "mst:" does. */
#define XEN_DRM_PATH_PREFIX	"xen:"
/* Each byte of the toolstack's name may become four characters when it is escaped. */
#define XEN_DRM_PATH_LEN	(sizeof(XEN_DRM_PATH_PREFIX) + 4 * XEN_DRM_UNIQUE_ID_LEN)

/**
 * struct xen_drm_connector - a connector, as user space sees it
 */
struct xen_drm_connector {
	/** @base: base class */
	struct drm_connector base;
	/**
	 * @mode: mode of the size that the backend shows, used if the EDID has none;
	 * under &drm_mode_config.mutex, but commits read the size without it
	 */
	struct drm_display_mode mode;
	/** @edid: EDID of the backend, or NULL; under &drm_mode_config.mutex */
	struct xen_drm_edid *edid;
	/**
	 * @path: property PATH, with the name that the toolstack gave to the
	 * connector; under &drm_mode_config.mutex
	 */
	char path[XEN_DRM_PATH_LEN];
	/** @link_work: work that tells user space of a mode that the backend refused */
	struct delayed_work link_work;
	/** @bad_at: time for which that was queued last, in jiffies */
	unsigned long bad_at;
	/** @bad_gap: time from then to the next one at the earliest, in jiffies */
	unsigned long bad_gap;
	/**
	 * @is_away: whether the monitor is unplugged until @plug_work; under
	 * &drm_mode_config.mutex
	 */
	bool is_away;
	/** @plug_work: work that brings the other monitor */
	struct delayed_work plug_work;
};

int xen_drm_connector_init(struct xen_drm_display *display,
			   struct xen_drm_connector *connector,
			   const struct xen_drm_cfg_connector *cfg);
bool xen_drm_connector_update(struct xen_drm_connector *connector,
			      const struct xen_drm_cfg_connector *cfg,
			      struct xen_drm_edid *edid);
enum drm_mode_status xen_drm_connector_mode_valid(const struct xen_drm_connector *connector,
						  const struct drm_display_mode *mode);
void xen_drm_connector_set_bad(struct xen_drm_connector *connector);
void xen_drm_connector_set_good(struct xen_drm_connector *connector);

#endif /* __XEN_DRM_FRONT_CONNECTOR_H__ */
