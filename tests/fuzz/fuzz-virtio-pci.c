/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that writes anything to the registers of a virtio function, its doorbells, its window in
 * configuration space and its vectors, and to its queue, while the machine pauses and is reset.
 * Each step is a turn of the event loop.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <string.h>

#include "base/byte-order.h"
#include "bus/address-space.h"
#include "memory/guest-memory.h"
#include "pci/pci-host-bridge.h"
#include "virtio-player.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	DEVFN = TEST_MACHINE_DEVFN,
	STEP_SIZE = 12, /* what (u8), width (u8), where (u16), u64 */
	WINDOW_BYTES = 4,
};

enum step {
	STEP_COMMON_WRITE,
	STEP_COMMON_READ,
	STEP_NOTIFY,   /* as an exit */
	STEP_DOORBELL, /* without one, if there is a doorbell */
	STEP_ISR,
	STEP_VECTOR,
	STEP_WINDOW,
	STEP_CONFIG,
	STEP_QUEUE,
	STEP_PAUSE,
	STEP_RESUME,
	STEP_RESET,
	STEP_COUNT,
};

struct play {
	struct virtio_player player;
	struct virtio_pci_driver driver; /* for where things are */
};

static uint64_t config(struct play *play, unsigned int offset)
{
	address_space_write(play->player.machine.ports, 0xCF8, 4,
			    0x80000000u | DEVFN << 8 | (offset & 0xfc));
	return 0xCFC + offset % 4;
}

static void write_config(struct play *play, unsigned int offset, unsigned int width, uint64_t value)
{
	address_space_write(play->player.machine.ports, config(play, offset), width, value);
}

/* Where the window leads, and what goes through it. */
static void use_window(struct play *play, uint16_t where, unsigned int width, uint64_t value)
{
	unsigned int window = play->driver.window;
	unsigned int data = window + sizeof(struct virtio_pci_cap);

	write_config(play, window + VIRTIO_PCI_CAP_BAR, 1, where >> 13);
	write_config(play, window + VIRTIO_PCI_CAP_OFFSET, 4, where & 0x1fff);
	write_config(play, window + VIRTIO_PCI_CAP_LENGTH, 4, width);
	write_config(play, data, WINDOW_BYTES, value);
	(void)address_space_read(play->player.machine.ports, config(play, data), width);
}

static void change_machine(struct play *play, enum step what)
{
	struct virtio_player *player = &play->player;

	if (what == STEP_PAUSE)
		virtio_device_pause(player->device);
	else if (what == STEP_RESUME)
		virtio_device_resume(player->device);
	else
		pci_host_bridge_reset(player->machine.host.bridge);
}

static void take_step(struct play *play, const uint8_t *step)
{
	struct test_machine *machine = &play->player.machine;
	const struct virtio_pci_driver *driver = &play->driver;
	enum step what = step[0] % STEP_COUNT;
	unsigned int width = 1u << step[1] % 4;
	uint16_t where = load_le16(step + 2);
	uint64_t value = load_le64(step + 4);

	switch (what) {
	case STEP_COMMON_WRITE:
		address_space_write(machine->mmio, driver->common + where % 0x48, width, value);
		break;
	case STEP_COMMON_READ:
		(void)address_space_read(machine->mmio, driver->common + where % 0x48, width);
		break;
	case STEP_NOTIFY:
		address_space_write(machine->mmio, driver->notify + where % 0x20, width, value);
		break;
	case STEP_DOORBELL:
		(void)fake_ioeventfds_write(&machine->ioeventfds, driver->notify + where % 0x20);
		break;
	case STEP_ISR:
		(void)address_space_read(machine->mmio, driver->isr + where % 8, width);
		break;
	case STEP_VECTOR:
		address_space_write(machine->mmio, driver->msix_table + where % 0x40, width, value);
		break;
	case STEP_WINDOW:
		use_window(play, where, width, value);
		break;
	case STEP_CONFIG:
		write_config(play, where % 0x100, width, value);
		break;
	case STEP_QUEUE:
		guest_memory_write(machine->host.memory, TEST_MACHINE_QUEUES_GPA + where % 0x4000,
				   step + 4, width);
		break;
	default:
		change_machine(play, what);
	}
}

static bool play_step(void *data)
{
	struct play *play = data;
	const uint8_t *step = virtio_player_take(&play->player, STEP_SIZE);

	if (step)
		take_step(play, step);
	return step;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play play;
	struct virtio_player *player = &play.player;
	int r;

	memset(&play, 0, sizeof(play));
	test_machine_init(&player->machine);
	r = virtio_rng_create(&player->machine.host, DEVFN, &player->device);
	assert(r == 0);
	r = pci_host_bridge_assign(player->machine.host.bridge, 0xC0000000, 0x1000000, 1ULL << 32);
	assert(r == 0);
	virtio_pci_driver_init(&play.driver, &player->machine, DEVFN);
	player->data = data;
	player->size = size;
	virtio_player_run(player, play_step, &play);
	virtio_device_destroy(player->device);
	test_machine_finish(&player->machine);
	return 0;
}
