/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-picture.h"

#include <glib.h>
#include <string.h>

#include "devices/vga/vga-memory.h"
#include "devices/vga/vga-registers.h"
#include "vga-driver.h"

#define MEMORY (16u << 20)

/* Colors as a BIOS gives them: bits 0 to 2 blue, green, red, at two thirds; 3 to 5 the rest. */
static uint8_t color_part(unsigned int entry, unsigned int bit)
{
	return (uint8_t)((entry >> bit & 1) * 0x2a + (entry >> (bit + 3) & 1) * 0x15);
}

#define BLACK 0x000000
#define BLUE  0x0000aa
#define RED   0xaa0000
#define GRAY  0xaaaaaa
#define WHITE 0xffffff

struct fixture {
	struct vga_registers registers;
	struct vga_memory memory;
	struct vga_driver driver;
	struct vga_picture picture;
	uint32_t *pixels;
};

static void out(void *data, uint16_t port, uint8_t value)
{
	vga_registers_write(&((struct fixture *)data)->registers, port - VGA_PORT_BASE, value);
}

static uint8_t in(void *data, uint16_t port)
{
	return vga_registers_read(&((struct fixture *)data)->registers, port - VGA_PORT_BASE, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	vga_registers_reset(&f->registers, MEMORY);
	f->memory = (struct vga_memory){.bytes = g_malloc0(MEMORY), .size = MEMORY};
	f->pixels = g_malloc0(VGA_PICTURE_MAX_WIDTH * 64 * sizeof(uint32_t));
	f->driver = (struct vga_driver){out, in, f};
	for (unsigned int i = 0; i < 64; i++)
		vga_driver_set_color(&f->driver, (uint8_t)i, color_part(i, 2), color_part(i, 1),
				     color_part(i, 0));
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	g_free(f->pixels);
	g_free(f->memory.bytes);
}

static void look(struct fixture *f)
{
	vga_picture_of(&f->registers, MEMORY, &f->picture);
}

static void set_cell(struct fixture *f, uint32_t cell, char character, uint8_t attribute)
{
	f->memory.bytes[(size_t)4 * cell] = (uint8_t)character;
	f->memory.bytes[(size_t)4 * cell + 1] = attribute;
}

static void set_glyph(struct fixture *f, uint32_t font, uint8_t character, uint32_t line,
		      uint8_t bits)
{
	f->memory.bytes[4 * (font + character * 32u + line) + VGA_FONT_PLANE] = bits;
}

/* One line of a cell, drawn at the beginning of pixels. */
static const uint32_t *draw(struct fixture *f, uint32_t row, uint32_t column, uint32_t line)
{
	vga_cell cell = vga_picture_cell(&f->picture, &f->memory, &f->registers, row, column);
	uint32_t width = vga_picture_cell_width(&f->picture);

	vga_picture_draw_cell(&f->picture, &f->memory, cell, f->pixels, width);
	return f->pixels + (size_t)line * width;
}

static void check(const uint32_t *pixels, const char *expected, uint32_t paper, uint32_t ink)
{
	for (unsigned int i = 0; expected[i] != '\0'; i++)
		g_assert_cmphex(pixels[i], ==, expected[i] == '#' ? ink : paper);
}

static void test_text(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	look(f);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_TEXT);
	g_assert_cmpuint(f->picture.width, ==, 720);
	g_assert_cmpuint(f->picture.height, ==, 400);
	g_assert_cmpuint(f->picture.text.columns, ==, 80);
	g_assert_cmpuint(f->picture.text.rows, ==, 25);

	set_glyph(f, 0, 'A', 3, 0x81);
	set_glyph(f, 0, 0xc4, 3, 0xff);
	set_glyph(f, 0, 'B', 3, 0xff);
	set_cell(f, 80 * 24 + 79, 'A', 0x17);
	check(draw(f, 24, 79, 3), "#......#.", BLUE, GRAY);
	check(draw(f, 24, 79, 4), ".........", BLUE, GRAY);
	/* only lines reach the next cell; bit 7 blinks or is a color */
	set_cell(f, 1, 'B', 0x8f);
	check(draw(f, 0, 1, 3), "########.", BLACK, WHITE);
	set_cell(f, 2, (char)0xc4, 0x04);
	check(draw(f, 0, 2, 3), "#########", BLACK, RED);
	vga_driver_set_attribute(&f->driver, VGA_ATTRIBUTE_MODE, 0x00);
	look(f);
	check(draw(f, 0, 1, 3), "########.", 0x555555, WHITE);
	check(draw(f, 0, 2, 3), "########.", BLACK, RED);
}

