/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest RAM: one private mapping, seen by the guest as one or two regions.
 */
#include "memory/guest-memory.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked-arithmetic.h"

#define PAGE                 4096ULL
#define HUGE_PAGE            (2ULL << 20)
#define LOW_LIMIT            0xB0000000ULL /* MMCONFIG starts here */
#define LOW_SIZE_WHEN_SPLIT  (2ULL << 30)
#define HIGH_BASE            (4ULL << 30)
#define GUEST_MEMORY_MAXIMUM (1ULL << 46) /* half of a 47-bit user address space */

#ifndef MADV_COLLAPSE /* libc does not know it yet */
#define MADV_COLLAPSE 25
#endif

enum {
	PAGES_PER_HUGE_PAGE = 512,
	ENOUGH_PAGES = 480,
};

struct guest_memory {
	uint64_t size;
	char *host;
	void *mapping;  /* what host is inside of */
	bool has_file;  /* some of it is still that of a file */
	bool is_shared; /* with copies of this process that go on */
	size_t region_count;
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
};

/* Maps it at a multiple of a huge page. What is mapped more than needed is never touched. */
static int map_aligned(struct guest_memory *memory)
{
	char *map = mmap(NULL, memory->size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	memory->mapping = map;
	memory->host = map + (-(uintptr_t)map & (HUGE_PAGE - 1));
	return 0;
}

static void lay_out_regions(struct guest_memory *memory)
{
	uint64_t low = memory->size <= LOW_LIMIT ? memory->size : LOW_SIZE_WHEN_SPLIT;

	memory->regions[0] = (struct guest_memory_region){
		.gpa = 0,
		.size = low,
		.host = memory->host,
	};
	memory->region_count = 1;
	if (low == memory->size)
		return;
	memory->regions[1] = (struct guest_memory_region){
		.gpa = HIGH_BASE,
		.size = memory->size - low,
		.host = memory->host + low,
	};
	memory->region_count = 2;
}

int guest_memory_create(uint64_t size, struct guest_memory **ret_memory)
{
	struct guest_memory *memory;
	int r;

	if (size == 0 || size % HUGE_PAGE != 0 || size > GUEST_MEMORY_MAXIMUM)
		return -EINVAL;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	memory->size = size;
	r = map_aligned(memory);
	if (r < 0)
		goto free_memory;
	/* Both are advice: a kernel without them still runs the guest. */
	(void)madvise(memory->host, size, MADV_HUGEPAGE);
	(void)madvise(memory->host, size, MADV_DONTDUMP);
	lay_out_regions(memory);
	*ret_memory = memory;
	return 0;

free_memory:
	free(memory);
	return r;
}

int guest_memory_create_from_file(uint64_t size, int fd, uint64_t offset,
				  struct guest_memory **ret_memory)
{
	struct guest_memory *memory;
	int r;

	if (offset % HUGE_PAGE != 0)
		return -EINVAL;
	r = guest_memory_create(size, &memory);
	if (r < 0)
		return r;
	if (mmap(memory->host, size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, (off_t)offset) == MAP_FAILED) {
		r = -errno;
		guest_memory_destroy(memory);
		return r;
	}
	(void)madvise(memory->host, size, MADV_DONTDUMP);
	memory->has_file = true;
	*ret_memory = memory;
	return 0;
}

void guest_memory_destroy(struct guest_memory *memory)
{
	if (!memory)
		return;
	munmap(memory->mapping, memory->size + HUGE_PAGE);
	free(memory);
}

void guest_memory_keep_shared(struct guest_memory *memory)
{
	memory->is_shared = true;
}

uint64_t guest_memory_size(const struct guest_memory *memory)
{
	return memory->size;
}

size_t guest_memory_regions(const struct guest_memory *memory,
			    struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS])
{
	memcpy(regions, memory->regions, memory->region_count * sizeof(regions[0]));
	return memory->region_count;
}

void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, size_t length)
{
	for (size_t i = 0; i < memory->region_count; i++) {
		const struct guest_memory_region *region = &memory->regions[i];

		if (gpa >= region->gpa && range_fits(gpa - region->gpa, length, region->size))
			return (char *)region->host + (gpa - region->gpa);
	}
	return NULL;
}

int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *buffer, size_t length)
{
	const void *host = guest_memory_at(memory, gpa, length);

	if (!host)
		return -EFAULT;
	memcpy(buffer, host, length);
	return 0;
}

int guest_memory_write(struct guest_memory *memory, uint64_t gpa, const void *buffer, size_t length)
{
	void *host = guest_memory_at(memory, gpa, length);

	if (!host)
		return -EFAULT;
	memcpy(host, buffer, length);
	return 0;
}

/*
 * What private anonymous memory loses to MADV_DONTNEED comes back as zeros. A huge page of which
 * only a part goes is split by the kernel, which frees it when the rest has gone too. Memory of a
 * file would come back as what the file has: other memory takes its place.
 */
int guest_memory_discard(struct guest_memory *memory, void *host, size_t length)
{
	uint64_t start = (uint64_t)((char *)host - memory->host);
	uint64_t first = (start + PAGE - 1) & ~(PAGE - 1);
	uint64_t end = (start + length) & ~(PAGE - 1);
	char *at = memory->host + first;

	assert(range_fits(start, length, memory->size));
	if (first >= end)
		return 0;
	if (!memory->has_file)
		return madvise(at, end - first, MADV_DONTNEED) < 0 ? -errno : 0;
	if (mmap(at, end - first, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		return -errno;
	(void)madvise(at, end - first, MADV_DONTDUMP);
	return 0;
}

/* How many pages of a huge one are there. */
static unsigned int count_present(void *host)
{
	unsigned char present[PAGES_PER_HUGE_PAGE];
	unsigned int count = 0;

	if (mincore(host, HUGE_PAGE, present) < 0)
		return 0;
	for (size_t i = 0; i < PAGES_PER_HUGE_PAGE; i++)
		count += present[i] & 1;
	return count;
}

int guest_memory_collapse(struct guest_memory *memory, uint64_t offset, uint64_t length)
{
	assert(offset % HUGE_PAGE == 0 && length % HUGE_PAGE == 0);
	assert(range_fits(offset, length, memory->size));
	/* What is shared through a file or with a copy would no longer be. */
	if (memory->has_file || memory->is_shared)
		return -EINVAL;
	for (uint64_t end = offset + length; offset < end; offset += HUGE_PAGE) {
		char *host = memory->host + offset;

		/* EINVAL: it does not know this; else these pages are in use in some other way. */
		if (count_present(host) >= ENOUGH_PAGES &&
		    madvise(host, HUGE_PAGE, MADV_COLLAPSE) < 0 && errno == EINVAL)
			return -errno;
	}
	return 0;
}
