/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-vbe.h"

#include <errno.h>
#include <glib.h>

#include "base/byte-order.h"
#include "state-block.h"

#define MEMORY (16u << 20)

static bool enable(struct vbe *vbe, uint16_t width, uint16_t height, uint16_t depth, uint16_t flags)
{
	vbe_write(vbe, VBE_ENABLE, 0);
	vbe_write(vbe, VBE_WIDTH, width);
	vbe_write(vbe, VBE_HEIGHT, height);
	vbe_write(vbe, VBE_DEPTH, depth);
	return vbe_write(vbe, VBE_ENABLE, VBE_ENABLED | flags);
}

static void test_identity(void)
{
	struct vbe vbe;

	vbe_reset(&vbe, MEMORY);
	g_assert_cmphex(vbe_read(&vbe, VBE_ID), ==, 0xb0c5);
	vbe_write(&vbe, VBE_ID, 0xb0c0);
	g_assert_cmphex(vbe_read(&vbe, VBE_ID), ==, 0xb0c0);
	vbe_write(&vbe, VBE_ID, 0xb0c6);
	g_assert_cmphex(vbe_read(&vbe, VBE_ID), ==, 0xb0c0);
	g_assert_cmphex(vbe_read(&vbe, VBE_MEMORY), ==, 0x100);
	vbe_write(&vbe, VBE_MEMORY, 0xffff);
	g_assert_cmphex(vbe_read(&vbe, VBE_MEMORY), ==, 0x100);
	g_assert_cmphex(vbe_read(&vbe, VBE_REGISTER_COUNT), ==, 0);
	vbe_write(&vbe, VBE_ENABLE, VBE_CAPABILITIES);
	g_assert_cmpuint(vbe_read(&vbe, VBE_WIDTH), ==, 4096);
	g_assert_cmpuint(vbe_read(&vbe, VBE_DEPTH), ==, 32);
}

static void test_mode(void)
{
	struct vbe vbe;

	vbe_reset(&vbe, MEMORY);
	g_assert_true(enable(&vbe, 1280, 800, 32, VBE_LINEAR));
	g_assert_true(vbe_is_enabled(&vbe));
	g_assert_cmpuint(vbe_pitch(&vbe), ==, 5120);
	g_assert_cmpuint(vbe_read(&vbe, VBE_VIRTUAL_WIDTH), ==, 1280);
	g_assert_cmpuint(vbe_read(&vbe, VBE_VIRTUAL_HEIGHT), ==, MEMORY / 5120);
	/* again, and without clearing */
	g_assert_false(vbe_write(&vbe, VBE_ENABLE, VBE_ENABLED));
	g_assert_false(enable(&vbe, 800, 600, 24, VBE_KEEP_MEMORY));
	g_assert_cmpuint(vbe_pitch(&vbe), ==, 2400);
	/* the geometry stays while the mode is on */
	vbe_write(&vbe, VBE_WIDTH, 640);
	vbe_write(&vbe, VBE_DEPTH, 8);
	g_assert_cmpuint(vbe_pitch(&vbe), ==, 2400);
	enable(&vbe, 801, 600, 15, 0);
	g_assert_cmpuint(vbe_read(&vbe, VBE_WIDTH), ==, 800);
	g_assert_cmpuint(vbe_pitch(&vbe), ==, 1600);
	enable(&vbe, 800, 600, 4, 0);
	g_assert_cmpuint(vbe_pitch(&vbe), ==, 400); /* of all four planes */
}

static void test_scrolling(void)
{
	struct vbe vbe;

	vbe_reset(&vbe, MEMORY);
	vbe_write(&vbe, VBE_Y_OFFSET, 5); /* no mode, nothing to scroll */
	enable(&vbe, 640, 480, 8, 0);
	g_assert_cmpuint(vbe_start(&vbe), ==, 0);
	vbe_write(&vbe, VBE_VIRTUAL_WIDTH, 1024);
	vbe_write(&vbe, VBE_X_OFFSET, 3);
	vbe_write(&vbe, VBE_Y_OFFSET, 480);
	g_assert_cmpuint(vbe_start(&vbe), ==, 480 * 1024 + 3);
	vbe_write(&vbe, VBE_VIRTUAL_WIDTH, 100); /* narrower than the picture */
	g_assert_cmpuint(vbe_pitch(&vbe), ==, 1024);
	vbe_write(&vbe, VBE_X_OFFSET, 0xffff);
	vbe_write(&vbe, VBE_Y_OFFSET, 0xffff);
	g_assert_cmpuint(vbe_start(&vbe) + 479 * 1024 + 640, ==, MEMORY);
	vbe_write(&vbe, VBE_BANK, 0x100);
	g_assert_cmpuint(vbe_read(&vbe, VBE_BANK), ==, 0);
	vbe_write(&vbe, VBE_BANK, 0xff);
	g_assert_cmpuint(vbe_read(&vbe, VBE_BANK), ==, 0xff);
	/* narrower rows are more rows: the offset stays inside */
	vbe_write(&vbe, VBE_VIRTUAL_WIDTH, 2048);
	g_assert_cmpuint(vbe_start(&vbe) + 479 * 2048 + 640, <=, MEMORY);
}

