/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A flash chip with Intel's command set, one byte wide (Intel 28F640J5 data sheet, section 4), as
 * UEFI firmware keeps its variables in.
 *
 * The guest reads the contents directly, through a read-only memory slot; its writes come here as
 * commands. Contents that have changed are brought to the file a moment later, many changes at
 * once: a chip that loses power between two changes is something firmware is made for.
 *
 * Real chips answer reads with their status after each program and erase. This one goes on showing
 * its contents, unless it is asked for its status, because firmware does not look and each change
 * of the memory slot is dear. A fresh chip's status is 0 and not "ready": firmware tells flash
 * from RAM and from ROM by that.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bus/address-space.h"
#include "bus/memory-slot.h"
#include "devices/devices.h"
#include "devices/flash-store.h"
#include "loop/event-loop.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	READ_ARRAY = 0xff,
	READ_IDENTIFIER = 0x90,
	READ_STATUS = 0x70,
	CLEAR_STATUS = 0x50,
	PROGRAM = 0x40,
	PROGRAM_ALTERNATE = 0x10,
	WRITE_TO_BUFFER = 0xe8,
	ERASE = 0x20,
	CONFIRM = 0xd0,

	STATUS_READY = 0x80,
	STATUS_SEQUENCE_ERROR = 0x30, /* both of erase and program */

	MANUFACTURER = 0x89,
	DEVICE = 0x18,

	BUFFER_SIZE = 64,
	MAX_BLOCKS = 2048,
	STORE_DELAY_MS = 100,
};

#define NS_PER_MS 1000000ULL

/* What the chip shows. */
enum pflash_view { VIEW_ARRAY, VIEW_STATUS, VIEW_IDENTIFIER };

/* What the next byte written is. */
enum pflash_step {
	STEP_COMMAND,
	STEP_PROGRAM,
	STEP_ERASE,
	STEP_BUFFER_COUNT,
	STEP_BUFFER_DATA,
	STEP_BUFFER_CONFIRM,
};

struct pflash_state {
	enum pflash_view view;
	enum pflash_step step;
	uint8_t status;
	unsigned int expected, buffered; /* bytes of a buffered write */
	struct {
		uint32_t offset;
		uint8_t value;
	} buffer[BUFFER_SIZE];
};

struct pflash {
	uint64_t gpa, size;
	uint8_t *contents;
	struct memory_slot *slot;
	struct pflash_state state;

	struct pflash_store store;
	struct event_loop *loop;
	struct event_timer *timer;
	bool changed;
	uint64_t dirty[MAX_BLOCKS / 64];
};

static void set_view(struct pflash *flash, enum pflash_view view)
{
	flash->state.view = view;
	if (view == VIEW_ARRAY)
		(void)memory_slot_map(flash->slot, flash->gpa); /* else reads come to us */
	else
		memory_slot_unmap(flash->slot);
}

static uint8_t read_byte(const struct pflash *flash, uint64_t offset)
{
	switch (flash->state.view) {
	case VIEW_STATUS:
		return flash->state.status;
	case VIEW_IDENTIFIER:
		return offset == 0 ? MANUFACTURER : offset == 1 ? DEVICE : 0;
	case VIEW_ARRAY:
		break;
	}
	return flash->contents[offset];
}

static void note_change(struct pflash *flash, uint64_t offset)
{
	uint64_t number = offset / FLASH_BLOCK_SIZE;

	flash->dirty[number / 64] |= 1ULL << number % 64;
	if (flash->changed || flash->store.fd < 0)
		return;
	flash->changed = true;
	event_timer_set(flash->timer, event_loop_now() + STORE_DELAY_MS * NS_PER_MS);
}

/* Programming can only clear bits. */
static void program(struct pflash *flash, uint64_t offset, uint8_t value)
{
	flash->state.status |= STATUS_READY;
	if ((flash->contents[offset] & value) == flash->contents[offset])
		return;
	flash->contents[offset] &= value;
	note_change(flash, offset);
}

static void erase(struct pflash *flash, uint64_t offset)
{
	flash->state.status |= STATUS_READY;
	offset &= ~(uint64_t)(FLASH_BLOCK_SIZE - 1);
	memset(flash->contents + offset, 0xff, FLASH_BLOCK_SIZE);
	note_change(flash, offset);
}

static void fail_sequence(struct pflash *flash)
{
	flash->state.status |= STATUS_READY | STATUS_SEQUENCE_ERROR;
	flash->state.step = STEP_COMMAND;
}

