/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-image.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "devices/devices.h"
#include "display/screen.h"
#include "machine/machine-state.h"
#include "machine/machine.h"
#include "memory/guest-memory.h"
#include "state/state-format.h"
#include "state/state-writer.h"

/* Memory that is taken when it is written to. NULL: there is none. */
static void *map(uint64_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
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
static uint8_t *prepare_pixels(const struct screen *screen)
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

static void copy_pixels(struct machine_image *image)
{
	const struct screen *screen = image->machine->screen;
	uint64_t start, end = 0;

	while (next_extent(screen_pixels_fd(screen), &end, &start))
		memcpy(image->pixels + start, screen_pixels(screen) + start, end - start);
	image->pixel_bytes = end;
}

int machine_image_prepare(struct machine_image *image, const struct machine *machine)
{
	*image = (struct machine_image){.machine = machine, .block = map(STATE_MAX_SIZE)};
	if (image->block && machine->screen)
		image->pixels = prepare_pixels(machine->screen);
	if (image->block && (image->pixels || !machine->screen))
		return 0;
	machine_image_finish(image);
	return -ENOMEM;
}

void machine_image_finish(struct machine_image *image)
{
	if (image->block)
		munmap(image->block, STATE_MAX_SIZE);
	if (image->pixels)
		munmap(image->pixels, screen_pixel_bytes(image->machine->screen));
	image->block = image->pixels = NULL;
}

int machine_image_take(struct machine_image *image, struct machine *machine)
{
	struct state_writer writer;
	int r;

	state_writer_init(&writer, image->block, STATE_MAX_SIZE);
	r = machine_state_save(machine, &writer);
	if (r == 0)
		r = state_writer_finish(&writer, &image->block_length);
	if (r == 0 && image->pixels)
		copy_pixels(image);
	return r;
}

static void add_region(struct memory_file_contents *contents, const char *name, const void *bytes,
		       uint64_t length)
{
	contents->regions[contents->region_count++] =
		(struct memory_file_source){name, bytes, length};
}

void machine_image_describe(const struct machine_image *image,
			    struct memory_file_contents *ret_contents)
{
	const struct machine *machine = image->machine;
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];

	(void)guest_memory_regions(machine->memory, regions);
	*ret_contents = (struct memory_file_contents){
		.ram = regions[0].host, /* the second lies behind it */
		.ram_size = guest_memory_size(machine->memory),
		.state = image->block,
		.state_length = image->block_length,
	};
	if (machine->variables)
		add_region(ret_contents, MACHINE_STATE_FLASH, pflash_contents(machine->variables),
			   pflash_size(machine->variables));
	if (image->pixels)
		add_region(ret_contents, MACHINE_STATE_PIXELS, image->pixels, image->pixel_bytes);
}
