/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A CD-ROM drive's answers: see mmc-responses.h.
 */
#include "devices/mmc-responses.h"

#include <string.h>

enum {
	DATA_TRACK = 0x14, /* a position, and a track that holds data */
	LEAD_OUT = 0xAA,
	FRAMES_PER_SECOND = 75,
	LEAD_IN_FRAMES = 150,       /* before block 0 */
	LARGEST_CD_BLOCKS = 405000, /* 90 minutes */

	PROFILE_CD_ROM = 0x08,
	PROFILE_DVD_ROM = 0x10,

	MODE_HEADER_SIZE = 8,
	PAGE_ERROR_RECOVERY = 0x01,
	PAGE_CAPABILITIES = 0x2A,
	PAGE_ALL = 0x3F,

	EVENT_CLASS_MEDIA = 4,
	EVENT_NONE_AVAILABLE = 0x80,
};

static void store_be16(uint8_t *bytes, unsigned int value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static void store_be32(uint8_t *bytes, uint32_t value)
{
	store_be16(bytes, value >> 16);
	store_be16(bytes + 2, value & 0xffff);
}

static void store_text(uint8_t *bytes, const char *text, size_t length)
{
	memset(bytes, ' ', length);
	memcpy(bytes, text, strnlen(text, length));
}

static bool is_dvd(const struct mmc_medium *medium)
{
	return medium->blocks > LARGEST_CD_BLOCKS;
}

size_t mmc_sense(const struct mmc_sense *sense, uint8_t *buffer)
{
	buffer[0] = sense->block_valid ? 0xf0 : 0x70; /* current, fixed format */
	buffer[2] = (uint8_t)sense->key;
	if (sense->block_valid)
		store_be32(buffer + 3, sense->block);
	buffer[7] = 10;
	buffer[12] = sense->code;
	buffer[13] = sense->qualifier;
	return 18;
}

size_t mmc_inquiry(uint8_t *buffer)
{
	buffer[0] = 0x05; /* CD-ROM */
	buffer[1] = 0x80; /* removable */
	buffer[3] = 0x21; /* format as by ATAPI */
	buffer[4] = 31;
	store_text(buffer + 8, "INNKEEPR", 8);
	store_text(buffer + 16, "CD-ROM drive", 16);
	store_text(buffer + 32, "1.0", 4);
	return 36;
}

size_t mmc_read_capacity(const struct mmc_medium *medium, uint8_t *buffer)
{
	store_be32(buffer, medium->blocks - 1);
	store_be32(buffer + 4, 2048);
	return 8;
}

/* Table of contents */

static void store_address(uint8_t *bytes, uint32_t block, bool times)
{
	uint32_t frames = block + LEAD_IN_FRAMES;
	uint32_t minutes = frames / FRAMES_PER_SECOND / 60;

	if (!times) {
		store_be32(bytes, block);
		return;
	}
	bytes[1] = minutes > 255 ? 255 : (uint8_t)minutes;
	bytes[2] = (uint8_t)(frames / FRAMES_PER_SECOND % 60);
	bytes[3] = (uint8_t)(frames % FRAMES_PER_SECOND);
}

static uint8_t *add_track(uint8_t *at, unsigned int track, uint32_t block, bool times)
{
	at[1] = DATA_TRACK;
	at[2] = (uint8_t)track;
	store_address(at + 4, block, times);
	return at + 8;
}

static size_t finish_toc(uint8_t *buffer, const uint8_t *end)
{
	size_t length = (size_t)(end - buffer);

	store_be16(buffer, (unsigned int)length - 2);
	buffer[2] = buffer[3] = 1; /* first and last track, or session */
	return length;
}

static size_t tracks(const struct mmc_medium *medium, unsigned int first, bool times,
		     uint8_t *buffer)
{
	uint8_t *at = buffer + 4;

	if (first > 1 && first != LEAD_OUT)
		return 0;
	if (first <= 1)
		at = add_track(at, 1, 0, times);
	at = add_track(at, LEAD_OUT, medium->blocks, times);
	return finish_toc(buffer, at);
}

/* An entry of the raw table: a pointer of the lead-in area, always as time. */
static uint8_t *add_pointer(uint8_t *at, uint8_t point, uint32_t block)
{
	at[0] = 1; /* session */
	at[1] = DATA_TRACK;
	at[3] = point;
	store_address(at + 7, block, /* times= */ true);
	return at + 11;
}

static size_t raw_toc(const struct mmc_medium *medium, uint8_t *buffer)
{
	uint8_t *at = buffer + 4;

	at = add_pointer(at, 0xA0, 0);
	memset(at - 3, 0, 3);
	at[-3] = 1; /* first track */
	at = add_pointer(at, 0xA1, 0);
	memset(at - 3, 0, 3);
	at[-3] = 1; /* last track */
	at = add_pointer(at, 0xA2, medium->blocks);
	at = add_pointer(at, 1, 0);
	return finish_toc(buffer, at);
}

size_t mmc_toc(const struct mmc_medium *medium, unsigned int format, unsigned int track, bool times,
	       uint8_t *buffer)
{
	switch (format) {
	case 0:
		return tracks(medium, track, times, buffer);
	case 1: /* where the last session begins */
		return finish_toc(buffer, add_track(buffer + 4, 1, 0, times));
	case 2:
		return raw_toc(medium, buffer);
	default:
		return 0;
	}
}

/* Features */

static const uint8_t profiles[] = {0, PROFILE_DVD_ROM, 0, 0, 0, PROFILE_CD_ROM, 0, 0};
static const uint8_t core[] = {0, 0, 0, 8 /* SATA */, 0, 0, 0, 0};
static const uint8_t morphing[] = {0, 0, 0, 0};
static const uint8_t removable_medium[] = {0x29 /* a tray that locks and ejects */, 0, 0, 0};
static const uint8_t random_readable[] = {0, 0, 8, 0 /* 2048 bytes */, 0, 1, 0, 0};
static const uint8_t cd_read[] = {0, 0, 0, 0};
static const uint8_t dvd_read[] = {0, 0, 0, 0};

static const struct mmc_feature {
	uint16_t code;
	uint8_t flags; /* version, persistent */
	uint8_t length;
	const uint8_t *bytes;
	bool needs_medium; /* to be current, unless persistent */
} features[] = {
	{0x0000, 0x03, sizeof(profiles), profiles, false},
	{0x0001, 0x0b, sizeof(core), core, false},
	{0x0002, 0x07, sizeof(morphing), morphing, false},
	{0x0003, 0x0b, sizeof(removable_medium), removable_medium, false},
	{0x0010, 0x00, sizeof(random_readable), random_readable, true},
	{0x001E, 0x08, sizeof(cd_read), cd_read, true},
	{0x001F, 0x04, sizeof(dvd_read), dvd_read, true},
};

enum { FEATURE_PROFILES = 0x0000, FEATURE_CD_READ = 0x001E, FEATURE_DVD_READ = 0x001F };

static bool is_current(const struct mmc_medium *medium, const struct mmc_feature *feature)
{
	if (!feature->needs_medium)
		return true;
	if (medium->blocks == 0)
		return false;
	return feature->code == FEATURE_DVD_READ  ? is_dvd(medium)
	       : feature->code == FEATURE_CD_READ ? !is_dvd(medium)
						  : true;
}

static uint8_t *add_feature(uint8_t *at, const struct mmc_medium *medium,
			    const struct mmc_feature *feature)
{
	store_be16(at, feature->code);
	at[2] = feature->flags | (is_current(medium, feature) ? 1 : 0);
	at[3] = feature->length;
	memcpy(at + 4, feature->bytes, feature->length);
	if (feature->code == FEATURE_PROFILES && medium->blocks > 0)
		at[is_dvd(medium) ? 6 : 10] = 1; /* the current one */
	return at + 4 + feature->length;
}

size_t mmc_configuration(const struct mmc_medium *medium, unsigned int which, unsigned int first,
			 uint8_t *buffer)
{
	uint8_t *at = buffer + 8;

	if (medium->blocks > 0)
		store_be16(buffer + 6, is_dvd(medium) ? PROFILE_DVD_ROM : PROFILE_CD_ROM);
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		const struct mmc_feature *feature = &features[i];
		bool wanted = which == 2 ? feature->code == first : feature->code >= first;

		if (wanted && (which != 1 || is_current(medium, feature)))
			at = add_feature(at, medium, feature);
	}
	store_be32(buffer, (uint32_t)(at - buffer - 4));
	return (size_t)(at - buffer);
}

