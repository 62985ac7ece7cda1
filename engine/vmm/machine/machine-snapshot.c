/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-snapshot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block/block-backend.h"
#include "control/control-server.h"
#include "control/statistics-page.h"
#include "display/screen.h"
#include "loop/event-loop.h"
#include "machine/machine-hold.h"
#include "machine/machine-run-state.h"
#include "machine/machine-state.h"
#include "machine/machine.h"
#include "machine/snapshot-child.h"
#include "memory/guest-memory.h"
#include "protocol/memory-file.h"
#include "state/state-format.h"
#include "state/state-writer.h"

#define NS_PER_US 1000ULL

/* Joining the pages that a snapshot has torn apart: so many bytes at a time, then vCPUs' turn. */
#define COLLAPSE_BYTES       (8ULL << 20)
#define COLLAPSE_INTERVAL_NS 5000000ULL

struct machine_snapshot {
	struct machine *machine;
	struct snapshot_child child;
	uint8_t *block; /* of the state: STATE_MAX_SIZE bytes, of which few are touched */
	uint32_t *sums; /* of memory */
	struct event_timer *collapse_timer;
	uint64_t collapsed; /* bytes of memory that have had their turn */
};

/* What the child finds in its copy of memory. */
struct snapshot_image {
	const struct machine *machine;
	const uint8_t *block;
	size_t block_length;
	const uint8_t *pixels; /* NULL: there is no screen */
	uint64_t pixel_bytes;  /* as far as something has been drawn */
};

/* Joining torn pages */

static void on_collapse(void *data)
{
	struct machine_snapshot *self = data;
	struct guest_memory *memory = self->machine->memory;
	uint64_t size = guest_memory_size(memory);
	uint64_t length = size - self->collapsed;

	if (length > COLLAPSE_BYTES)
		length = COLLAPSE_BYTES;
	/* Another child shares them all again; there will be another time. */
	if (snapshot_child_is_at_work(&self->child) || length == 0 ||
	    guest_memory_collapse(memory, self->collapsed, length) < 0)
		return;
	self->collapsed += length;
	event_timer_set(self->collapse_timer, event_loop_now() + COLLAPSE_INTERVAL_NS);
}

/* The child has gone, and says how it went. */
static void on_ended(void *data, int status)
{
	struct machine_snapshot *self = data;
	struct machine *machine = self->machine;

	statistics_page_begin(machine->statistics);
	machine->statistics->status.snapshots++;
	machine->statistics->status.snapshot_status = status;
	statistics_page_end(machine->statistics);
	if (machine->control)
		control_server_announce_snapshot(machine->control);
	self->collapsed = 0;
	event_timer_set(self->collapse_timer, event_loop_now() + COLLAPSE_INTERVAL_NS);
}

/* Setting up */

/* Memory that is taken when it is written to. NULL: there is none. */
static void *map(uint64_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static uint64_t sums_size(const struct machine *machine)
{
	return guest_memory_size(machine->memory) / MEMORY_FILE_PIECE * sizeof(uint32_t);
}

int machine_snapshot_prepare(struct machine *machine)
{
	struct machine_snapshot *self = calloc(1, sizeof(*self));

	if (!self)
		return -ENOMEM;
	machine->snapshot = self;
	self->machine = machine;
	snapshot_child_init(&self->child, machine->loop, on_ended, self);
	self->block = map(STATE_MAX_SIZE);
	self->sums = map(sums_size(machine));
	if (!self->block || !self->sums)
		return -ENOMEM;
	return event_loop_add_timer(machine->loop, on_collapse, self, &self->collapse_timer);
}

void machine_snapshot_finish(struct machine *machine)
{
	struct machine_snapshot *self = machine->snapshot;

	if (!self)
		return;
	snapshot_child_finish(&self->child);
	event_timer_remove(self->collapse_timer);
	if (self->block)
		munmap(self->block, STATE_MAX_SIZE);
	if (self->sums)
		munmap(self->sums, sums_size(machine));
	free(self);
}

/* The picture is shared with clients, so that a fork does not freeze it. */

/* The next part of a file that something has been written to, from *at on; it is moved behind. */
static bool next_extent(int fd, uint64_t *at, uint64_t *ret_start)
{
	off_t start = lseek(fd, (off_t)*at, SEEK_DATA);
	off_t end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);

	if (end < 0)
		return false;
	*ret_start = (uint64_t)start;
	*at = (uint64_t)end;
	return true;
}

/* The room for the copy, before the guest has to wait for it. Where it stays empty nothing is lost.
 */
static uint8_t *prepare_copy(const struct screen *screen)
{
	uint8_t *copy = map(screen_pixel_bytes(screen));
	uint64_t start, end = 0;

	if (!copy)
		return NULL;
	(void)madvise(copy, screen_pixel_bytes(screen), MADV_HUGEPAGE);
	while (next_extent(screen_pixels_fd(screen), &end, &start))
		(void)madvise(copy + start, end - start, MADV_POPULATE_WRITE);
	return copy;
}

static void copy_pixels(const struct screen *screen, struct snapshot_image *image, uint8_t *copy)
{
	uint64_t start, end = 0;

	while (next_extent(screen_pixels_fd(screen), &end, &start))
		memcpy(copy + start, screen_pixels(screen) + start, end - start);
	image->pixels = copy;
	image->pixel_bytes = end;
}

/* Taking one */

static void add_region(struct memory_file_contents *contents, const char *name, const void *bytes,
		       uint64_t length)
{
	contents->regions[contents->region_count++] =
		(struct memory_file_source){name, bytes, length};
}

