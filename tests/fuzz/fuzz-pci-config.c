/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that writes anything anywhere in PCI configuration space, by both mechanisms, and reads
 * and writes where it has put the BARs. Two virtio functions and the chipset are on the bus.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/byte-order.h"
#include "bus/address-space.h"
#include "fake-interrupts.h"
#include "fake-ioeventfds.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-device.h"
#include "pci/pci-host-bridge.h"
#include "virtio/virtio-devices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEP_SIZE = 16, /* what (u8), width (u8), devfn (u8), register (u8), u32, u64 */
	FIRST = 2 << 3,
	SECOND = 3 << 3,
};

enum step {
	STEP_PORT_WRITE,
	STEP_PORT_READ,
	STEP_MMCONFIG_WRITE,
	STEP_MMCONFIG_READ,
	STEP_BAR_WRITE, /* where the register says the BAR is */
	STEP_BAR_READ,
	STEP_RAW_WRITE, /* at the u64 */
	STEP_RESET,
	STEP_COUNT,
};

struct computer {
	struct address_space *ports, *mmio;
	struct fake_interrupts interrupts;
	struct fake_ioeventfds ioeventfds;
	struct virtio_host host;
	struct virtio_device *devices[2];
};

static void start(struct computer *computer)
{
	struct virtio_host *host = &computer->host;
	int r;

	fake_interrupts_init(&computer->interrupts);
	fake_ioeventfds_init(&computer->ioeventfds);
	host->interrupts = &computer->interrupts.controller;
	host->ioeventfds = &computer->ioeventfds.registry;
	r = guest_memory_create(2 << 20, &host->memory);
	assert(r == 0);
	r = event_loop_create(&host->loop);
	assert(r == 0);
	r = address_space_create(0x10000, &computer->ports);
	assert(r == 0);
	r = address_space_create(0, &computer->mmio);
	assert(r == 0);
	r = pci_host_bridge_create(computer->ports, computer->mmio, host->interrupts,
				   &host->bridge);
	assert(r == 0);
	r = virtio_rng_create(host, FIRST, &computer->devices[0]);
	assert(r == 0);
	r = virtio_rng_create(host, SECOND, &computer->devices[1]);
	assert(r == 0);
	r = pci_host_bridge_assign(host->bridge, 0xC0000000, 0x1000000, 1ULL << 32);
	assert(r == 0);
}

/* Whatever the guest did, nothing is left behind. */
static void stop(struct computer *computer)
{
	virtio_device_destroy(computer->devices[0]);
	virtio_device_destroy(computer->devices[1]);
	pci_host_bridge_destroy(computer->host.bridge);
	assert(computer->ioeventfds.count == 0);
	assert(computer->interrupts.messages == 0);
	address_space_destroy(computer->mmio);
	address_space_destroy(computer->ports);
	event_loop_destroy(computer->host.loop);
	guest_memory_destroy(computer->host.memory);
}

static uint64_t config_read(struct computer *computer, uint8_t devfn, uint8_t offset,
			    unsigned int size)
{
	address_space_write(computer->ports, 0xCF8, 4,
			    0x80000000u | (uint32_t)devfn << 8 | (offset & 0xfc));
	return address_space_read(computer->ports, 0xCFC + offset % 4, size);
}

static uint64_t bar_address(struct computer *computer, uint8_t devfn, uint8_t bar)
{
	uint64_t low = config_read(computer, devfn, 0x10 + 4 * (bar % 6), 4);
	uint64_t high = low & 4 ? config_read(computer, devfn, 0x14 + 4 * (bar % 6), 4) : 0;

	return high << 32 | (low & ~0xfULL);
}

static void take_step(struct computer *computer, const uint8_t *step)
{
	unsigned int size = 1u << step[1] % 4;
	uint8_t devfn = step[2];
	uint32_t number = load_le32(step + 4);
	uint64_t value = load_le64(step + 8);
	uint64_t mmconfig = 0xB0000000 + devfn * 0x1000ULL + step[3] + (number & 0xf00);

	switch (step[0] % STEP_COUNT) {
	case STEP_PORT_WRITE:
		(void)config_read(computer, devfn, step[3], size);
		address_space_write(computer->ports, 0xCF8 + number % 8, size, value);
		break;
	case STEP_PORT_READ:
		(void)config_read(computer, devfn, step[3], size);
		break;
	case STEP_MMCONFIG_WRITE:
		address_space_write(computer->mmio, mmconfig, size, value);
		break;
	case STEP_MMCONFIG_READ:
		(void)address_space_read(computer->mmio, mmconfig, size);
		break;
	case STEP_BAR_WRITE:
		address_space_write(computer->mmio,
				    bar_address(computer, devfn, step[3]) + number % 0x4000, size,
				    value);
		break;
	case STEP_BAR_READ:
		(void)address_space_read(computer->mmio,
					 bar_address(computer, devfn, step[3]) + number % 0x4000,
					 size);
		break;
	case STEP_RAW_WRITE:
		address_space_write(computer->mmio, value, size, number);
		break;
	case STEP_RESET:
		pci_host_bridge_reset(computer->host.bridge);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct computer computer;

	start(&computer);
	for (size_t at = 0; size - at >= STEP_SIZE; at += STEP_SIZE)
		take_step(&computer, data + at);
	stop(&computer);
	return 0;
}
