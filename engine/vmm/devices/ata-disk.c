/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A disk that understands ATA/ATAPI Command Set - 3 (ACS-3), with 48-bit addresses, native command
 * queuing and trim.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "devices/ahci-command.h"
#include "devices/ahci-drive.h"
#include "devices/ata-identify.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum ata_command {
	ATA_TRIM = 0x06, /* DATA SET MANAGEMENT */
	ATA_READ_SECTORS = 0x20,
	ATA_READ_SECTORS_EXT = 0x24,
	ATA_READ_DMA_EXT = 0x25,
	ATA_READ_MULTIPLE_EXT = 0x29,
	ATA_READ_LOG_EXT = 0x2F,
	ATA_WRITE_SECTORS = 0x30,
	ATA_WRITE_SECTORS_EXT = 0x34,
	ATA_WRITE_DMA_EXT = 0x35,
	ATA_WRITE_MULTIPLE_EXT = 0x39,
	ATA_WRITE_DMA_FUA_EXT = 0x3D,
	ATA_READ_VERIFY = 0x40,
	ATA_READ_VERIFY_EXT = 0x42,
	ATA_READ_QUEUED = 0x60,
	ATA_WRITE_QUEUED = 0x61,
	ATA_READ_MULTIPLE = 0xC4,
	ATA_WRITE_MULTIPLE = 0xC5,
	ATA_SET_MULTIPLE = 0xC6,
	ATA_READ_DMA = 0xC8,
	ATA_WRITE_DMA = 0xCA,
	ATA_WRITE_MULTIPLE_FUA_EXT = 0xCE,
	ATA_STANDBY_IMMEDIATE = 0xE0,
	ATA_IDLE_IMMEDIATE = 0xE1,
	ATA_STANDBY = 0xE2,
	ATA_IDLE = 0xE3,
	ATA_CHECK_POWER = 0xE5,
	ATA_SLEEP = 0xE6,
	ATA_FLUSH = 0xE7,
	ATA_FLUSH_EXT = 0xEA,
	ATA_IDENTIFY = 0xEC,
	ATA_SET_FEATURES = 0xEF,
};

enum {
	SECTOR_SIZE = 512,
	DEFAULT_DMA_MODE = 5,
	POWER_ACTIVE = 0xff,
	DEVICE_FUA = 0x80, /* in the device register of a queued command */
	TRIM_FEATURE = 1,
	TRIM_RANGES = ATA_TRIM_BLOCKS * SECTOR_SIZE / 8,

	/* general purpose logs */
	LOG_DIRECTORY = 0x00,
	LOG_QUEUE_ERROR = 0x10,

	/* subcommands of SET FEATURES */
	FEATURE_WRITE_CACHE_ON = 0x02,
	FEATURE_TRANSFER_MODE = 0x03,
	FEATURE_READ_AHEAD_OFF = 0x55,
	FEATURE_KEEP_ON_RESET = 0x66,
	FEATURE_WRITE_CACHE_OFF = 0x82,
	FEATURE_READ_AHEAD_ON = 0xAA,
	FEATURE_DEFAULTS_ON_RESET = 0xCC,
	MODE_ULTRA_DMA = 0x40,
	ULTRA_DMA_MODES = 7,
};

/* Of the last queued command that failed: the driver reads it in a log. */
struct queue_error {
	bool valid;
	uint8_t tag, status, error, device;
	uint64_t lba;
	uint16_t count;
};

struct ata_disk {
	struct ahci_drive drive; /* first */
	uint64_t sectors;
	char serial[AHCI_DRIVE_SERIAL_LENGTH + 1];
	bool write_cache, read_ahead;
	uint8_t multiple, dma_mode;
	struct queue_error queue_error;
	/* Ranges of the trim that is being carried out. */
	uint8_t ranges[ATA_TRIM_BLOCKS * SECTOR_SIZE];
	unsigned int next_range;
};

/* What a command asks for, whichever form it has. */
struct extent {
	uint64_t sector;
	uint32_t sectors;
};

