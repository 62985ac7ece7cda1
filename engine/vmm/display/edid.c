/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sections named are those of E-EDID 1.4 (VESA, 2006). The preferred timing has the blanking of
 * CVT's reduced blanking (VESA CVT 1.2); no picture is ever sent by it, but guests compute with it.
 */
#include "display/edid.h"

#include <assert.h>
#include <string.h>

#include "base/byte-order.h"

enum {
	MANUFACTURER = 0x08,
	PRODUCT = 0x0a,
	YEAR = 0x11,
	VERSION = 0x12,
	INPUT = 0x14,
	SIDES = 0x15,
	GAMMA = 0x17,
	FEATURES = 0x18,
	CHROMATICITY = 0x19,
	ESTABLISHED = 0x23,
	STANDARD = 0x26,
	DESCRIPTORS = 0x36,
	DESCRIPTOR_SIZE = 18,
	CHECKSUM = 0x7f,

	INPUT_DIGITAL_8_BITS = 0xa5, /* DisplayPort */
	FEATURES_SRGB = 1 << 2,
	FEATURES_NATIVE = 1 << 1, /* the preferred timing is the panel's own */

	ESTABLISHED_640_480 = 1 << 5,
	ESTABLISHED_800_600 = 1 << 0,
	ESTABLISHED_1024_768 = 1 << 3, /* in the second byte */

	TAG_NAME = 0xfc,
	TAG_RANGE = 0xfd,
	TAG_UNUSED = 0x10,

	REFRESH = 60,
	HORIZONTAL_BLANK = 160,
	HORIZONTAL_FRONT = 48,
	HORIZONTAL_SYNC = 32,
	VERTICAL_FRONT = 3,
	VERTICAL_SYNC = 6,
	VERTICAL_BACK = 6,
	MINIMUM_BLANK_US = 460, /* of CVT's reduced blanking */
	SYNC_SEPARATE = 0x1a,   /* digital, positive horizontal, negative vertical */
	MAXIMUM_CLOCK = 0xffff, /* 10 kHz */
	DOTS_PER_INCH = 96,
};

/* Section 3.9: every standard timing here is at 60 Hz. */
struct standard_timing {
	uint16_t width;
	uint8_t aspect; /* 0: 16:10, 1: 4:3, 2: 5:4, 3: 16:9 */
};

static const struct standard_timing standard_timings[] = {
	{1280, 0}, {1280, 2}, {1440, 0}, {1600, 1}, {1680, 0}, {1920, 3}, {1920, 0}, {1280, 3},
};

bool edid_size_is_valid(uint32_t width, uint32_t height)
{
	return width >= EDID_MINIMUM_SIDE && width <= EDID_MAXIMUM_SIDE &&
	       height >= EDID_MINIMUM_SIDE && height <= EDID_MAXIMUM_SIDE;
}

/* Section 3.4: three letters of five bits, A is 1. */
static void store_identity(uint8_t *edid)
{
	static const char letters[] = "INK";
	static const uint8_t header[] = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
	unsigned int word = 0;

	memcpy(edid, header, sizeof(header));
	for (unsigned int i = 0; i < 3; i++)
		word = word << 5 | (unsigned int)(letters[i] - 'A' + 1);
	edid[MANUFACTURER] = (uint8_t)(word >> 8);
	edid[MANUFACTURER + 1] = (uint8_t)word;
	store_le16(edid + PRODUCT, 1);
	edid[YEAR] = 2026 - 1990;
	edid[VERSION] = 1;
	edid[VERSION + 1] = 4;
}

static uint32_t millimetres(uint32_t pixels)
{
	return pixels * 254 / (10 * DOTS_PER_INCH);
}

/* Sections 3.6 and 3.7; the colours are those of sRGB. */
static void store_features(uint8_t *edid, uint32_t width, uint32_t height)
{
	static const uint8_t srgb[] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};

	edid[INPUT] = INPUT_DIGITAL_8_BITS;
	edid[SIDES] = (uint8_t)((millimetres(width) + 5) / 10);
	edid[SIDES + 1] = (uint8_t)((millimetres(height) + 5) / 10);
	edid[GAMMA] = 220 - 100;
	edid[FEATURES] = FEATURES_SRGB | FEATURES_NATIVE;
	memcpy(edid + CHROMATICITY, srgb, sizeof(srgb));
}

