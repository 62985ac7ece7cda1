/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-window.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "bus/memory-slot.h"
#include "devices/vga/vga-registers.h"

enum {
	/* A mapping costs about what this many exits do, and registers change in bursts. */
	PATIENCE = 8,
	ALL_PLANES = 0xf,
	TEXT_PLANES = 0x3,
};

/* Whether bytes are written as they come and read as they are. */
static bool is_plain(const uint8_t *graphics)
{
	return graphics[VGA_GRAPHICS_SET_RESET_PLANES] == 0 && graphics[VGA_GRAPHICS_ROTATE] == 0 &&
	       graphics[VGA_GRAPHICS_BIT_MASK] == 0xff &&
	       !(graphics[VGA_GRAPHICS_MODE] & (VGA_MODE_WRITE | VGA_MODE_READ_COMPARE));
}

static struct vga_window_layout planar_layout(const struct vga_registers *registers,
					      struct vga_map map)
{
	const uint8_t *graphics = registers->graphics;
	uint8_t mode = registers->sequencer[VGA_SEQUENCER_MEMORY];
	uint8_t planes = registers->sequencer[VGA_SEQUENCER_PLANES];
	uint8_t read_plane = graphics[VGA_GRAPHICS_READ_PLANE];
	bool odd_even_reads = graphics[VGA_GRAPHICS_MODE] & VGA_MODE_ODD_EVEN;
	struct vga_window_layout layout = {.kind = VGA_WINDOW_TRAPPED, .map = map};

	if (!is_plain(graphics) || vbe_is_enabled(&registers->vbe))
		return layout;
	if (mode & VGA_MEMORY_CHAIN_4) {
		if (planes == ALL_PLANES)
			layout.kind = VGA_WINDOW_LINEAR;
	} else if (!(mode & VGA_MEMORY_SEQUENTIAL)) {
		if (planes == TEXT_PLANES && odd_even_reads && !(read_plane & 2))
			layout.kind = VGA_WINDOW_PAIRS;
	} else if (planes == 1 << read_plane && !odd_even_reads && map.size <= VGA_PLANE_SIZE) {
		layout.kind = VGA_WINDOW_PLANE;
		layout.plane = read_plane;
	}
	return layout;
}

struct vga_window_layout vga_window_layout_of(const struct vga_registers *registers,
					      uint32_t memory_size)
{
	struct vga_map map = vga_memory_map(registers);
	uint32_t bank = registers->vbe.registers[VBE_BANK] * (uint32_t)VBE_BANK_SIZE;

	if (map.size == 0)
		return (struct vga_window_layout){.kind = VGA_WINDOW_TRAPPED};
	if (!vga_is_packed(registers))
		return planar_layout(registers, map);
	return (struct vga_window_layout){
		.kind = VGA_WINDOW_LINEAR,
		.map = map,
		.start = bank % memory_size,
	};
}

int vga_window_init(struct vga_window *window, struct memory_slot_registry *slots,
		    struct vga_memory *memory)
{
	*window = (struct vga_window){.slots = slots, .memory = memory};
	window->copy = aligned_alloc(MEMORY_SLOT_PAGE_SIZE, VGA_WINDOW_SIZE);
	return window->copy ? 0 : -ENOMEM;
}

/* Where in video memory a byte of the copy belongs. */
static uint32_t scattered(const struct vga_window_layout *layout, uint32_t at)
{
	return layout->kind == VGA_WINDOW_PAIRS ? 4 * (at / 2) + at % 2 : 4 * at + layout->plane;
}

static void fill_copy(struct vga_window *window)
{
	for (uint32_t at = 0; at < window->layout.map.size; at++)
		window->copy[at] = window->memory->bytes[scattered(&window->layout, at)];
}

static void put_back_copy(struct vga_window *window)
{
	struct vga_memory *memory = window->memory;
	bool changed = false;

	for (uint32_t at = 0; at < window->layout.map.size; at++) {
		uint32_t place = scattered(&window->layout, at);
		uint8_t value = window->copy[at];

		if (memory->bytes[place] == value)
			continue;
		memory->bytes[place] = value;
		vga_memory_mark(memory, place);
		changed = true;
	}
	if (changed && window->layout.kind == VGA_WINDOW_PLANE &&
	    window->layout.plane == VGA_FONT_PLANE)
		memory->font_changed = true;
}

