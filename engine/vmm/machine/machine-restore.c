/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/words.h"
#include "display/screen.h"
#include "machine/host-files.h"
#include "machine/machine-state.h"
#include "machine/machine.h"
#include "memory/guest-memory.h"
#include "memory/read-ahead.h"
#include "state/state-reader.h"

#define MEBIBYTE (1ULL << 20)

/* What the thread that reads ahead needs to check what it has read. */
struct memory_check {
	struct machine *machine;
	int (*confine)(void *machine);
	struct memory_file file;
	const atomic_bool *stop;
	uint8_t piece[MEMORY_FILE_PIECE];
};

/* r: of a function of memory-file.h. */
static int report(struct machine *machine, int r)
{
	char name[FILE_NAME_SIZE];

	if (r == 0)
		return 0;
	if (machine->origin) {
		log_error("The machine cannot go on as another one: %s.",
			  r == -EPROTO ? machine->saved.problem : strerror(-r));
		return r;
	}
	file_reference_name(&machine->config->restore, name);
	log_error("%s is nothing that a machine can go on from: %s.", name,
		  r == -EPROTO ? machine->saved.problem : strerror(-r));
	return r;
}

static int check_size(const struct machine *machine)
{
	uint64_t had = machine->saved.ram_size, has = machine->config->memory;

	if (had == has)
		return 0;
	log_error("The machine was saved with %llu MiB of memory and cannot go on with %llu MiB.",
		  (unsigned long long)(had / MEBIBYTE), (unsigned long long)(has / MEBIBYTE));
	return -EINVAL;
}

int machine_restore_open(struct machine *machine)
{
	int r = host_file_open(&machine->config->restore, O_RDONLY, &machine->saved_fd);

	if (r < 0 || machine->saved_fd < 0)
		return r;
	r = report(machine, memory_file_read(machine->saved_fd, &machine->saved));
	return r == 0 ? check_size(machine) : r;
}

void machine_restore_close(struct machine *machine)
{
	read_ahead_stop(machine->read_ahead);
	machine->read_ahead = NULL;
	free(machine->memory_check);
	machine->memory_check = NULL;
	fd_close(&machine->saved_fd);
}

int machine_restore_memory(struct machine *machine)
{
	if (machine->origin) {
		machine->memory = machine->origin->memory;
		return 0;
	}
	return report(machine,
		      guest_memory_create_from_file(machine->saved.ram_size, machine->saved_fd,
						    MEMORY_FILE_RAM, &machine->memory));
}

static int refuse(struct machine *machine, const char *problem)
{
	machine->saved.problem = problem;
	return report(machine, -EPROTO);
}

/* Either source: the file, or what this process has inherited. */

static const struct memory_file_source *find_inherited(const struct machine *machine,
						       const char *name)
{
	const struct memory_file_contents *contents = &machine->origin->contents;

	for (unsigned int i = 0; i < contents->region_count; i++) {
		if (strcmp(contents->regions[i].name, name) == 0)
			return &contents->regions[i];
	}
	return NULL;
}

/* How much was saved under a name; false: nothing. */
static bool find_saved(const struct machine *machine, const char *name, uint64_t *ret_length)
{
	const struct memory_file_source *source =
		machine->origin ? find_inherited(machine, name) : NULL;
	const struct memory_file_region *region =
		machine->origin ? NULL : memory_file_find(&machine->saved, name);

	if (source)
		*ret_length = source->length;
	else if (region)
		*ret_length = region->length;
	return source || region;
}

/* What find_saved() has found, with room for all of it. */
static int read_saved(struct machine *machine, const char *name, void *buffer)
{
	const struct memory_file_source *source;

	if (!machine->origin)
		return memory_file_read_region(machine->saved_fd, &machine->saved,
					       memory_file_find(&machine->saved, name), buffer);
	source = find_inherited(machine, name);
	memcpy(buffer, source->bytes, (size_t)source->length);
	return 0;
}