static struct ata_disk *from_drive(struct ahci_drive *drive)
{
	return (void *)((char *)drive - offsetof(struct ata_disk, drive));
}

/* Failures */

static void fail(struct ahci_command *command, uint8_t status, uint8_t error)
{
	struct ata_disk *disk = from_drive(command->drive);
	const struct ata_taskfile *taskfile = &command->taskfile;

	if (command->queued)
		disk->queue_error = (struct queue_error){
			.valid = true,
			.tag = (uint8_t)command->slot,
			.status = status,
			.error = error,
			.device = taskfile->device,
			.lba = taskfile->lba,
			.count = taskfile->count,
		};
	ahci_command_fail(command, status, error);
}

static void abort_command(struct ahci_command *command)
{
	fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR, ATA_ERROR_ABORTED);
}

/* The host could not do it. */
static void fail_io(struct ahci_command *command)
{
	if (command->io.operation == BLOCK_READ)
		fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR, ATA_ERROR_UNCORRECTABLE);
	else
		fail(command, ATA_STATUS_READY | ATA_STATUS_FAULT | ATA_STATUS_ERROR,
		     ATA_ERROR_ABORTED);
}

/* Reading and writing */

static bool is_extended(uint8_t command)
{
	switch (command) {
	case ATA_READ_SECTORS:
	case ATA_READ_SECTORS + 1:
	case ATA_WRITE_SECTORS:
	case ATA_WRITE_SECTORS + 1:
	case ATA_READ_VERIFY:
	case ATA_READ_VERIFY + 1:
	case ATA_READ_MULTIPLE:
	case ATA_WRITE_MULTIPLE:
	case ATA_READ_DMA:
	case ATA_READ_DMA + 1:
	case ATA_WRITE_DMA:
	case ATA_WRITE_DMA + 1:
		return false;
	default:
		return true;
	}
}

/* A count of zero stands for the largest. Queued commands have it where others have features. */
static struct extent extent_of(const struct ahci_command *command)
{
	const struct ata_taskfile *taskfile = &command->taskfile;
	uint32_t count = command->queued ? taskfile->features : taskfile->count;
	struct extent extent;

	if (is_extended(taskfile->command)) {
		extent.sector = taskfile->lba;
		extent.sectors = count ? count : 0x10000;
	} else {
		extent.sector = (taskfile->lba & 0xffffff) | (uint64_t)(taskfile->device & 0xf)
								     << 24;
		extent.sectors = count & 0xff ? count & 0xff : 0x100;
	}
	return extent;
}

static bool find_extent(struct ahci_command *command, struct extent *ret_extent)
{
	*ret_extent = extent_of(command);
	if (range_fits(ret_extent->sector, ret_extent->sectors,
		       from_drive(command->drive)->sectors))
		return true;
	fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR, ATA_ERROR_ID_NOT_FOUND);
	return false;
}

static void on_done(struct ahci_command *command, int result)
{
	if (result < 0)
		fail_io(command);
	else
		ahci_command_finish(command);
}

static void read_sectors(struct ahci_command *command, bool pio)
{
	struct extent extent;

	command->pio_in = pio;
	if (find_extent(command, &extent))
		ahci_command_transfer(command, BLOCK_READ, extent.sector * SECTOR_SIZE,
				      (uint64_t)extent.sectors * SECTOR_SIZE, on_done);
}

static bool must_reach_disk(const struct ahci_command *command)
{
	const struct ata_disk *disk = from_drive(command->drive);
	const struct ata_taskfile *taskfile = &command->taskfile;

	return !disk->write_cache || taskfile->command == ATA_WRITE_DMA_FUA_EXT ||
	       taskfile->command == ATA_WRITE_MULTIPLE_FUA_EXT ||
	       (command->queued && (taskfile->device & DEVICE_FUA));
}

static void on_written(struct ahci_command *command, int result)
{
	if (result == 0 && must_reach_disk(command))
		ahci_command_submit(command, BLOCK_FLUSH, 0, 0, on_done);
	else
		on_done(command, result);
}

