/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The writer and the reader of a machine's state, and the layout between them.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "base/byte-order.h"
#include "base/crc32c.h"
#include "state/state-format.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

static uint8_t block[4096];

static size_t write_example(void)
{
	struct state_writer writer;
	size_t length = 0;

	memset(block, 0xee, sizeof(block));
	state_writer_init(&writer, block, sizeof(block));
	state_writer_begin(&writer, "clock", 1);
	state_writer_put64(&writer, 0x1122334455667788);
	state_writer_end(&writer);
	state_writer_begin(&writer, "serial-16550.0", 2);
	state_writer_put8(&writer, 0x5a);
	state_writer_put16(&writer, 0xbeef);
	state_writer_put32(&writer, 0xcafef00d);
	state_writer_put_bool(&writer, true);
	state_writer_put_bytes(&writer, "abc", 3);
	state_writer_end(&writer);
	state_writer_begin(&writer, "empty", 1);
	state_writer_end(&writer);
	g_assert_cmpint(state_writer_finish(&writer, &length), ==, 0);
	return length;
}

/* Gives the bytes the checksum they should have. */
static void seal(size_t length)
{
	store_le32(block + STATE_HEADER_CHECKSUM, 0);
	store_le32(block + STATE_HEADER_CHECKSUM, crc32c(0, block, length));
}

static void test_checksum(void)
{
	g_assert_cmphex(crc32c(0, "123456789", 9), ==, 0xe3069283);
	g_assert_cmphex(crc32c(crc32c(0, "1234", 4), "56789", 5), ==, 0xe3069283);
	g_assert_cmphex(crc32c(0, "", 0), ==, 0);
}

/* clang-format off */
/* What version 1 is, for all time: files like this lie on disks. */
static const uint8_t version_1[] = {
	'I', 'N', 'N', 'S', 'T', 'A', 'T', 'E', 1, 0, 0, 0, 152, 0, 0, 0,
	3, 0, 0, 0, 0x2a, 0xca, 0xe2, 0x67, 0, 0, 0, 0, 0, 0, 0, 0,
	'c', 'l', 'o', 'c', 'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0,
	0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
	's', 'e', 'r', 'i', 'a', 'l', '-', '1', '6', '5', '5', '0', '.', '0', 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 11, 0, 0, 0,
	0x5a, 0xef, 0xbe, 0x0d, 0xf0, 0xfe, 0xca, 1, 'a', 'b', 'c', 0, 0, 0, 0, 0,
	'e', 'm', 'p', 't', 'y', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
};
/* clang-format on */

static void test_writes_version_1(void)
{
	size_t length = write_example();

	g_assert_cmpmem(block, length, version_1, sizeof(version_1));
}

static void test_reads_version_1(void)
{
	struct state_reader reader;
	char text[3];

	g_assert_cmpint(state_reader_init(&reader, version_1, sizeof(version_1)), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "serial-16550.0", 3), ==, 0);
	g_assert_cmpuint(reader.version, ==, 2);
	g_assert_cmphex(state_reader_get8(&reader), ==, 0x5a);
	g_assert_cmphex(state_reader_get16(&reader), ==, 0xbeef);
	g_assert_cmphex(state_reader_get32(&reader), ==, 0xcafef00d);
	g_assert_true(state_reader_get_bool(&reader));
	state_reader_get_bytes(&reader, text, sizeof(text));
	g_assert_cmpmem(text, 3, "abc", 3);
	g_assert_cmpint(state_reader_end(&reader), ==, 0);
	/* in any order */
	g_assert_cmpint(state_reader_begin(&reader, "clock", 1), ==, 0);
	g_assert_cmphex(state_reader_get64(&reader), ==, 0x1122334455667788);
	g_assert_cmpint(state_reader_end(&reader), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "empty", 1), ==, 0);
	g_assert_cmpint(state_reader_end(&reader), ==, 0);
	g_assert_cmpint(state_reader_finish(&reader), ==, 0);
}

