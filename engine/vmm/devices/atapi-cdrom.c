/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A CD-ROM drive: the packet interface of ACS-3, with the commands of Multi-Media Commands - 6 and
 * SCSI Primary Commands - 4 that firmware and systems use to read data.
 *
 * Its medium is a file of blocks of 2048 bytes. One that has been cut has a last block that is
 * there and cannot be read.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked-arithmetic.h"
#include "devices/ahci-command.h"
#include "devices/ahci-drive.h"
#include "devices/ata-identify.h"
#include "devices/mmc-responses.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum ata_command {
	ATA_DEVICE_RESET = 0x08,
	ATA_PACKET = 0xA0,
	ATA_IDENTIFY_PACKET = 0xA1,
	ATA_STANDBY_IMMEDIATE = 0xE0,
	ATA_IDLE_IMMEDIATE = 0xE1,
	ATA_CHECK_POWER = 0xE5,
	ATA_SLEEP = 0xE6,
	ATA_FLUSH = 0xE7,
	ATA_IDENTIFY = 0xEC,
	ATA_SET_FEATURES = 0xEF,
};

enum packet_command {
	TEST_UNIT_READY = 0x00,
	REQUEST_SENSE = 0x03,
	INQUIRY = 0x12,
	START_STOP_UNIT = 0x1B,
	PREVENT_ALLOW_REMOVAL = 0x1E,
	READ_CAPACITY = 0x25,
	READ_10 = 0x28,
	SEEK = 0x2B,
	READ_TOC = 0x43,
	GET_CONFIGURATION = 0x46,
	GET_EVENT_STATUS = 0x4A,
	READ_DISC_INFORMATION = 0x51,
	MODE_SENSE_10 = 0x5A,
	READ_12 = 0xA8,
	READ_DVD_STRUCTURE = 0xAD,
	SET_CD_SPEED = 0xBB,
	MECHANISM_STATUS = 0xBD,
	READ_CD = 0xBE,
};

enum {
	BLOCK_SIZE = 2048,
	SECTOR_SIZE = 512, /* the backend's */
	DMA_MODE = 5,
	POWER_ACTIVE = 0xff,
	SIGNATURE = 0xEB1401,
	SERIAL_SIZE = 24,

	/* interrupt reason, in the count register: status comes, not data */
	REASON_STATUS = 0x03,
	SENSE_KEY_SHIFT = 4, /* in the error register */

	SET_TRANSFER_MODE = 0x03,

	/* additional sense codes */
	CODE_UNRECOVERED_READ = 0x11,
	CODE_INVALID_COMMAND = 0x20,
	CODE_OUT_OF_RANGE = 0x21,
	CODE_INVALID_FIELD = 0x24,
	CODE_MEDIUM_CHANGED = 0x28,
	CODE_SAVING_UNSUPPORTED = 0x39,
	CODE_NO_MEDIUM = 0x3A,
	CODE_REMOVAL_PREVENTED = 0x53,
};

struct atapi_cdrom {
	struct ahci_drive drive; /* first */
	char serial[SERIAL_SIZE];
	struct mmc_medium medium;
	struct mmc_sense sense;
	bool attention; /* the next command is told that the medium has changed */
	enum mmc_media_event event;
	/* Of the read that is being carried out: it runs into a block that cannot be read. */
	bool bad_block_ahead;
	uint32_t bad_block;
};

static struct atapi_cdrom *from_drive(struct ahci_drive *drive)
{
	return (void *)((char *)drive - offsetof(struct atapi_cdrom, drive));
}

static struct atapi_cdrom *drive_of(struct ahci_command *command)
{
	return from_drive(command->drive);
}

static unsigned int load_be16(const uint8_t *bytes)
{
	return (unsigned int)bytes[0] << 8 | bytes[1];
}

static uint32_t load_be32(const uint8_t *bytes)
{
	return (uint32_t)load_be16(bytes) << 16 | load_be16(bytes + 2);
}

/* The medium */

static uint64_t readable_bytes(const struct atapi_cdrom *cdrom)
{
	return block_backend_size(cdrom->drive.backend) & ~(uint64_t)(SECTOR_SIZE - 1);
}

static uint32_t count_blocks(const struct block_backend *backend)
{
	uint64_t size = block_backend_size(backend);
	uint64_t blocks = size / BLOCK_SIZE + (size % BLOCK_SIZE ? 1 : 0);

	return blocks > UINT32_MAX ? UINT32_MAX : (uint32_t)blocks;
}

