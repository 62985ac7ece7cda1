/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "control/control-server.h"
#include "control/statistics-page.h"
#include "loop/event-loop.h"
#include "machine/machine-hold.h"
#include "machine/machine-image.h"
#include "machine/machine-layers.h"
#include "machine/machine-run-state.h"
#include "machine/machine.h"
#include "machine/snapshot-child.h"
#include "memory/guest-memory.h"
#include "protocol/memory-file.h"

#define NS_PER_US 1000ULL

/* Joining the pages that a snapshot has torn apart: so many bytes at a time, then vCPUs' turn. */
#define COLLAPSE_BYTES       (8ULL << 20)
#define COLLAPSE_INTERVAL_NS 5000000ULL

struct machine_snapshot {
	struct machine *machine;
	struct snapshot_child child;
	uint32_t *sums; /* of memory */
	struct event_timer *collapse_timer;
	uint64_t collapsed; /* bytes of memory that have had their turn */
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
	int score_fd;

	if (!self)
		return -ENOMEM;
	machine->snapshot = self;
	self->machine = machine;
	score_fd = machine->is_confined ? -1 : open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	snapshot_child_init(&self->child, machine->loop, score_fd, on_ended, self);
	self->sums = map(sums_size(machine));
	if (!self->sums)
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
	if (self->sums)
		munmap(self->sums, sums_size(machine));
	free(self);
}

/* Taking one */

/* In the child. */
static int write_image(const void *data, int fd)
{
	const struct machine_image *image = data;
	struct memory_file_contents contents;

	machine_image_describe(image, &contents);
	contents.give_back = true;
	contents.sums = image->machine->snapshot->sums;
	return memory_file_write(fd, &contents);
}

/* While the machine is held. Nothing has changed where this fails. */
static int start_writing(struct machine_snapshot *self, int fd, struct machine_image *image)
{
	const struct snapshot_job job = {.fd = fd, .write = write_image, .data = image};
	int r = machine_image_take(image, self->machine);

	return r < 0 ? r : snapshot_child_start(&self->child, &job);
}

static int take_held(struct machine *machine, struct control_snapshot *snapshot,
		     struct machine_image *image)
{
	uint64_t disks;
	int r = machine_layers_push(machine, snapshot, &disks);

	if (r < 0 || snapshot->memory < 0)
		return r;
	r = start_writing(machine->snapshot, snapshot->memory, image);
	if (r < 0)
		machine_layers_pop(machine, disks);
	else
		snapshot->number = machine->statistics->status.snapshots + 1;
	return r;
}

static int hold_and_take(struct machine *machine, struct control_snapshot *snapshot,
			 struct machine_image *image)
{
	bool was_running = machine->state == VMM_STATE_RUNNING;
	uint64_t begin_ns;
	int r = machine_hold(machine, &begin_ns);

	if (r < 0)
		return r;
	r = take_held(machine, snapshot, image);
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
	struct machine_image image = {0};
	int r = snapshot_child_is_at_work(&machine->snapshot->child) ? -EALREADY : 0;

	if (r == 0)
		r = machine_layers_prepare(machine, snapshot);
	if (r == 0 && snapshot->memory >= 0)
		r = machine_image_prepare(&image, machine);
	if (r == 0)
		r = hold_and_take(machine, snapshot, &image);
	/* the child has its own */
	machine_image_finish(&image);
	return r;
}
