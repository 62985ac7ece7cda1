/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "bus/address-space.h"
#include "display/edid.h"
#include "display/screen.h"
#include "fake-memory-slots.h"
#include "loop/event-loop.h"
#include "state-block.h"
#include "vga-driver.h"

enum { MEMORY = 16 << 20 };

struct fixture {
	struct event_loop *loop;
	struct address_space *ports, *mmio;
	struct fake_memory_slots slots;
	struct screen *screen;
	struct vga *vga;
	struct vga_driver driver;
	unsigned int notices;
	uint32_t awaited; /* damage that ends the loop */
};

static void out8(void *data, uint16_t port, uint8_t value)
{
	address_space_write(((struct fixture *)data)->ports, port, 1, value);
}

static uint8_t in8(void *data, uint16_t port)
{
	return (uint8_t)address_space_read(((struct fixture *)data)->ports, port, 1);
}

static void on_changed(void *data)
{
	struct fixture *f = data;

	f->notices++;
	if (screen_page(f->screen)->damage.count == f->awaited)
		event_loop_stop(f->loop, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	struct vga_host host;

	fake_memory_slots_init(&f->slots);
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	g_assert_cmpint(address_space_create(0x10000, &f->ports), ==, 0);
	g_assert_cmpint(address_space_create(0, &f->mmio), ==, 0);
	g_assert_cmpint(screen_create(f->loop, vga_pixel_bytes(MEMORY), &f->screen), ==, 0);
	host = (struct vga_host){f->ports, f->mmio, &f->slots.registry, NULL, f->loop, f->screen};
	g_assert_cmpint(vga_create(&host, MEMORY, 1280, 800, &f->vga), ==, 0);
	screen_set_source(f->screen, &vga_screen_ops, f->vga);
	screen_set_listener(f->screen, on_changed, f);
	f->driver = (struct vga_driver){out8, in8, f};
	f->awaited = UINT32_MAX;
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	vga_destroy(f->vga);
	g_assert_cmpuint(f->slots.count, ==, 0);
	g_assert_cmphex(address_space_read(f->ports, 0x3CC, 1), ==, 0xff);
	screen_destroy(f->screen);
	address_space_destroy(f->mmio);
	address_space_destroy(f->ports);
	event_loop_destroy(f->loop);
}

static void vbe(struct fixture *f, uint16_t index, uint16_t value)
{
	address_space_write(f->ports, 0x1CE, 2, index);
	address_space_write(f->ports, 0x1CF, 2, value);
}

static void set_linear(struct fixture *f)
{
	vbe(f, 4, 0);
	vbe(f, 1, 1024);
	vbe(f, 2, 768);
	vbe(f, 3, 32);
	vbe(f, 4, 0x41);
	vga_driver_set_attribute(&f->driver, 0, 0);
}

static const struct screen_mode *mode(const struct fixture *f)
{
	return &screen_page(f->screen)->mode;
}

/* Words to an index and its data, and what the ports of older cards answer. */
static void test_ports(struct fixture *f, gconstpointer data)
{
	address_space_write(f->ports, 0x3C4, 2, 0x0f02);
	g_assert_cmphex(address_space_read(f->ports, 0x3C4, 2), ==, 0x0f02);
	g_assert_cmphex(in8(f, 0x3B5), ==, 0xff);
	address_space_write(f->ports, 0x1CE, 2, 0);
	g_assert_cmphex(address_space_read(f->ports, 0x1CE, 2), ==, 0);
	g_assert_cmphex(address_space_read(f->ports, 0x1CF, 2), ==, 0xb0c5);
	g_assert_cmphex(address_space_read(f->ports, 0x1D0, 2), ==, 0xb0c5);
	vbe(f, 1, 640);
	address_space_write(f->ports, 0x1D0, 2, 800);
	g_assert_cmpuint(address_space_read(f->ports, 0x1CF, 2), ==, 800);
	address_space_write(f->ports, 0x1CF, 1, 0);
	g_assert_cmpuint(address_space_read(f->ports, 0x1CF, 2), ==, 800);
}

static uint64_t area(struct fixture *f, uint64_t offset, unsigned int size)
{
	return vga_registers_ops.read(f->vga, offset, size);
}

static void set_area(struct fixture *f, uint64_t offset, unsigned int size, uint64_t value)
{
	vga_registers_ops.write(f->vga, offset, size, value);
}

static void test_registers(struct fixture *f, gconstpointer data)
{
	uint8_t edid[EDID_SIZE];

	edid_build(1280, 800, edid);
	for (unsigned int i = 0; i < EDID_SIZE; i++)
		g_assert_cmphex(area(f, i, 1), ==, edid[i]);
	g_assert_cmphex(area(f, 0x80, 8), ==, 0);
	set_area(f, 0x40E, 2, 0xa508); /* ports 0x3CE and 0x3CF */
	g_assert_cmphex(in8(f, 0x3CF), ==, 0xa5);
	g_assert_cmphex(area(f, 0x40F, 1), ==, 0xa5);
	g_assert_cmphex(area(f, 0x500, 2), ==, 0xb0c5);
	g_assert_cmphex(area(f, 0x514, 2), ==, MEMORY >> 16);
	set_area(f, 0x502, 4, 800 | 600 << 16);
	g_assert_cmpuint(area(f, 0x502, 2), ==, 800);
	g_assert_cmpuint(area(f, 0x504, 2), ==, 600);
	set_area(f, 0x503, 2, 0xffff);
	set_area(f, 0x504, 1, 0xff);
	g_assert_cmpuint(area(f, 0x502, 4), ==, 800 | 600 << 16);
	g_assert_cmphex(area(f, 0x600, 4), ==, 8);
	g_assert_cmphex(area(f, 0x604, 4), ==, 0x1e1e1e1e);
	g_assert_cmphex(area(f, 0xffc, 4), ==, 0xffffffff);
}

/* A picture without anybody watching: when it is asked for. */
static void test_refresh(struct fixture *f, gconstpointer data)
{
	uint32_t pixel;

	vga_driver_set_mode(&f->driver, &vga_driver_mode_13);
	vga_driver_set_color(&f->driver, 9, 63, 0, 0);
	g_assert_cmpuint(mode(f)->width, ==, 0);
	screen_refresh(f->screen);
	g_assert_cmpuint(mode(f)->width, ==, 640);
	/* some are trapped, the last ones go to a slot */
	for (unsigned int i = 0; i < 64; i++)
		address_space_write(f->mmio, 0xA0000 + i, 1, 9);
	screen_refresh(f->screen);
	memcpy(&pixel, screen_pixels(f->screen) + mode(f)->offset + 2 * 63 * 4, 4);
	g_assert_cmphex(pixel, ==, 0xff0000);
	g_assert_cmpuint(f->notices, ==, 0);
}

static void test_cleared(struct fixture *f, gconstpointer data)
{
	uint8_t *pixels = screen_pixels(f->screen);

	memset(pixels, 0x55, 8192);
	set_linear(f);
	g_assert_cmphex(pixels[0], ==, 0);
	memset(pixels, 0x55, 8192);
	vbe(f, 4, 0);
	vbe(f, 4, 0xc1);
	g_assert_cmphex(pixels[0], ==, 0x55);
}

/* The guest draws through the BAR; the timer finds it. */
static void test_watched(struct fixture *f, gconstpointer data)
{
	const struct screen_damage *damage = &screen_page(f->screen)->damage;
	struct memory_slot *slot = vga_memory_slot(f->vga);
	const struct screen_rectangle *last;

	set_linear(f);
	g_assert_cmpint(memory_slot_map(slot, 0xD0000000), ==, 0);
	screen_watch(f->screen, true);
	g_assert_cmpuint(mode(f)->width, ==, 1024);
	g_assert_cmpuint(f->notices, ==, 1);
	fake_memory_slot_dirty(slot, 4096 * 100, 4096 * 2);
	f->awaited = damage->count + 1;
	event_loop_run(f->loop);
	last = &damage->slots[(damage->count - 1) % SCREEN_DAMAGE_SLOTS];
	g_assert_cmpuint(last->y, ==, 100);
	g_assert_cmpuint(last->height, ==, 2);
	g_assert_cmpuint(last->width, ==, 1024);
	memory_slot_unmap(slot);
}

static void watch_nothing(void *device, bool watched)
{
}

static void refresh_nothing(void *device)
{
}

/* Another device has the screen; the VGA's picture comes back as a whole. */
static void test_another_source(struct fixture *f, gconstpointer data)
{
	static const struct screen_source_ops nothing = {watch_nothing, refresh_nothing, NULL};

	set_linear(f);
	screen_watch(f->screen, true);
	screen_set_source(f->screen, &nothing, NULL);
	screen_blank(f->screen);
	screen_refresh(f->screen);
	g_assert_cmpuint(mode(f)->width, ==, 0);
	screen_set_source(f->screen, &vga_screen_ops, f->vga);
	g_assert_cmpuint(mode(f)->width, ==, 1024);
}

static void test_reset(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	for (unsigned int i = 0; i < 64; i++)
		address_space_write(f->mmio, 0xB8000 + i, 1, 'x');
	g_assert_cmpuint(f->slots.count, ==, 2);
	vga_reset(f->vga);
	g_assert_cmpuint(f->slots.count, ==, 1);
	screen_refresh(f->screen);
	g_assert_cmpuint(mode(f)->width, ==, 0);
	g_assert_cmphex(address_space_read(f->mmio, 0xB8000, 1), ==, 0xff);
	set_linear(f);
	vga_reset(f->vga);
	g_assert_cmphex(area(f, 0x508, 2), ==, 0);
}

static void test_resize(struct fixture *f, gconstpointer data)
{
	uint8_t edid[EDID_SIZE];

	g_assert_cmpint(screen_resize(f->screen, 1600, 900), ==, 0);
	edid_build(1600, 900, edid);
	g_assert_cmphex(area(f, EDID_SIZE - 1, 1), ==, edid[EDID_SIZE - 1]);
	g_assert_cmpint(screen_resize(f->screen, 0, 900), ==, -EOPNOTSUPP);
	g_assert_cmpint(screen_resize(f->screen, 4000, 4000), ==, -EOPNOTSUPP);
}

static void test_taken(struct fixture *f, gconstpointer data)
{
	struct vga_host host = {f->ports, f->mmio, &f->slots.registry, NULL, f->loop, f->screen};
	struct vga *second;

	g_assert_cmpint(vga_create(&host, MEMORY, 1280, 800, &second), ==, -EEXIST);
	g_assert_cmphex(in8(f, 0x3C6), ==, 0xff);
	g_assert_cmphex(address_space_read(f->ports, 0x3CC, 1), ==, 1); /* still the first one */
}

/* A text written through the window, most of it into a slot, is on the other's screen. */
static void test_state(struct fixture *f, gconstpointer data)
{
	static struct state_block block;
	struct fixture other;
	size_t length;

	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	vga_driver_set_color(&f->driver, 9, 63, 0, 0);
	g_assert_cmpint(screen_resize(f->screen, 1600, 900), ==, 0);
	for (unsigned int i = 0; i < 64; i++)
		address_space_write(f->mmio, 0xB8000 + i, 1, 'x');
	STATE_BLOCK_SAVE(&block, vga_save, f->vga);

	set_up(&other, NULL);
	screen_refresh(other.screen);
	STATE_BLOCK_LOAD(&block, vga_load, other.vga);
	memcpy(screen_pixels(other.screen), screen_pixels(f->screen), MEMORY);
	for (unsigned int i = 0; i < 64; i++)
		g_assert_cmphex(address_space_read(other.mmio, 0xB8000 + i, 1), ==, 'x');
	g_assert_cmphex(area(&other, EDID_SIZE - 1, 1), ==, area(f, EDID_SIZE - 1, 1));
	screen_refresh(f->screen);
	screen_refresh(other.screen);
	g_assert_cmpuint(mode(&other)->width, ==, mode(f)->width);
	length = (size_t)mode(f)->stride * mode(f)->height;
	g_assert_cmpmem(screen_pixels(other.screen) + mode(&other)->offset, length,
			screen_pixels(f->screen) + mode(f)->offset, length);
	STATE_BLOCK_REFUSE(&block, vga_load, other.vga, 1, 4,
			   "the display adapter has no such bits");
	tear_down(&other, NULL);
}

#define ADD(name, function) \
	g_test_add("/vga/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("ports", test_ports);
	ADD("registers", test_registers);
	ADD("refresh", test_refresh);
	ADD("cleared", test_cleared);
	ADD("watched", test_watched);
	ADD("another-source", test_another_source);
	ADD("reset", test_reset);
	ADD("resize", test_resize);
	ADD("taken", test_taken);
	ADD("state", test_state);
	return g_test_run();
}
