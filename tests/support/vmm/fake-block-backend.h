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
/* A drive for media, with one in it or not; whatever is put in it has these contents. */
void fake_block_backend_create_removable(void *contents, size_t size, bool loaded,
					 struct block_backend **ret_backend);
/* Completes up to so many requests, in order. How many. */
unsigned int fake_block_backend_complete(struct block_backend *backend, unsigned int count);
/* Completes the first request with an error. */
void fake_block_backend_fail(struct block_backend *backend, int error);
/* Whether what is submitted is held, so that block_backend_cancel_held() gives it up. */
void fake_block_backend_set_held(struct block_backend *backend, bool held);
/* Whether block_backend_reap() completes everything kicked; off at first. */
void fake_block_backend_set_automatic(struct block_backend *backend, bool automatic);
/* Submitted and not completed. */
unsigned int fake_block_backend_in_flight(const struct block_backend *backend);
