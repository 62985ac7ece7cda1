/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes the state of a machine (state-format.h) to a block that the caller has prepared: nothing
 * here allocates or calls the system, so that it can be done while a guest waits, and in a forked
 * child. A block that is too small is told at the end, once; until then all calls are harmless.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_writer {
	uint8_t *bytes;
	size_t size;
	size_t length; /* written so far */
	bool open;     /* a section is, whose header is at: */
	size_t section;
	uint32_t sections;
	bool full; /* something did not fit */
};

/* bytes: borrowed. */
void state_writer_init(struct state_writer *writer, void *bytes, size_t size);
/* Completes the header. 0, or -ENOSPC: it did not fit. */
int state_writer_finish(struct state_writer *writer, size_t *ret_length);

/* Opens a section; no other is open. name: shorter than STATE_NAME_SIZE. */
void state_writer_begin(struct state_writer *writer, const char *name, uint32_t version);
void state_writer_end(struct state_writer *writer);

/* Into the open section. */
void state_writer_put8(struct state_writer *writer, uint8_t value);
void state_writer_put16(struct state_writer *writer, uint16_t value);
void state_writer_put32(struct state_writer *writer, uint32_t value);
void state_writer_put64(struct state_writer *writer, uint64_t value);
void state_writer_put_bool(struct state_writer *writer, bool value);
void state_writer_put_bytes(struct state_writer *writer, const void *bytes, size_t length);