static void test_refused(void)
{
	struct vbe vbe;

	vbe_reset(&vbe, MEMORY);
	g_assert_false(vbe_write(&vbe, VBE_ENABLE, VBE_ENABLED)); /* no size */
	g_assert_false(vbe_is_enabled(&vbe));
	g_assert_false(enable(&vbe, 4096, 4096, 32, 0)); /* more than there is */
	g_assert_false(vbe_is_enabled(&vbe));
	g_assert_true(enable(&vbe, 4096, 4096, 8, 0));
	enable(&vbe, 800, 600, 32, 0);
	vbe_write(&vbe, VBE_ENABLE, 0);
	vbe_write(&vbe, VBE_WIDTH, 5000);
	vbe_write(&vbe, VBE_HEIGHT, 65535);
	vbe_write(&vbe, VBE_DEPTH, 17);
	g_assert_cmpuint(vbe_read(&vbe, VBE_WIDTH), ==, 800);
	g_assert_cmpuint(vbe_read(&vbe, VBE_HEIGHT), ==, 600);
	g_assert_cmpuint(vbe_read(&vbe, VBE_DEPTH), ==, 32);
}

static int load(struct vbe *vbe, struct state_reader *reader)
{
	vbe_reset(vbe, MEMORY);
	vbe_load(vbe, reader);
	return state_reader_result(reader);
}

static void assert_same(const struct vbe *a, const struct vbe *b)
{
	g_assert_cmpmem(a, sizeof(*a), b, sizeof(*b));
}

static void test_state(void)
{
	static struct state_block block;
	struct vbe vbe, other;

	vbe_reset(&vbe, MEMORY);
	vbe.index = 0xffff;
	vbe_write(&vbe, VBE_ID, 0xb0c2);
	enable(&vbe, 1024, 768, 16, VBE_LINEAR | VBE_8_BIT_PALETTE);
	vbe_write(&vbe, VBE_VIRTUAL_WIDTH, 2048);
	vbe_write(&vbe, VBE_X_OFFSET, 1000);
	vbe_write(&vbe, VBE_Y_OFFSET, 3000);
	vbe_write(&vbe, VBE_BANK, 7);
	STATE_BLOCK_SAVE(&block, vbe_save, &vbe);
	STATE_BLOCK_LOAD(&block, load, &other);
	assert_same(&vbe, &other);
	STATE_BLOCK_REFUSE(&block, load, &other, 2 + 2 * VBE_X_OFFSET + 1, 0x40,
			   "the display adapter has no such mode");
	STATE_BLOCK_REFUSE(&block, load, &other, 2 + 2 * VBE_HEIGHT + 1, 0x40,
			   "the display adapter has no such mode");
	STATE_BLOCK_REFUSE(&block, load, &other, 2 + 2 * VBE_VIRTUAL_HEIGHT, 1,
			   "the display adapter has no such mode");
	STATE_BLOCK_REFUSE(&block, load, &other, 2 + 2 * VBE_MEMORY + 1, 2,
			   "the display adapter has no such mode");
	/* off, with what is left of the mode */
	vbe_write(&vbe, VBE_ENABLE, VBE_CAPABILITIES);
	STATE_BLOCK_SAVE(&block, vbe_save, &vbe);
	STATE_BLOCK_LOAD(&block, load, &other);
	assert_same(&vbe, &other);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vga-vbe/identity", test_identity);
	g_test_add_func("/vga-vbe/mode", test_mode);
	g_test_add_func("/vga-vbe/scrolling", test_scrolling);
	g_test_add_func("/vga-vbe/refused", test_refused);
	g_test_add_func("/vga-vbe/state", test_state);
	return g_test_run();
}