static void write_sectors(struct ahci_command *command)
{
	struct extent extent;

	if (block_backend_read_only(command->drive->backend))
		abort_command(command);
	else if (find_extent(command, &extent))
		ahci_command_transfer(command, BLOCK_WRITE, extent.sector * SECTOR_SIZE,
				      (uint64_t)extent.sectors * SECTOR_SIZE, on_written);
}

static void verify_sectors(struct ahci_command *command)
{
	struct extent extent;

	if (find_extent(command, &extent))
		ahci_command_finish(command);
}

/* Trim: entries of 48 bits of address and 16 of length, one after the other. */

static void trim_next(struct ahci_command *command, int result)
{
	struct ata_disk *disk = from_drive(command->drive);

	if (result < 0) {
		fail_io(command);
		return;
	}
	while (disk->next_range < TRIM_RANGES) {
		uint64_t entry = load_le64(disk->ranges + 8 * (size_t)disk->next_range++);
		uint64_t sector = entry & 0xffffffffffffULL, sectors = entry >> 48;

		if (sectors == 0)
			continue;
		if (range_fits(sector, sectors, disk->sectors))
			ahci_command_submit(command, BLOCK_DISCARD, sector * SECTOR_SIZE,
					    sectors * SECTOR_SIZE, trim_next);
		else
			fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR, ATA_ERROR_ID_NOT_FOUND);
		return;
	}
	ahci_command_finish(command);
}

static void trim(struct ahci_command *command)
{
	struct ata_disk *disk = from_drive(command->drive);

	if (command->taskfile.features != TRIM_FEATURE ||
	    command->taskfile.count != ATA_TRIM_BLOCKS ||
	    block_backend_read_only(disk->drive.backend)) {
		abort_command(command);
		return;
	}
	disk->next_range = 0;
	if (ahci_command_receive(command, disk->ranges, sizeof(disk->ranges)))
		trim_next(command, 0);
}

/* What the drive tells and is told */

static void identify(struct ahci_command *command)
{
	const struct ata_disk *disk = from_drive(command->drive);
	const struct ata_identity identity = {
		.model = "Innkeeper disk",
		.serial = disk->serial,
		.sectors = disk->sectors,
		.write_cache = disk->write_cache,
		.read_ahead = disk->read_ahead,
		.multiple = disk->multiple,
		.dma_mode = disk->dma_mode,
	};
	uint8_t bytes[ATA_IDENTIFY_SIZE];

	ata_identify_disk(&identity, bytes);
	command->pio_in = true;
	ahci_command_reply(command, bytes, sizeof(bytes));
}

static void fill_directory(uint8_t *log)
{
	store_le16(log, 1); /* version */
	store_le16(log + 2 * (size_t)LOG_QUEUE_ERROR, 1);
}

/* NCQ Command Error log. Reading it ends the error. */
static void fill_queue_error(struct ata_disk *disk, uint8_t *log)
{
	const struct queue_error *error = &disk->queue_error;
	uint8_t sum = 0;

	log[0] = error->valid ? error->tag : 0x80; /* the last command was not queued */
	log[2] = error->status;
	log[3] = error->error;
	store_le32(log + 4, (uint32_t)error->lba & 0xffffff);
	log[7] = error->device;
	store_le32(log + 8, (uint32_t)(error->lba >> 24) & 0xffffff);
	store_le16(log + 12, error->count);
	for (unsigned int i = 0; i < SECTOR_SIZE - 1; i++)
		sum = (uint8_t)(sum + log[i]);
	log[SECTOR_SIZE - 1] = (uint8_t)-sum;
	disk->queue_error.valid = false;
}

/* One page of either log there is. */
static void read_log(struct ahci_command *command)
{
	struct ata_disk *disk = from_drive(command->drive);
	const struct ata_taskfile *taskfile = &command->taskfile;
	uint8_t address = (uint8_t)taskfile->lba, log[SECTOR_SIZE] = {0};
	unsigned int page = (taskfile->lba >> 8 & 0xff) | (taskfile->lba >> 32 & 0xff) << 8;

	if (page != 0 || taskfile->count != 1 ||
	    (address != LOG_DIRECTORY && address != LOG_QUEUE_ERROR)) {
		abort_command(command);
		return;
	}
	if (address == LOG_DIRECTORY)
		fill_directory(log);
	else
		fill_queue_error(disk, log);
	command->pio_in = true;
	ahci_command_reply(command, log, sizeof(log));
}