/* There is another medium in it, or none. */
static void note_change(struct atapi_cdrom *cdrom, bool loaded)
{
	cdrom->medium.blocks = count_blocks(cdrom->drive.backend);
	cdrom->medium.tray_open = !loaded;
	cdrom->attention = loaded;
	cdrom->event = loaded ? MMC_EVENT_NEW_MEDIUM : MMC_EVENT_REMOVAL;
}

static int change_medium(struct atapi_cdrom *cdrom, int fd)
{
	int r = block_backend_change_medium(cdrom->drive.backend, fd);

	if (r == 0)
		note_change(cdrom, fd >= 0);
	return r;
}

/* Whether the medium may go; a guest that holds it is asked. */
static int release_medium(struct atapi_cdrom *cdrom, bool force)
{
	if (cdrom->medium.blocks == 0 || !cdrom->medium.locked || force)
		return 0;
	cdrom->event = MMC_EVENT_EJECT_REQUEST;
	return -EBUSY;
}

int atapi_cdrom_insert(struct ahci_drive *drive, int fd, bool force)
{
	int r = release_medium(from_drive(drive), force);

	return r == 0 ? change_medium(from_drive(drive), fd) : r;
}

int atapi_cdrom_eject(struct ahci_drive *drive, bool force)
{
	struct atapi_cdrom *cdrom = from_drive(drive);
	int r = release_medium(cdrom, force);

	return r == 0 && cdrom->medium.blocks > 0 ? change_medium(cdrom, -1) : r;
}

bool atapi_cdrom_loaded(const struct ahci_drive *drive)
{
	return block_backend_size(drive->backend) > 0;
}

/* How packet commands end */

static void succeed(struct ahci_command *command)
{
	command->taskfile.count = REASON_STATUS;
	ahci_command_finish(command);
}

static void fail_with(struct ahci_command *command, const struct mmc_sense *sense)
{
	drive_of(command)->sense = *sense;
	command->taskfile.count = REASON_STATUS;
	ahci_command_fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR,
			  (uint8_t)(sense->key << SENSE_KEY_SHIFT | ATA_ERROR_ABORTED));
}

static void fail(struct ahci_command *command, enum mmc_sense_key key, uint8_t code,
		 uint8_t qualifier)
{
	const struct mmc_sense sense = {.key = key, .code = code, .qualifier = qualifier};

	fail_with(command, &sense);
}

static void fail_field(struct ahci_command *command)
{
	fail(command, MMC_ILLEGAL_REQUEST, CODE_INVALID_FIELD, 0);
}

static void fail_no_medium(struct ahci_command *command)
{
	bool open = drive_of(command)->medium.tray_open;

	fail(command, MMC_NOT_READY, CODE_NO_MEDIUM, open ? 2 : 1);
}

/* length 0: there is no such answer. */
static void answer(struct ahci_command *command, const uint8_t *bytes, size_t length,
		   size_t allocated)
{
	if (length == 0) {
		fail_field(command);
		return;
	}
	command->taskfile.count = REASON_STATUS;
	ahci_command_reply(command, bytes, length < allocated ? length : allocated);
}

/* Reading */

static void on_read(struct ahci_command *command, int result)
{
	struct atapi_cdrom *cdrom = drive_of(command);
	const struct mmc_sense bad_block = {
		.key = MMC_MEDIUM_ERROR,
		.code = CODE_UNRECOVERED_READ,
		.block_valid = result == 0,
		.block = cdrom->bad_block,
	};

	if (result == -ENOMEDIUM)
		fail_no_medium(command);
	else if (result < 0 || cdrom->bad_block_ahead)
		fail_with(command, &bad_block);
	else
		succeed(command);
}

static void read_blocks(struct ahci_command *command, uint32_t block, uint32_t count)
{
	struct atapi_cdrom *cdrom = drive_of(command);
	uint64_t offset = (uint64_t)block * BLOCK_SIZE, length = (uint64_t)count * BLOCK_SIZE;
	uint64_t whole = readable_bytes(cdrom) & ~(uint64_t)(BLOCK_SIZE - 1);

	if (!range_fits(block, count, cdrom->medium.blocks)) {
		fail(command, MMC_ILLEGAL_REQUEST, CODE_OUT_OF_RANGE, 0);
		return;
	}
	cdrom->bad_block_ahead = count > 0 && !range_fits(offset, length, whole);
	cdrom->bad_block = (uint32_t)(whole / BLOCK_SIZE);
	if (cdrom->bad_block_ahead)
		length = offset < whole ? whole - offset : 0;
	ahci_command_transfer(command, BLOCK_READ, offset, length, on_read);
}

