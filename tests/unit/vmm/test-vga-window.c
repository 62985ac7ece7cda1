/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-window.h"

#include <errno.h>
#include <glib.h>

#include "devices/vga/vga-registers.h"
#include "fake-memory-slots.h"
#include "vga-driver.h"

#define MEMORY (1u << 20)

struct fixture {
	struct vga_registers registers;
	struct vga_memory memory;
	struct vga_window window;
	struct fake_memory_slots slots;
	struct vga_driver driver;
};

static void out(void *data, uint16_t port, uint8_t value)
{
	struct fixture *f = data;

	vga_registers_write(&f->registers, port - VGA_PORT_BASE, value);
	vga_window_update(&f->window, &f->registers);
}

static uint8_t in(void *data, uint16_t port)
{
	return vga_registers_read(&((struct fixture *)data)->registers, port - VGA_PORT_BASE, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	fake_memory_slots_init(&f->slots);
	vga_registers_reset(&f->registers, MEMORY);
	f->memory = (struct vga_memory){
		.bytes = g_aligned_alloc0(1, MEMORY, MEMORY_SLOT_PAGE_SIZE),
		.size = MEMORY,
	};
	g_assert_cmpint(vga_window_init(&f->window, &f->slots.registry, &f->memory), ==, 0);
	f->driver = (struct vga_driver){out, in, f};
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	vga_window_finish(&f->window);
	g_assert_cmpuint(f->slots.count, ==, 0);
	g_aligned_free(f->memory.bytes);
}

static void set(struct fixture *f, uint32_t offset, uint8_t value)
{
	vga_window_write(&f->window, &f->registers, offset, value);
}

/* Until it is mapped. */
static uint8_t *touch(struct fixture *f, uint32_t offset)
{
	for (unsigned int i = 0; i < 100 && !f->window.slot; i++)
		vga_window_read(&f->window, &f->registers, offset);
	return f->window.slot ? f->window.slot->host : NULL;
}

static enum vga_window_kind kind_of(const struct fixture *f)
{
	return vga_window_layout_of(&f->registers, MEMORY).kind;
}

static void test_kinds(struct fixture *f, gconstpointer data)
{
	g_assert_cmpint(kind_of(f), ==, VGA_WINDOW_TRAPPED);
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	g_assert_cmpint(kind_of(f), ==, VGA_WINDOW_PAIRS);
	vga_driver_begin_font(&f->driver);
	g_assert_cmpint(kind_of(f), ==, VGA_WINDOW_PLANE);
	vga_driver_set(&f->driver, 0x3CE, VGA_GRAPHICS_BIT_MASK, 0x7f);
	g_assert_cmpint(kind_of(f), ==, VGA_WINDOW_TRAPPED);
	vga_driver_set_mode(&f->driver, &vga_driver_mode_12);
	g_assert_cmpint(kind_of(f), ==, VGA_WINDOW_TRAPPED);
	vga_driver_set_mode(&f->driver, &vga_driver_mode_13);
	g_assert_cmpint(kind_of(f), ==, VGA_WINDOW_LINEAR);
	vga_driver_set(&f->driver, 0x3C4, VGA_SEQUENCER_MEMORY, VGA_MEMORY_SEQUENTIAL);
	g_assert_cmpint(kind_of(f), ==, VGA_WINDOW_TRAPPED);
}

static void test_text(struct fixture *f, gconstpointer data)
{
	uint8_t *mapped;

	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	set(f, 0x18000, 'H');
	set(f, 0x18001, 0x07);
	g_assert_null(f->window.slot); /* not for so little */
	mapped = touch(f, 0x18000);
	g_assert_nonnull(mapped);
	g_assert_cmphex(f->window.slot->gpa, ==, 0xb8000);
	g_assert_cmphex(f->window.slot->size, ==, 0x8000);
	g_assert_cmphex(mapped[0], ==, 'H');
	g_assert_cmphex(mapped[1], ==, 0x07);
	mapped[2] = 'i';
	/* another vCPU's access that came too late for the slot */
	set(f, 0x18003, 0x70);
	g_assert_cmphex(vga_window_read(&f->window, &f->registers, 0x18002), ==, 'i');
	vga_window_collect(&f->window);
	g_assert_nonnull(f->window.slot);
	g_assert_cmphex(f->memory.bytes[4], ==, 'i');
	g_assert_cmphex(f->memory.bytes[5], ==, 0x70);

	/* the font is another window, and the text is still there after it */
	mapped[2] = 'I';
	vga_driver_begin_font(&f->driver);
	g_assert_null(f->window.slot);
	g_assert_cmphex(f->memory.bytes[4], ==, 'I');
	mapped = touch(f, 0);
	g_assert_cmphex(f->window.slot->gpa, ==, 0xa0000);
	f->memory.font_changed = false;
	mapped[33] = 0x18;
	vga_driver_end_font(&f->driver);
	g_assert_true(f->memory.font_changed);
	g_assert_cmphex(f->memory.bytes[4 * 33 + 2], ==, 0x18);
	g_assert_cmphex(touch(f, 0x18000)[2], ==, 'I');
}

static void test_linear(struct fixture *f, gconstpointer data)
{
	vga_driver_set_mode(&f->driver, &vga_driver_mode_13);
	g_assert_true(touch(f, 0) == f->memory.bytes);
	vga_memory_mark_none(&f->memory);
	fake_memory_slot_dirty(f->window.slot, 0x3000, 1);
	vga_window_collect(&f->window);
	g_assert_true(vga_memory_is_marked(&f->memory, 0x3000, 1));
	g_assert_false(vga_memory_is_marked(&f->memory, 0x4000, MEMORY - 0x4000 + 0x3000));
	vga_memory_mark_none(&f->memory);
	set(f, 0x5000, 1);
	g_assert_true(vga_memory_is_marked(&f->memory, 0x5000, 1));
	/* what was written last is not lost with the slot */
	vga_memory_mark_none(&f->memory);
	vga_driver_set(&f->driver, 0x3C4, VGA_SEQUENCER_PLANES, 1);
	g_assert_null(f->window.slot);
	g_assert_true(vga_memory_is_marked(&f->memory, 0xf000, 1));
}

static void test_banks(struct fixture *f, gconstpointer data)
{
	struct vbe *vbe = &f->registers.vbe;

	f->registers.misc |= VGA_MISC_MEMORY;
	vbe_write(vbe, VBE_WIDTH, 640);
	vbe_write(vbe, VBE_HEIGHT, 480);
	vbe_write(vbe, VBE_ENABLE, VBE_ENABLED);
	vbe_write(vbe, VBE_BANK, 2);
	vga_window_update(&f->window, &f->registers);
	g_assert_true(touch(f, 0) == f->memory.bytes + 0x20000);
	vbe_write(vbe, VBE_BANK, 3);
	vga_window_update(&f->window, &f->registers);
	g_assert_null(f->window.slot);
	set(f, 0, 0x66);
	g_assert_cmphex(f->memory.bytes[0x30000], ==, 0x66);
	g_assert_true(touch(f, 0) == f->memory.bytes + 0x30000);
}

/* It then goes on as before, only slower. */
static void test_no_slot(struct fixture *f, gconstpointer data)
{
	f->slots.map_error = -EEXIST;
	vga_driver_set_mode(&f->driver, &vga_driver_mode_3);
	g_assert_null(touch(f, 0x18000));
	set(f, 0x18000, 'x');
	g_assert_cmphex(f->memory.bytes[0], ==, 'x');
	g_assert_cmpuint(f->slots.count, ==, 0);
}

#define ADD(name, function) \
	g_test_add("/vga-window/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("kinds", test_kinds);
	ADD("text", test_text);
	ADD("linear", test_linear);
	ADD("banks", test_banks);
	ADD("no-slot", test_no_slot);
	return g_test_run();
}