static bool set_transfer_mode(struct ata_disk *disk, uint8_t mode)
{
	if ((mode & 0xf8) == MODE_ULTRA_DMA && (mode & 7) < ULTRA_DMA_MODES)
		disk->dma_mode = mode & 7;
	/* PIO and multiword DMA are as good: nothing here has a speed. */
	return mode < MODE_ULTRA_DMA + ULTRA_DMA_MODES;
}

static bool set_feature(struct ata_disk *disk, const struct ata_taskfile *taskfile)
{
	switch (taskfile->features & 0xff) {
	case FEATURE_WRITE_CACHE_ON:
		disk->write_cache = true;
		return true;
	case FEATURE_WRITE_CACHE_OFF:
		disk->write_cache = false;
		return true;
	case FEATURE_READ_AHEAD_ON:
		disk->read_ahead = true;
		return true;
	case FEATURE_READ_AHEAD_OFF:
		disk->read_ahead = false;
		return true;
	case FEATURE_KEEP_ON_RESET:
	case FEATURE_DEFAULTS_ON_RESET:
		return true;
	case FEATURE_TRANSFER_MODE:
		return set_transfer_mode(disk, (uint8_t)taskfile->count);
	default:
		return false;
	}
}

static void set_features(struct ahci_command *command)
{
	struct ata_disk *disk = from_drive(command->drive);
	bool caching = disk->write_cache;

	if (!set_feature(disk, &command->taskfile))
		abort_command(command);
	else if (caching && !disk->write_cache)
		ahci_command_submit(command, BLOCK_FLUSH, 0, 0, on_done);
	else
		ahci_command_finish(command);
}

static bool multiple_exists(uint8_t sectors)
{
	return sectors <= ATA_MULTIPLE_MAX && !(sectors & (sectors - 1));
}

static void set_multiple(struct ahci_command *command)
{
	uint8_t sectors = (uint8_t)command->taskfile.count;

	if (!multiple_exists(sectors)) {
		abort_command(command);
		return;
	}
	from_drive(command->drive)->multiple = sectors;
	ahci_command_finish(command);
}

static void execute(struct ahci_drive *drive, struct ahci_command *command)
{
	switch (command->taskfile.command) {
	case ATA_READ_QUEUED:
	case ATA_READ_DMA:
	case ATA_READ_DMA + 1:
	case ATA_READ_DMA_EXT:
		read_sectors(command, /* pio= */ false);
		break;
	case ATA_READ_SECTORS:
	case ATA_READ_SECTORS + 1:
	case ATA_READ_SECTORS_EXT:
	case ATA_READ_MULTIPLE:
	case ATA_READ_MULTIPLE_EXT:
		read_sectors(command, /* pio= */ true);
		break;
	case ATA_WRITE_QUEUED:
	case ATA_WRITE_DMA:
	case ATA_WRITE_DMA + 1:
	case ATA_WRITE_DMA_EXT:
	case ATA_WRITE_DMA_FUA_EXT:
	case ATA_WRITE_SECTORS:
	case ATA_WRITE_SECTORS + 1:
	case ATA_WRITE_SECTORS_EXT:
	case ATA_WRITE_MULTIPLE:
	case ATA_WRITE_MULTIPLE_EXT:
	case ATA_WRITE_MULTIPLE_FUA_EXT:
		write_sectors(command);
		break;
	case ATA_READ_VERIFY:
	case ATA_READ_VERIFY + 1:
	case ATA_READ_VERIFY_EXT:
		verify_sectors(command);
		break;
	case ATA_TRIM:
		trim(command);
		break;
	case ATA_STANDBY_IMMEDIATE:
	case ATA_STANDBY:
	case ATA_SLEEP:
	case ATA_FLUSH:
	case ATA_FLUSH_EXT:
		ahci_command_submit(command, BLOCK_FLUSH, 0, 0, on_done);
		break;
	case ATA_IDLE_IMMEDIATE:
	case ATA_IDLE:
		ahci_command_finish(command);
		break;
	case ATA_CHECK_POWER:
		command->taskfile.count = POWER_ACTIVE;
		ahci_command_finish(command);
		break;
	case ATA_READ_LOG_EXT:
		read_log(command);
		break;
	case ATA_IDENTIFY:
		identify(command);
		break;
	case ATA_SET_FEATURES:
		set_features(command);
		break;
	case ATA_SET_MULTIPLE:
		set_multiple(command);
		break;
	default:
		abort_command(command);
		break;
	}
}

