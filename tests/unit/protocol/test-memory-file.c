/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/memory-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/crc32c.h"
#include "base/fd.h"

enum { PAGE = 4096, PIECES = 3, RAM_SIZE = PIECES * (2 << 20), SCREEN_SIZE = 5000 };

static const char state[] = "what the devices say";

/* RAM with three pages that are not zero, the last one among them, and the file of it. */
struct fixture {
	uint8_t *ram;
	uint32_t sums[PIECES];
	uint8_t screen[SCREEN_SIZE];
	struct memory_file_contents contents;
	int fd;
	struct memory_file file;
};

static void fixture_set_up(struct fixture *fixture, gconstpointer data)
{
	fixture->ram =
		mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert_true(fixture->ram != MAP_FAILED);
	memset(fixture->ram, 0x11, PAGE);
	fixture->ram[5 * PAGE + 7] = 0x22;
	fixture->ram[RAM_SIZE - 1] = 0x33;
	memset(fixture->screen, 0x44, SCREEN_SIZE);
	fixture->contents = (struct memory_file_contents){
		.ram = fixture->ram,
		.ram_size = RAM_SIZE,
		.regions = {{"screen", fixture->screen, SCREEN_SIZE}, {"nothing", "", 0}},
		.region_count = 2,
		.state = state,
		.state_length = sizeof(state),
		.sums = fixture->sums,
	};
	fixture->fd = memfd_create("test", MFD_CLOEXEC);
	g_assert_cmpint(fixture->fd, >=, 0);
	g_assert_cmpint(memory_file_write(fixture->fd, &fixture->contents), ==, 0);
}

static void fixture_tear_down(struct fixture *fixture, gconstpointer data)
{
	munmap(fixture->ram, RAM_SIZE);
	fd_close(&fixture->fd);
}

static void assert_reads(struct fixture *fixture)
{
	g_assert_cmpint(memory_file_read(fixture->fd, &fixture->file), ==, 0);
	g_assert_null(fixture->file.problem);
}

static void assert_refuses(struct fixture *fixture, const char *problem)
{
	g_assert_cmpint(memory_file_read(fixture->fd, &fixture->file), ==, -EPROTO);
	g_assert_cmpstr(fixture->file.problem, ==, problem);
}

static int check(struct fixture *fixture)
{
	return memory_file_check(fixture->fd, &fixture->file, NULL, NULL);
}

static void test_round_trip(struct fixture *fixture, gconstpointer data)
{
	g_autofree uint8_t *ram = g_malloc(RAM_SIZE);
	uint8_t screen[SCREEN_SIZE];
	char bytes[sizeof(state)];

	assert_reads(fixture);
	g_assert_cmpuint(fixture->file.ram_size, ==, RAM_SIZE);
	g_assert_cmpint(fd_read_at(fixture->fd, ram, RAM_SIZE, MEMORY_FILE_RAM), ==, 0);
	g_assert_cmpmem(ram, RAM_SIZE, fixture->ram, RAM_SIZE);
	g_assert_cmpint(memory_file_read_region(fixture->fd, &fixture->file,
						memory_file_find(&fixture->file, "screen"), screen),
			==, 0);
	g_assert_cmpmem(screen, SCREEN_SIZE, fixture->screen, SCREEN_SIZE);
	g_assert_cmpuint(memory_file_find(&fixture->file, "nothing")->length, ==, 0);
	g_assert_null(memory_file_find(&fixture->file, "flash"));
	g_assert_cmpuint(fixture->file.state_length, ==, sizeof(state));
	g_assert_cmpint(memory_file_read_state(fixture->fd, &fixture->file, bytes), ==, 0);
	g_assert_cmpmem(bytes, sizeof(bytes), state, sizeof(state));
	g_assert_cmpint(check(fixture), ==, 0);
}

/* Only what the guest has written takes room. */
static void test_holes(struct fixture *fixture, gconstpointer data)
{
	const off_t ram = MEMORY_FILE_RAM;

	g_assert_cmpint(lseek(fixture->fd, ram, SEEK_DATA), ==, ram);
	g_assert_cmpint(lseek(fixture->fd, ram, SEEK_HOLE), ==, ram + PAGE);
	g_assert_cmpint(lseek(fixture->fd, ram + PAGE, SEEK_DATA), ==, ram + 5 * PAGE);
	g_assert_cmpint(lseek(fixture->fd, ram + 6 * PAGE, SEEK_DATA), ==, ram + RAM_SIZE - PAGE);
}

/* Also those of pieces of zeros, which are not calculated. */
static void test_sums(struct fixture *fixture, gconstpointer data)
{
	for (size_t i = 0; i < PIECES; i++)
		g_assert_cmphex(load_le32(&fixture->sums[i]), ==,
				crc32c(0, fixture->ram + i * MEMORY_FILE_PIECE, MEMORY_FILE_PIECE));
}

