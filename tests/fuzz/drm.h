/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * DRM as far as the driver's files need it: the end of a device, and EDIDs.
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

/* --- EDIDs --------------------------------------------------------------------- */

struct drm_display_mode {
	int clock, hdisplay, htotal, vdisplay, vtotal;
};

#define EDID_LENGTH		128
#define le16_to_cpu(number)	(number)
#define DRM_EDID_PT_STEREO	(1 << 5)
#define DRM_EDID_PT_INTERLACED	(1 << 7)

struct detailed_pixel_timing {
	u8 hactive_lo, hblank_lo, hactive_hblank_hi, vactive_lo, vblank_lo, vactive_vblank_hi;
	u8 others[9], misc;
};

struct detailed_timing {
	u16 pixel_clock;
	union {
		struct detailed_pixel_timing pixel_data;
	} data;
};

struct edid {
	u8 bytes[54];
	struct detailed_timing detailed_timings[4];
	u8 extensions, checksum;
};

struct drm_edid {
	size_t size;
	struct edid edid[];
};

const struct drm_edid *drm_edid_alloc(const void *edid, size_t size);
bool drm_edid_valid(const struct drm_edid *edid);
void drm_edid_free(const struct drm_edid *edid);

#endif /* FUZZ_DRM_H */
