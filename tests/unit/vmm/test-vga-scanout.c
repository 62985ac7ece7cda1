/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-scanout.h"

#include <glib.h>
#include <string.h>

#include "devices/vga/vga-memory.h"
#include "devices/vga/vga-registers.h"
#include "display/screen.h"
#include "loop/event-loop.h"
#include "vga-driver.h"

#define MEMORY (1u << 20)

struct fixture {
	struct event_loop *loop;
	struct screen *screen;
	struct vga_registers registers;
	struct vga_memory memory;
	struct vga_scanout scanout;
	struct vga_driver driver;
	uint32_t seen; /* damage */
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
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	g_assert_cmpint(screen_create(f->loop, vga_scanout_pixel_bytes(MEMORY), &f->screen), ==, 0);
	vga_registers_reset(&f->registers, MEMORY);
	f->memory = (struct vga_memory){.bytes = screen_pixels(f->screen), .size = MEMORY};
	g_assert_cmpint(vga_scanout_init(&f->scanout, f->screen, MEMORY), ==, 0);
	f->driver = (struct vga_driver){out, in, f};
	for (uint8_t i = 0; i < 64; i++)
		vga_driver_set_color(&f->driver, i, i, i, i);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	vga_scanout_finish(&f->scanout);
	screen_destroy(f->screen);
	event_loop_destroy(f->loop);
}

static bool update(struct fixture *f, bool all)
{
	f->seen = screen_page(f->screen)->damage.count;
	return vga_scanout_update(&f->scanout, &f->registers, &f->memory, all);
}

static int rectangles(struct fixture *f, struct screen_rectangle found[SCREEN_DAMAGE_SLOTS])
{
	g_autofree struct screen_page *copy = g_new(struct screen_page, 1);

	g_assert_cmpint(screen_copy(screen_page(f->screen), screen_pixel_bytes(f->screen), copy),
			==, 0);
	return screen_damage_since(copy, f->seen, found);
}

static void check_one(struct fixture *f, uint16_t x, uint16_t y, uint16_t width, uint16_t height)
{
	struct screen_rectangle found[SCREEN_DAMAGE_SLOTS];

	g_assert_cmpint(rectangles(f, found), ==, 1);
	g_assert_cmpuint(found[0].x, ==, x);
	g_assert_cmpuint(found[0].y, ==, y);
	g_assert_cmpuint(found[0].width, ==, width);
	g_assert_cmpuint(found[0].height, ==, height);
}

static uint32_t pixel(const struct fixture *f, uint32_t x, uint32_t y)
{
	const struct screen_mode *mode = &screen_page(f->screen)->mode;
	uint32_t value;

	memcpy(&value, screen_pixels(f->screen) + mode->offset + y * mode->stride + 4 * x, 4);
	return value;
}

static void set_cell(struct fixture *f, uint32_t cell, uint8_t character)
{
	f->memory.bytes[(size_t)4 * cell] = character;
	f->memory.bytes[(size_t)4 * cell + 1] = 0x0f;
}

static void test_text(struct fixture *f, gconstpointer data)
{
	struct screen_rectangle found[SCREEN_DAMAGE_SLOTS];

	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	f->memory.bytes[4 * ('A' * 32) + VGA_FONT_PLANE] = 0x80;
	g_assert_true(update(f, false));
	g_assert_cmpuint(screen_page(f->screen)->mode.width, ==, 720);
	check_one(f, 0, 0, 720, 400);
	g_assert_false(update(f, false));

	set_cell(f, 3 * 80 + 7, 'A');
	set_cell(f, 3 * 80 + 9, 'A');
	g_assert_true(update(f, false));
	check_one(f, 7 * 9, 3 * 16, 3 * 9, 16);
	g_assert_cmphex(pixel(f, 7 * 9, 3 * 16), ==, 0xffffff);
	g_assert_cmphex(pixel(f, 7 * 9 + 1, 3 * 16), ==, 0);

	/* the cursor leaves one cell for another */
	vga_driver_set(&f->driver, 0x3D4, VGA_CRTC_CURSOR_LOW, 81);
	g_assert_true(update(f, false));
	g_assert_cmpint(rectangles(f, found), ==, 2);
	g_assert_cmpuint(found[0].x, ==, 0);
	g_assert_cmpuint(found[1].x, ==, 9);
	g_assert_cmpuint(found[1].y, ==, 16);

	/* a font or a color: all of it */
	f->memory.font_changed = true;
	g_assert_true(update(f, false));
	check_one(f, 0, 0, 720, 400);
	vga_driver_set_color(&f->driver, 0x3f, 1, 2, 3);
	g_assert_true(update(f, false));
	check_one(f, 0, 0, 720, 400);
	g_assert_cmphex(pixel(f, 7 * 9, 3 * 16), ==, 0x04080c);
}

