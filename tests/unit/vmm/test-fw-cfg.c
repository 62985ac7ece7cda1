/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/fw-cfg.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "bus/address-space.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "state-block.h"

enum {
	SELECTOR = 0x510,
	DATA = 0x511,
	DMA_HIGH = 0x514,
	DMA_LOW = 0x518,
	DIRECTORY = 0x19,

	DMA_ERROR = 1,
	DMA_READ = 2,
	DMA_SKIP = 4,
	DMA_SELECT = 8,
	DMA_WRITE = 16,

	CONTROL = 0x1000, /* guest addresses */
	BUFFER = 0x2000,
	MEMORY_SIZE = 8 << 20,
};

struct fixture {
	struct address_space *ports;
	struct guest_memory *memory;
	struct event_loop *loop;
	struct event_timer *look;
	struct fw_cfg *config;
};

static void set_up(struct fixture *f)
{
	g_assert_cmpint(address_space_create(0x10000, &f->ports), ==, 0);
	g_assert_cmpint(guest_memory_create(MEMORY_SIZE, &f->memory), ==, 0);
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	g_assert_cmpint(fw_cfg_create(f->ports, f->memory, f->loop, &f->config), ==, 0);
}

static void tear_down(struct fixture *f)
{
	fw_cfg_destroy(f->config);
	event_loop_destroy(f->loop);
	guest_memory_destroy(f->memory);
	address_space_destroy(f->ports);
}

static void select_key(struct fixture *f, uint16_t key)
{
	address_space_write(f->ports, SELECTOR, 2, key);
}

static void assert_data(struct fixture *f, const void *expected, size_t length)
{
	for (size_t i = 0; i < length; i++)
		g_assert_cmphex(address_space_read(f->ports, DATA, 1), ==,
				((const uint8_t *)expected)[i]);
}

static void start_dma(struct fixture *f, uint32_t control, uint32_t length, uint64_t gpa)
{
	uint8_t access[16];

	store_be32(access, control);
	store_be32(access + 4, length);
	store_be32(access + 8, (uint32_t)(gpa >> 32));
	store_be32(access + 12, (uint32_t)gpa);
	g_assert_cmpint(guest_memory_write(f->memory, CONTROL, access, sizeof(access)), ==, 0);
	address_space_write(f->ports, DMA_HIGH, 4, 0);
	address_space_write(f->ports, DMA_LOW, 4, GUINT32_SWAP_LE_BE(CONTROL));
}

static uint32_t control_word(struct fixture *f)
{
	uint8_t word[4];

	g_assert_cmpint(guest_memory_read(f->memory, CONTROL, word, sizeof(word)), ==, 0);
	return load_be32(word);
}

static void assert_dma(struct fixture *f, uint32_t control, uint32_t length, uint64_t gpa,
		       uint32_t result)
{
	start_dma(f, control, length, gpa);
	fw_cfg_drain(f->config);
	g_assert_cmphex(control_word(f), ==, result);
}

static void assert_buffer(struct fixture *f, const void *expected, size_t length)
{
	g_assert_cmpmem(guest_memory_at(f->memory, BUFFER, length), length, expected, length);
}

static void test_detection(void)
{
	struct fixture f;

	set_up(&f);
	select_key(&f, 0);
	assert_data(&f, "QEMU\0\0", 6);
	select_key(&f, 1);
	assert_data(&f, "\3\0\0\0\0", 5);
	g_assert_cmphex(address_space_read(f.ports, DMA_HIGH, 4), ==, 0x554d4551); /* "QEMU" */
	g_assert_cmphex(address_space_read(f.ports, DMA_LOW, 4), ==, 0x47464320);  /* " CFG" */
	select_key(&f, 0x1234);
	assert_data(&f, "\0\0", 2);
	tear_down(&f);
}