size_t mmc_event(const struct mmc_medium *medium, enum mmc_media_event event, uint8_t classes,
		 uint8_t *buffer)
{
	buffer[3] = 1 << EVENT_CLASS_MEDIA; /* the only class there is */
	if (!(classes & 1 << EVENT_CLASS_MEDIA)) {
		store_be16(buffer, 2);
		buffer[2] = EVENT_NONE_AVAILABLE;
		return 4;
	}
	store_be16(buffer, 6);
	buffer[2] = EVENT_CLASS_MEDIA;
	buffer[4] = (uint8_t)event;
	buffer[5] = (uint8_t)((medium->tray_open ? 1 : 0) | (medium->blocks > 0 ? 2 : 0));
	return 8;
}

size_t mmc_disc_information(uint8_t *buffer)
{
	store_be16(buffer, 32);
	buffer[2] = 0x0e; /* disc and last session are complete */
	buffer[3] = 1;    /* first track */
	buffer[4] = 1;    /* sessions */
	buffer[5] = 1;    /* first and last track of the last */
	buffer[6] = 1;
	buffer[7] = 0x20;             /* may be used for anything */
	memset(buffer + 16, 0xff, 8); /* nothing more can be written */
	return 34;
}

/* Mode pages */

static size_t error_recovery_page(uint8_t *page)
{
	page[0] = PAGE_ERROR_RECOVERY;
	page[1] = 10;
	page[3] = 5; /* retries */
	return 12;
}