/* Data as on a data track, or none; nothing here has headers or error correction. */
static void read_cd(struct ahci_command *command)
{
	const uint8_t *packet = command->packet;
	uint32_t count = (uint32_t)packet[6] << 16 | load_be16(packet + 7);

	switch (packet[9] & 0xf8) {
	case 0x00:
		succeed(command);
		break;
	case 0x10:
		read_blocks(command, load_be32(packet + 2), count);
		break;
	default:
		fail_field(command);
		break;
	}
}

/* The other commands */

static void start_stop(struct ahci_command *command)
{
	struct atapi_cdrom *cdrom = drive_of(command);
	uint8_t what = command->packet[4];
	bool start = what & 1, load = what & 2, power_condition = what & 0xf0;

	if (power_condition) {
		succeed(command);
		return;
	}
	if (load && start)
		cdrom->medium.tray_open = false;
	if (start && cdrom->medium.blocks == 0) {
		fail_no_medium(command);
	} else if (load && !start && cdrom->medium.locked) {
		fail(command, MMC_ILLEGAL_REQUEST, CODE_REMOVAL_PREVENTED, 2);
	} else {
		if (load && !start)
			(void)change_medium(cdrom, -1); /* taking it out does not fail */
		succeed(command);
	}
}

static void request_sense(struct ahci_command *command)
{
	struct atapi_cdrom *cdrom = drive_of(command);
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};

	if (cdrom->attention && cdrom->sense.key == MMC_NO_SENSE) {
		cdrom->attention = false;
		cdrom->sense = (struct mmc_sense){
			.key = MMC_UNIT_ATTENTION,
			.code = CODE_MEDIUM_CHANGED,
		};
	}
	answer(command, bytes, mmc_sense(&cdrom->sense, bytes), command->packet[4]);
	cdrom->sense = (struct mmc_sense){0};
}

static void inquiry(struct ahci_command *command)
{
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};

	if (command->packet[1] & 1 || command->packet[2] != 0)
		fail_field(command); /* no vital product data */
	else
		answer(command, bytes, mmc_inquiry(bytes), load_be16(command->packet + 3));
}

static void read_capacity(struct ahci_command *command)
{
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};
	size_t length = mmc_read_capacity(&drive_of(command)->medium, bytes);

	answer(command, bytes, length, length);
}

static void read_toc(struct ahci_command *command)
{
	const uint8_t *packet = command->packet;
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};
	/* Old drivers have the format where the control byte is. */
	unsigned int format = packet[2] & 0xf ? packet[2] & 0xf : packet[9] >> 6;

	answer(command, bytes,
	       mmc_toc(&drive_of(command)->medium, format, packet[6], packet[1] & 2, bytes),
	       load_be16(packet + 7));
}

static void get_configuration(struct ahci_command *command)
{
	const uint8_t *packet = command->packet;
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};

	answer(command, bytes,
	       mmc_configuration(&drive_of(command)->medium, packet[1] & 3, load_be16(packet + 2),
				 bytes),
	       load_be16(packet + 7));
}

/* Only when polled: the drive does not speak unasked. */
static void get_event(struct ahci_command *command)
{
	struct atapi_cdrom *cdrom = drive_of(command);
	const uint8_t *packet = command->packet;
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};
	size_t length, allocated = load_be16(packet + 7);

	if (!(packet[1] & 1)) {
		fail_field(command);
		return;
	}
	length = mmc_event(&cdrom->medium, cdrom->event, packet[4], bytes);
	if (length > 4 && allocated > 4)
		cdrom->event = MMC_EVENT_NONE;
	answer(command, bytes, length, allocated);
}

static void read_disc_information(struct ahci_command *command)
{
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};

	if (command->packet[1] & 7)
		fail_field(command);
	else
		answer(command, bytes, mmc_disc_information(bytes), load_be16(command->packet + 7));
}

static void mode_sense(struct ahci_command *command)
{
	const uint8_t *packet = command->packet;
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};
	unsigned int control = packet[2] >> 6;

	if (control == 3)
		fail(command, MMC_ILLEGAL_REQUEST, CODE_SAVING_UNSUPPORTED, 0);
	else
		answer(command, bytes,
		       mmc_mode_sense(&drive_of(command)->medium, packet[2] & 0x3f, control == 1,
				      bytes),
		       load_be16(packet + 7));
}

