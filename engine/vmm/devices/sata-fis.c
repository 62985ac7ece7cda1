/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames of a SATA link: see sata-fis.h.
 */
#include "devices/sata-fis.h"

#include <string.h>

#include "base/byte-order.h"

enum {
	TYPE_HOST_REGISTER = 0x27,
	TYPE_REGISTER = 0x34,
	TYPE_PIO_SETUP = 0x5F,
	TYPE_DEVICE_BITS = 0xA1,

	FLAG_COMMAND = 0x80, /* of a host's register FIS: not the control register */
	FLAG_INTERRUPT = 0x40,
	FLAG_TO_HOST = 0x20,
	DEVICE_BITS_STATUS = 0x77, /* no busy and no data request there */
};

enum sata_fis_kind sata_fis_parse(const uint8_t fis[SATA_FIS_COMMAND_SIZE],
				  struct ata_taskfile *ret_taskfile)
{
	if (fis[0] != TYPE_HOST_REGISTER)
		return SATA_FIS_UNKNOWN;
	*ret_taskfile = (struct ata_taskfile){
		.command = fis[2],
		.features = (uint16_t)(fis[3] | fis[11] << 8),
		.lba = (load_le32(fis + 4) & 0xffffff) | (uint64_t)(load_le32(fis + 8) & 0xffffff)
								 << 24,
		.device = fis[7],
		.count = load_le16(fis + 12),
		.control = fis[15],
	};
	return fis[1] & FLAG_COMMAND ? SATA_FIS_COMMAND : SATA_FIS_CONTROL;
}

static void fill_registers(const struct ata_taskfile *taskfile, uint8_t *fis)
{
	store_le32(fis + 4, (uint32_t)taskfile->lba & 0xffffff);
	store_le32(fis + 8, (uint32_t)(taskfile->lba >> 24) & 0xffffff);
	fis[7] = taskfile->device;
	store_le16(fis + 12, taskfile->count);
}

void sata_fis_register(const struct ata_taskfile *taskfile, uint8_t status, uint8_t error,
		       bool interrupt, uint8_t ret_fis[SATA_FIS_REGISTER_SIZE])
{
	memset(ret_fis, 0, SATA_FIS_REGISTER_SIZE);
	ret_fis[0] = TYPE_REGISTER;
	ret_fis[1] = interrupt ? FLAG_INTERRUPT : 0;
	ret_fis[2] = status;
	ret_fis[3] = error;
	fill_registers(taskfile, ret_fis);
}

void sata_fis_pio_setup(const struct ata_taskfile *taskfile, uint8_t status, uint16_t length,
			uint8_t ret_fis[SATA_FIS_PIO_SETUP_SIZE])
{
	memset(ret_fis, 0, SATA_FIS_PIO_SETUP_SIZE);
	ret_fis[0] = TYPE_PIO_SETUP;
	ret_fis[1] = FLAG_INTERRUPT | FLAG_TO_HOST;
	ret_fis[2] = ATA_STATUS_READY | ATA_STATUS_TRANSFER;
	fill_registers(taskfile, ret_fis);
	ret_fis[15] = status;
	store_le16(ret_fis + 16, length);
}

void sata_fis_device_bits(uint8_t status, uint8_t error, uint32_t done,
			  uint8_t ret_fis[SATA_FIS_DEVICE_BITS_SIZE])
{
	ret_fis[0] = TYPE_DEVICE_BITS;
	ret_fis[1] = FLAG_INTERRUPT;
	ret_fis[2] = status & DEVICE_BITS_STATUS;
	ret_fis[3] = error;
	store_le32(ret_fis + 4, done);
}
