/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* An EDID 1.4 base block with one detailed timing at 60 Hz. Pure. */
#ifndef EDID_H
#define EDID_H

#include <stdint.h>

#define EDID_SIZE 128

/*
 * Describe a display of @width x @height. Returns 0, or -EOPNOTSUPP when a
 * detailed timing cannot hold the mode: its active sizes have 12 bits and its
 * pixel clock has 16 bits in units of 10 kHz. A wrapped clock would announce a
 * nonsensical refresh rate, so no EDID is better then.
 */
int edid_make(uint8_t edid[EDID_SIZE], uint32_t width, uint32_t height);

#endif
