/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/kernel-items.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "boot/linux-boot.h"
#include "bus/address-space.h"
#include "devices/fw-cfg.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "payload-kernel.h"

enum { CONTROL = 0x1000, BUFFER = 0x2000, MEMORY_SIZE = 64 << 20 };

struct fixture {
	struct address_space *ports;
	struct guest_memory *memory;
	struct event_loop *loop;
	struct fw_cfg *config;
	struct linux_boot boot;
	struct linux_boot_problem problem;
	uint8_t image[PAYLOAD_KERNEL_SIZE];
};

static int make_file(const void *bytes, size_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	g_assert_cmpint(fd_write_at(fd, bytes, size, 0), ==, 0);
	return fd;
}

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	g_assert_cmpint(address_space_create(0x10000, &f->ports), ==, 0);
	g_assert_cmpint(guest_memory_create(MEMORY_SIZE, &f->memory), ==, 0);
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	g_assert_cmpint(fw_cfg_create(f->ports, f->memory, f->loop, &f->config), ==, 0);
	payload_kernel_make(f->image, "code", 4);
	f->boot.kernel_fd = make_file(f->image, sizeof(f->image));
	f->boot.initrd_fd = make_file("initrd", 6);
	f->boot.cmdline = "quiet";
}

static void tear_down(struct fixture *f)
{
	fw_cfg_destroy(f->config);
	event_loop_destroy(f->loop);
	guest_memory_destroy(f->memory);
	address_space_destroy(f->ports);
	fd_close(&f->boot.kernel_fd);
	fd_close(&f->boot.initrd_fd);
}

static int add(struct fixture *f)
{
	return kernel_items_add(f->config, &f->boot, 32 << 20, &f->problem);
}

/* The first bytes of an item, as the guest gets them by DMA. */
static const uint8_t *item(struct fixture *f, uint16_t key, uint32_t length)
{
	uint8_t access[16] = {0};

	store_be32(access, (uint32_t)key << 16 | 8 | 2);
	store_be32(access + 4, length);
	store_be32(access + 12, BUFFER);
	g_assert_cmpint(guest_memory_write(f->memory, CONTROL, access, sizeof(access)), ==, 0);
	address_space_write(f->ports, 0x518, 4, GUINT32_SWAP_LE_BE(CONTROL));
	fw_cfg_drain(f->config);
	g_assert_cmpint(guest_memory_read(f->memory, CONTROL, access, sizeof(access)), ==, 0);
	g_assert_cmphex(load_be32(access), ==, 0);
	return guest_memory_at(f->memory, BUFFER, length);
}

static uint32_t number(struct fixture *f, uint16_t key)
{
	return load_le32(item(f, key, 4));
}

static void test_items(void)
{
	const uint32_t size = PAYLOAD_KERNEL_SIZE - PAYLOAD_KERNEL_SETUP;
	const uint8_t *setup;
	struct fixture f;

	set_up(&f);
	g_assert_cmpint(add(&f), ==, 0);
	g_assert_cmpuint(number(&f, FW_CFG_KERNEL_SIZE), ==, size);
	g_assert_cmpmem(item(&f, FW_CFG_KERNEL_DATA, size), size, f.image + PAYLOAD_KERNEL_SETUP,
			size);
	g_assert_cmpuint(number(&f, FW_CFG_INITRD_SIZE), ==, 6);
	g_assert_cmpmem(item(&f, FW_CFG_INITRD_DATA, 6), 6, "initrd", 6);
	g_assert_cmpuint(number(&f, FW_CFG_CMDLINE_SIZE), ==, 6);
	g_assert_cmpmem(item(&f, FW_CFG_CMDLINE_DATA, 6), 6, "quiet", 6);
	g_assert_cmpuint(number(&f, FW_CFG_SETUP_SIZE), ==, PAYLOAD_KERNEL_SETUP);
	setup = item(&f, FW_CFG_SETUP_DATA, PAYLOAD_KERNEL_SETUP);
	g_assert_cmpmem(setup + 0x202, 4, "HdrS", 4);
	g_assert_cmphex(setup[0x210], ==, 0xff);
	g_assert_cmphex(setup[0x211] & 0x80, !=, 0);
	g_assert_cmpuint(load_le32(setup + 0x21c), ==, 6);
	g_assert_cmphex(load_le32(setup + 0x218), ==, 0x1fff000);
	tear_down(&f);
}

static void test_without_initrd(void)
{
	struct fixture f;

	set_up(&f);
	fd_close(&f.boot.initrd_fd);
	g_assert_cmpint(add(&f), ==, 0);
	g_assert_cmpuint(number(&f, FW_CFG_INITRD_SIZE), ==, 0);
	g_assert_cmpuint(load_le32(item(&f, FW_CFG_SETUP_DATA, 0x220) + 0x21c), ==, 0);
	tear_down(&f);
}

static void assert_refused(struct fixture *f, enum linux_boot_file file, const char *part_of_text)
{
	g_assert_cmpint(add(f), <, 0);
	g_assert_cmpint(f->problem.file, ==, file);
	g_assert_nonnull(strstr(f->problem.text, part_of_text));
	tear_down(f);
}

static void test_refused(void)
{
	g_autofree char *line = g_strnfill(2048, 'x');
	struct fixture f;

	set_up(&f);
	g_assert_cmpint(ftruncate(f.boot.kernel_fd, 100), ==, 0);
	assert_refused(&f, LINUX_BOOT_KERNEL, "");
	set_up(&f);
	g_assert_cmpint(ftruncate(f.boot.initrd_fd, 31 << 20), ==, 0);
	assert_refused(&f, LINUX_BOOT_INITRD, "give it more");
	set_up(&f);
	f.boot.cmdline = line;
	assert_refused(&f, LINUX_BOOT_CMDLINE, "too long");
	set_up(&f);
	f.image[0x1f1] = 200; /* more setup code than there is room for */
	g_assert_cmpint(fd_write_at(f.boot.kernel_fd, f.image, 1024, 0), ==, 0);
	g_assert_cmpint(ftruncate(f.boot.kernel_fd, 1 << 20), ==, 0);
	assert_refused(&f, LINUX_BOOT_KERNEL, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kernel-items/items", test_items);
	g_test_add_func("/kernel-items/without-initrd", test_without_initrd);
	g_test_add_func("/kernel-items/refused", test_refused);
	return g_test_run();
}
