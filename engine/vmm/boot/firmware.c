/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/firmware.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "bus/memory-slot.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

#define MINIMUM_SIZE (64ULL << 10)
#define MAXIMUM_SIZE (8ULL << 20)

struct firmware {
	int fd;
	bool low_copy;
	uint64_t size;
	void *image;
	struct memory_slot *slot;
};

static int problem(const char **ret_problem, const char *text, int r)
{
	*ret_problem = text;
	return r;
}

static int measure(struct firmware *firmware, const char **ret_problem)
{
	struct stat status;

	if (fstat(firmware->fd, &status) < 0)
		return problem(ret_problem, "cannot be read", -errno);
	if (!S_ISREG(status.st_mode))
		return problem(ret_problem, "is not a regular file", -EINVAL);
	firmware->size = (uint64_t)status.st_size;
	if (firmware->size < MINIMUM_SIZE || firmware->size > MAXIMUM_SIZE ||
	    firmware->size % MEMORY_SLOT_PAGE_SIZE != 0)
		return problem(ret_problem,
			       "is not a firmware image: its size has to be 64 KiB to 8 MiB, in "
			       "units of 4 KiB",
			       -EINVAL);
	return 0;
}

static int show(struct firmware *firmware, struct memory_slot_registry *slots,
		const char **ret_problem)
{
	int r;

	firmware->image = mmap(NULL, firmware->size, PROT_READ, MAP_PRIVATE, firmware->fd, 0);
	if (firmware->image == MAP_FAILED) {
		firmware->image = NULL;
		return problem(ret_problem, "cannot be mapped", -errno);
	}
	r = memory_slot_create(slots, firmware->image, firmware->size, MEMORY_SLOT_READ_ONLY,
			       &firmware->slot);
	if (r == 0)
		r = memory_slot_map(firmware->slot, firmware_base(firmware));
	return r < 0 ? problem(ret_problem, "cannot be shown to the guest", r) : 0;
}

int firmware_create(int fd, bool low_copy, struct memory_slot_registry *slots,
		    struct firmware **ret_firmware, const char **ret_problem)
{
	struct firmware *firmware = calloc(1, sizeof(*firmware));
	int r;

	if (!firmware)
		return problem(ret_problem, "does not fit into memory", -ENOMEM);
	firmware->fd = fd;
	firmware->low_copy = low_copy;
	r = measure(firmware, ret_problem);
	if (r == 0)
		r = show(firmware, slots, ret_problem);
	if (r < 0) {
		firmware_destroy(firmware);
		return r;
	}
	*ret_firmware = firmware;
	return 0;
}

void firmware_destroy(struct firmware *firmware)
{
	if (!firmware)
		return;
	memory_slot_destroy(firmware->slot);
	if (firmware->image)
		munmap(firmware->image, firmware->size);
	free(firmware);
}

uint64_t firmware_base(const struct firmware *firmware)
{
	return LAYOUT_HIGH_RAM - firmware->size;
}

uint64_t firmware_variables_size(const struct firmware *firmware)
{
	uint64_t whole = MINIMUM_SIZE;

	while (whole < firmware->size)
		whole *= 2;
	return whole - firmware->size;
}

/* Read from the file and not through the mapping, which a file cut short would turn into a fault.
 */
int firmware_load(const struct firmware *firmware, struct guest_memory *memory)
{
	uint64_t length = LAYOUT_BIOS_SIZE < firmware->size ? LAYOUT_BIOS_SIZE : firmware->size;
	uint8_t *roms =
		guest_memory_at(memory, LAYOUT_OPTION_ROMS, LAYOUT_BIOS_END - LAYOUT_OPTION_ROMS);

	if (!roms)
		return -EFAULT;
	memset(roms, 0, LAYOUT_BIOS_END - LAYOUT_OPTION_ROMS);
	if (!firmware->low_copy)
		return 0;
	return fd_read_at(firmware->fd, roms + (LAYOUT_BIOS_END - LAYOUT_OPTION_ROMS) - length,
			  length, firmware->size - length);
}