static void test_directory(void)
{
	/* count, then size, key, reserved, name of each */
	static const char *const names[] = {"etc/a", "etc/b", "etc/c"};
	const uint8_t *written;
	struct fixture f;
	uint8_t entry[64];

	set_up(&f);
	g_assert_cmpint(fw_cfg_add_file(f.config, "etc/c", "ccc", 3), ==, 0);
	g_assert_cmpint(fw_cfg_add_file(f.config, "etc/a", "a", 1), ==, 0);
	g_assert_cmpint(fw_cfg_add_writable_file(f.config, "etc/b", 2, &written), ==, 0);
	g_assert_cmpint(fw_cfg_add_file(f.config, "etc/a", "x", 1), ==, -EEXIST);
	select_key(&f, DIRECTORY);
	assert_data(&f, "\0\0\0\3", 4);
	for (unsigned int i = 0; i < 3; i++) {
		memset(entry, 0, sizeof(entry));
		entry[3] = (uint8_t)(i + 1);
		entry[5] = (uint8_t)(0x20 + i);
		strcpy((char *)entry + 8, names[i]);
		assert_data(&f, entry, sizeof(entry));
	}
	assert_data(&f, "\0", 1);
	select_key(&f, 0x22);
	assert_data(&f, "ccc\0", 4);
	tear_down(&f);
}

static void test_limits(void)
{
	char name[FW_CFG_NAME_SIZE + 1];
	struct fixture f;

	set_up(&f);
	memset(name, 'n', sizeof(name));
	name[FW_CFG_NAME_SIZE] = '\0';
	g_assert_cmpint(fw_cfg_add_file(f.config, name, "", 0), ==, -ENAMETOOLONG);
	name[FW_CFG_NAME_SIZE - 1] = '\0';
	g_assert_cmpint(fw_cfg_add_file(f.config, name, "", 0), ==, 0);
	for (unsigned int i = 1; i < FW_CFG_MAX_FILES; i++) {
		g_snprintf(name, sizeof(name), "opt/%u", i);
		g_assert_cmpint(fw_cfg_add_file(f.config, name, "", 0), ==, 0);
	}
	g_assert_cmpint(fw_cfg_add_file(f.config, "one/more", "", 0), ==, -ENOSPC);
	g_assert_cmpint(fw_cfg_add_u16(f.config, FW_CFG_CPUS, 2), ==, 0);
	g_assert_cmpint(fw_cfg_add_u16(f.config, FW_CFG_CPUS, 2), ==, -EEXIST);
	g_assert_cmpint(fw_cfg_add_u16(f.config, DIRECTORY, 2), ==, -EEXIST);
	tear_down(&f);
}

static void test_dma_read(void)
{
	struct fixture f;

	set_up(&f);
	g_assert_cmpint(fw_cfg_add(f.config, FW_CFG_CMDLINE_DATA, "abcdef", 6), ==, 0);
	assert_dma(&f, FW_CFG_CMDLINE_DATA << 16 | DMA_SELECT | DMA_READ, 2, BUFFER, 0);
	assert_buffer(&f, "ab\0", 3);
	assert_dma(&f, DMA_SKIP, 1, 0, 0);
	memset(guest_memory_at(f.memory, BUFFER, 8), 'x', 8);
	assert_dma(&f, DMA_READ, 6, BUFFER, 0);
	assert_buffer(&f, "def\0\0\0x", 7);
	/* what comes behind the end, however far, is zeros */
	assert_dma(&f, DMA_SKIP, UINT32_MAX, 0, 0);
	assert_dma(&f, DMA_SKIP, UINT32_MAX, 0, 0);
	assert_dma(&f, DMA_READ, 4, BUFFER, 0);
	assert_buffer(&f, "\0\0\0\0", 4);
	tear_down(&f);
}

