/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VMM's side of the statistics page (protocol/statistics-protocol.h): a sealed memory file
 * that stays writable here and that clients can only map for reading.
 */
#pragma once

#include <stdint.h>

#include "protocol/statistics-protocol.h"

/*
 * A page for so many vCPUs, disks and NICs, zeroed, state STARTING. The descriptor in *ret_fd is
 * the read-only one that is passed to clients; both live until the process ends. 0 or negative
 * errno.
 */
int statistics_page_create(uint32_t vcpus, uint32_t disks, uint32_t nics,
			   struct statistics_page **ret_page, int *ret_fd);

/* The sequence lock, around writes to anything that is not live. Main thread. */
void statistics_page_begin(struct statistics_page *page);
void statistics_page_end(struct statistics_page *page);

/* Sets state, reason and text (cut at its size, NULL for none) in one locked write. */
void statistics_page_set_state(struct statistics_page *page, enum vmm_state state,
			       enum vmm_end_reason reason, int error, const char *text);

/* Adds the page as it is now to the history, in one locked write. Sampled anew since the last. */
void statistics_page_add_to_history(struct statistics_page *page);

/* Adds to a live counter. Owner thread only. */
static inline void statistics_add(uint64_t *counter, uint64_t amount)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + amount,
			 __ATOMIC_RELAXED);
}
