/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that selects, reads, writes and starts transfers as it likes, with control structures
 * anywhere. Items are of all kinds: bytes, a file, a writable one.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "bus/address-space.h"
#include "devices/fw-cfg.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEP_SIZE = 24, /* what (u8), size (u8), port (u16), u32, control structure (16) */
	MEMORY_SIZE = 2 << 20,
	FILE_SIZE = 5000,
	WRITABLE_SIZE = 24,
};

enum step {
	STEP_READ,
	STEP_WRITE,
	STEP_DMA,
	STEP_DMA_IN_MEMORY,
	STEP_DRAIN,
	STEP_RESET,
	STEP_COUNT
};

struct computer {
	struct address_space *ports;
	struct guest_memory *memory;
	struct event_loop *loop;
	struct fw_cfg *config;
	int fd;
	const uint8_t *writable;
};

static void start(struct computer *computer)
{
	int r = address_space_create(0x10000, &computer->ports);

	assert(r == 0);
	r = guest_memory_create(MEMORY_SIZE, &computer->memory);
	assert(r == 0);
	r = event_loop_create(&computer->loop);
	assert(r == 0);
	computer->fd = memfd_create("item", MFD_CLOEXEC);
	r = ftruncate(computer->fd, FILE_SIZE);
	assert(r == 0);
	r = fw_cfg_create(computer->ports, computer->memory, computer->loop, &computer->config);
	assert(r == 0);
	r = fw_cfg_add_u16(computer->config, FW_CFG_CPUS, 1);
	assert(r == 0);
	r = fw_cfg_add_fd(computer->config, FW_CFG_KERNEL_DATA, computer->fd, 100, FILE_SIZE - 100);
	assert(r == 0);
	r = fw_cfg_add_file(computer->config, "etc/file", "contents", 8);
	assert(r == 0);
	r = fw_cfg_add_writable_file(computer->config, "etc/written", WRITABLE_SIZE,
				     &computer->writable);
	assert(r == 0);
}

static void stop(struct computer *computer)
{
	fw_cfg_destroy(computer->config);
	fd_close(&computer->fd);
	event_loop_destroy(computer->loop);
	guest_memory_destroy(computer->memory);
	address_space_destroy(computer->ports);
}

static void start_dma(struct computer *computer, uint64_t control_gpa)
{
	address_space_write(computer->ports, 0x514, 4, htobe32((uint32_t)(control_gpa >> 32)));
	address_space_write(computer->ports, 0x518, 4, htobe32((uint32_t)control_gpa));
}

static void take_step(struct computer *computer, const uint8_t *step)
{
	unsigned int size = 1u << step[1] % 4;
	uint16_t port = 0x510 + load_le16(step + 2) % 12;
	uint32_t number = load_le32(step + 4);

	switch (step[0] % STEP_COUNT) {
	case STEP_READ:
		(void)address_space_read(computer->ports, port, size);
		break;
	case STEP_WRITE:
		address_space_write(computer->ports, port, size, number);
		break;
	case STEP_DMA:
		start_dma(computer, (uint64_t)step[1] << 32 | number);
		break;
	case STEP_DMA_IN_MEMORY:
		(void)guest_memory_write(computer->memory, number % MEMORY_SIZE, step + 8, 16);
		start_dma(computer, number % MEMORY_SIZE);
		break;
	case STEP_DRAIN:
		fw_cfg_drain(computer->config);
		break;
	case STEP_RESET:
		fw_cfg_reset(computer->config);
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
