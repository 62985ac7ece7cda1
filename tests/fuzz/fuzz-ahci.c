/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that works a SATA adapter with a disk and a CD-ROM drive through its registers, command
 * lists, region tables and packets, while the host's disks answer, fail, and change their media.
 * The disks in memory hold it to its word (fake-block-backend.c asserts offsets and lengths).
 *
 * Input: options (u8), then steps: what (u8), port or drive and slot (u8), register (u16), number
 * (u32), value (u64). A command step is followed by a frame (20 bytes), a packet (12 bytes) and two
 * entries of a region table (16 bytes each).
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "bus/address-space.h"
#include "devices/ahci.h"
#include "fake-block-backend.h"
#include "fake-interrupts.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-host-bridge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	MEMORY = 2 << 20,
	DISK_SIZE = 64 << 10,
	CDROM_SIZE = 33 * 2048 + 512, /* the last block is cut */
	DISK_PORT = 0,
	CDROM_PORT = 1,
	LISTS = 0x1000, /* 4 KiB for each port: command list, received FIS area */
	RECEIVED = 0x400,
	TABLES = 0x4000, /* 256 bytes for each slot of each port */
	TABLE_SIZE = 0x100,
	GSI = 19,

	STEP_SIZE = 16,
	FIS_SIZE = 20,
	PACKET_SIZE = 12,
	ENTRIES = 2,
	ENTRY_SIZE = 16,
	COMMAND_SIZE = FIS_SIZE + PACKET_SIZE + ENTRIES * ENTRY_SIZE,

	OPTION_READ_ONLY = 1,
	OPTION_EMPTY = 2,
	OPTION_AUTOMATIC = 4,
};

#define REGISTERS 0xC0000000u

enum step {
	STEP_WRITE,
	STEP_READ,
	STEP_MEMORY,
	STEP_COMMAND,
	STEP_COMPLETE,
	STEP_FAIL,
	STEP_HOLD,
	STEP_INSERT,
	STEP_EJECT,
	STEP_PAUSE,
	STEP_RESUME,
	STEP_RESET,
	STEP_COUNT,
};

struct player {
	const uint8_t *data;
	size_t size;
	int turn_fd; /* readable as long as there are steps */
	struct address_space *ports, *mmio;
	struct fake_interrupts interrupts;
	struct guest_memory *memory;
	struct event_loop *loop;
	struct pci_host_bridge *bridge;
	struct ahci *ahci;
	struct block_backend *backends[2];
	uint8_t disk[DISK_SIZE], cdrom[CDROM_SIZE];
};

static void write_register(struct player *player, uint32_t offset, uint32_t value)
{
	address_space_write(player->mmio, REGISTERS + offset, 4, value);
}

/* The input's guest can do all this itself; it gets further when it need not. */
static void start_ports(struct player *player)
{
	int r = pci_host_bridge_assign(player->bridge, REGISTERS, 0x10000, 1ULL << 32);

	assert(r == 0);
	write_register(player, 0x04, 2);
	for (uint32_t port = 0; port < 2; port++) {
		uint32_t registers = 0x100 + port * 0x80, list = LISTS + port * 0x1000;

		write_register(player, registers + 0x00, list);
		write_register(player, registers + 0x08, list + RECEIVED);
		write_register(player, registers + 0x14, ~0u);
		write_register(player, registers + 0x18, 0x11);
	}
}

/* How much of the input it used, besides the step itself; less than it wants when there is less. */
static size_t issue(struct player *player, const uint8_t *step, const uint8_t *data, size_t size)
{
	unsigned int port = step[1] & 1, slot = step[1] >> 1 & 31;
	uint64_t table = TABLES + (port * 32 + slot) * TABLE_SIZE;
	uint8_t header[16] = {5}, bytes[COMMAND_SIZE] = {0};

	size = size < COMMAND_SIZE ? size : COMMAND_SIZE;
	memcpy(bytes, data, size);
	/* Zeroes in the input make a command for a drive, whose tag is right. */
	bytes[0] ^= 0x27;
	bytes[1] ^= 0x80;
	if (load_le16(step + 2) & 1)
		bytes[12] = (uint8_t)(slot << 3);
	store_le32(header, load_le32(header) ^ load_le32(step + 4));
	store_le64(header + 8, table ^ load_le64(step + 8));
	guest_memory_write(player->memory, LISTS + port * 0x1000 + slot * 32, header, 16);
	guest_memory_write(player->memory, table, bytes, FIS_SIZE);
	guest_memory_write(player->memory, table + 0x40, bytes + FIS_SIZE, PACKET_SIZE);
	guest_memory_write(player->memory, table + 0x80, bytes + FIS_SIZE + PACKET_SIZE,
			   ENTRIES * ENTRY_SIZE);
	write_register(player, 0x100 + port * 0x80 + 0x34, 1u << slot);
	write_register(player, 0x100 + port * 0x80 + 0x38, 1u << slot);
	return size;
}