static void test_gives_back(struct fixture *fixture, gconstpointer data)
{
	fixture->contents.give_back = true;
	g_assert_cmpint(memory_file_write(fixture->fd, &fixture->contents), ==, 0);
	assert_reads(fixture);
	g_assert_cmpint(check(fixture), ==, 0);
	g_assert_cmpuint(fixture->ram[0], ==, 0);
	g_assert_cmpuint(fixture->ram[RAM_SIZE - 1], ==, 0);
}

/* What version 1 is, for all time: files like this lie on disks. */
static void test_golden(struct fixture *fixture, gconstpointer data)
{
	/* clang-format off */
	static const uint8_t golden[] = {
		'I', 'N', 'N', 'M', 'E', 'M', 'R', 'Y', 1, 0, 0, 0,
		0x02, 0x37, 0xc1, 0x72, 0, 0, 0x60, 0, 0, 0, 0, 0,
		0x86, 0xf6, 0x1c, 0, 21, 0, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0,
		's', 'c', 'r', 'e', 'e', 'n', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0x13, 0, 0, 0, 0, 0, 0,
		0x19, 0xde, 0xc2, 0x7e, 0, 0, 0, 0,
		'n', 'o', 't', 'h', 'i', 'n', 'g', 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0,
	};
	/* clang-format on */
	uint8_t header[MEMORY_FILE_HEADER_SIZE];

	g_assert_cmpint(fd_read_at(fixture->fd, header, sizeof(header), 0), ==, 0);
	g_assert_cmpmem(header, sizeof(golden), golden, sizeof(golden));
	assert_reads(fixture);
	g_assert_cmpuint(fixture->file.sums_offset, ==, (8 << 20) + 2 * PAGE);
	g_assert_cmpuint(fixture->file.state_offset, ==, (8 << 20) + 3 * PAGE);
	g_assert_cmpuint(fixture->file.length, ==, (8 << 20) + 3 * PAGE + 21);
}

static void change(struct fixture *fixture, uint64_t offset, uint8_t value)
{
	g_assert_cmpint(fd_write_at(fixture->fd, &value, 1, offset), ==, 0);
}

/* Changes a field of the header and puts its checksum right. */
static void set_field(struct fixture *fixture, size_t offset, uint64_t value, size_t width)
{
	uint8_t header[MEMORY_FILE_HEADER_SIZE], bytes[8];

	g_assert_cmpint(fd_read_at(fixture->fd, header, sizeof(header), 0), ==, 0);
	store_le64(bytes, value);
	memcpy(header + offset, bytes, width);
	store_le32(header + MEMORY_FILE_HEADER_CHECKSUM, 0);
	store_le32(header + MEMORY_FILE_HEADER_CHECKSUM, crc32c(0, header, sizeof(header)));
	g_assert_cmpint(fd_write_at(fixture->fd, header, sizeof(header), 0), ==, 0);
}

static void test_not_complete(struct fixture *fixture, gconstpointer data)
{
	static const uint8_t zeros[MEMORY_FILE_HEADER_SIZE];
	const off_t cuts[] = {0, 100, MEMORY_FILE_HEADER_SIZE, RAM_SIZE};
	struct stat status;

	g_assert_cmpint(fstat(fixture->fd, &status), ==, 0);
	g_assert_cmpint(ftruncate(fixture->fd, status.st_size - 1), ==, 0);
	assert_refuses(fixture, "it is not complete");
	for (size_t i = G_N_ELEMENTS(cuts); i-- > 0;) {
		g_assert_cmpint(ftruncate(fixture->fd, cuts[i]), ==, 0);
		assert_refuses(fixture, "it is not complete");
	}
	/* one whose writer was killed */
	g_assert_cmpint(memory_file_write(fixture->fd, &fixture->contents), ==, 0);
	g_assert_cmpint(fd_write_at(fixture->fd, zeros, sizeof(zeros), 0), ==, 0);
	assert_refuses(fixture, "it is not complete");
}

