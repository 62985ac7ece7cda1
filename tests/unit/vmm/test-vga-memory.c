/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-memory.h"

#include <glib.h>

#include "devices/vga/vga-registers.h"

#define MEMORY (1u << 20)

struct fixture {
	struct vga_registers registers;
	struct vga_memory memory;
};

/* All planes written, plane 0 read, 64 KiB at 0xA0000. */
static void set_up(struct fixture *f, gconstpointer data)
{
	vga_registers_reset(&f->registers, MEMORY);
	f->registers.misc |= VGA_MISC_MEMORY;
	f->registers.sequencer[VGA_SEQUENCER_PLANES] = 0xf;
	f->registers.sequencer[VGA_SEQUENCER_MEMORY] = VGA_MEMORY_SEQUENTIAL;
	f->registers.graphics[VGA_GRAPHICS_MISC] = 1 << VGA_MISC_MAP_SHIFT;
	f->registers.graphics[VGA_GRAPHICS_BIT_MASK] = 0xff;
	f->memory = (struct vga_memory){.bytes = g_malloc0(MEMORY), .size = MEMORY};
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_free(f->memory.bytes);
}

static uint8_t get(struct fixture *f, uint32_t offset)
{
	return vga_memory_read(&f->memory, &f->registers, offset);
}

static void set(struct fixture *f, uint32_t offset, uint8_t value)
{
	vga_memory_write(&f->memory, &f->registers, offset, value);
}

static void check(const struct fixture *f, uint32_t address, uint8_t p0, uint8_t p1, uint8_t p2,
		  uint8_t p3)
{
	const uint8_t expected[] = {p0, p1, p2, p3};

	g_assert_cmpmem(f->memory.bytes + 4 * (size_t)address, 4, expected, 4);
}

static void test_planes(struct fixture *f, gconstpointer data)
{
	set(f, 5, 0x12);
	check(f, 5, 0x12, 0x12, 0x12, 0x12);
	f->registers.sequencer[VGA_SEQUENCER_PLANES] = 0x2;
	set(f, 5, 0x34);
	check(f, 5, 0x12, 0x34, 0x12, 0x12);
	f->registers.graphics[VGA_GRAPHICS_READ_PLANE] = 1;
	g_assert_cmphex(get(f, 5), ==, 0x34);
	/* fonts are in plane 2 */
	g_assert_true(f->memory.font_changed);
	f->memory.font_changed = false;
	set(f, 5, 0x35);
	g_assert_false(f->memory.font_changed);
}

static void test_write_modes(struct fixture *f, gconstpointer data)
{
	uint8_t *graphics = f->registers.graphics;

	/* 0: set/reset in planes 0 and 1, the byte rotated in the others, half of the bits */
	set(f, 0, 0xff);
	get(f, 0);
	graphics[VGA_GRAPHICS_SET_RESET] = 0x1;
	graphics[VGA_GRAPHICS_SET_RESET_PLANES] = 0x3;
	graphics[VGA_GRAPHICS_ROTATE] = 4;
	graphics[VGA_GRAPHICS_BIT_MASK] = 0x0f;
	set(f, 0, 0x5a);
	check(f, 0, 0xff, 0xf0, 0xf5, 0xf5);
	/* the latches and a function: exclusive or */
	graphics[VGA_GRAPHICS_SET_RESET_PLANES] = 0;
	graphics[VGA_GRAPHICS_BIT_MASK] = 0xff;
	graphics[VGA_GRAPHICS_ROTATE] = 3 << 3;
	get(f, 0);
	set(f, 0, 0x0f);
	check(f, 0, 0xf0, 0xff, 0xfa, 0xfa);
	graphics[VGA_GRAPHICS_ROTATE] = 1 << 3; /* and */
	get(f, 0);
	set(f, 0, 0x3c);
	check(f, 0, 0x30, 0x3c, 0x38, 0x38);
	graphics[VGA_GRAPHICS_ROTATE] = 2 << 3; /* or */
	get(f, 0);
	set(f, 0, 0x03);
	check(f, 0, 0x33, 0x3f, 0x3b, 0x3b);
	/* 1: from latch to memory */
	graphics[VGA_GRAPHICS_ROTATE] = 0;
	graphics[VGA_GRAPHICS_MODE] = 1;
	get(f, 0);
	set(f, 9, 0);
	check(f, 9, 0x33, 0x3f, 0x3b, 0x3b);
	/* 2: a color */
	graphics[VGA_GRAPHICS_MODE] = 2;
	graphics[VGA_GRAPHICS_BIT_MASK] = 0x81;
	set(f, 9, 0x5);
	check(f, 9, 0xb3, 0x3e, 0xbb, 0x3a);
	/* 3: the byte is a mask for set/reset */
	graphics[VGA_GRAPHICS_MODE] = 3;
	graphics[VGA_GRAPHICS_SET_RESET] = 0x8;
	graphics[VGA_GRAPHICS_BIT_MASK] = 0xf0;
	set(f, 9, 0x3c);
	check(f, 9, 0x03, 0x0f, 0x0b, 0x3b);
}