static void read_dvd_structure(struct ahci_command *command)
{
	const uint8_t *packet = command->packet;
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};

	answer(command, bytes, mmc_dvd_structure(&drive_of(command)->medium, packet[7], bytes),
	       load_be16(packet + 8));
}

static void mechanism_status(struct ahci_command *command)
{
	uint8_t bytes[MMC_RESPONSE_SIZE] = {0};

	answer(command, bytes, mmc_mechanism_status(&drive_of(command)->medium, bytes),
	       load_be16(command->packet + 8));
}

static bool needs_medium(uint8_t packet_command)
{
	switch (packet_command) {
	case TEST_UNIT_READY:
	case READ_CAPACITY:
	case READ_10:
	case READ_12:
	case READ_CD:
	case SEEK:
	case READ_TOC:
	case READ_DISC_INFORMATION:
	case READ_DVD_STRUCTURE:
		return true;
	default:
		return false;
	}
}

/* These are served whatever else there is to say. */
static bool ignores_attention(uint8_t packet_command)
{
	return packet_command == INQUIRY || packet_command == REQUEST_SENSE ||
	       packet_command == GET_CONFIGURATION || packet_command == GET_EVENT_STATUS;
}

static void dispatch(struct ahci_command *command)
{
	struct atapi_cdrom *cdrom = drive_of(command);
	const uint8_t *packet = command->packet;

	switch (packet[0]) {
	case TEST_UNIT_READY:
	case SEEK:
	case SET_CD_SPEED:
		succeed(command);
		break;
	case REQUEST_SENSE:
		request_sense(command);
		break;
	case INQUIRY:
		inquiry(command);
		break;
	case START_STOP_UNIT:
		start_stop(command);
		break;
	case PREVENT_ALLOW_REMOVAL:
		cdrom->medium.locked = packet[4] & 1;
		succeed(command);
		break;
	case READ_CAPACITY:
		read_capacity(command);
		break;
	case READ_10:
		read_blocks(command, load_be32(packet + 2), load_be16(packet + 7));
		break;
	case READ_12:
		read_blocks(command, load_be32(packet + 2), load_be32(packet + 6));
		break;
	case READ_CD:
		read_cd(command);
		break;
	case READ_TOC:
		read_toc(command);
		break;
	case GET_CONFIGURATION:
		get_configuration(command);
		break;
	case GET_EVENT_STATUS:
		get_event(command);
		break;
	case READ_DISC_INFORMATION:
		read_disc_information(command);
		break;
	case MODE_SENSE_10:
		mode_sense(command);
		break;
	case READ_DVD_STRUCTURE:
		read_dvd_structure(command);
		break;
	case MECHANISM_STATUS:
		mechanism_status(command);
		break;
	default:
		fail(command, MMC_ILLEGAL_REQUEST, CODE_INVALID_COMMAND, 0);
		break;
	}
}

static void execute_packet(struct ahci_command *command)
{
	struct atapi_cdrom *cdrom = drive_of(command);
	uint8_t packet_command = command->packet[0];

	if (packet_command != REQUEST_SENSE)
		cdrom->sense = (struct mmc_sense){0};
	if (cdrom->attention && !ignores_attention(packet_command)) {
		cdrom->attention = false;
		fail(command, MMC_UNIT_ATTENTION, CODE_MEDIUM_CHANGED, 0);
	} else if (needs_medium(packet_command) && cdrom->medium.blocks == 0) {
		fail_no_medium(command);
	} else {
		dispatch(command);
	}
}

static void identify(struct ahci_command *command)
{
	const struct ata_identity identity = {
		.model = "Innkeeper CD-ROM drive",
		.serial = drive_of(command)->serial,
		.dma_mode = DMA_MODE,
	};
	uint8_t bytes[ATA_IDENTIFY_SIZE];

	ata_identify_cdrom(&identity, bytes);
	command->pio_in = true;
	ahci_command_reply(command, bytes, sizeof(bytes));
}

static void abort_command(struct ahci_command *command)
{
	ahci_command_fail(command, ATA_STATUS_READY | ATA_STATUS_ERROR, ATA_ERROR_ABORTED);
}

static void reset(struct ahci_drive *drive)
{
	struct atapi_cdrom *cdrom = from_drive(drive);

	cdrom->medium.locked = false;
	cdrom->sense = (struct mmc_sense){0};
}

