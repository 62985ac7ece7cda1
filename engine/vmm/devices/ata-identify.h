/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a drive says of itself: the 256 words of IDENTIFY DEVICE and of IDENTIFY PACKET DEVICE
 * (ACS-3). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { ATA_IDENTIFY_SIZE = 512 };

struct ata_identity {
	const char *model;
	const char *serial;
	uint64_t sectors;             /* of a disk, 512 bytes each */
	bool write_cache, read_ahead; /* turned on */
	uint8_t multiple; /* sectors a block of READ MULTIPLE and the like; 0: not set */
	uint8_t dma_mode; /* Ultra DMA */
};

/* Of the 512-byte blocks that DATA SET MANAGEMENT takes. */
enum { ATA_TRIM_BLOCKS = 1, ATA_MULTIPLE_MAX = 16, ATA_QUEUE_DEPTH = 32 };

void ata_identify_disk(const struct ata_identity *identity, uint8_t ret_bytes[ATA_IDENTIFY_SIZE]);
void ata_identify_cdrom(const struct ata_identity *identity, uint8_t ret_bytes[ATA_IDENTIFY_SIZE]);