static size_t capabilities_page(const struct mmc_medium *medium, uint8_t *page)
{
	page[0] = PAGE_CAPABILITIES;
	page[1] = 20;
	page[2] = 0x3b; /* reads recordable media and DVDs */
	page[4] = 0x70; /* reads both forms of mode 2, and several sessions */
	page[6] = (uint8_t)(0x29 | (medium->locked ? 0x02 : 0)); /* a tray that locks and ejects */
	store_be16(page + 8, 176 * 56);                          /* speeds, in kB/s */
	store_be16(page + 12, 512);                              /* buffer, in kB */
	store_be16(page + 14, 176 * 56);
	return 22;
}

size_t mmc_mode_sense(const struct mmc_medium *medium, unsigned int page, bool changeable,
		      uint8_t *buffer)
{
	uint8_t *at = buffer + MODE_HEADER_SIZE;

	if (page == PAGE_ERROR_RECOVERY || page == PAGE_ALL)
		at += error_recovery_page(at);
	if (page == PAGE_CAPABILITIES || page == PAGE_ALL)
		at += capabilities_page(medium, at);
	if (at == buffer + MODE_HEADER_SIZE)
		return 0;
	for (uint8_t *next = buffer + MODE_HEADER_SIZE; changeable && next < at;
	     next += next[1] + 2)
		memset(next + 2, 0, next[1]);
	store_be16(buffer, (unsigned int)(at - buffer) - 2);
	buffer[2] = medium->tray_open ? 0x71 : medium->blocks == 0 ? 0x70 : 0x01;
	return (size_t)(at - buffer);
}

/* DVDs */

static size_t physical_format(const struct mmc_medium *medium, uint8_t *buffer)
{
	const uint32_t first = 0x30000; /* where the data area of every DVD begins */

	buffer[4] = 0x01; /* DVD-ROM */
	buffer[5] = 0x0f; /* 120 mm, no maximum rate */
	buffer[6] = 0x01; /* one layer */
	store_be32(buffer + 8, first);
	store_be32(buffer + 12, first + medium->blocks - 1);
	return 2052;
}

static size_t structure_list(uint8_t *buffer)
{
	static const uint8_t entries[] = {
		0x00, 0x40, 0x08, 0x04, /* physical format: readable, 2052 bytes */
		0x01, 0x40, 0x00, 0x08, /* copyright */
		0xff, 0x40, 0x00, 0x10, /* this list */
	};

	memcpy(buffer + 4, entries, sizeof(entries));
	return 4 + sizeof(entries);
}

size_t mmc_dvd_structure(const struct mmc_medium *medium, unsigned int format, uint8_t *buffer)
{
	size_t length = 0;

	if (format == 0x00)
		length = physical_format(medium, buffer);
	else if (format == 0x01)
		length = 8; /* no copyright system, no regions */
	else if (format == 0xff)
		length = structure_list(buffer);
	if (length > 0)
		store_be16(buffer, (unsigned int)length - 2);
	return length;
}

size_t mmc_mechanism_status(const struct mmc_medium *medium, uint8_t *buffer)
{
	buffer[1] = medium->tray_open ? 0x10 : 0;
	return 8;
}
