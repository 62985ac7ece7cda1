/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guest RAM and the only functions that touch it.
 *
 * Private memory, aligned to 2 MiB on both sides and, but for what a file holds, advised to huge
 * pages, so that a fork() of the process freezes it by copy-on-write at little cost. It is never
 * registered with io_uring and never pinned otherwise. On a Q35 PC all RAM is below 4 GiB while it
 * fits under 0xB0000000; more is split into 2 GiB low and the rest from 4 GiB on.
 *
 * Reads and writes may run on any thread; the guest may change memory at any time, so copy each
 * field once, validate the copy, and use only the copy.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guest_memory;

struct guest_memory_region {
	uint64_t gpa;  /* guest-physical address of the first byte */
	uint64_t size; /* bytes */
	void *host;    /* where the region is mapped here */
};

enum { GUEST_MEMORY_MAX_REGIONS = 2 };

/* size: bytes, a multiple of 2 MiB, at least 2 MiB. 0, -EINVAL or -ENOMEM. */
int guest_memory_create(uint64_t size, struct guest_memory **ret_memory);
/*
 * As guest_memory_create(), with what a file has at that offset (a multiple of 2 MiB). A page is
 * read when it is first touched, and shared with all who have mapped the file until it is written
 * to here; the file is never changed, and must not become shorter. fd stays the caller's. Or
 * another negative errno of the file system.
 */
int guest_memory_create_from_file(uint64_t size, int fd, uint64_t offset,
				  struct guest_memory **ret_memory);
/* NULL is accepted. No vCPU may run and no I/O may be in flight. */
void guest_memory_destroy(struct guest_memory *memory);

uint64_t guest_memory_size(const struct guest_memory *memory);
/* Fills regions in address order and returns how many there are (1 or 2). */
size_t guest_memory_regions(const struct guest_memory *memory,
			    struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS]);

/* Copies between guest-physical memory and a buffer. 0, or -EFAULT when any byte is outside RAM. */
int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *buffer, size_t length);
int guest_memory_write(struct guest_memory *memory, uint64_t gpa, const void *buffer,
		       size_t length);

/*
 * The host address of [gpa, gpa + length), or NULL when it is not wholly inside one region.
 * For bulk data that is never interpreted (I/O buffers) and for ring fields accessed by atomics.
 */
void *guest_memory_at(const struct guest_memory *memory, uint64_t gpa, size_t length);

/*
 * Has the kernel make huge pages of those in [offset, offset + length) of the memory (both
 * multiples of 2 MiB) that a fork has torn apart. Only where hardly any is missing: what the guest
 * has given back must not return. 0 or negative errno: this kernel cannot. Main thread.
 */
int guest_memory_collapse(struct guest_memory *memory, uint64_t offset, uint64_t length);

/* A copy of this process goes on with the memory too: what it shares is not to be undone. */
void guest_memory_keep_shared(struct guest_memory *memory);

/*
 * Gives the whole 4 KiB pages inside [host, host + length), which guest_memory_at() has answered,
 * back to this computer; they read as zeros from then on. 0 or negative errno. Any thread.
 */
int guest_memory_discard(struct guest_memory *memory, void *host, size_t length);
