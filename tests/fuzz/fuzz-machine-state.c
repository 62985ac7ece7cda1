/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that is said to be the state of a machine, as it is and with its checksum put right; each
 * section is found by its name and read to its end in pieces of all widths.
 */
/* Its checks are what this is for: in release builds too. */
#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/crc32c.h"
#include "state/state-reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_section(struct state_reader *reader)
{
	uint8_t bytes[3];

	while (!reader->problem && reader->at < reader->end) {
		(void)state_reader_get8(reader);
		(void)state_reader_get64(reader);
		(void)state_reader_get16(reader);
		state_reader_get_bytes(reader, bytes, sizeof(bytes));
		(void)state_reader_get32(reader);
	}
	assert(reader->at <= reader->end);
}

/* Each section by the name that is where its header begins. */
static void read_all(const uint8_t *data, size_t size)
{
	struct state_reader reader, copy;
	size_t at = STATE_HEADER_SIZE;
	uint32_t length;

	if (state_reader_init(&reader, data, size) < 0) {
		assert(reader.problem);
		return;
	}
	for (uint32_t i = 0; i < reader.sections; i++) {
		assert(size - at >= STATE_SECTION_HEADER_SIZE);
		copy = reader;
		if (state_reader_begin(&copy, (const char *)data + at, 1) == 0)
			read_section(&copy);
		length = load_le32(data + at + STATE_SECTION_LENGTH);
		at += STATE_SECTION_HEADER_SIZE +
		      (length + STATE_ALIGNMENT - 1) / STATE_ALIGNMENT * STATE_ALIGNMENT;
	}
	assert(at == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *sealed;

	read_all(data, size);
	if (size < STATE_HEADER_SIZE)
		return 0;
	sealed = malloc(size);
	assert(sealed);
	memcpy(sealed, data, size);
	store_le32(sealed + STATE_HEADER_LENGTH, (uint32_t)size);
	store_le32(sealed + STATE_HEADER_CHECKSUM, 0);
	store_le32(sealed + STATE_HEADER_CHECKSUM, crc32c(0, sealed, size));
	read_all(sealed, size);
	free(sealed);
	return 0;
}