static void reset(struct ahci_drive *drive)
{
	struct ata_disk *disk = from_drive(drive);

	disk->write_cache = disk->read_ahead = true;
	disk->multiple = 0;
	disk->dma_mode = DEFAULT_DMA_MODE;
	disk->queue_error.valid = false;
}

static void destroy(struct ahci_drive *drive)
{
	free(from_drive(drive));
}

static void save(const struct ahci_drive *drive, struct state_writer *writer)
{
	const struct ata_disk *disk = (const struct ata_disk *)drive;
	const struct queue_error *error = &disk->queue_error;

	state_writer_put64(writer, disk->sectors);
	state_writer_put_bool(writer, disk->write_cache);
	state_writer_put_bool(writer, disk->read_ahead);
	state_writer_put8(writer, disk->multiple);
	state_writer_put8(writer, disk->dma_mode);
	state_writer_put_bool(writer, error->valid);
	state_writer_put8(writer, error->tag);
	state_writer_put8(writer, error->status);
	state_writer_put8(writer, error->error);
	state_writer_put8(writer, error->device);
	state_writer_put64(writer, error->lba);
	state_writer_put16(writer, error->count);
}

static void load_queue_error(struct queue_error *error, struct state_reader *reader)
{
	error->valid = state_reader_get_bool(reader);
	error->tag = state_reader_get8(reader);
	error->status = state_reader_get8(reader);
	error->error = state_reader_get8(reader);
	error->device = state_reader_get8(reader);
	error->lba = state_reader_get64(reader);
	error->count = state_reader_get16(reader);
}

/* There is no way to tell a driver that its disk has grown: it keeps the size it knows. */
static void load(struct ahci_drive *drive, struct state_reader *reader)
{
	struct ata_disk *disk = from_drive(drive);
	uint64_t sectors = state_reader_get64(reader);

	if (state_reader_check(reader, sectors <= disk->sectors, "a disk is smaller than it was"))
		disk->sectors = sectors;
	disk->write_cache = state_reader_get_bool(reader);
	disk->read_ahead = state_reader_get_bool(reader);
	disk->multiple = state_reader_get8(reader);
	disk->dma_mode = state_reader_get8(reader);
	load_queue_error(&disk->queue_error, reader);
	state_reader_check(reader,
			   multiple_exists(disk->multiple) && disk->dma_mode < ULTRA_DMA_MODES,
			   "a disk has no such mode");
}

static const struct ahci_drive_ops ata_disk_ops = {
	.execute = execute,
	.reset = reset,
	.destroy = destroy,
	.save = save,
	.load = load,
};

int ata_disk_create(struct block_backend *backend, const char *serial, unsigned int port,
		    struct ahci_drive **ret_drive)
{
	struct ata_disk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		return -ENOMEM;
	disk->drive = (struct ahci_drive){
		.ops = &ata_disk_ops,
		.backend = backend,
		.signature = 0x000001,
		.reset_status = ATA_STATUS_READY,
		.queues = true,
	};
	disk->sectors = block_backend_size(backend) / SECTOR_SIZE;
	if (serial)
		snprintf(disk->serial, sizeof(disk->serial), "%.*s", AHCI_DRIVE_SERIAL_LENGTH,
			 serial);
	else
		snprintf(disk->serial, sizeof(disk->serial), "INNKEEPER-DISK-%u", port);
	*ret_drive = &disk->drive;
	return 0;
}
