/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/state-reader.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/crc32c.h"

bool state_reader_check(struct state_reader *reader, bool fine, const char *problem)
{
	if (!fine && !reader->problem)
		reader->problem = problem;
	return !reader->problem;
}

int state_reader_result(const struct state_reader *reader)
{
	return reader->problem ? -EPROTO : 0;
}

/* As if the checksum's own field were zeros. */
static uint32_t checksum(const uint8_t *bytes, size_t length)
{
	static const uint8_t zeros[4];
	uint32_t crc = crc32c(0, bytes, STATE_HEADER_CHECKSUM);

	crc = crc32c(crc, zeros, sizeof(zeros));
	return crc32c(crc, bytes + STATE_HEADER_RESERVED, length - STATE_HEADER_RESERVED);
}

static bool check_header(struct state_reader *reader)
{
	const uint8_t *bytes = reader->bytes;
	size_t length = reader->length;

	return state_reader_check(reader,
				  length >= STATE_HEADER_SIZE &&
					  memcmp(bytes, STATE_MAGIC, STATE_HEADER_VERSION) == 0,
				  "it is not the state of a machine") &&
	       state_reader_check(reader, load_le32(bytes + STATE_HEADER_VERSION) == STATE_VERSION,
				  "it was made by another version of Innkeeper") &&
	       state_reader_check(reader,
				  length <= STATE_MAX_SIZE &&
					  load_le32(bytes + STATE_HEADER_LENGTH) == length,
				  "it is not complete") &&
	       state_reader_check(reader,
				  load_le32(bytes + STATE_HEADER_CHECKSUM) ==
						  checksum(bytes, length) &&
					  load_le64(bytes + STATE_HEADER_RESERVED) == 0,
				  "it is damaged");
}

/*
 * The payload of the section whose header is at *at, which moves to the next; false where there is
 * no whole section.
 */
static bool next_section(const struct state_reader *reader, size_t *at, const uint8_t **ret_header,
			 uint32_t *ret_length)
{
	const uint8_t *header = reader->bytes + *at;
	size_t room = reader->length - *at;
	uint32_t length;

	if (room < STATE_SECTION_HEADER_SIZE)
		return false;
	room -= STATE_SECTION_HEADER_SIZE;
	length = load_le32(header + STATE_SECTION_LENGTH);
	if (length > room || -length % STATE_ALIGNMENT > room - length ||
	    header[STATE_NAME_SIZE - 1] != '\0' || header[0] == '\0')
		return false;
	*at += STATE_SECTION_HEADER_SIZE + length + -length % STATE_ALIGNMENT;
	*ret_header = header;
	*ret_length = length;
	return true;
}

static bool check_sections(struct state_reader *reader)
{
	size_t at = STATE_HEADER_SIZE;
	const uint8_t *header;
	uint32_t length;
	bool whole = reader->sections <= STATE_MAX_SECTIONS;

	for (uint32_t i = 0; whole && i < reader->sections; i++)
		whole = next_section(reader, &at, &header, &length);
	return state_reader_check(reader, whole && at == reader->length,
				  "its sections are not where they should be");
}

int state_reader_init(struct state_reader *reader, const void *bytes, size_t length)
{
	*reader = (struct state_reader){.bytes = bytes, .length = length};
	if (check_header(reader)) {
		reader->sections = load_le32(reader->bytes + STATE_HEADER_SECTIONS);
		(void)check_sections(reader);
	}
	return state_reader_result(reader);
}

int state_reader_finish(struct state_reader *reader)
{
	state_reader_check(reader, reader->taken == reader->sections,
			   "it has parts that this machine does not have");
	return state_reader_result(reader);
}

/* Its header and the length of what it holds. */
static bool find_section(const struct state_reader *reader, const char *name,
			 const uint8_t **ret_header, uint32_t *ret_length)
{
	size_t at = STATE_HEADER_SIZE;

	for (uint32_t i = 0; i < reader->sections; i++) {
		if (!next_section(reader, &at, ret_header, ret_length))
			return false;
		if (strncmp((const char *)*ret_header, name, STATE_NAME_SIZE) == 0)
			return true;
	}
	return false;
}

bool state_reader_has(const struct state_reader *reader, const char *name)
{
	const uint8_t *header;
	uint32_t length;

	return find_section(reader, name, &header, &length);
}

/* Opens it with what it holds, or with nothing. */
static bool open_section(struct state_reader *reader, const char *name)
{
	const uint8_t *header;
	uint32_t length;

	if (!find_section(reader, name, &header, &length))
		return false;
	reader->version = load_le32(header + STATE_SECTION_VERSION);
	reader->at = header + STATE_SECTION_HEADER_SIZE;
	reader->end = reader->at + length;
	return true;
}

int state_reader_begin(struct state_reader *reader, const char *name, uint32_t version)
{
	assert(strlen(name) < STATE_NAME_SIZE);
	if (reader->problem)
		return -EPROTO;
	strcpy(reader->name, name);
	reader->at = reader->end = NULL;
	if (state_reader_check(reader, open_section(reader, name),
			       "it lacks a part that this machine has") &&
	    state_reader_check(reader, reader->version >= 1 && reader->version <= version,
			       "a part was saved by a newer version of Innkeeper"))
		reader->taken++;
	return state_reader_result(reader);
}

int state_reader_end(struct state_reader *reader)
{
	state_reader_check(reader, reader->at == reader->end, "a part has more than it should");
	return state_reader_result(reader);
}

void state_reader_get_bytes(struct state_reader *reader, void *bytes, size_t length)
{
	if (!state_reader_check(reader, (size_t)(reader->end - reader->at) >= length,
				"a part has less than it should")) {
		memset(bytes, 0, length);
		return;
	}
	if (length > 0)
		memcpy(bytes, reader->at, length);
	reader->at += length;
}

uint8_t state_reader_get8(struct state_reader *reader)
{
	uint8_t value;

	state_reader_get_bytes(reader, &value, sizeof(value));
	return value;
}

uint16_t state_reader_get16(struct state_reader *reader)
{
	uint8_t bytes[2];

	state_reader_get_bytes(reader, bytes, sizeof(bytes));
	return load_le16(bytes);
}

uint32_t state_reader_get32(struct state_reader *reader)
{
	uint8_t bytes[4];

	state_reader_get_bytes(reader, bytes, sizeof(bytes));
	return load_le32(bytes);
}

uint64_t state_reader_get64(struct state_reader *reader)
{
	uint8_t bytes[8];

	state_reader_get_bytes(reader, bytes, sizeof(bytes));
	return load_le64(bytes);
}

bool state_reader_get_bool(struct state_reader *reader)
{
	uint8_t value = state_reader_get8(reader);

	state_reader_check(reader, value <= 1, "a value is neither yes nor no");
	return value == 1;
}
