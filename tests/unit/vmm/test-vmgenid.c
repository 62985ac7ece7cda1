/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vmgenid.h"

#include <errno.h>

#include "base/byte-order.h"
#include "board.h"
#include "devices/fw-cfg.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "state-block.h"

enum { PAGE = 0xef000, PLACED = 0x140000, MEMORY_SIZE = 2 << 20, STATUS = 0x620, ENABLE = 0x628 };
enum { EVENT_BIT = 1 << VMGENID_EVENT, SCI = 9 };

static const uint8_t first[VMGENID_SIZE] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					    0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint8_t second[VMGENID_SIZE] = {1, 2, 3};

struct fixture {
	struct board board;
	struct guest_memory *memory;
	struct event_loop *loop;
	struct fw_cfg *config; /* NULL: no firmware */
	struct acpi_pm *pm;
	struct vmgenid *vmgenid;
};

static void set_up(struct fixture *f, bool firmware, const uint8_t uuid[VMGENID_SIZE])
{
	struct system_requests requests;

	*f = (struct fixture){0};
	board_init(&f->board);
	requests = board_requests(&f->board);
	g_assert_cmpint(guest_memory_create(MEMORY_SIZE, &f->memory), ==, 0);
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	g_assert_cmpint(acpi_pm_create(f->board.ports, &f->board.interrupts, &requests, &f->pm), ==,
			0);
	g_assert_cmpint(vmgenid_create(f->memory, f->pm, firmware ? 0 : PAGE, uuid, &f->vmgenid),
			==, 0);
	if (!firmware)
		return;
	g_assert_cmpint(fw_cfg_create(f->board.ports, f->memory, f->loop, &f->config), ==, 0);
	g_assert_cmpint(vmgenid_add_files(f->vmgenid, f->config), ==, 0);
}

static void tear_down(struct fixture *f)
{
	vmgenid_destroy(f->vmgenid);
	acpi_pm_destroy(f->pm);
	fw_cfg_destroy(f->config);
	event_loop_destroy(f->loop);
	guest_memory_destroy(f->memory);
	board_finish(&f->board);
}

/* A GUID's first three parts are numbers. */
static void assert_number(struct fixture *f, uint64_t page, uint32_t head, uint64_t tail)
{
	const uint8_t *number = guest_memory_at(f->memory, page + VMGENID_OFFSET, VMGENID_SIZE);

	g_assert_cmphex(load_le32(number), ==, head);
	g_assert_cmphex(load_be64(number + 8), ==, tail);
}

static bool is_told(struct fixture *f)
{
	bool told = board_in(&f->board, STATUS, 1) & EVENT_BIT;

	g_assert_cmpint(f->board.lines[SCI], ==, told);
	board_out(&f->board, STATUS, 1, EVENT_BIT);
	g_assert_false(f->board.lines[SCI]);
	return told;
}

static void test_page(void)
{
	struct fixture f;
	uint64_t before;

	set_up(&f, false, first);
	board_out(&f.board, ENABLE, 1, EVENT_BIT);
	memset(guest_memory_at(f.memory, PAGE, VMGENID_PAGE_SIZE), 0x55, VMGENID_PAGE_SIZE);
	vmgenid_install(f.vmgenid);
	assert_number(&f, PAGE, 0x00112233, 0x8899aabbccddeeff);
	g_assert_cmpint(guest_memory_read(f.memory, PAGE, &before, sizeof(before)), ==, 0);
	g_assert_cmphex(before, ==, 0);
	g_assert_false(is_told(&f));
	vmgenid_set(f.vmgenid, second);
	assert_number(&f, PAGE, 0x01020300, 0);
	g_assert_true(is_told(&f));
	g_assert_false(is_told(&f));
	tear_down(&f);
	vmgenid_destroy(NULL);
}

/* As firmware does: the files are the only ones, sorted by name. */
static void say_address(struct fixture *f, uint64_t address)
{
	uint8_t access[16] = {0};

	store_be32(access, 0x20 << 16 | 8 | 16); /* select, write */
	store_be32(access + 4, sizeof(address));
	store_be64(access + 8, 0x2000);
	address = htole64(address);
	g_assert_cmpint(guest_memory_write(f->memory, 0x2000, &address, sizeof(address)), ==, 0);
	g_assert_cmpint(guest_memory_write(f->memory, 0x1000, access, sizeof(access)), ==, 0);
	board_out(&f->board, 0x518, 4, htobe32(0x1000));
	g_assert_cmpint(guest_memory_read(f->memory, 0x1000, access, 4), ==, 0);
	g_assert_cmphex(load_be32(access), ==, 0);
}

static void load_page(struct fixture *f)
{
	uint8_t page[VMGENID_PAGE_SIZE];

	board_out(&f->board, 0x510, 2, 0x21);
	for (unsigned int i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)board_in(&f->board, 0x511, 1);
	g_assert_cmpint(guest_memory_write(f->memory, PLACED, page, sizeof(page)), ==, 0);
}

static void test_firmware(void)
{
	struct fixture f;

	set_up(&f, true, first);
	board_out(&f.board, ENABLE, 1, EVENT_BIT);
	vmgenid_install(f.vmgenid);
	vmgenid_set(f.vmgenid, second); /* nobody has seen the first */
	g_assert_false(is_told(&f));
	load_page(&f);
	assert_number(&f, PLACED, 0x01020300, 0);
	say_address(&f, PLACED + VMGENID_OFFSET);
	vmgenid_set(f.vmgenid, first);
	assert_number(&f, PLACED, 0x00112233, 0x8899aabbccddeeff);
	g_assert_true(is_told(&f));
	/* nonsense */
	say_address(&f, MEMORY_SIZE - 8);
	vmgenid_set(f.vmgenid, second);
	g_assert_false(is_told(&f));
	say_address(&f, UINT64_MAX);
	vmgenid_set(f.vmgenid, second);
	g_assert_false(is_told(&f));
	/* after a reset firmware finds the number that is */
	fw_cfg_reset(f.config);
	load_page(&f);
	assert_number(&f, PLACED, 0x01020300, 0);
	vmgenid_set(f.vmgenid, first);
	g_assert_false(is_told(&f));
	tear_down(&f);
}

static void go_on(struct state_block *block, const uint8_t uuid[VMGENID_SIZE], bool expect_told)
{
	struct fixture f;

	set_up(&f, false, uuid);
	board_out(&f.board, ENABLE, 1, EVENT_BIT);
	STATE_BLOCK_LOAD(block, vmgenid_load, f.vmgenid);
	g_assert_cmpint(is_told(&f), ==, expect_told);
	assert_number(&f, PAGE, expect_told ? 0x01020300 : 0, 0);
	tear_down(&f);
}

static void test_state(void)
{
	static struct state_block block;
	struct fixture f;

	set_up(&f, false, first);
	STATE_BLOCK_SAVE(&block, vmgenid_save, f.vmgenid);
	tear_down(&f);
	go_on(&block, first, false);
	go_on(&block, second, true);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vmgenid/page", test_page);
	g_test_add_func("/vmgenid/firmware", test_firmware);
	g_test_add_func("/vmgenid/state", test_state);
	return g_test_run();
}