static int write_flash(struct machine *machine, void *bytes, uint64_t size, int fd)
{
	int r = read_saved(machine, MACHINE_STATE_FLASH, bytes);

	if (r == 0)
		r = fd_write_at(fd, bytes, (size_t)size, 0);
	/* a commit that somebody else left there is not of this time */
	return r == 0 && ftruncate(fd, (off_t)size) < 0 ? -errno : r;
}

int machine_restore_flash(struct machine *machine, uint64_t size, int fd)
{
	uint64_t length;
	void *bytes;
	int r;

	if (!machine_is_restored(machine))
		return 0;
	if (!find_saved(machine, MACHINE_STATE_FLASH, &length) || length != size)
		return refuse(machine, "it is of a machine with another firmware");
	bytes = malloc((size_t)size);
	r = bytes ? write_flash(machine, bytes, size, fd) : -ENOMEM;
	free(bytes);
	return report(machine, r);
}

/* What is behind the end of what was saved is zero, as it is in a new file. */
static int restore_pixels(struct machine *machine)
{
	uint64_t length;

	if (!machine->screen || !find_saved(machine, MACHINE_STATE_PIXELS, &length))
		return 0;
	if (length > screen_pixel_bytes(machine->screen))
		return refuse(machine, "it is of a machine with a larger screen");
	return report(machine,
		      read_saved(machine, MACHINE_STATE_PIXELS, screen_pixels(machine->screen)));
}

static int load_state(struct machine *machine, const void *bytes, size_t length)
{
	struct state_reader reader;

	if (state_reader_init(&reader, bytes, length) < 0)
		return refuse(machine, reader.problem);
	return machine_state_load(machine, &reader);
}

static int load_state_from_file(struct machine *machine)
{
	void *bytes = malloc(machine->saved.state_length + 1);
	int r = bytes ? memory_file_read_state(machine->saved_fd, &machine->saved, bytes) : -ENOMEM;

	r = r < 0 ? report(machine, r) : load_state(machine, bytes, machine->saved.state_length);
	free(bytes);
	return r;
}

int machine_restore_parts(struct machine *machine)
{
	int r = restore_pixels(machine);

	if (r < 0)
		return r;
	return machine->origin ? load_state(machine, machine->origin->contents.state,
					    machine->origin->contents.state_length)
			       : load_state_from_file(machine);
}

/* The thread that reads ahead */

static int confine_thread(void *data)
{
	struct memory_check *check = data;

	return check->confine(check->machine);
}

static bool is_wanted(void *data, uint64_t done, uint64_t total)
{
	struct memory_check *check = data;

	return !atomic_load(check->stop);
}

/* The guest has run on what may be wrong for a moment, and does no more harm. */
static void check_memory(void *data, int fd, const atomic_bool *stop)
{
	struct memory_check *check = data;

	check->stop = stop;
	if (memory_file_check_ram(fd, &check->file, check->piece, is_wanted, check) == -EPROTO)
		machine_requests_note(
			&check->machine->requests, REQUEST_HOST_ERROR, 0,
			N_("The memory that the machine went on from is damaged, so "
			   "it was stopped. Start it again to begin from its disks as "
			   "they are now, or restore another snapshot."));
}

/* Without it the guest is slower, and what is damaged is not found; no more. */
void machine_restore_read_ahead(struct machine *machine, int (*confine)(void *machine))
{
	struct memory_check *check = machine->saved_fd < 0 ? NULL : malloc(sizeof(*check));
	const struct read_ahead_hooks hooks = {confine_thread, check_memory, check};

	if (check) {
		check->machine = machine;
		check->confine = confine;
		check->file = machine->saved;
		machine->memory_check = check;
		if (read_ahead_start(machine->saved_fd, MEMORY_FILE_RAM, check->file.ram_size,
				     &hooks, &machine->read_ahead) == 0)
			machine->saved_fd = -1;
	}
	fd_close(&machine->saved_fd);
}