/* The guest is kept out first, so that nothing it writes meanwhile is lost. */
static void unmap(struct vga_window *window)
{
	const struct vga_window_layout *layout = &window->layout;

	if (!window->slot)
		return;
	memory_slot_destroy(window->slot);
	window->slot = NULL;
	if (layout->kind != VGA_WINDOW_LINEAR) {
		put_back_copy(window);
		return;
	}
	for (uint32_t at = 0; at < layout->map.size; at += MEMORY_SLOT_PAGE_SIZE)
		vga_memory_mark(window->memory, layout->start + at);
}

/* If there is no slot, the window stays trapped, which is only slower. */
static void map(struct vga_window *window)
{
	const struct vga_window_layout *layout = &window->layout;
	bool linear = layout->kind == VGA_WINDOW_LINEAR;
	void *host = linear ? window->memory->bytes + layout->start : window->copy;

	if (memory_slot_create(window->slots, host, layout->map.size,
			       linear ? MEMORY_SLOT_TRACK_DIRTY : 0, &window->slot) < 0)
		return;
	if (!linear)
		fill_copy(window);
	if (memory_slot_map(window->slot, VGA_WINDOW_BASE + layout->map.base) == 0)
		return;
	memory_slot_destroy(window->slot);
	window->slot = NULL;
}

void vga_window_finish(struct vga_window *window)
{
	unmap(window);
	free(window->copy);
	window->copy = NULL;
}

static bool is_same(const struct vga_window_layout *a, const struct vga_window_layout *b)
{
	return a->kind == b->kind && a->map.base == b->map.base && a->map.size == b->map.size &&
	       a->start == b->start && a->plane == b->plane;
}

void vga_window_update(struct vga_window *window, const struct vga_registers *registers)
{
	struct vga_window_layout layout = vga_window_layout_of(registers, window->memory->size);

	if (is_same(&layout, &window->layout))
		return;
	unmap(window);
	window->layout = layout;
	window->accesses = 0;
}

static void note_access(struct vga_window *window)
{
	if (window->layout.kind == VGA_WINDOW_TRAPPED || window->slot)
		return;
	if (++window->accesses == PATIENCE)
		map(window);
}

/*
 * The byte in the slot, or NULL: another vCPU has had the window mapped while this access waited
 * for its turn.
 */
static uint8_t *mapped_byte(struct vga_window *window, uint32_t offset)
{
	if (!window->slot || offset - window->layout.map.base >= window->layout.map.size)
		return NULL;
	return (uint8_t *)window->slot->host + (offset - window->layout.map.base);
}

uint8_t vga_window_read(struct vga_window *window, const struct vga_registers *registers,
			uint32_t offset)
{
	const uint8_t *mapped = mapped_byte(window, offset);
	uint8_t value;

	if (mapped)
		return *mapped;
	value = vga_memory_read(window->memory, registers, offset);
	note_access(window);
	return value;
}

void vga_window_write(struct vga_window *window, const struct vga_registers *registers,
		      uint32_t offset, uint8_t value)
{
	uint8_t *mapped = mapped_byte(window, offset);

	if (!mapped) {
		vga_memory_write(window->memory, registers, offset, value);
		note_access(window);
		return;
	}
	*mapped = value;
	if (window->layout.kind == VGA_WINDOW_LINEAR)
		vga_memory_mark(window->memory,
				window->layout.start + (offset - window->layout.map.base));
}

static void take_dirty(struct vga_window *window)
{
	uint64_t pages = 0;

	static_assert(VGA_WINDOW_SIZE / MEMORY_SLOT_PAGE_SIZE <= 64, "one word");
	if (memory_slot_take_dirty(window->slot, &pages) < 0)
		pages = UINT64_MAX;
	for (uint32_t page = 0; page < window->layout.map.size / MEMORY_SLOT_PAGE_SIZE; page++) {
		if (pages >> page & 1)
			vga_memory_mark(window->memory,
					window->layout.start + page * MEMORY_SLOT_PAGE_SIZE);
	}
}

void vga_window_collect(struct vga_window *window)
{
	if (!window->slot)
		return;
	if (window->layout.kind == VGA_WINDOW_LINEAR)
		take_dirty(window);
	else
		put_back_copy(window);
}
