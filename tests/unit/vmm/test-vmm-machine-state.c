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

#define UEFI_PC "--memory 64M --cpus 1 --firmware uefi --display 800x600,model=vga " GENERATION

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

static void create_uefi_pc(struct whole_machine *whole)
{
	whole_machine_create(whole, FOREVER, sizeof(FOREVER) - 1, UEFI_PC);
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

/*
 * Machines that earlier versions of Innkeeper have saved, oldest first, in files that are never
 * changed. When the version of a section goes up, a file with it is added: this test writes those
 * that are not there yet with INNKEEPER_WRITE_STATES=1.
 */
static const struct kept_state {
	const char *name;
	void (*create)(struct whole_machine *whole);
	bool newest; /* of this machine */
} kept_states[] = {
	{"pc-1", create_pc, true},
	{"uefi-vga-1", create_uefi_pc, true},
};

static void read_kept(const struct kept_state *kept, struct machine *machine, struct saved *saved)
{
	g_autofree char *path = g_build_filename(g_getenv("INNKEEPER_STATES"), kept->name, NULL);
	g_autofree char *bytes = NULL;

	if (g_getenv("INNKEEPER_WRITE_STATES") && !g_file_test(path, G_FILE_TEST_EXISTS)) {
		save(machine, saved);
		g_assert_true(g_file_set_contents(path, (const char *)saved->bytes,
						  (gssize)saved->length, NULL));
	}
	g_assert_true(g_file_get_contents(path, &bytes, &saved->length, NULL));
	g_assert_cmpuint(saved->length, <=, sizeof(saved->bytes));
	memcpy(saved->bytes, bytes, saved->length);
}

/* Which another computer may be without. */
static bool is_of_processor(const char *name)
{
	return g_str_has_prefix(name, "vcpu.") || g_str_equal(name, "kvm-clock") ||
	       g_str_equal(name, "cpuid") || g_str_equal(name, "interrupt-chips");
}

static const uint8_t *find_section(const struct saved *saved, const char *name, size_t *ret_length)
{
	size_t at = STATE_HEADER_SIZE;

	while (at < saved->length) {
		const uint8_t *header = next_section(saved, &at, ret_length);

		if (g_str_equal(header, name))
			return header;
	}
	g_error("there is no %s", name);
}

/* What was kept, with the processors of a machine of this computer. */
static void move_to_this_computer(const struct saved *kept, const struct saved *present,
				  struct saved *result)
{
	struct state_writer writer;
	size_t at = STATE_HEADER_SIZE;

	state_writer_init(&writer, result->bytes, sizeof(result->bytes));
	while (at < kept->length) {
		size_t length;
		const uint8_t *header = next_section(kept, &at, &length);
		const char *name = (const char *)header;

		if (is_of_processor(name))
			header = find_section(present, name, &length);
		state_writer_begin(&writer, name, load_le32(header + STATE_SECTION_VERSION));
		state_writer_put_bytes(&writer, header + STATE_SECTION_HEADER_SIZE, length);
		state_writer_end(&writer);
	}
	g_assert_cmpint(state_writer_finish(&writer, &result->length), ==, 0);
}

static void assert_same_versions(const struct saved *kept, const struct saved *present)
{
	size_t at = STATE_HEADER_SIZE, length;

	while (at < present->length) {
		const uint8_t *header = next_section(present, &at, &length);
		const uint8_t *other = find_section(kept, (const char *)header, &length);

		if (load_le32(header + STATE_SECTION_VERSION) !=
		    load_le32(other + STATE_SECTION_VERSION))
			g_error("no state with this version of %s is kept", (const char *)header);
	}
}

static void test_kept(gconstpointer data)
{
	const struct kept_state *kept = data;
	g_autofree struct saved *before = g_new(struct saved, 1);
	g_autofree struct saved *moved = g_new(struct saved, 1);
	g_autofree struct saved *present = g_new(struct saved, 1);
	struct whole_machine whole;

	kept->create(&whole);
	read_kept(kept, whole.machine, before);
	save(whole.machine, present);
	move_to_this_computer(before, present, moved);
	g_assert_cmpint(load(whole.machine, moved), ==, 0);
	save(whole.machine, present);
	if (kept->newest) {
		assert_same_versions(before, present);
		assert_same(moved, present);
	}
	whole_machine_destroy(&whole);
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
	for (size_t i = 0; i < G_N_ELEMENTS(kept_states); i++) {
		g_autofree char *path =
			g_strconcat("/machine-state/kept/", kept_states[i].name, NULL);

		g_test_add_data_func(path, &kept_states[i], test_kept);
	}
	g_test_add_func("/machine-state/size", test_size);
	g_test_add_func("/machine-state/other-machine", test_other_machine);
	g_test_add_func("/machine-state/other-processor", test_other_processor);
	r = g_test_run();
	g_unlink(disk);
	g_free(disk);
	return r;
}