static void test_dma_outside(void)
{
	struct fixture f;

	set_up(&f);
	g_assert_cmpint(fw_cfg_add(f.config, FW_CFG_CMDLINE_DATA, "abcdef", 6), ==, 0);
	select_key(&f, FW_CFG_CMDLINE_DATA);
	assert_dma(&f, DMA_READ, 6, MEMORY_SIZE - 5, DMA_ERROR);
	assert_dma(&f, DMA_READ, UINT32_MAX, 0, DMA_ERROR);
	assert_dma(&f, DMA_READ, 6, UINT64_MAX, DMA_ERROR);
	assert_data(&f, "abc", 3); /* nothing has been used up */
	/* a control structure that is not in memory is nobody's */
	address_space_write(f.ports, DMA_HIGH, 4, 0xffffffff);
	address_space_write(f.ports, DMA_LOW, 4, 0xffffffff);
	address_space_write(f.ports, DMA_LOW, 4, GUINT32_SWAP_LE_BE(MEMORY_SIZE - 8));
	tear_down(&f);
}

static void test_write(void)
{
	const uint8_t *bytes;
	uint8_t *changing;
	struct fixture f;

	set_up(&f);
	g_assert_cmpint(fw_cfg_add_writable_file(f.config, "etc/b", 8, &bytes), ==, 0);
	g_assert_cmpint(fw_cfg_add_file(f.config, "etc/c", "ccc", 3), ==, 0);
	g_assert_cmpint(fw_cfg_add_changing_file(f.config, "etc/d", 4, &changing), ==, 0);
	g_assert_cmpint(fw_cfg_add_changing_file(f.config, "etc/d", 4, &changing), ==, -EEXIST);
	g_assert_cmpint(guest_memory_write(f.memory, BUFFER, "12345678", 8), ==, 0);
	select_key(&f, 0x20);
	assert_dma(&f, DMA_SKIP, 2, 0, 0);
	assert_dma(&f, DMA_WRITE, 4, BUFFER, 0);
	g_assert_cmpmem(bytes, 8, "\0\0001234\0\0", 8);
	assert_dma(&f, DMA_WRITE, 3, BUFFER, DMA_ERROR);
	assert_dma(&f, 0x21 << 16 | DMA_SELECT | DMA_WRITE, 3, BUFFER, DMA_ERROR);
	assert_dma(&f, 0x20 << 16 | DMA_SELECT | DMA_WRITE, 8, MEMORY_SIZE, DMA_ERROR);
	fw_cfg_reset(f.config);
	g_assert_cmpmem(bytes, 8, "\0\0\0\0\0\0\0\0", 8);
	/* one that only we change: over and over, whatever the guest does */
	assert_dma(&f, 0x22 << 16 | DMA_SELECT | DMA_WRITE, 3, BUFFER, DMA_ERROR);
	memcpy(changing, "new", 3);
	fw_cfg_reset(f.config);
	select_key(&f, 0x22);
	assert_data(&f, "new", 3);
	tear_down(&f);
}

static int make_file(size_t size)
{
	int fd = memfd_create("item", MFD_CLOEXEC);
	g_autofree uint8_t *bytes = g_malloc(size);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 31 >> 4);
	g_assert_cmpint(write(fd, bytes, size), ==, (ssize_t)size);
	return fd;
}

static void look_again(void *data)
{
	struct fixture *f = data;

	if (control_word(f) == 0)
		event_loop_stop(f->loop, 0);
	else
		event_timer_set(f->look, event_loop_now());
}

/* The loop carries it on, a piece in each turn, and the guest sees the end when all is there. */
static void test_file(void)
{
	const uint32_t size = 2 * FW_CFG_PIECE + 5;
	struct fixture f;
	int fd = make_file(size + 3);
	g_autofree uint8_t *expected = g_malloc0(size + 10);

	set_up(&f);
	g_assert_cmpint(fd_read_at(fd, expected, size, 3), ==, 0);
	g_assert_cmpint(fw_cfg_add_fd(f.config, FW_CFG_INITRD_DATA, fd, 3, size), ==, 0);
	select_key(&f, FW_CFG_INITRD_DATA);
	start_dma(&f, DMA_READ, size + 10, BUFFER);
	g_assert_cmphex(control_word(&f), !=, 0);
	g_assert_cmpint(event_loop_add_timer(f.loop, look_again, &f, &f.look), ==, 0);
	event_timer_set(f.look, event_loop_now());
	g_assert_cmpint(event_loop_run(f.loop), ==, 0);
	assert_buffer(&f, expected, size + 10);
	tear_down(&f);
	fd_close(&fd);
}

