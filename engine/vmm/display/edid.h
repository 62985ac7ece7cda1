/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a monitor says of itself: VESA E-EDID 1.4, the base block. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
	EDID_SIZE = 128,
	EDID_MINIMUM_SIDE = 64,
	EDID_MAXIMUM_SIDE = 4095, /* a detailed timing has 12 bits */
};

/* Whether a monitor can prefer this size (pixels). */
bool edid_size_is_valid(uint32_t width, uint32_t height);

/* A digital monitor that prefers this valid size at 60 Hz, or less where the clock ends. */
void edid_build(uint32_t width, uint32_t height, uint8_t edid[EDID_SIZE]);