static void test_joined(struct fixture *f, gconstpointer data)
{
	struct screen_rectangle found[SCREEN_DAMAGE_SLOTS];

	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	update(f, false);
	for (uint32_t row = 0; row < 25; row++)
		set_cell(f, row * 80 + row, 'x');
	update(f, false);
	g_assert_cmpint(rectangles(f, found), ==, 16);
	g_assert_cmpuint(found[15].y, ==, 15 * 16);
	g_assert_cmpuint(found[15].height, ==, 10 * 16);
}

static void test_lines(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_13);
	update(f, false);
	g_assert_cmpuint(screen_page(f->screen)->mode.offset, ==, MEMORY);
	f->memory.bytes[8192] = 63;       /* row 25, pixel 192 */
	g_assert_false(update(f, false)); /* nobody has said so */
	vga_memory_mark(&f->memory, 8192);
	g_assert_true(update(f, false));
	check_one(f, 0, 2 * 25, 640, 2 * (38 - 25 + 1)); /* rows in the page */
	g_assert_cmphex(pixel(f, 384, 51), ==, 0xffffff);
	g_assert_false(update(f, false));
}

static void test_linear(struct fixture *f, gconstpointer data)
{
	struct vbe *vbe = &f->registers.vbe;
	const struct screen_mode *mode = &screen_page(f->screen)->mode;

	vbe_write(vbe, VBE_WIDTH, 256);
	vbe_write(vbe, VBE_HEIGHT, 128);
	vbe_write(vbe, VBE_DEPTH, 32);
	vbe_write(vbe, VBE_ENABLE, VBE_ENABLED);
	vga_driver_set_attribute(&f->driver, 0, 0);
	update(f, false);
	g_assert_cmpuint(mode->offset, ==, 0);
	g_assert_cmpuint(mode->stride, ==, 1024);
	memcpy(f->memory.bytes + 4 * 1024, "\x01\x02\x03\x04", 4);
	g_assert_cmphex(pixel(f, 0, 4), ==, 0x04030201); /* at once */
	vga_memory_mark(&f->memory, 4 * 1024);
	vga_memory_mark(&f->memory, 12 * 1024);
	update(f, false);
	g_assert_cmpuint(screen_page(f->screen)->damage.count - f->seen, ==, 2);
	/* another page of memory */
	vbe_write(vbe, VBE_Y_OFFSET, 128);
	g_assert_true(update(f, false));
	g_assert_cmpuint(mode->offset, ==, 128 * 1024);
	g_assert_cmpuint(mode->generation, ==, 2);
}

static void test_blank(struct fixture *f, gconstpointer data)
{
	const struct screen_mode *mode = &screen_page(f->screen)->mode;

	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	update(f, true);
	vga_registers_reset(&f->registers, MEMORY);
	g_assert_true(update(f, false));
	g_assert_cmpuint(mode->width, ==, 0);
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	update(f, false);
	g_assert_cmpuint(mode->width, ==, 720);
	/* somebody else had the screen */
	screen_blank(f->screen);
	update(f, false);
	g_assert_cmpuint(mode->width, ==, 720);
}

#define ADD(name, function) \
	g_test_add("/vga-scanout/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("text", test_text);
	ADD("joined", test_joined);
	ADD("lines", test_lines);
	ADD("linear", test_linear);
	ADD("blank", test_blank);
	return g_test_run();
}
