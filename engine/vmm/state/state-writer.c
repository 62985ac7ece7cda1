/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/state-writer.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/crc32c.h"
#include "state/state-format.h"

/* Where the next so many bytes go; NULL when they do not fit, nor will any after them. */
static uint8_t *claim(struct state_writer *writer, size_t length)
{
	uint8_t *at = writer->bytes + writer->length;

	if (writer->full || length > writer->size - writer->length) {
		writer->full = true;
		return NULL;
	}
	writer->length += length;
	return at;
}

static void put(struct state_writer *writer, const void *bytes, size_t length)
{
	uint8_t *at = claim(writer, length);

	if (at && length > 0)
		memcpy(at, bytes, length);
}

static void put_zeros(struct state_writer *writer, size_t length)
{
	uint8_t *at = claim(writer, length);

	if (at)
		memset(at, 0, length);
}

void state_writer_init(struct state_writer *writer, void *bytes, size_t size)
{
	*writer = (struct state_writer){
		.bytes = bytes,
		.size = size < STATE_MAX_SIZE ? size : STATE_MAX_SIZE,
	};
	put_zeros(writer, STATE_HEADER_SIZE);
}

int state_writer_finish(struct state_writer *writer, size_t *ret_length)
{
	uint8_t *header = writer->bytes;

	assert(!writer->open);
	if (writer->full || writer->sections > STATE_MAX_SECTIONS)
		return -ENOSPC;
	memcpy(header, STATE_MAGIC, STATE_HEADER_VERSION);
	store_le32(header + STATE_HEADER_VERSION, STATE_VERSION);
	store_le32(header + STATE_HEADER_LENGTH, (uint32_t)writer->length);
	store_le32(header + STATE_HEADER_SECTIONS, writer->sections);
	store_le32(header + STATE_HEADER_CHECKSUM, 0);
	store_le32(header + STATE_HEADER_CHECKSUM, crc32c(0, header, writer->length));
	*ret_length = writer->length;
	return 0;
}

void state_writer_begin(struct state_writer *writer, const char *name, uint32_t version)
{
	uint8_t header[STATE_SECTION_HEADER_SIZE] = {0};
	size_t length = strlen(name);

	assert(!writer->open && length < STATE_NAME_SIZE);
	memcpy(header, name, length);
	store_le32(header + STATE_SECTION_VERSION, version);
	writer->open = true;
	writer->section = writer->length;
	writer->sections++;
	put(writer, header, sizeof(header));
}

void state_writer_end(struct state_writer *writer)
{
	uint8_t *header = writer->bytes + writer->section;
	size_t length = writer->length - writer->section - STATE_SECTION_HEADER_SIZE;

	assert(writer->open);
	writer->open = false;
	put_zeros(writer, -length % STATE_ALIGNMENT);
	if (!writer->full)
		store_le32(header + STATE_SECTION_LENGTH, (uint32_t)length);
}

void state_writer_put8(struct state_writer *writer, uint8_t value)
{
	put(writer, &value, sizeof(value));
}

void state_writer_put16(struct state_writer *writer, uint16_t value)
{
	uint8_t bytes[sizeof(value)];

	store_le16(bytes, value);
	put(writer, bytes, sizeof(bytes));
}

void state_writer_put32(struct state_writer *writer, uint32_t value)
{
	uint8_t bytes[sizeof(value)];

	store_le32(bytes, value);
	put(writer, bytes, sizeof(bytes));
}

void state_writer_put64(struct state_writer *writer, uint64_t value)
{
	uint8_t bytes[sizeof(value)];

	store_le64(bytes, value);
	put(writer, bytes, sizeof(bytes));
}

void state_writer_put_bool(struct state_writer *writer, bool value)
{
	state_writer_put8(writer, value);
}

void state_writer_put_bytes(struct state_writer *writer, const void *bytes, size_t length)
{
	put(writer, bytes, length);
}
