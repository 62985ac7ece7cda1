/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest that gives a flash chip any commands, in any width; at the end what is in the file has
 * to be what the guest sees.
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
#include "devices/devices.h"
#include "fake-memory-slots.h"
#include "loop/event-loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	STEP_SIZE = 12, /* what (u8), width (u8), offset (u16), value (u64) */
	FLASH_SIZE = 16 << 10,
};
#define GPA 0xffc00000ULL

enum step { STEP_WRITE, STEP_READ, STEP_FLUSH, STEP_RESET, STEP_COUNT };

struct computer {
	struct address_space *mmio;
	struct fake_memory_slots slots;
	struct event_loop *loop;
	struct pflash *flash;
	int fd;
};

static void on_failed(void *data, int error)
{
	assert(!"a file in memory can be written");
}

static void start(struct computer *computer)
{
	struct pflash_host host;
	struct pflash_store store;
	int r = address_space_create(0, &computer->mmio);

	assert(r == 0);
	r = event_loop_create(&computer->loop);
	assert(r == 0);
	fake_memory_slots_init(&computer->slots);
	computer->fd = memfd_create("flash", MFD_CLOEXEC);
	r = ftruncate(computer->fd, FLASH_SIZE);
	assert(r == 0);
	host = (struct pflash_host){computer->mmio, &computer->slots.registry, computer->loop};
	store = (struct pflash_store){.fd = computer->fd, .failed = on_failed};
	r = pflash_create(&host, GPA, FLASH_SIZE, computer->fd, &store, &computer->flash);
	assert(r == 0);
	event_loop_lock(computer->loop);
}

static void check_file(struct computer *computer)
{
	pflash_reset(computer->flash);
	pflash_flush(computer->flash);
	for (uint64_t at = 0; at < FLASH_SIZE; at += 8) {
		uint8_t bytes[8];
		int r = fd_read_at(computer->fd, bytes, sizeof(bytes), at);

		assert(r == 0);
		assert(load_le64(bytes) == address_space_read(computer->mmio, GPA + at, 8));
	}
}

static void stop(struct computer *computer)
{
	event_loop_unlock(computer->loop);
	pflash_destroy(computer->flash);
	assert(computer->slots.count == 0);
	event_loop_destroy(computer->loop);
	address_space_destroy(computer->mmio);
	fd_close(&computer->fd);
}

static void take_step(struct computer *computer, const uint8_t *step)
{
	unsigned int size = 1u << step[1] % 4;
	uint64_t gpa = GPA + load_le16(step + 2) % FLASH_SIZE;

	switch (step[0] % STEP_COUNT) {
	case STEP_WRITE:
		address_space_write(computer->mmio, gpa, size, load_le64(step + 4));
		break;
	case STEP_READ:
		(void)address_space_read(computer->mmio, gpa, size);
		break;
	case STEP_FLUSH:
		pflash_flush(computer->flash);
		break;
	case STEP_RESET:
		pflash_reset(computer->flash);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct computer computer;

	start(&computer);
	for (size_t at = 0; size - at >= STEP_SIZE; at += STEP_SIZE)
		take_step(&computer, data + at);
	check_file(&computer);
	stop(&computer);
	return 0;
}