static void test_cursor(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_CURSOR_LOW, 81);
	set_cell(f, 81, ' ', 0x07);
	set_cell(f, 82, ' ', 0x07);
	look(f);
	check(draw(f, 1, 1, 12), ".........", BLACK, GRAY);
	check(draw(f, 1, 1, 13), "#########", BLACK, GRAY);
	check(draw(f, 1, 1, 14), "#########", BLACK, GRAY);
	check(draw(f, 1, 1, 15), ".........", BLACK, GRAY);
	check(draw(f, 1, 2, 13), ".........", BLACK, GRAY);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_CURSOR_START, 0x2d); /* off */
	check(draw(f, 1, 1, 13), ".........", BLACK, GRAY);
}

static void test_text_variants(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	/* two fonts, by bit 3 of the attribute; the second at 8 KiB */
	vga_driver_set(&f->driver, 0x3C4, VGA_SEQUENCER_FONTS, 1 << 5);
	set_glyph(f, 0, 'A', 0, 0xf0);
	set_glyph(f, 0x2000, 'A', 0, 0x0f);
	set_cell(f, 0, 'A', 0x07);
	set_cell(f, 1, 'A', 0x0f);
	look(f);
	check(draw(f, 0, 0, 0), "####.....", BLACK, GRAY);
	check(draw(f, 0, 1, 0), "....####.", BLACK, WHITE);
	/* forty columns of eight dots, each twice; fonts of eight lines */
	vga_driver_set(&f->driver, 0x3C4, VGA_SEQUENCER_CLOCKING, 0x09);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_SYNC_END, 0);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_DISPLAY_END, 39);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_MAXIMUM_SCAN, 7);
	look(f);
	g_assert_cmpuint(f->picture.width, ==, 640);
	g_assert_cmpuint(f->picture.text.columns, ==, 40);
	g_assert_cmpuint(f->picture.text.rows, ==, 50);
	check(draw(f, 0, 0, 0), "########........", BLACK, GRAY);
	/* each line twice, and another beginning of memory */
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_MAXIMUM_SCAN, 0x87);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_START_LOW, 1);
	look(f);
	g_assert_cmpuint(f->picture.text.rows, ==, 25);
	g_assert_cmpuint(f->picture.height, ==, 400);
	check(draw(f, 0, 0, 1), "........########", BLACK, WHITE);
	check(draw(f, 0, 0, 2), "................", BLACK, WHITE);
}

static void line(struct fixture *f, uint32_t number)
{
	g_assert_cmpuint(number, <, f->picture.height);
	vga_picture_draw_line(&f->picture, &f->memory, number, f->pixels);
}

static void test_planar(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_12);
	look(f);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_PLANAR);
	g_assert_cmpuint(f->picture.width, ==, 640);
	g_assert_cmpuint(f->picture.height, ==, 480);
	/* the last eight pixels: blue, then red, then white */
	memcpy(f->memory.bytes + 4 * (size_t)(80 * 479 + 79), "\xa0\x20\x60\x20", 4);
	line(f, 479);
	g_assert_cmphex(f->pixels[632], ==, BLUE);
	g_assert_cmphex(f->pixels[633], ==, RED);
	g_assert_cmphex(f->pixels[634], ==, WHITE);
	g_assert_cmphex(f->pixels[635], ==, BLACK);
	/* without plane 2, what was red is black */
	vga_driver_set_attribute(&f->driver, VGA_ATTRIBUTE_PLANES, 0xb);
	look(f);
	line(f, 479);
	g_assert_cmphex(f->pixels[633], ==, BLACK);
	/* from line 100 on, memory from its beginning */
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_LINE_COMPARE, 99);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_OVERFLOW, 0x2e);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_MAXIMUM_SCAN, 0);
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_START_LOW, 80);
	look(f);
	g_assert_cmpuint(vga_picture_line_start(&f->picture, 99), ==, 100 * 320);
	g_assert_cmpuint(vga_picture_line_start(&f->picture, 101), ==, 320);
}

static void test_256_colors(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_13);
	vga_driver_set_color(&f->driver, 200, 63, 1, 32);
	f->memory.bytes[320 * 199 + 319] = 200;
	look(f);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_INDEXED);
	g_assert_cmpuint(f->picture.width, ==, 640);
	g_assert_cmpuint(f->picture.height, ==, 400);
	g_assert_cmpuint(vga_picture_line_start(&f->picture, 399), ==, 320 * 199);
	g_assert_cmpuint(vga_picture_line_start(&f->picture, 398), ==, 320 * 199);
	line(f, 399);
	g_assert_cmphex(f->pixels[637], ==, BLACK);
	g_assert_cmphex(f->pixels[638], ==, 0xff0482);
	g_assert_cmphex(f->pixels[639], ==, 0xff0482);
}

