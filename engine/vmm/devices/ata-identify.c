/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * IDENTIFY: see ata-identify.h. Word numbers are those of ACS-3.
 */
#include "devices/ata-identify.h"

#include <stddef.h>
#include <string.h>

#include "base/byte-order.h"

enum {
	SERIAL_WORD = 10,
	SERIAL_BYTES = 20,
	FIRMWARE_WORD = 23,
	FIRMWARE_BYTES = 8,
	MODEL_WORD = 27,
	MODEL_BYTES = 40,
	INTEGRITY_WORD = 255,
	INTEGRITY_SIGNATURE = 0xA5,

	/* words 82 and 85 */
	WRITE_CACHE = 1 << 5,
	READ_AHEAD = 1 << 6,
	/* words 83 and 86 */
	ADDRESS_48 = 1 << 10,
	FLUSH = 3 << 12,
	/* words 84 and 87 */
	LOGS = 1 << 5,
	WRITE_FUA = 1 << 6,
	VALID = 1 << 14, /* of several words: bits 15 and 14 are 01 */

	CHS_CYLINDERS = 16383,
	CHS_HEADS = 16,
	CHS_SECTORS = 63,
};

static void set_word(uint8_t *bytes, unsigned int word, unsigned int value)
{
	store_le16(bytes + 2 * (size_t)word, (uint16_t)value);
}

/* Padded with blanks, the first of each two characters in the upper byte. */
static void set_text(uint8_t *bytes, unsigned int word, unsigned int length, const char *text)
{
	for (unsigned int i = 0; i < length; i++)
		bytes[(2 * word + i) ^ 1] = *text ? (uint8_t)*text++ : ' ';
}

static void fill_identity(uint8_t *bytes, const struct ata_identity *identity)
{
	memset(bytes, 0, ATA_IDENTIFY_SIZE);
	set_text(bytes, SERIAL_WORD, SERIAL_BYTES, identity->serial);
	set_text(bytes, FIRMWARE_WORD, FIRMWARE_BYTES, "1.0");
	set_text(bytes, MODEL_WORD, MODEL_BYTES, identity->model);
}

/* Transfer modes: PIO 4, multiword DMA 2, Ultra DMA 6, as all of SATA has them. */
static void fill_modes(uint8_t *bytes, const struct ata_identity *identity)
{
	set_word(bytes, 49, 0x0f00); /* IORDY, LBA, DMA */
	set_word(bytes, 53, 6);      /* words 64-70 and 88 are valid */
	set_word(bytes, 63, 7);
	set_word(bytes, 64, 3);
	for (unsigned int word = 65; word <= 68; word++)
		set_word(bytes, word, 120);
	set_word(bytes, 88, 0x7f | 1u << (8 + identity->dma_mode));
}

/* The sum of all bytes is zero. */
static void seal(uint8_t *bytes)
{
	uint8_t sum = 0;

	bytes[2 * INTEGRITY_WORD] = INTEGRITY_SIGNATURE;
	for (unsigned int i = 0; i < ATA_IDENTIFY_SIZE - 1; i++)
		sum = (uint8_t)(sum + bytes[i]);
	bytes[ATA_IDENTIFY_SIZE - 1] = (uint8_t)-sum;
}

static void fill_size(uint8_t *bytes, uint64_t sectors)
{
	const uint64_t largest = 0x0fffffff; /* of 28-bit addresses */
	uint64_t cylinders = sectors / ((uint64_t)CHS_HEADS * CHS_SECTORS);

	set_word(bytes, 1, cylinders < CHS_CYLINDERS ? (unsigned int)cylinders : CHS_CYLINDERS);
	set_word(bytes, 3, CHS_HEADS);
	set_word(bytes, 6, CHS_SECTORS);
	store_le32(bytes + 2 * 60, (uint32_t)(sectors < largest ? sectors : largest));
	store_le64(bytes + 2 * 100, sectors);
	set_word(bytes, 106, VALID | 1 << 13 | 3); /* eight sectors a physical block */
	set_word(bytes, 209, VALID);               /* the first sector begins one */
}

static void fill_features(uint8_t *bytes, const struct ata_identity *identity)
{
	set_word(bytes, 82, WRITE_CACHE | READ_AHEAD);
	set_word(bytes, 83, VALID | FLUSH | ADDRESS_48);
	set_word(bytes, 84, VALID | WRITE_FUA | LOGS);
	set_word(bytes, 85,
		 (identity->write_cache ? WRITE_CACHE : 0) |
			 (identity->read_ahead ? READ_AHEAD : 0));
	set_word(bytes, 86, FLUSH | ADDRESS_48);
	set_word(bytes, 87, VALID | WRITE_FUA | LOGS);
}

void ata_identify_disk(const struct ata_identity *identity, uint8_t ret_bytes[ATA_IDENTIFY_SIZE])
{
	fill_identity(ret_bytes, identity);
	fill_modes(ret_bytes, identity);
	fill_size(ret_bytes, identity->sectors);
	fill_features(ret_bytes, identity);
	set_word(ret_bytes, 0, 0x0040); /* not removable */
	set_word(ret_bytes, 47, 0x8000 | ATA_MULTIPLE_MAX);
	if (identity->multiple)
		set_word(ret_bytes, 59, 0x0100u | identity->multiple);
	set_word(ret_bytes, 75, ATA_QUEUE_DEPTH - 1);
	set_word(ret_bytes, 76, 0x0106); /* queuing, first and second generation */
	set_word(ret_bytes, 80, 0x07f0); /* up to ACS-3 */
	set_word(ret_bytes, 105, ATA_TRIM_BLOCKS);
	set_word(ret_bytes, 169, 1); /* trim */
	set_word(ret_bytes, 217, 1); /* does not rotate */
	seal(ret_bytes);
}

void ata_identify_cdrom(const struct ata_identity *identity, uint8_t ret_bytes[ATA_IDENTIFY_SIZE])
{
	fill_identity(ret_bytes, identity);
	fill_modes(ret_bytes, identity);
	set_word(ret_bytes, 0, 0x8580);           /* removable CD-ROM, packets of 12 bytes */
	set_word(ret_bytes, 76, 0x0006);          /* first and second generation */
	set_word(ret_bytes, 80, 0x07f0);          /* up to ACS-3 */
	set_word(ret_bytes, 82, 1 << 4 | 1 << 9); /* packets, device reset */
	set_word(ret_bytes, 83, VALID);
	set_word(ret_bytes, 84, VALID);
	set_word(ret_bytes, 85, 1 << 4 | 1 << 9);
	set_word(ret_bytes, 87, VALID);
	seal(ret_bytes);
}
