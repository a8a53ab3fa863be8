/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * DRM as far as the driver's files need it. Only the device's end does something;
 * the rest is there for xen_drm_front_connector.c to be compiled, of which EDIDs
 * alone are played.
 */
#ifndef FUZZ_DRM_H
#define FUZZ_DRM_H

#include "kernel.h"

struct drm_device;

#define FUZZ_DRM_ACTIONS	4

struct fuzz_drm_action {
	void (*action)(struct drm_device *drm, void *data);
	void *data;
};

struct drm_device {
	struct device *dev;
	spinlock_t event_lock;
	struct {
		struct mutex mutex;
	} mode_config;
	struct fuzz_drm_action actions[FUZZ_DRM_ACTIONS];
	unsigned int num_actions;
};

int drmm_add_action_or_reset(struct drm_device *drm,
			     void (*action)(struct drm_device *drm, void *data), void *data);
/* The last reference is dropped: all actions, the last one first. */
void fuzz_drm_release(struct drm_device *drm);

/* --- connectors ---------------------------------------------------------------- */

enum drm_connector_status { connector_status_connected, connector_status_disconnected };

struct drm_display_mode {
	int clock, hdisplay, hsync_start, hsync_end, htotal;
	int vdisplay, vsync_start, vsync_end, vtotal, width_mm, height_mm, type;
};

struct drm_connector {
	struct drm_device *dev;
	const char *name;
	struct {
		int width_mm, height_mm;
	} display_info;
};

struct drm_connector_helper_funcs {
	int (*get_modes)(struct drm_connector *connector);
};

struct drm_connector_funcs {
	enum drm_connector_status (*detect)(struct drm_connector *connector, bool force);
	void *fill_modes, *reset, *atomic_duplicate_state, *atomic_destroy_state;
};

#define EDID_LENGTH			128
#define DRM_MODE_TYPE_DRIVER		0x40
#define DRM_MODE_TYPE_PREFERRED		0x08
#define DRM_MODE_LINK_STATUS_BAD	1
#define DRM_MODE_CONNECTOR_VIRTUAL	15
#define DRM_MODE_RES_MM(res, dpi)	((res) * 254 / ((dpi) * 10))
#define ESCAPE_NP			0
#define ESCAPE_OCTAL			0

#define drm_dev_is_unplugged(drm)				((void)(drm), false)
#define drm_helper_probe_single_connector_modes			NULL
#define drm_atomic_helper_connector_reset			NULL
#define drm_atomic_helper_connector_duplicate_state		NULL
#define drm_atomic_helper_connector_destroy_state		NULL
#define drm_connector_helper_add(connector, funcs)		((void)(funcs))
#define drm_connector_helper_get_modes_fixed(connector, mode)	((void)(mode), 1)
#define drm_connector_set_link_status_property(connector, status) ((void)(connector))
#define drm_connector_attach_edid_property(connector)		((void)(connector))
#define drm_kms_helper_connector_hotplug_event(connector)	((void)(connector))
#define drm_mode_set_name(mode)					do { } while (0)
#define drm_mode_copy(to, from)					(*(to) = *(from))
#define drm_mode_equal(a, b)					(!memcmp(a, b, sizeof(*(a))))
#define drmm_connector_init(drm, connector, funcs, type, ddc)	((void)(funcs), 0)
#define string_escape_mem(from, len, to, size, flags, only)	do { } while (0)

/* --- EDIDs --------------------------------------------------------------------- */

struct edid {
	u8 bytes[126], extensions, checksum;
};

struct drm_edid {
	size_t size;
	struct edid edid[];
};

const struct drm_edid *drm_edid_alloc(const void *edid, size_t size);
bool drm_edid_valid(const struct drm_edid *edid);
void drm_edid_free(const struct drm_edid *edid);

#define drm_edid_raw(drm_edid)		((drm_edid) ? (drm_edid)->edid : NULL)
#define drm_edid_connector_update(connector, edid)	do { } while (0)

#endif /* FUZZ_DRM_H */
