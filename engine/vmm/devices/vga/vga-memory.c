/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-memory.h"

#include <string.h>

#include "base/byte-order.h"
#include "devices/vga/vga-registers.h"

enum write_mode { WRITE_LOGIC, WRITE_LATCH, WRITE_COLOR, WRITE_MASK };
enum logic { LOGIC_COPY, LOGIC_AND, LOGIC_OR, LOGIC_XOR };

struct vga_map vga_memory_map(const struct vga_registers *registers)
{
	static const struct vga_map maps[] = {
		{0x00000, 0x20000}, {0x00000, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
	static const struct vga_map none = {0, 0};

	if (!(registers->misc & VGA_MISC_MEMORY))
		return none;
	if (vga_is_packed(registers))
		return maps[1];
	return maps[registers->graphics[VGA_GRAPHICS_MISC] >> VGA_MISC_MAP_SHIFT & 3];
}

/* A byte of each plane from one of four bits. */
static uint32_t planes_of(unsigned int bits)
{
	uint32_t planes = 0;

	for (unsigned int i = 0; i < 4; i++)
		planes |= bits >> i & 1 ? 0xffu << (8 * i) : 0;
	return planes;
}

static uint32_t each_plane(uint8_t byte)
{
	return byte * 0x01010101u;
}

/* Where in video memory the four bytes at a plane address are; a bank counts in larger modes. */
static uint32_t place(const struct vga_memory *memory, const struct vga_registers *registers,
		      uint32_t plane_address)
{
	uint32_t bank = 0;

	if (vbe_is_enabled(&registers->vbe))
		bank = registers->vbe.registers[VBE_BANK] * (uint32_t)VBE_BANK_SIZE;
	else
		plane_address %= VGA_PLANE_SIZE;
	return 4 * (bank + plane_address) % memory->size;
}

static uint32_t packed_place(const struct vga_memory *memory, const struct vga_registers *registers,
			     uint32_t offset)
{
	uint32_t bank = registers->vbe.registers[VBE_BANK] * (uint32_t)VBE_BANK_SIZE;

	return (bank + offset) % memory->size;
}

static uint8_t read_planes(struct vga_memory *memory, const struct vga_registers *registers,
			   uint32_t address)
{
	const uint8_t *graphics = registers->graphics;
	unsigned int plane = graphics[VGA_GRAPHICS_READ_PLANE];
	uint32_t different;

	if (registers->sequencer[VGA_SEQUENCER_MEMORY] & VGA_MEMORY_CHAIN_4) {
		plane = address & 3;
		address >>= 2;
	} else if (graphics[VGA_GRAPHICS_MODE] & VGA_MODE_ODD_EVEN) {
		plane = (plane & 2) | (address & 1);
		address >>= 1;
	}
	memory->latch = load_le32(memory->bytes + place(memory, registers, address));
	if (!(graphics[VGA_GRAPHICS_MODE] & VGA_MODE_READ_COMPARE))
		return (uint8_t)(memory->latch >> (8 * plane));
	different = (memory->latch ^ planes_of(graphics[VGA_GRAPHICS_COMPARE])) &
		    planes_of(graphics[VGA_GRAPHICS_COMPARE_PLANES]);
	return (uint8_t) ~(different | different >> 8 | different >> 16 | different >> 24);
}

static uint32_t combine(const struct vga_memory *memory, uint8_t function, uint32_t value)
{
	switch ((enum logic)(function >> 3 & 3)) {
	case LOGIC_AND:
		return value & memory->latch;
	case LOGIC_OR:
		return value | memory->latch;
	case LOGIC_XOR:
		return value ^ memory->latch;
	case LOGIC_COPY:
		break;
	}
	return value;
}

static uint8_t rotate_right(uint8_t value, unsigned int count)
{
	return (uint8_t)((value | value << 8) >> count);
}

/* What a processor's write makes of the four bytes, before the mask of planes. */
static uint32_t written_value(const struct vga_memory *memory, const uint8_t *graphics,
			      uint8_t value)
{
	uint8_t function = graphics[VGA_GRAPHICS_ROTATE];
	uint32_t mask = each_plane(graphics[VGA_GRAPHICS_BIT_MASK]);
	uint32_t set_reset = planes_of(graphics[VGA_GRAPHICS_SET_RESET]);
	uint32_t enabled = planes_of(graphics[VGA_GRAPHICS_SET_RESET_PLANES]);
	uint8_t rotated = rotate_right(value, function & 7);
	uint32_t result = 0;

	switch ((enum write_mode)(graphics[VGA_GRAPHICS_MODE] & VGA_MODE_WRITE)) {
	case WRITE_LOGIC:
		result = (each_plane(rotated) & ~enabled) | (set_reset & enabled);
		break;
	case WRITE_LATCH:
		return memory->latch;
	case WRITE_COLOR:
		result = planes_of(value);
		break;
	case WRITE_MASK:
		result = set_reset;
		mask &= each_plane(rotated);
		break;
	}
	return (combine(memory, function, result) & mask) | (memory->latch & ~mask);
}

static void write_planes(struct vga_memory *memory, const struct vga_registers *registers,
			 uint32_t address, uint8_t value)
{
	uint8_t mode = registers->sequencer[VGA_SEQUENCER_MEMORY];
	unsigned int planes = registers->sequencer[VGA_SEQUENCER_PLANES];
	uint32_t mask, at, before;

	if (mode & VGA_MEMORY_CHAIN_4) {
		planes &= 1u << (address & 3);
		address >>= 2;
	} else if (!(mode & VGA_MEMORY_SEQUENTIAL)) {
		planes &= address & 1 ? 0xa : 0x5;
		address >>= 1;
	}
	mask = planes_of(planes);
	at = place(memory, registers, address);
	before = load_le32(memory->bytes + at);
	store_le32(memory->bytes + at,
		   (written_value(memory, registers->graphics, value) & mask) | (before & ~mask));
	vga_memory_mark(memory, at);
	memory->font_changed = memory->font_changed || (planes & 1 << VGA_FONT_PLANE);
}

uint8_t vga_memory_read(struct vga_memory *memory, const struct vga_registers *registers,
			uint32_t offset)
{
	struct vga_map map = vga_memory_map(registers);

	if (offset - map.base >= map.size)
		return 0xff;
	if (vga_is_packed(registers))
		return memory->bytes[packed_place(memory, registers, offset)];
	return read_planes(memory, registers, offset - map.base);
}

void vga_memory_write(struct vga_memory *memory, const struct vga_registers *registers,
		      uint32_t offset, uint8_t value)
{
	struct vga_map map = vga_memory_map(registers);
	uint32_t at;

	if (offset - map.base >= map.size)
		return;
	if (!vga_is_packed(registers)) {
		write_planes(memory, registers, offset - map.base, value);
		return;
	}
	at = packed_place(memory, registers, offset);
	memory->bytes[at] = value;
	vga_memory_mark(memory, at);
}

void vga_memory_mark_all(struct vga_memory *memory)
{
	memset(memory->dirty, 0xff, sizeof(memory->dirty));
	memory->changed = true;
}

void vga_memory_mark_none(struct vga_memory *memory)
{
	memset(memory->dirty, 0, sizeof(memory->dirty));
	memory->changed = false;
}

bool vga_memory_is_marked(const struct vga_memory *memory, uint32_t at, uint32_t length)
{
	uint32_t pages = memory->size >> VGA_PAGE_SHIFT;
	uint32_t page = at >> VGA_PAGE_SHIFT, last = (at + length - 1) >> VGA_PAGE_SHIFT;

	for (; page <= last; page++) {
		uint32_t wrapped = page % pages;

		if (memory->dirty[wrapped / 64] >> wrapped % 64 & 1)
			return true;
	}
	return false;
}