static void store_modes(uint8_t *edid)
{
	edid[ESTABLISHED] = ESTABLISHED_640_480 | ESTABLISHED_800_600;
	edid[ESTABLISHED + 1] = ESTABLISHED_1024_768;
	for (unsigned int i = 0; i < sizeof(standard_timings) / sizeof(standard_timings[0]); i++) {
		const struct standard_timing *timing = &standard_timings[i];

		edid[STANDARD + 2 * i] = (uint8_t)(timing->width / 8 - 31);
		edid[STANDARD + 2 * i + 1] = (uint8_t)(timing->aspect << 6 | (REFRESH - 60));
	}
}

/* Lines of blanking that last long enough, and at least those the sync takes. */
static uint32_t vertical_blank(uint32_t height)
{
	const uint32_t least = VERTICAL_FRONT + VERTICAL_SYNC + VERTICAL_BACK;
	const uint32_t frame_us = 1000000 / REFRESH;
	uint32_t lines = height * MINIMUM_BLANK_US / (frame_us - MINIMUM_BLANK_US) + 1;

	return lines > least ? lines : least;
}

/* Section 3.10.2. */
static void store_timing(uint8_t *at, uint32_t width, uint32_t height)
{
	uint32_t blank = vertical_blank(height);
	uint32_t pixels = (width + HORIZONTAL_BLANK) * (height + blank);
	uint32_t clock = pixels * (REFRESH / 10) / 1000; /* 10 kHz */
	uint32_t wide = millimetres(width), high = millimetres(height);

	store_le16(at, (uint16_t)(clock > MAXIMUM_CLOCK ? MAXIMUM_CLOCK : clock));
	at[2] = (uint8_t)width;
	at[3] = HORIZONTAL_BLANK;
	at[4] = (uint8_t)(width >> 8 << 4);
	at[5] = (uint8_t)height;
	at[6] = (uint8_t)blank;
	at[7] = (uint8_t)(height >> 8 << 4 | blank >> 8);
	at[8] = HORIZONTAL_FRONT;
	at[9] = HORIZONTAL_SYNC;
	at[10] = VERTICAL_FRONT << 4 | VERTICAL_SYNC;
	at[12] = (uint8_t)wide;
	at[13] = (uint8_t)high;
	at[14] = (uint8_t)(wide >> 8 << 4 | high >> 8);
	at[17] = SYNC_SEPARATE;
}

/* Section 3.10.3: a descriptor's text ends with a line feed and is filled with spaces. */
static void store_text(uint8_t *at, uint8_t tag, const char *text)
{
	size_t length = strlen(text);

	at[3] = tag;
	memset(at + 5, ' ', DESCRIPTOR_SIZE - 5);
	memcpy(at + 5, text, length);
	at[5 + length] = '\n';
}

static void store_range(uint8_t *at)
{
	static const uint8_t range[] = {
		/* Hz */ 24,     120,
		/* kHz */ 15,    255,
		/* 10 MHz */ 65, /* only these limits */ 1,
	};

	store_text(at, TAG_RANGE, "");
	memcpy(at + 5, range, sizeof(range));
	at[5 + sizeof(range)] = '\n';
}

void edid_build(uint32_t width, uint32_t height, uint8_t edid[EDID_SIZE])
{
	uint8_t *descriptor = edid + DESCRIPTORS, sum = 0;

	assert(edid_size_is_valid(width, height));
	memset(edid, 0, EDID_SIZE);
	store_identity(edid);
	store_features(edid, width, height);
	store_modes(edid);
	store_timing(descriptor, width, height);
	store_range(descriptor + DESCRIPTOR_SIZE);
	store_text(descriptor + 2 * DESCRIPTOR_SIZE, TAG_NAME, "Innkeeper");
	descriptor[3 * DESCRIPTOR_SIZE + 3] = TAG_UNUSED;
	for (unsigned int i = 0; i < CHECKSUM; i++)
		sum = (uint8_t)(sum + edid[i]);
	edid[CHECKSUM] = (uint8_t)-sum;
}
