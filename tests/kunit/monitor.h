/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * EDIDs, right and wrong.
 */

#ifndef __XEN_DRM_FRONT_MONITOR_H__
#define __XEN_DRM_FRONT_MONITOR_H__

#include <drm/drm_edid.h>

#define MONITOR_MAX_SIZE	(3 * EDID_LENGTH)
/* Byte of the first block that has the number of other ones. */
#define MONITOR_EXTENSIONS	126

/* What each EDID says of the monitor, in mm. */
#define MONITOR_WIDTH_MM	310
#define MONITOR_HEIGHT_MM	170

/* A detailed timing, as its fields have it; the clock in units of 10 kHz. */
struct monitor_timing {
	unsigned int clock, width, hblank, height, vblank;
	u8 misc;
};

/* 1280x720 at 60 Hz. */
extern const struct monitor_timing monitor_hd;

void monitor_make_edid(u8 *edid, const struct monitor_timing *first,
		       const struct monitor_timing *second);
void monitor_make_extension(u8 *block, u8 extensions);
void monitor_put_checksum(u8 *block);

#endif /* __XEN_DRM_FRONT_MONITOR_H__ */
