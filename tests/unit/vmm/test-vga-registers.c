/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-registers.h"

#include <errno.h>
#include <glib.h>

#include "state-block.h"

#define MEMORY (16u << 20)

static uint8_t in(struct vga_registers *registers, unsigned int port)
{
	return vga_registers_read(registers, port - VGA_PORT_BASE, 0);
}

static void out(struct vga_registers *registers, unsigned int port, uint8_t value)
{
	vga_registers_write(registers, port - VGA_PORT_BASE, value);
}

static void test_indexed(void)
{
	struct vga_registers registers;

	vga_registers_reset(&registers, MEMORY);
	out(&registers, 0x3C4, VGA_SEQUENCER_PLANES);
	out(&registers, 0x3C5, 0xff);
	g_assert_cmphex(in(&registers, 0x3C5), ==, 0x0f);
	g_assert_cmphex(in(&registers, 0x3C4), ==, VGA_SEQUENCER_PLANES);
	out(&registers, 0x3CE, VGA_GRAPHICS_BIT_MASK);
	out(&registers, 0x3CF, 0xa5);
	g_assert_cmphex(in(&registers, 0x3CF), ==, 0xa5);
	/* what is not there holds nothing */
	out(&registers, 0x3CE, 0x0f);
	out(&registers, 0x3CF, 0xff);
	g_assert_cmphex(in(&registers, 0x3CF), ==, 0);
	out(&registers, 0x3D4, 0x3f);
	out(&registers, 0x3D5, 0xff);
	g_assert_cmphex(in(&registers, 0x3D5), ==, 0);
	g_assert_cmphex(in(&registers, 0x3B0), ==, 0xff);
}

static void test_crtc(void)
{
	struct vga_registers registers;

	vga_registers_reset(&registers, MEMORY);
	out(&registers, 0x3D4, VGA_CRTC_OVERFLOW);
	out(&registers, 0x3D5, 0x0f);
	out(&registers, 0x3D4, VGA_CRTC_SYNC_END);
	out(&registers, 0x3D5, 0x80);
	out(&registers, 0x3D4, VGA_CRTC_OVERFLOW);
	out(&registers, 0x3D5, 0xf0); /* protected, but for one bit */
	g_assert_cmphex(in(&registers, 0x3D5), ==, 0x1f);
	out(&registers, 0x3D4, 0x10);
	out(&registers, 0x3D5, 0x77);
	g_assert_cmphex(in(&registers, 0x3D5), ==, 0x77);
	/* a monochrome adapter's place */
	g_assert_cmphex(in(&registers, 0x3B5), ==, 0xff);
	out(&registers, 0x3C2, 0);
	g_assert_cmphex(in(&registers, 0x3B5), ==, 0x77);
	g_assert_cmphex(in(&registers, 0x3D5), ==, 0xff);
	g_assert_cmphex(in(&registers, 0x3CC), ==, 0);
}

static void test_attribute(void)
{
	struct vga_registers registers;

	vga_registers_reset(&registers, MEMORY);
	out(&registers, 0x3C0, 0x05);
	out(&registers, 0x3C0, 0x14);
	g_assert_cmphex(in(&registers, 0x3C1), ==, 0x14);
	out(&registers, 0x3C0, 0x06);
	in(&registers, 0x3DA); /* the next one is an index again */
	out(&registers, 0x3C0, 0x25);
	g_assert_cmphex(in(&registers, 0x3C0), ==, 0x25);
	g_assert_cmphex(in(&registers, 0x3C1), ==, 0x14);
	in(&registers, 0x3DA);
	out(&registers, 0x3C0, 0x1f);
	out(&registers, 0x3C0, 0xff);
	g_assert_cmphex(in(&registers, 0x3C1), ==, 0);
}

