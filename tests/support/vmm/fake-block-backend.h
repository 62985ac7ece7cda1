/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A block backend in memory (block/block-backend.h) whose requests complete when the test says so.
 * A program that links this has no other backend.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "block/block-backend.h"

/* contents (size bytes): borrowed. */
void fake_block_backend_create(void *contents, size_t size, bool read_only,
			       struct block_backend **ret_backend);
/* Completes up to so many requests, in order. How many. */
unsigned int fake_block_backend_complete(struct block_backend *backend, unsigned int count);
/* Whether block_backend_reap() completes everything kicked; off at first. */
void fake_block_backend_set_automatic(struct block_backend *backend, bool automatic);
/* Submitted and not completed. */
unsigned int fake_block_backend_in_flight(const struct block_backend *backend);
