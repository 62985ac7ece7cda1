/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's state with one section, to carry a device's state from one to another in a test.
 */
#pragma once

#include <glib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/crc32c.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	STATE_BLOCK_SIZE = 64 << 10,
	STATE_BLOCK_PAYLOAD = STATE_HEADER_SIZE + STATE_SECTION_HEADER_SIZE,
};

struct state_block {
	struct state_writer writer;
	struct state_reader reader;
	size_t length;
	uint8_t bytes[STATE_BLOCK_SIZE];
};

static inline struct state_writer *state_block_write(struct state_block *block)
{
	state_writer_init(&block->writer, block->bytes, sizeof(block->bytes));
	state_writer_begin(&block->writer, "device", 1);
	return &block->writer;
}

static inline void state_block_written(struct state_block *block)
{
	state_writer_end(&block->writer);
	g_assert_cmpint(state_writer_finish(&block->writer, &block->length), ==, 0);
}

static inline struct state_reader *state_block_read(struct state_block *block)
{
	g_assert_cmpint(state_reader_init(&block->reader, block->bytes, block->length), ==, 0);
	g_assert_cmpint(state_reader_begin(&block->reader, "device", 1), ==, 0);
	return &block->reader;
}

/* r: what the load function has answered. All of the section must have been taken. */
static inline void state_block_loaded(struct state_block *block, int r)
{
	if (r < 0)
		g_error("not loaded: %s", block->reader.problem);
	g_assert_cmpint(state_reader_end(&block->reader), ==, 0);
}

/* The payload's byte at offset becomes this one, under a right checksum. */
static inline void state_block_patch(struct state_block *block, size_t offset, uint8_t byte)
{
	g_assert_cmpuint(STATE_BLOCK_PAYLOAD + offset, <, block->length);
	block->bytes[STATE_BLOCK_PAYLOAD + offset] = byte;
	store_le32(block->bytes + STATE_HEADER_CHECKSUM, 0);
	store_le32(block->bytes + STATE_HEADER_CHECKSUM, crc32c(0, block->bytes, block->length));
}

#define STATE_BLOCK_SAVE(block, save, device)           \
	G_STMT_START                                    \
	{                                               \
		save(device, state_block_write(block)); \
		state_block_written(block);             \
	}                                               \
	G_STMT_END

#define STATE_BLOCK_LOAD(block, load, device) \
	state_block_loaded(block, load(device, state_block_read(block)))

/* With this byte at the offset it is refused, for this reason. */
#define STATE_BLOCK_REFUSE(block, load, device, offset, byte, reason)                \
	G_STMT_START                                                                 \
	{                                                                            \
		uint8_t kept = (block)->bytes[STATE_BLOCK_PAYLOAD + (offset)];       \
		state_block_patch(block, offset, byte);                              \
		g_assert_cmpint(load(device, state_block_read(block)), ==, -EPROTO); \
		g_assert_cmpstr((block)->reader.problem, ==, reason);                \
		state_block_patch(block, offset, kept);                              \
	}                                                                            \
	G_STMT_END
