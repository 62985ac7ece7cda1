/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of whole machines, from one to another, on a real /dev/kvm.
 */
#include "machine/machine-state.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/socket.h>

#include "base/byte-order.h"
#include "needs-kvm.h"
#include "base/crc32c.h"
#include "state/state-reader.h"
#include "state/state-writer.h"
#include "whole-machine.h"

#define FOREVER    "\xeb\xfe"
#define GENERATION "--vmgenid 00112233-4455-6677-8899-aabbccddeeff"
#define WHOLE_PC                                                                            \
	"--memory 64M --cpus 2 --balloon on --console-port p --vsock 3 --display 1024x768 " \
	"--disk '%s' --disk '%s',readonly=on --disk '%s',bus=ahci --cdrom none --net fd=%d " GENERATION

static char *disk;

struct saved {
	size_t length;
	uint8_t bytes[256 << 10];
};

static void save(struct machine *machine, struct saved *saved)
{
	struct state_writer writer;

	state_writer_init(&writer, saved->bytes, sizeof(saved->bytes));
	g_assert_cmpint(machine_state_save(machine, &writer), ==, 0);
	g_assert_cmpint(state_writer_finish(&writer, &saved->length), ==, 0);
}

static int load(struct machine *machine, struct saved *saved)
{
	struct state_reader reader;

	g_assert_cmpint(state_reader_init(&reader, saved->bytes, saved->length), ==, 0);
	return machine_state_load(machine, &reader);
}

static void create_pc(struct whole_machine *whole)
{
	int pair[2];
	g_autofree char *options = NULL;

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	close(pair[1]);
	options = g_strdup_printf(WHOLE_PC, disk, disk, disk, pair[0]);
	whole_machine_create(whole, FOREVER, sizeof(FOREVER) - 1, options);
}

/* The section at *at, which moves to the next. */
static const uint8_t *next_section(const struct saved *saved, size_t *at, size_t *ret_length)
{
	const uint8_t *header = saved->bytes + *at;
	size_t length = load_le32(header + STATE_SECTION_LENGTH);

	*ret_length = length;
	*at += STATE_SECTION_HEADER_SIZE + ((length + 7) & ~(size_t)7);
	return header;
}

/* Time goes on between one and the other. */
static bool has_time(const char *name)
{
	return g_str_has_prefix(name, "vcpu.") || g_str_equal(name, "kvm-clock") ||
	       g_str_equal(name, "acpi-pm") || g_str_equal(name, "interrupt-chips") ||
	       g_str_equal(name, "cmos-rtc");
}

static void assert_same(const struct saved *a, const struct saved *b)
{
	size_t at_a = STATE_HEADER_SIZE, at_b = STATE_HEADER_SIZE;

	g_assert_cmpuint(a->length, ==, b->length);
	while (at_a < a->length) {
		size_t length_a, length_b;
		const uint8_t *header_a = next_section(a, &at_a, &length_a);
		const uint8_t *header_b = next_section(b, &at_b, &length_b);

		g_assert_cmpmem(header_a, STATE_SECTION_HEADER_SIZE, header_b,
				STATE_SECTION_HEADER_SIZE);
		if (has_time((const char *)header_a))
			continue;
		if (memcmp(header_a, header_b, STATE_SECTION_HEADER_SIZE + length_a) != 0)
			g_error("%s is not what it was", (const char *)header_a);
	}
}

static void test_whole_pc(void)
{
	g_autofree struct saved *before = g_new(struct saved, 1);
	g_autofree struct saved *after = g_new(struct saved, 1);
	struct whole_machine first, second;

	create_pc(&first);
	save(first.machine, before);
	g_test_message("%zu bytes", before->length);
	create_pc(&second);
	g_assert_cmpint(load(second.machine, before), ==, 0);
	save(second.machine, after);
	assert_same(before, after);
	whole_machine_destroy(&second);
	whole_machine_destroy(&first);
}

/* The state is copied while the guest waits. */
static void test_size(void)
{
	g_autofree struct saved *saved = g_new(struct saved, 1);
	struct whole_machine whole;

	whole_machine_create(&whole, FOREVER, sizeof(FOREVER) - 1, "--memory 64M --cpus 4");
	save(whole.machine, saved);
	g_test_message("%zu bytes for 4 vCPUs", saved->length);
	g_assert_cmpuint(saved->length, <=, 64 << 10);
	whole_machine_destroy(&whole);
}

static void assert_refused(struct saved *saved, const char *options, const char *problem)
{
	struct whole_machine whole;
	struct state_reader reader;

	whole_machine_create(&whole, FOREVER, sizeof(FOREVER) - 1, options);
	g_assert_cmpint(state_reader_init(&reader, saved->bytes, saved->length), ==, 0);
	g_assert_cmpint(machine_state_load(whole.machine, &reader), ==, -EPROTO);
	g_assert_cmpstr(reader.problem, ==, problem);
	whole_machine_destroy(&whole);
}

/* A machine takes no state of another. */
static void test_other_machine(void)
{
	g_autofree struct saved *saved = g_new(struct saved, 1);
	struct whole_machine whole;

	whole_machine_create(&whole, FOREVER, sizeof(FOREVER) - 1,
			     "--memory 64M --cpus 2 --balloon on");
	save(whole.machine, saved);
	whole_machine_destroy(&whole);
	assert_refused(saved, "--memory 64M --cpus 2 --balloon on --console-port p",
		       "it lacks a part that this machine has");
	assert_refused(saved, "--memory 64M --cpus 2",
		       "it has a part that this machine does not have");
	assert_refused(saved, "--memory 64M --cpus 1 --balloon on",
		       "it has a part that this machine does not have");
}

/* A processor with everything: no computer has that. */
static void test_other_processor(void)
{
	g_autofree struct saved *saved = g_new(struct saved, 1);
	struct whole_machine whole;
	size_t at = STATE_HEADER_SIZE, length;
	uint8_t *payload;

	whole_machine_create(&whole, FOREVER, sizeof(FOREVER) - 1, "--memory 64M");
	save(whole.machine, saved);
	whole_machine_destroy(&whole);
	g_assert_cmpstr((const char *)next_section(saved, &at, &length), ==, "cpuid");
	payload = saved->bytes + STATE_HEADER_SIZE + STATE_SECTION_HEADER_SIZE + 4;
	for (uint8_t *entry = payload; entry + 28 <= payload + length - 4; entry += 28) {
		if (load_le32(entry) == 7 && load_le32(entry + 4) == 0)
			store_le32(entry + 16, UINT32_MAX);
	}
	store_le32(saved->bytes + STATE_HEADER_CHECKSUM, 0);
	store_le32(saved->bytes + STATE_HEADER_CHECKSUM, crc32c(0, saved->bytes, saved->length));
	assert_refused(saved, "--memory 64M", "it needs another processor");
}

int main(int argc, char **argv)
{
	int fd, r;

	need_kvm();
	g_test_init(&argc, &argv, NULL);
	fd = g_file_open_tmp("innkeeper-state-XXXXXX", &disk, NULL);
	g_assert_cmpint(ftruncate(fd, 1 << 20), ==, 0);
	close(fd);
	g_test_add_func("/machine-state/whole-pc", test_whole_pc);
	g_test_add_func("/machine-state/size", test_size);
	g_test_add_func("/machine-state/other-machine", test_other_machine);
	g_test_add_func("/machine-state/other-processor", test_other_processor);
	r = g_test_run();
	g_unlink(disk);
	g_free(disk);
	return r;
}