static void test_palette(void)
{
	struct vga_registers registers;

	vga_registers_reset(&registers, MEMORY);
	g_assert_cmphex(in(&registers, 0x3C6), ==, 0xff);
	out(&registers, 0x3C8, 255);
	for (uint8_t i = 1; i <= 6; i++) /* and on to 0 */
		out(&registers, 0x3C9, 0x40 | i);
	g_assert_cmphex(in(&registers, 0x3C7), ==, 0);
	g_assert_cmphex(in(&registers, 0x3C8), ==, 1);
	out(&registers, 0x3C7, 255);
	g_assert_cmphex(in(&registers, 0x3C7), ==, 3);
	for (uint8_t i = 1; i <= 6; i++)
		g_assert_cmphex(in(&registers, 0x3C9), ==, i);
	/* with 8 bits, as it is */
	vbe_write(&registers.vbe, VBE_ENABLE, VBE_8_BIT_PALETTE);
	out(&registers, 0x3C8, 7);
	out(&registers, 0x3C9, 0xff);
	out(&registers, 0x3C9, 0xfe);
	g_assert_cmphex(registers.palette.colors[7][0], ==, 0); /* not yet */
	out(&registers, 0x3C9, 0xfd);
	g_assert_cmphex(registers.palette.colors[7][0], ==, 0xff);
	g_assert_cmphex(registers.palette.colors[7][2], ==, 0xfd);
}

/* Programs wait for the retrace to begin and to end. */
static void test_beam(void)
{
	struct vga_registers registers;
	unsigned int changes[2] = {0, 0};
	uint8_t before = 0;

	vga_registers_reset(&registers, MEMORY);
	for (uint64_t now = 0; now < 1000000000; now += 5000) {
		uint8_t status = vga_registers_read(&registers, 0x3DA - VGA_PORT_BASE, now);

		if ((status ^ before) & 8)
			changes[0]++;
		if ((status ^ before) & 1)
			changes[1]++;
		if (status & 8)
			g_assert_cmphex(status & 1, ==, 1);
		before = status;
	}
	g_assert_cmpuint(changes[0] / 2, >=, 59);
	g_assert_cmpuint(changes[0] / 2, <=, 60);
	g_assert_cmpuint(changes[1] / 2, >=, 59 * 480);
}

static int load(struct vga_registers *registers, struct state_reader *reader)
{
	vga_registers_reset(registers, MEMORY);
	vga_registers_load(registers, reader);
	return state_reader_result(reader);
}

/* In the middle of a color, and of an attribute. */
static void test_state(void)
{
	static const char no_bits[] = "the display adapter has no such bits";
	static struct state_block block;
	struct vga_registers registers, other;

	vga_registers_reset(&registers, MEMORY);
	for (unsigned int port = 0x3C0; port < 0x3DA; port++)
		out(&registers, port, (uint8_t)(0x40 | port));
	out(&registers, 0x3C2, VGA_MISC_COLOR);
	(void)in(&registers, 0x3DA);
	out(&registers, 0x3C8, 5);
	out(&registers, 0x3C9, 10);
	out(&registers, 0x3C9, 20);
	out(&registers, 0x3C0, 0x33);
	STATE_BLOCK_SAVE(&block, vga_registers_save, &registers);
	STATE_BLOCK_LOAD(&block, load, &other);
	g_assert_cmphex(in(&other, 0x3C0), ==, 0x33);
	out(&other, 0x3C0, 0x77);
	g_assert_cmphex(in(&other, 0x3C1), ==, 0x77);
	out(&other, 0x3C9, 30);
	out(&other, 0x3C7, 5);
	g_assert_cmpuint(in(&other, 0x3C9), ==, 10);
	g_assert_cmpuint(in(&other, 0x3C9), ==, 20);
	g_assert_cmpuint(in(&other, 0x3C9), ==, 30);
	for (unsigned int port = 0x3CA; port < 0x3DA; port++)
		g_assert_cmphex(in(&other, port), ==, in(&registers, port));
	STATE_BLOCK_REFUSE(&block, load, &other, 1, 4, no_bits);
	for (unsigned int i = 2; i < 6; i++)
		STATE_BLOCK_REFUSE(&block, load, &other, i, 0x80, no_bits);
	STATE_BLOCK_REFUSE(&block, load, &other, 6, 2, "a value is neither yes nor no");
	STATE_BLOCK_REFUSE(&block, load, &other, 7 + VGA_SEQUENCER_MEMORY, 0x40, no_bits);
	STATE_BLOCK_REFUSE(&block, load, &other, 12 + VGA_GRAPHICS_MODE, 0x80, no_bits);
	STATE_BLOCK_REFUSE(&block, load, &other, 67 + 3, 3, "a color has three parts");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vga-registers/indexed", test_indexed);
	g_test_add_func("/vga-registers/crtc", test_crtc);
	g_test_add_func("/vga-registers/attribute", test_attribute);
	g_test_add_func("/vga-registers/palette", test_palette);
	g_test_add_func("/vga-registers/beam", test_beam);
	g_test_add_func("/vga-registers/state", test_state);
	return g_test_run();
}