/* Whatever is missing of it or turned in it is noticed. */
static void test_damage(void)
{
	size_t length = write_example();
	struct state_reader reader;

	for (size_t cut = 0; cut < length; cut++) {
		g_autofree uint8_t *copy = g_memdup2(block, cut ? cut : 1);

		g_assert_cmpint(state_reader_init(&reader, copy, cut), ==, -EPROTO);
		g_assert_nonnull(reader.problem);
	}
	for (size_t bit = 0; bit < 8 * length; bit++) {
		block[bit / 8] ^= (uint8_t)(1u << bit % 8);
		g_assert_cmpint(state_reader_init(&reader, block, length), ==, -EPROTO);
		block[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	g_assert_cmpint(state_reader_init(&reader, block, length), ==, 0);
}

static void expect_problem(size_t length, const char *problem)
{
	struct state_reader reader;

	seal(length);
	g_assert_cmpint(state_reader_init(&reader, block, length), ==, -EPROTO);
	g_assert_cmpstr(reader.problem, ==, problem);
}

/* A right checksum says nothing about who made it. */
static void test_lies(void)
{
	const size_t clock = STATE_HEADER_SIZE;
	size_t length = write_example();

	store_le32(block + STATE_HEADER_VERSION, 2);
	expect_problem(length, "it was made by another version of Innkeeper");
	length = write_example();
	store_le32(block + STATE_HEADER_SECTIONS, 4);
	expect_problem(length, "its sections are not where they should be");
	store_le32(block + STATE_HEADER_SECTIONS, 2);
	expect_problem(length, "its sections are not where they should be");
	store_le32(block + STATE_HEADER_SECTIONS, UINT32_MAX);
	expect_problem(length, "its sections are not where they should be");
	for (uint32_t lie = UINT32_MAX - 40; lie != 0; lie++) {
		length = write_example();
		store_le32(block + clock + STATE_SECTION_LENGTH, lie);
		expect_problem(length, "its sections are not where they should be");
	}
	length = write_example();
	memset(block + clock, 'x', STATE_NAME_SIZE);
	expect_problem(length, "its sections are not where they should be");
	length = write_example();
	block[STATE_HEADER_RESERVED] = 1;
	expect_problem(length, "it is damaged");
}

static void test_other_machine(void)
{
	size_t length = write_example();
	struct state_reader reader;

	g_assert_cmpint(state_reader_init(&reader, block, length), ==, 0);
	g_assert_true(state_reader_has(&reader, "serial-16550.0"));
	g_assert_false(state_reader_has(&reader, "serial-16550"));
	g_assert_false(state_reader_has(&reader, "serial-16550.1"));
	g_assert_cmpint(state_reader_begin(&reader, "serial-16550.1", 1), ==, -EPROTO);
	g_assert_cmpstr(reader.problem, ==, "it lacks a part that this machine has");
	g_assert_cmpstr(reader.name, ==, "serial-16550.1");

	g_assert_cmpint(state_reader_init(&reader, block, length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "serial-16550.0", 1), ==, -EPROTO);
	g_assert_cmpstr(reader.problem, ==, "a part was saved by a newer version of Innkeeper");

	g_assert_cmpint(state_reader_init(&reader, block, length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "empty", 1), ==, 0);
	g_assert_cmpint(state_reader_end(&reader), ==, 0);
	g_assert_cmpint(state_reader_finish(&reader), ==, -EPROTO);
	g_assert_cmpstr(reader.problem, ==, "it has parts that this machine does not have");
}

/* The first problem stays, and all that follows it is zeros. */
static void test_wrong_part(void)
{
	size_t length = write_example();
	struct state_reader reader;

	g_assert_cmpint(state_reader_init(&reader, block, length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "serial-16550.0", 2), ==, 0);
	g_assert_false(state_reader_get_bool(&reader)); /* 0x5a */
	g_assert_cmpstr(reader.problem, ==, "a value is neither yes nor no");
	g_assert_cmphex(state_reader_get64(&reader), ==, 0);
	g_assert_false(state_reader_check(&reader, true, "nothing"));
	g_assert_cmpint(state_reader_end(&reader), ==, -EPROTO);
	g_assert_cmpint(state_reader_begin(&reader, "clock", 1), ==, -EPROTO);
	g_assert_cmpstr(reader.problem, ==, "a value is neither yes nor no");
	g_assert_cmpint(state_reader_result(&reader), ==, -EPROTO);

	g_assert_cmpint(state_reader_init(&reader, block, length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "clock", 1), ==, 0);
	g_assert_cmphex(state_reader_get32(&reader), ==, 0x55667788);
	g_assert_cmpint(state_reader_end(&reader), ==, -EPROTO);
	g_assert_cmpstr(reader.problem, ==, "a part has more than it should");

	g_assert_cmpint(state_reader_init(&reader, block, length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "empty", 1), ==, 0);
	g_assert_cmphex(state_reader_get8(&reader), ==, 0);
	g_assert_cmpstr(reader.problem, ==, "a part has less than it should");
}

static void test_too_small(void)
{
	uint8_t bytes[sizeof(version_1) + 1];

	for (size_t size = 0; size < sizeof(version_1); size++) {
		struct state_writer writer;
		size_t length = 0;

		memset(bytes, 0xee, sizeof(bytes));
		state_writer_init(&writer, bytes, size);
		state_writer_begin(&writer, "clock", 1);
		for (unsigned int i = 0; i < sizeof(version_1) / 8; i++)
			state_writer_put64(&writer, i);
		state_writer_end(&writer);
		g_assert_cmpint(state_writer_finish(&writer, &length), ==, -ENOSPC);
		g_assert_cmphex(bytes[size], ==, 0xee);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/state/checksum", test_checksum);
	g_test_add_func("/state/writes-version-1", test_writes_version_1);
	g_test_add_func("/state/reads-version-1", test_reads_version_1);
	g_test_add_func("/state/damage", test_damage);
	g_test_add_func("/state/lies", test_lies);
	g_test_add_func("/state/other-machine", test_other_machine);
	g_test_add_func("/state/wrong-part", test_wrong_part);
	g_test_add_func("/state/too-small", test_too_small);
	return g_test_run();
}