static void begin_command(struct pflash *flash, uint8_t command)
{
	struct pflash_state *state = &flash->state;

	switch (command) {
	case PROGRAM:
	case PROGRAM_ALTERNATE:
		state->step = STEP_PROGRAM;
		break;
	case ERASE:
		state->step = STEP_ERASE;
		break;
	case WRITE_TO_BUFFER:
		state->step = STEP_BUFFER_COUNT;
		break;
	case CLEAR_STATUS:
		state->status = 0;
		break;
	case READ_STATUS:
		set_view(flash, VIEW_STATUS);
		break;
	case READ_IDENTIFIER:
		set_view(flash, VIEW_IDENTIFIER);
		break;
	case READ_ARRAY:
		set_view(flash, VIEW_ARRAY);
		break;
	default:
		break;
	}
}

static void begin_buffer(struct pflash *flash, uint8_t count)
{
	struct pflash_state *state = &flash->state;

	if (count >= BUFFER_SIZE) {
		fail_sequence(flash);
		return;
	}
	state->expected = count + 1u;
	state->buffered = 0;
	state->step = STEP_BUFFER_DATA;
}

static void fill_buffer(struct pflash_state *state, uint64_t offset, uint8_t value)
{
	state->buffer[state->buffered].offset = (uint32_t)offset;
	state->buffer[state->buffered].value = value;
	if (++state->buffered == state->expected)
		state->step = STEP_BUFFER_CONFIRM;
}

static void program_buffer(struct pflash *flash)
{
	for (unsigned int i = 0; i < flash->state.buffered; i++)
		program(flash, flash->state.buffer[i].offset, flash->state.buffer[i].value);
}

static void write_byte(struct pflash *flash, uint64_t offset, uint8_t value)
{
	enum pflash_step step = flash->state.step;

	if (step == STEP_BUFFER_COUNT) {
		begin_buffer(flash, value);
		return;
	}
	if (step == STEP_BUFFER_DATA) {
		fill_buffer(&flash->state, offset, value);
		return;
	}
	flash->state.step = STEP_COMMAND;
	if (step == STEP_COMMAND)
		begin_command(flash, value);
	else if (step == STEP_PROGRAM)
		program(flash, offset, value);
	else if (value != CONFIRM)
		fail_sequence(flash);
	else if (step == STEP_ERASE)
		erase(flash, offset);
	else
		program_buffer(flash);
}

static uint64_t pflash_read(void *device, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)read_byte(device, offset + i) << (8 * i);
	return value;
}

static void pflash_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	for (unsigned int i = 0; i < size; i++)
		write_byte(device, offset + i, (uint8_t)(value >> (8 * i)));
}

static const struct address_range_ops pflash_ops = {.read = pflash_read, .write = pflash_write};

/* Any block that is dirty after a failure stays so, for the next time. */
static void finish_commit(struct pflash *flash, const uint64_t *dirty, int r)
{
	if (r == 0)
		return;
	for (unsigned int i = 0; i < MAX_BLOCKS / 64; i++)
		flash->dirty[i] |= dirty[i];
	flash->changed = true;
	flash->store.failed(flash->store.data, r);
}

void pflash_flush(struct pflash *flash)
{
	uint64_t dirty[MAX_BLOCKS / 64];
	struct flash_commit *commit;
	int r = -ENOMEM;

	if (!flash->changed)
		return;
	event_timer_set(flash->timer, 0);
	commit = flash_commit_take(flash->contents, flash->size, flash->dirty);
	memcpy(dirty, flash->dirty, sizeof(dirty));
	memset(flash->dirty, 0, sizeof(flash->dirty));
	flash->changed = false;
	if (commit) {
		/* the copy is taken; vCPUs need not wait for the disk */
		event_loop_unlock(flash->loop);
		r = flash_commit_write(commit, flash->store.fd);
		event_loop_lock(flash->loop);
	}
	flash_commit_free(commit);
	finish_commit(flash, dirty, r);
}

static void on_timer(void *data)
{
	pflash_flush(data);
}

void pflash_resume(struct pflash *flash)
{
	if (flash->changed)
		event_timer_set(flash->timer, event_loop_now() + STORE_DELAY_MS * NS_PER_MS);
}

void pflash_reset(struct pflash *flash)
{
	flash->state = (struct pflash_state){.step = STEP_COMMAND};
	set_view(flash, VIEW_ARRAY);
}

