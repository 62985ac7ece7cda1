/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "display/screen.h"
#include "machine/host-files.h"
#include "machine/machine-state.h"
#include "machine/machine.h"
#include "memory/guest-memory.h"
#include "memory/read-ahead.h"
#include "state/state-reader.h"

#define MEBIBYTE (1ULL << 20)

/* r: of a function of memory-file.h. */
static int report(struct machine *machine, int r)
{
	char name[FILE_NAME_SIZE];

	if (r == 0)
		return 0;
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
	fd_close(&machine->saved_fd);
}

int machine_restore_memory(struct machine *machine)
{
	return report(machine,
		      guest_memory_create_from_file(machine->saved.ram_size, machine->saved_fd,
						    MEMORY_FILE_RAM, &machine->memory));
}

static int refuse(struct machine *machine, const char *problem)
{
	machine->saved.problem = problem;
	return report(machine, -EPROTO);
}

static int write_flash(struct machine *machine, void *bytes,
		       const struct memory_file_region *region, int fd)
{
	int r = memory_file_read_region(machine->saved_fd, &machine->saved, region, bytes);

	if (r == 0)
		r = fd_write_at(fd, bytes, (size_t)region->length, 0);
	/* a commit that somebody else left there is not of this time */
	return r == 0 && ftruncate(fd, (off_t)region->length) < 0 ? -errno : r;
}

int machine_restore_flash(struct machine *machine, uint64_t size, int fd)
{
	const struct memory_file_region *region;
	void *bytes;
	int r;

	if (machine->saved_fd < 0)
		return 0;
	region = memory_file_find(&machine->saved, MACHINE_STATE_FLASH);
	if (!region || region->length != size)
		return refuse(machine, "it is of a machine with another firmware");
	bytes = malloc((size_t)size);
	r = bytes ? write_flash(machine, bytes, region, fd) : -ENOMEM;
	free(bytes);
	return report(machine, r);
}

/* What is behind the end of what was saved is zero, as it is in a new file. */
static int restore_pixels(struct machine *machine)
{
	const struct memory_file_region *region =
		memory_file_find(&machine->saved, MACHINE_STATE_PIXELS);

	if (!machine->screen || !region)
		return 0;
	if (region->length > screen_pixel_bytes(machine->screen))
		return refuse(machine, "it is of a machine with a larger screen");
	return report(machine, memory_file_read_region(machine->saved_fd, &machine->saved, region,
						       screen_pixels(machine->screen)));
}

static int load_state(struct machine *machine, void *bytes)
{
	struct state_reader reader;
	int r = memory_file_read_state(machine->saved_fd, &machine->saved, bytes);

	if (r == 0 && state_reader_init(&reader, bytes, machine->saved.state_length) < 0) {
		machine->saved.problem = reader.problem;
		r = -EPROTO;
	}
	return r < 0 ? report(machine, r) : machine_state_load(machine, &reader);
}

int machine_restore_parts(struct machine *machine)
{
	void *bytes = malloc(machine->saved.state_length + 1);
	int r = bytes ? restore_pixels(machine) : report(machine, -ENOMEM);

	if (r == 0)
		r = load_state(machine, bytes);
	free(bytes);
	return r;
}

/* Without it the guest is slower, no more. */
void machine_restore_read_ahead(struct machine *machine, int (*confine)(void *machine))
{
	const struct read_ahead_confinement confinement = {confine, machine};

	if (machine->saved_fd < 0)
		return;
	if (read_ahead_start(machine->saved_fd, MEMORY_FILE_RAM, machine->saved.ram_size,
			     &confinement, &machine->read_ahead) == 0)
		machine->saved_fd = -1;
	fd_close(&machine->saved_fd);
}
