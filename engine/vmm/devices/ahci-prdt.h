/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The physical region table of a command (AHCI 1.3.1, section 4.2.3): where in guest memory its
 * data are. Walked piece by piece, so that a table of any length costs the same memory.
 *
 * An entry is copied when the walk comes to it; a guest that changes the table meanwhile only mixes
 * up its own data.
 */
#pragma once

#include <stdint.h>
#include <sys/uio.h>

struct guest_memory;

struct ahci_prdt {
	const struct guest_memory *memory;
	uint64_t gpa;      /* of the entry the walk has come to */
	unsigned int left; /* entries from there on */
	uint32_t skip;     /* bytes of that entry that are behind already */
};

void ahci_prdt_init(struct ahci_prdt *prdt, const struct guest_memory *memory, uint64_t gpa,
		    unsigned int entries);

/*
 * The next piece: at most limit bytes, cut to a multiple of granule (1, or even; limit is one), in
 * at most max buffers, of which granule / 2 always suffice for one granule. The bytes, 0 at the end
 * of the table, or -EFAULT for an entry outside RAM.
 */
int64_t ahci_prdt_next(struct ahci_prdt *prdt, struct iovec *iov, unsigned int max, uint32_t limit,
		       uint32_t granule, unsigned int *ret_count);