static int load(struct pflash *flash, int fd)
{
	void *contents =
		mmap(NULL, flash->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (contents == MAP_FAILED)
		return -errno;
	flash->contents = contents;
	return flash_store_open(fd, flash->store.fd >= 0, flash->contents, flash->size);
}

static int attach(struct pflash *flash, struct address_space *mmio,
		  struct memory_slot_registry *slots)
{
	int r = event_loop_add_timer(flash->loop, on_timer, flash, &flash->timer);

	if (r == 0)
		r = memory_slot_create(slots, flash->contents, flash->size, MEMORY_SLOT_READ_ONLY,
				       &flash->slot);
	if (r == 0)
		r = memory_slot_map(flash->slot, flash->gpa);
	return r == 0 ? address_space_add(mmio, flash->gpa, flash->size, &pflash_ops, flash) : r;
}

int pflash_create(const struct pflash_host *host, uint64_t gpa, uint64_t size, int fd,
		  const struct pflash_store *store, struct pflash **ret_flash)
{
	struct pflash *flash = calloc(1, sizeof(*flash));
	int r;

	assert(size > 0 && size % FLASH_BLOCK_SIZE == 0 && size / FLASH_BLOCK_SIZE <= MAX_BLOCKS);
	if (!flash)
		return -ENOMEM;
	flash->gpa = gpa;
	flash->size = size;
	flash->loop = host->loop;
	flash->store = *store;
	r = load(flash, fd);
	if (r == 0)
		r = attach(flash, host->mmio, host->slots);
	if (r < 0) {
		pflash_destroy(flash);
		return r;
	}
	*ret_flash = flash;
	return 0;
}

void pflash_destroy(struct pflash *flash)
{
	if (!flash)
		return;
	if (flash->timer)
		event_timer_remove(flash->timer);
	memory_slot_destroy(flash->slot);
	if (flash->contents)
		munmap(flash->contents, flash->size);
	free(flash);
}

const void *pflash_contents(const struct pflash *flash)
{
	return flash->contents;
}

uint64_t pflash_size(const struct pflash *flash)
{
	return flash->size;
}

void pflash_save(const struct pflash *flash, struct state_writer *writer)
{
	const struct pflash_state *state = &flash->state;

	state_writer_put8(writer, state->view);
	state_writer_put8(writer, state->step);
	state_writer_put8(writer, state->status);
	state_writer_put8(writer, (uint8_t)state->expected);
	state_writer_put8(writer, (uint8_t)state->buffered);
	for (unsigned int i = 0; i < state->buffered; i++) {
		state_writer_put32(writer, state->buffer[i].offset);
		state_writer_put8(writer, state->buffer[i].value);
	}
}

static void load_buffer(const struct pflash *flash, struct pflash_state *state,
			struct state_reader *reader)
{
	for (unsigned int i = 0; i < state->buffered; i++) {
		state->buffer[i].offset = state_reader_get32(reader);
		state->buffer[i].value = state_reader_get8(reader);
		state_reader_check(reader, state->buffer[i].offset < flash->size,
				   "the flash chip is not so large");
	}
}

/* Whether as many bytes are buffered as the step says. */
static bool buffer_possible(const struct pflash_state *state)
{
	if (state->expected > BUFFER_SIZE || state->buffered > state->expected)
		return false;
	if (state->step == STEP_BUFFER_DATA)
		return state->buffered < state->expected;
	return state->step != STEP_BUFFER_CONFIRM || state->buffered == state->expected;
}

int pflash_load(struct pflash *flash, struct state_reader *reader)
{
	uint8_t view = state_reader_get8(reader), step = state_reader_get8(reader);
	struct pflash_state state = {.view = VIEW_ARRAY, .status = state_reader_get8(reader)};

	if (!state_reader_check(reader, view <= VIEW_IDENTIFIER && step <= STEP_BUFFER_CONFIRM,
				"the flash chip has no such command"))
		return state_reader_result(reader);
	state.step = step;
	state.expected = state_reader_get8(reader);
	state.buffered = state_reader_get8(reader);
	if (state_reader_check(reader, buffer_possible(&state),
			       "the flash chip's buffer is not so large"))
		load_buffer(flash, &state, reader);
	if (state_reader_result(reader) < 0)
		return state_reader_result(reader);
	flash->state = state;
	set_view(flash, view);
	return 0;
}