static void test_busy_and_reset(void)
{
	struct fixture f;
	int fd = make_file(64);
	uint8_t before[64];

	set_up(&f);
	g_assert_cmpint(fw_cfg_add_fd(f.config, FW_CFG_INITRD_DATA, fd, 0, 64), ==, 0);
	select_key(&f, FW_CFG_INITRD_DATA);
	start_dma(&f, DMA_READ, 64, BUFFER);
	start_dma(&f, DMA_READ, 64, BUFFER + 64);
	g_assert_cmphex(control_word(&f), ==, DMA_ERROR);
	memcpy(before, guest_memory_at(f.memory, BUFFER, 64), 64);
	fw_cfg_reset(f.config);
	fw_cfg_drain(f.config);
	assert_buffer(&f, before, 64); /* nothing more came after the reset */
	tear_down(&f);
	fd_close(&fd);
}

/* Somebody cuts the file short: the guest is told, nobody else notices. */
static void test_file_shrinks(void)
{
	struct fixture f;
	int fd = make_file(64);

	set_up(&f);
	g_assert_cmpint(fw_cfg_add_fd(f.config, FW_CFG_INITRD_DATA, fd, 0, 64), ==, 0);
	g_assert_cmpint(ftruncate(fd, 10), ==, 0);
	select_key(&f, FW_CFG_INITRD_DATA);
	assert_data(&f, "\0", 1); /* the data port does not read files */
	assert_dma(&f, DMA_READ, 63, BUFFER, DMA_ERROR);
	tear_down(&f);
	fd_close(&fd);
}

static void add_files(struct fixture *f, size_t size, const uint8_t **ret_written)
{
	g_assert_cmpint(fw_cfg_add_file(f->config, "a", "abcdef", 6), ==, 0);
	g_assert_cmpint(fw_cfg_add_writable_file(f->config, "b", size, ret_written), ==, 0);
}

/* A file half read, another written to. */
static void test_state(void)
{
	static struct state_block block;
	struct fixture f, other;
	const uint8_t *written;

	set_up(&f);
	add_files(&f, 4, &written);
	g_assert_cmpint(guest_memory_write(f.memory, BUFFER, "xyz", 3), ==, 0);
	start_dma(&f, 0x21 << 16 | DMA_SELECT | DMA_WRITE, 3, BUFFER);
	g_assert_cmphex(control_word(&f), ==, 0);
	select_key(&f, 0x20);
	assert_data(&f, "abc", 3);
	STATE_BLOCK_SAVE(&block, fw_cfg_save, f.config);
	tear_down(&f);

	set_up(&other);
	add_files(&other, 4, &written);
	STATE_BLOCK_LOAD(&block, fw_cfg_load, other.config);
	assert_data(&other, "def\0", 4);
	g_assert_cmpmem(written, 4, "xyz\0", 4);
	tear_down(&other);

	set_up(&other);
	add_files(&other, 3, &written);
	g_assert_cmpint(fw_cfg_load(other.config, state_block_read(&block)), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, "firmware was given other files");
	tear_down(&other);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/fw-cfg/detection", test_detection);
	g_test_add_func("/fw-cfg/directory", test_directory);
	g_test_add_func("/fw-cfg/limits", test_limits);
	g_test_add_func("/fw-cfg/dma-read", test_dma_read);
	g_test_add_func("/fw-cfg/dma-outside", test_dma_outside);
	g_test_add_func("/fw-cfg/write", test_write);
	g_test_add_func("/fw-cfg/file", test_file);
	g_test_add_func("/fw-cfg/busy-and-reset", test_busy_and_reset);
	g_test_add_func("/fw-cfg/file-shrinks", test_file_shrinks);
	g_test_add_func("/fw-cfg/state", test_state);
	return g_test_run();
}