/* In the child. */
static int write_image(const void *data, int fd)
{
	const struct snapshot_image *image = data;
	const struct machine *machine = image->machine;
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	struct memory_file_contents contents = {
		.ram_size = guest_memory_size(machine->memory),
		.give_back = true,
		.state = image->block,
		.state_length = image->block_length,
		.sums = machine->snapshot->sums,
	};

	(void)guest_memory_regions(machine->memory, regions);
	contents.ram = regions[0].host; /* the second lies behind it */
	if (machine->variables)
		add_region(&contents, MACHINE_STATE_FLASH, pflash_contents(machine->variables),
			   pflash_size(machine->variables));
	if (image->pixels)
		add_region(&contents, MACHINE_STATE_PIXELS, image->pixels, image->pixel_bytes);
	return memory_file_write(fd, &contents);
}

static int save_state(struct machine_snapshot *self, struct snapshot_image *image)
{
	struct state_writer writer;
	int r;

	state_writer_init(&writer, self->block, STATE_MAX_SIZE);
	r = machine_state_save(self->machine, &writer);
	image->block = self->block;
	return r < 0 ? r : state_writer_finish(&writer, &image->block_length);
}

/* While the machine is held. Nothing has changed where this fails. */
static int start_writing(struct machine_snapshot *self, int fd, uint8_t *pixels)
{
	struct machine *machine = self->machine;
	struct snapshot_image image = {.machine = machine};
	const struct snapshot_job job = {.fd = fd, .write = write_image, .data = &image};
	int r = save_state(self, &image);

	if (r < 0)
		return r;
	if (pixels)
		copy_pixels(machine->screen, &image, pixels);
	return snapshot_child_start(&self->child, &job);
}

/* Before the guest has to wait. */
static int check_layers(const struct machine *machine, const struct control_snapshot *snapshot)
{
	for (unsigned int i = 0; i < CONTROL_MAX_DRIVES; i++) {
		if (snapshot->layers[i] < 0)
			continue;
		if (i >= machine->config->disk_count)
			return -ENODEV;
		if (machine->config->disks[i].read_only)
			return -EROFS;
	}
	return 0;
}

/* While the guest still runs: most of what would have to be stored while it does not. */
static int flush_disks(struct machine *machine, const struct control_snapshot *snapshot)
{
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < machine->config->disk_count; i++) {
		if (snapshot->layers[i] >= 0)
			r = block_backend_flush(machine->disks[i].backend);
	}
	return r;
}

/* Disks as bits. */
static void pop_layers(struct machine *machine, uint64_t disks)
{
	for (unsigned int i = 0; i < machine->config->disk_count; i++) {
		if (disks >> i & 1)
			block_backend_pop_layer(machine->disks[i].backend);
	}
}

/* What is pushed is no more in the snapshot. Where this fails nothing has changed. */
static int push_layers(struct machine *machine, struct control_snapshot *snapshot,
		       uint64_t *ret_disks)
{
	struct block_layer_problem problem;
	int r = 0;

	*ret_disks = 0;
	for (unsigned int i = 0; r == 0 && i < machine->config->disk_count; i++) {
		if (snapshot->layers[i] < 0)
			continue;
		r = block_backend_push_layer(machine->disks[i].backend, snapshot->layers[i],
					     &problem);
		if (r < 0)
			break;
		snapshot->layers[i] = -1;
		*ret_disks |= 1ULL << i;
	}
	if (r < 0)
		pop_layers(machine, *ret_disks);
	/* the client's file is not what it should be */
	return r == -EINVAL ? -EBADMSG : r;
}

static int take_held(struct machine *machine, struct control_snapshot *snapshot, uint8_t *pixels)
{
	uint64_t disks;
	int r = push_layers(machine, snapshot, &disks);

	if (r < 0 || snapshot->memory < 0)
		return r;
	r = start_writing(machine->snapshot, snapshot->memory, pixels);
	if (r < 0)
		pop_layers(machine, disks);
	else
		snapshot->number = machine->statistics->status.snapshots + 1;
	return r;
}

static int hold_and_take(struct machine *machine, struct control_snapshot *snapshot,
			 uint8_t *pixels)
{
	bool was_running = machine->state == VMM_STATE_RUNNING;
	uint64_t begin_ns;
	int r = machine_hold(machine, &begin_ns);

	if (r < 0)
		return r;
	r = take_held(machine, snapshot, pixels);
	if (r == 0 && snapshot->hold)
		machine_stay_held(machine);
	else
		machine_release(machine);
	if (was_running)
		snapshot->pause_us = (event_loop_now() - begin_ns) / NS_PER_US;
	return r;
}

int machine_snapshot_take(struct machine *machine, struct control_snapshot *snapshot)
{
	bool has_pixels = machine->screen && snapshot->memory >= 0;
	uint8_t *pixels = NULL;
	int r = check_layers(machine, snapshot);

	if (r == 0 && snapshot_child_is_at_work(&machine->snapshot->child))
		r = -EALREADY;
	if (r == 0)
		r = flush_disks(machine, snapshot);
	if (r < 0)
		return r;
	if (has_pixels)
		pixels = prepare_copy(machine->screen);
	if (has_pixels && !pixels)
		return -ENOMEM;
	r = hold_and_take(machine, snapshot, pixels);
	/* the child has its own */
	if (pixels)
		munmap(pixels, screen_pixel_bytes(machine->screen));
	return r;
}