static void test_compare(struct fixture *f, gconstpointer data)
{
	uint8_t *graphics = f->registers.graphics;

	graphics[VGA_GRAPHICS_MODE] = 2;
	for (unsigned int i = 0; i < 8; i++) { /* colors 0 to 7, from the right */
		graphics[VGA_GRAPHICS_BIT_MASK] = (uint8_t)(1u << i);
		get(f, 0);
		set(f, 0, (uint8_t)i);
	}
	graphics[VGA_GRAPHICS_MODE] = VGA_MODE_READ_COMPARE;
	graphics[VGA_GRAPHICS_COMPARE] = 5;
	graphics[VGA_GRAPHICS_COMPARE_PLANES] = 0xf;
	g_assert_cmphex(get(f, 0), ==, 1 << 5);
	graphics[VGA_GRAPHICS_COMPARE_PLANES] = 0x3; /* 1 and 5 */
	g_assert_cmphex(get(f, 0), ==, 1 << 5 | 1 << 1);
}

static void test_chained(struct fixture *f, gconstpointer data)
{
	f->registers.sequencer[VGA_SEQUENCER_MEMORY] = VGA_MEMORY_CHAIN_4 | VGA_MEMORY_SEQUENTIAL;
	for (uint32_t i = 0; i < 8; i++)
		set(f, i, (uint8_t)(i + 1));
	check(f, 0, 1, 2, 3, 4); /* in order */
	g_assert_cmphex(get(f, 6), ==, 7);
	/* two planes in turn: text */
	f->registers.sequencer[VGA_SEQUENCER_MEMORY] = 0;
	f->registers.sequencer[VGA_SEQUENCER_PLANES] = 3;
	f->registers.graphics[VGA_GRAPHICS_MODE] = VGA_MODE_ODD_EVEN;
	f->registers.graphics[VGA_GRAPHICS_MISC] = 3 << VGA_MISC_MAP_SHIFT;
	set(f, 0x18000, 'A');
	set(f, 0x18001, 0x1f);
	check(f, 0, 'A', 0x1f, 3, 4);
	set(f, 0x18002, 'B');
	check(f, 1, 'B', 6, 7, 8);
	g_assert_cmphex(get(f, 0x18001), ==, 0x1f);
	g_assert_cmphex(get(f, 0x10000), ==, 0xff); /* not in this map */
}

static void test_banks(struct fixture *f, gconstpointer data)
{
	struct vbe *vbe = &f->registers.vbe;

	vbe_write(vbe, VBE_WIDTH, 640);
	vbe_write(vbe, VBE_HEIGHT, 480);
	vbe_write(vbe, VBE_ENABLE, VBE_ENABLED);
	vbe_write(vbe, VBE_BANK, 3);
	set(f, 0x123, 0x77);
	g_assert_cmphex(f->memory.bytes[0x30123], ==, 0x77);
	g_assert_cmphex(get(f, 0x123), ==, 0x77);
	g_assert_true(vga_memory_is_marked(&f->memory, 0x30000, 1));
	g_assert_false(vga_memory_is_marked(&f->memory, 0x31000, MEMORY - 0x31000 + 0x30000));
	/* planar: banks of each plane */
	vbe_write(vbe, VBE_ENABLE, 0);
	vbe_write(vbe, VBE_DEPTH, 4);
	vbe_write(vbe, VBE_ENABLE, VBE_ENABLED);
	vbe_write(vbe, VBE_BANK, 1);
	set(f, 2, 0x55);
	check(f, 0x10002, 0x55, 0x55, 0x55, 0x55);
}

static void test_off(struct fixture *f, gconstpointer data)
{
	f->registers.misc = 0;
	set(f, 0, 1);
	g_assert_cmphex(get(f, 0), ==, 0xff);
	check(f, 0, 0, 0, 0, 0);
	/* 128 KiB of which a plane has half */
	f->registers.misc = VGA_MISC_MEMORY;
	f->registers.graphics[VGA_GRAPHICS_MISC] = 0;
	set(f, 0x1ffff, 0x99);
	check(f, 0xffff, 0x99, 0x99, 0x99, 0x99);
}

#define ADD(name, function) \
	g_test_add("/vga-memory/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("planes", test_planes);
	ADD("write-modes", test_write_modes);
	ADD("compare", test_compare);
	ADD("chained", test_chained);
	ADD("banks", test_banks);
	ADD("off", test_off);
	return g_test_run();
}