static void test_damaged(struct fixture *fixture, gconstpointer data)
{
	change(fixture, MEMORY_FILE_RAM + 5 * PAGE, 1);
	assert_reads(fixture);
	g_assert_cmpint(check(fixture), ==, -EPROTO);
	g_assert_cmpstr(fixture->file.problem, ==, "it is damaged");

	change(fixture, MEMORY_FILE_RAM + 5 * PAGE, 0);
	assert_reads(fixture);
	g_assert_cmpint(check(fixture), ==, 0);
	change(fixture, fixture->file.sums_offset, 1);
	g_assert_cmpint(check(fixture), ==, -EPROTO);

	/* in the middle of a hole; and a hole where something was */
	g_assert_cmpint(memory_file_write(fixture->fd, &fixture->contents), ==, 0);
	assert_reads(fixture);
	change(fixture, MEMORY_FILE_RAM + MEMORY_FILE_PIECE + 9 * PAGE, 1);
	g_assert_cmpint(check(fixture), ==, -EPROTO);
	change(fixture, MEMORY_FILE_RAM + MEMORY_FILE_PIECE + 9 * PAGE, 0);
	g_assert_cmpint(check(fixture), ==, 0);
	g_assert_cmpint(fallocate(fixture->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  MEMORY_FILE_RAM + RAM_SIZE - PAGE, PAGE),
			==, 0);
	g_assert_cmpint(check(fixture), ==, -EPROTO);

	g_assert_cmpint(memory_file_write(fixture->fd, &fixture->contents), ==, 0);
	assert_reads(fixture);
	change(fixture, fixture->file.regions[0].offset, 1);
	g_assert_cmpint(check(fixture), ==, -EPROTO);
	g_assert_cmpint(memory_file_read_region(fixture->fd, &fixture->file,
						&fixture->file.regions[0], fixture->screen),
			==, -EPROTO);

	change(fixture, MEMORY_FILE_HEADER_RAM + 3, 1);
	assert_refuses(fixture, "it is damaged");
}

static void test_nonsense(struct fixture *fixture, gconstpointer data)
{
	static const char nonsense[] = "its sizes are not those of a machine";
	static const struct {
		size_t offset, width;
		uint64_t value;
		const char *problem;
	} cases[] = {
		{0, 1, 'X', "it is not the memory of a machine"},
		{MEMORY_FILE_HEADER_VERSION, 4, 2, "it was made by a newer version of Innkeeper"},
		{MEMORY_FILE_HEADER_VERSION, 4, 0, "it is damaged"},
		{MEMORY_FILE_HEADER_RAM, 8, 0, nonsense},
		{MEMORY_FILE_HEADER_RAM, 8, RAM_SIZE + 1, nonsense},
		{MEMORY_FILE_HEADER_RAM, 8, 1ULL << 47, nonsense},
		{MEMORY_FILE_HEADER_RAM, 8, UINT64_MAX - (2 << 20) + 1, nonsense},
		{MEMORY_FILE_HEADER_RAM, 8, 1ULL << 40, "it is not complete"},
		{MEMORY_FILE_HEADER_STATE, 4, UINT32_MAX, nonsense},
		{MEMORY_FILE_HEADER_REGIONS, 4, 9, nonsense},
		{MEMORY_FILE_HEADER_REGIONS, 4, 3, nonsense}, /* the third has no name */
		{MEMORY_FILE_HEADER_FIRST_REGION + MEMORY_FILE_NAME_SIZE - 1, 1, 'x', nonsense},
		{MEMORY_FILE_HEADER_FIRST_REGION + MEMORY_FILE_REGION_LENGTH, 8, UINT64_MAX,
		 nonsense},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		set_field(fixture, cases[i].offset, cases[i].value, cases[i].width);
		assert_refuses(fixture, cases[i].problem);
		g_assert_cmpint(memory_file_write(fixture->fd, &fixture->contents), ==, 0);
	}
}

static bool stop_at_once(void *data, uint64_t done, uint64_t total)
{
	g_assert_cmpuint(total, ==, RAM_SIZE);
	return done < *(const uint64_t *)data;
}

static void test_cancelled(struct fixture *fixture, gconstpointer data)
{
	uint64_t most = MEMORY_FILE_PIECE;

	assert_reads(fixture);
	g_assert_cmpint(memory_file_check(fixture->fd, &fixture->file, stop_at_once, &most), ==,
			-ECANCELED);
}

static void test_disk_full(void)
{
	uint32_t sum;
	const struct memory_file_contents contents = {
		.ram = g_malloc(MEMORY_FILE_PIECE),
		.ram_size = MEMORY_FILE_PIECE,
		.state = state,
		.state_length = sizeof(state),
		.sums = &sum,
	};
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	memset(contents.ram, 1, MEMORY_FILE_PIECE);
	g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), ==, 0);
	g_assert_cmpint(memory_file_write(fd, &contents), <, 0);
	g_free(contents.ram);
	fd_close(&fd);
}

#define ADD(name, function) \
	g_test_add(name, struct fixture, NULL, fixture_set_up, function, fixture_tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("/memory-file/round-trip", test_round_trip);
	ADD("/memory-file/holes", test_holes);
	ADD("/memory-file/sums", test_sums);
	ADD("/memory-file/gives-back", test_gives_back);
	ADD("/memory-file/golden", test_golden);
	ADD("/memory-file/not-complete", test_not_complete);
	ADD("/memory-file/damaged", test_damaged);
	ADD("/memory-file/nonsense", test_nonsense);
	ADD("/memory-file/cancelled", test_cancelled);
	g_test_add_func("/memory-file/cannot-be-written", test_disk_full);
	return g_test_run();
}