static void test_cga(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_4);
	look(f);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_PAIRS);
	g_assert_cmpuint(f->picture.width, ==, 640);
	g_assert_cmpuint(f->picture.height, ==, 400);
	g_assert_cmpuint(vga_picture_line_start(&f->picture, 1), ==, 0);
	/* odd rows are 8 KiB further, as the processor sees it: two bytes of four */
	g_assert_cmpuint(vga_picture_line_start(&f->picture, 2), ==, 0x4000);
	g_assert_cmpuint(vga_picture_line_start(&f->picture, 4), ==, 160);
	f->memory.bytes[0] = 0x1b; /* 0, 1, 2, 3 */
	line(f, 0);
	g_assert_cmphex(f->pixels[1], ==, f->picture.colors[0]);
	g_assert_cmphex(f->pixels[3], ==, f->picture.colors[1]);
	g_assert_cmphex(f->pixels[5], ==, f->picture.colors[2]);
	g_assert_cmphex(f->pixels[7], ==, f->picture.colors[3]);
}

static void enable(struct fixture *f, uint16_t width, uint16_t height, uint16_t depth)
{
	struct vbe *vbe = &f->registers.vbe;

	vbe_write(vbe, VBE_ENABLE, 0);
	vbe_write(vbe, VBE_WIDTH, width);
	vbe_write(vbe, VBE_HEIGHT, height);
	vbe_write(vbe, VBE_DEPTH, depth);
	vbe_write(vbe, VBE_ENABLE, VBE_ENABLED);
	vga_driver_set_attribute(&f->driver, VGA_ATTRIBUTE_PLANES, 0xf);
	look(f);
	g_assert_cmpuint(f->picture.width, ==, width);
	g_assert_cmpuint(f->picture.height, ==, height);
}

static void test_depths(struct fixture *f, gconstpointer data)
{
	enable(f, 64, 64, 8);
	f->memory.bytes[65] = 4;
	line(f, 1);
	g_assert_cmphex(f->pixels[1], ==, RED);
	enable(f, 64, 64, 15);
	memcpy(f->memory.bytes, "\x00\x7c\xe0\x03\x10\x00", 6);
	line(f, 0);
	g_assert_cmphex(f->pixels[0], ==, 0xff0000);
	g_assert_cmphex(f->pixels[1], ==, 0x00ff00);
	g_assert_cmphex(f->pixels[2], ==, 0x000084);
	enable(f, 64, 64, 16);
	memcpy(f->memory.bytes, "\x00\xf8\xe0\x07\x1f\x00", 6);
	line(f, 0);
	g_assert_cmphex(f->pixels[0], ==, 0xff0000);
	g_assert_cmphex(f->pixels[1], ==, 0x00ff00);
	g_assert_cmphex(f->pixels[2], ==, 0x0000ff);
	enable(f, 64, 64, 24);
	memcpy(f->memory.bytes, "\x01\x02\x03\x04\x05\x06", 6);
	line(f, 0);
	g_assert_cmphex(f->pixels[1], ==, 0x060504);
	enable(f, 64, 64, 32);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_RGB32);
	enable(f, 64, 64, 4);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_PLANAR);
	g_assert_cmpuint(vga_picture_line_bytes(&f->picture), ==, 32);
}

static void test_blank(struct fixture *f, gconstpointer data)
{
	look(f);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_BLANK);
	g_assert_cmpuint(f->picture.width, ==, 0);
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	vga_driver_set(&f->driver, 0x3C4, VGA_SEQUENCER_CLOCKING, VGA_CLOCKING_OFF);
	look(f);
	g_assert_cmpint(f->picture.kind, ==, VGA_PICTURE_BLANK);
}

/* Any registers: a picture within its bounds, or none. */
static void test_hostile(struct fixture *f, gconstpointer data)
{
	GRand *random = g_rand_new_with_seed(7);

	for (unsigned int i = 0; i < 2000; i++) {
		uint8_t *bytes = (uint8_t *)&f->registers;

		for (size_t at = 0; at < G_STRUCT_OFFSET(struct vga_registers, vbe); at++)
			bytes[at] = (uint8_t)g_rand_int(random);
		f->registers.attribute_data = false;
		f->registers.palette.reading = false;
		f->registers.attribute_index |= VGA_ATTRIBUTE_DISPLAY;
		look(f);
		if (f->picture.kind == VGA_PICTURE_BLANK)
			continue;
		g_assert_cmpuint(f->picture.width, <=, VGA_PICTURE_MAX_WIDTH);
		g_assert_cmpuint((uint64_t)f->picture.width * f->picture.height, <=,
				 VGA_PICTURE_MAX_PIXELS);
		if (f->picture.kind == VGA_PICTURE_TEXT)
			draw(f, f->picture.text.rows - 1, f->picture.text.columns - 1, 0);
		else
			line(f, f->picture.height - 1);
	}
	g_rand_free(random);
}

#define ADD(name, function) \
	g_test_add("/vga-picture/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("text", test_text);
	ADD("cursor", test_cursor);
	ADD("text-variants", test_text_variants);
	ADD("planar", test_planar);
	ADD("256-colors", test_256_colors);
	ADD("cga", test_cga);
	ADD("depths", test_depths);
	ADD("blank", test_blank);
	ADD("hostile", test_hostile);
	return g_test_run();
}