static void change_medium(struct player *player, const uint8_t *step)
{
	bool force = step[1] & 1;
	int r = step[0] % STEP_COUNT == STEP_INSERT
			? ahci_cdrom_insert(player->ahci, CDROM_PORT, 0, force)
			: ahci_cdrom_eject(player->ahci, CDROM_PORT, force);

	assert(r == 0 || (r == -EBUSY && !force));
}

static size_t take_step(struct player *player, const uint8_t *step, const uint8_t *rest,
			size_t size)
{
	struct block_backend *backend = player->backends[step[1] & 1];
	uint32_t offset = load_le16(step + 2) % 0x1000, number = load_le32(step + 4);
	uint64_t value = load_le64(step + 8);
	unsigned int width = 1u << step[1] % 4;

	switch (step[0] % STEP_COUNT) {
	case STEP_WRITE:
		address_space_write(player->mmio, REGISTERS + offset, width, value);
		break;
	case STEP_READ:
		(void)address_space_read(player->mmio, REGISTERS + offset, width);
		break;
	case STEP_MEMORY:
		(void)guest_memory_write(player->memory, number % MEMORY, step + 8, 8);
		break;
	case STEP_COMMAND:
		return issue(player, step, rest, size);
	case STEP_COMPLETE:
		(void)fake_block_backend_complete(backend, number % 64);
		break;
	case STEP_FAIL:
		if (fake_block_backend_in_flight(backend) > 0)
			fake_block_backend_fail(backend, -EIO);
		break;
	case STEP_HOLD:
		fake_block_backend_set_held(backend, number & 1);
		break;
	case STEP_INSERT:
	case STEP_EJECT:
		change_medium(player, step);
		break;
	case STEP_PAUSE:
		ahci_pause(player->ahci);
		block_backend_drain(backend);
		break;
	case STEP_RESUME:
		ahci_resume(player->ahci);
		break;
	case STEP_RESET:
		pci_host_bridge_reset(player->bridge);
		assert(!player->interrupts.lines[GSI]);
		start_ports(player);
		break;
	}
	return 0;
}

static void on_turn(void *data, uint32_t events)
{
	struct player *player = data;
	const uint8_t *step = player->data;
	size_t used;

	if (player->size < STEP_SIZE) {
		event_loop_stop(player->loop, 0);
		return;
	}
	used = STEP_SIZE + take_step(player, step, step + STEP_SIZE, player->size - STEP_SIZE);
	player->data += used;
	player->size -= used;
}

static void create(struct player *player, uint8_t options)
{
	struct event_source *source;
	int r;

	fake_interrupts_init(&player->interrupts);
	r = guest_memory_create(MEMORY, &player->memory);
	assert(r == 0);
	r = event_loop_create(&player->loop);
	assert(r == 0);
	r = address_space_create(0x10000, &player->ports);
	assert(r == 0);
	r = address_space_create(0, &player->mmio);
	assert(r == 0);
	r = pci_host_bridge_create(player->ports, player->mmio, &player->interrupts.controller,
				   &player->bridge);
	assert(r == 0);
	fake_block_backend_create(player->disk, DISK_SIZE, options & OPTION_READ_ONLY,
				  &player->backends[DISK_PORT]);
	fake_block_backend_create_removable(player->cdrom, CDROM_SIZE, !(options & OPTION_EMPTY),
					    &player->backends[CDROM_PORT]);
	for (unsigned int i = 0; i < 2; i++)
		fake_block_backend_set_automatic(player->backends[i], options & OPTION_AUTOMATIC);
	r = ahci_create(player->bridge, player->memory, player->loop, &player->ahci);
	assert(r == 0);
	r = ahci_add_disk(player->ahci, DISK_PORT, player->backends[DISK_PORT], "fuzz");
	assert(r == 0);
	r = ahci_add_cdrom(player->ahci, CDROM_PORT, player->backends[CDROM_PORT]);
	assert(r == 0);
	player->turn_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	r = event_loop_add(player->loop, player->turn_fd, EPOLLIN, on_turn, player, &source);
	assert(r == 0);
}

static void destroy(struct player *player)
{
	ahci_destroy(player->ahci);
	assert(!player->interrupts.lines[GSI]);
	for (unsigned int i = 0; i < 2; i++)
		block_backend_destroy(player->backends[i]);
	pci_host_bridge_destroy(player->bridge);
	address_space_destroy(player->mmio);
	address_space_destroy(player->ports);
	event_loop_destroy(player->loop);
	fd_close(&player->turn_fd);
	guest_memory_destroy(player->memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct player player;

	memset(&player, 0, sizeof(player));
	create(&player, size ? data[0] : 0);
	player.data = size ? data + 1 : data;
	player.size = size ? size - 1 : 0;
	start_ports(&player);
	(void)event_loop_run(player.loop);
	destroy(&player);
	return 0;
}