static void execute(struct ahci_drive *drive, struct ahci_command *command)
{
	switch (command->taskfile.command) {
	case ATA_PACKET:
		execute_packet(command);
		break;
	case ATA_IDENTIFY_PACKET:
		identify(command);
		break;
	case ATA_IDENTIFY:
		/* How a driver learns that it has to ask for the other one. */
		command->taskfile.lba = SIGNATURE;
		abort_command(command);
		break;
	case ATA_DEVICE_RESET:
		reset(drive);
		command->taskfile.lba = SIGNATURE;
		command->taskfile.count = 1;
		ahci_command_finish(command);
		break;
	case ATA_SET_FEATURES:
		if ((command->taskfile.features & 0xff) == SET_TRANSFER_MODE)
			ahci_command_finish(command);
		else
			abort_command(command);
		break;
	case ATA_CHECK_POWER:
		command->taskfile.count = POWER_ACTIVE;
		ahci_command_finish(command);
		break;
	case ATA_STANDBY_IMMEDIATE:
	case ATA_IDLE_IMMEDIATE:
	case ATA_SLEEP:
	case ATA_FLUSH:
		ahci_command_finish(command);
		break;
	default:
		abort_command(command);
		break;
	}
}

static void destroy(struct ahci_drive *drive)
{
	free(from_drive(drive));
}

static void save(const struct ahci_drive *drive, struct state_writer *writer)
{
	const struct atapi_cdrom *cdrom = (const struct atapi_cdrom *)drive;

	state_writer_put32(writer, cdrom->medium.blocks);
	state_writer_put_bool(writer, cdrom->medium.tray_open);
	state_writer_put_bool(writer, cdrom->medium.locked);
	state_writer_put8(writer, (uint8_t)cdrom->sense.key);
	state_writer_put8(writer, cdrom->sense.code);
	state_writer_put8(writer, cdrom->sense.qualifier);
	state_writer_put_bool(writer, cdrom->sense.block_valid);
	state_writer_put32(writer, cdrom->sense.block);
	state_writer_put_bool(writer, cdrom->attention);
	state_writer_put8(writer, (uint8_t)cdrom->event);
}

static void load_sense(struct mmc_sense *sense, struct state_reader *reader)
{
	uint8_t key = state_reader_get8(reader);

	sense->key = (enum mmc_sense_key)key;
	sense->code = state_reader_get8(reader);
	sense->qualifier = state_reader_get8(reader);
	sense->block_valid = state_reader_get_bool(reader);
	sense->block = state_reader_get32(reader);
	state_reader_check(reader, key <= MMC_UNIT_ATTENTION, "a CD-ROM drive has no such error");
}

/* A CD that was only lent may have gone since, or be another: as if it were changed now. */
static void load(struct ahci_drive *drive, struct state_reader *reader)
{
	struct atapi_cdrom *cdrom = from_drive(drive);
	uint32_t blocks = state_reader_get32(reader);
	uint8_t event;

	cdrom->medium.tray_open = state_reader_get_bool(reader);
	cdrom->medium.locked = state_reader_get_bool(reader);
	load_sense(&cdrom->sense, reader);
	cdrom->attention = state_reader_get_bool(reader);
	event = state_reader_get8(reader);
	cdrom->event = (enum mmc_media_event)event;
	state_reader_check(reader, event <= MMC_EVENT_REMOVAL, "a CD-ROM drive has no such event");
	if (blocks != cdrom->medium.blocks)
		note_change(cdrom, cdrom->medium.blocks > 0);
}

static const struct ahci_drive_ops atapi_cdrom_ops = {
	.execute = execute,
	.reset = reset,
	.destroy = destroy,
	.save = save,
	.load = load,
};

int atapi_cdrom_create(struct block_backend *backend, unsigned int port,
		       struct ahci_drive **ret_drive)
{
	struct atapi_cdrom *cdrom = calloc(1, sizeof(*cdrom));

	if (!cdrom)
		return -ENOMEM;
	cdrom->drive = (struct ahci_drive){
		.ops = &atapi_cdrom_ops,
		.backend = backend,
		.signature = SIGNATURE,
	};
	cdrom->medium.blocks = count_blocks(backend);
	snprintf(cdrom->serial, sizeof(cdrom->serial), "INNKEEPER-CD-%u", port);
	*ret_drive = &cdrom->drive;
	return 0;
}
