// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * EDIDs, right and wrong: a first block of version 1.4 with one or two timings, and an
 * extension.
 */

#include <linux/string.h>

#include "monitor.h"

#define FIRST_TIMING	54
#define CHECKSUM	127

const struct monitor_timing monitor_hd = { 7425, 1280, 370, 720, 30, 0x1e };

static void put_timing(u8 d[18], const struct monitor_timing *t)
{
	memset(d, 0, 18);
	d[0] = t->clock;
	d[1] = t->clock >> 8;
	d[2] = t->width;
	d[3] = t->hblank;
	d[4] = t->width >> 8 << 4 | t->hblank >> 8;
	d[5] = t->height;
	d[6] = t->vblank;
	d[7] = t->height >> 8 << 4 | t->vblank >> 8;
	/* Pulses of 32 pixels and 5 lines, in the middle of the smallest blanking. */
	d[8] = 48;
	d[9] = 32;
	d[10] = 3 << 4 | 5;
	d[12] = (u8)MONITOR_WIDTH_MM;
	d[13] = (u8)MONITOR_HEIGHT_MM;
	d[14] = MONITOR_WIDTH_MM >> 8 << 4 | MONITOR_HEIGHT_MM >> 8;
	d[17] = t->misc;
}

void monitor_put_checksum(u8 *block)
{
	u8 sum = 0;
	unsigned int i;

	for (i = 0; i < CHECKSUM; i++)
		sum += block[i];
	block[CHECKSUM] = -sum;
}

void monitor_make_edid(u8 *edid, const struct monitor_timing *first,
		       const struct monitor_timing *second)
{
	static const u8 head[] = {
		0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,
		/* vendor "XPV", product 1, serial number 2, of 2026, version 1.4 */
		0x62, 0x16, 1, 0, 2, 0, 0, 0, 0, 36, 1, 4,
		/* digital */
		0xa0, MONITOR_WIDTH_MM / 10, MONITOR_HEIGHT_MM / 10, 120, 0x06,
	};

	memset(edid, 0, EDID_LENGTH);
	memcpy(edid, head, sizeof(head));
	memset(edid + 38, 0x01, 16);
	put_timing(edid + FIRST_TIMING, first);
	/* A descriptor that is none. */
	edid[FIRST_TIMING + 18 + 3] = 0x10;
	if (second)
		put_timing(edid + FIRST_TIMING + 18, second);
	edid[FIRST_TIMING + 36 + 3] = 0x10;
	edid[FIRST_TIMING + 54 + 3] = 0x10;
	monitor_put_checksum(edid);
}

/* An extension of CTA-861, with a block that says how many extensions there are. */
void monitor_make_extension(u8 *block, u8 extensions)
{
	const u8 head[] = { 0x02, 3, 7, 0, 7 << 5 | 2, 0x78, extensions };

	memset(block, 0, EDID_LENGTH);
	memcpy(block, head, sizeof(head));
	monitor_put_checksum(block);
}
