/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a CD-ROM drive answers to the commands of MMC-6 and SPC-4 that ask about the drive and its
 * medium: one data track from the first block to the last. Pure.
 *
 * Each fills a zeroed buffer and returns how many bytes there are; the caller sends as many as the
 * guest has asked for. 0: the drive has no such thing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MMC_RESPONSE_SIZE = 2052 };

enum mmc_sense_key {
	MMC_NO_SENSE = 0,
	MMC_NOT_READY = 2,
	MMC_MEDIUM_ERROR = 3,
	MMC_ILLEGAL_REQUEST = 5,
	MMC_UNIT_ATTENTION = 6,
};

struct mmc_sense {
	enum mmc_sense_key key;
	uint8_t code, qualifier;
	bool block_valid;
	uint32_t block; /* where it happened */
};

/* Of GET EVENT STATUS NOTIFICATION. */
enum mmc_media_event {
	MMC_EVENT_NONE = 0,
	MMC_EVENT_EJECT_REQUEST = 1,
	MMC_EVENT_NEW_MEDIUM = 2,
	MMC_EVENT_REMOVAL = 3,
};

struct mmc_medium {
	uint32_t blocks; /* of 2048 bytes; 0: no medium */
	bool tray_open;
	bool locked;
};

size_t mmc_sense(const struct mmc_sense *sense, uint8_t *buffer);
size_t mmc_inquiry(uint8_t *buffer);
size_t mmc_read_capacity(const struct mmc_medium *medium, uint8_t *buffer);
/* format, track: of the command; times: addresses as minute, second and frame. */
size_t mmc_toc(const struct mmc_medium *medium, unsigned int format, unsigned int track, bool times,
	       uint8_t *buffer);
/* which: requested type; first: feature to begin with. */
size_t mmc_configuration(const struct mmc_medium *medium, unsigned int which, unsigned int first,
			 uint8_t *buffer);
/* classes: of events, as requested. */
size_t mmc_event(const struct mmc_medium *medium, enum mmc_media_event event, uint8_t classes,
		 uint8_t *buffer);
size_t mmc_disc_information(uint8_t *buffer);
/* page: 0x3F for all; changeable: which bits could be changed (none) rather than values. */
size_t mmc_mode_sense(const struct mmc_medium *medium, unsigned int page, bool changeable,
		      uint8_t *buffer);
size_t mmc_dvd_structure(const struct mmc_medium *medium, unsigned int format, uint8_t *buffer);
size_t mmc_mechanism_status(const struct mmc_medium *medium, uint8_t *buffer);
