/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-vbe.h"

#include <string.h>

#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	ID_FIRST = 0xb0c0,
	ID_LATEST = 0xb0c5,
	WIDTH_STEP = 8, /* pixels; rows are whole bytes at every depth */
	MAX_PITCH = 1 << 16,
	ENABLE_WRITABLE =
		VBE_ENABLED | VBE_CAPABILITIES | VBE_8_BIT_PALETTE | VBE_LINEAR | VBE_KEEP_MEMORY,
};

void vbe_reset(struct vbe *vbe, uint32_t memory_bytes)
{
	*vbe = (struct vbe){.index = 0};
	vbe->registers[VBE_ID] = ID_LATEST;
	vbe->registers[VBE_DEPTH] = 8;
	vbe->registers[VBE_MEMORY] = (uint16_t)(memory_bytes / VBE_BANK_SIZE);
}

static uint32_t memory_bytes(const struct vbe *vbe)
{
	return (uint32_t)vbe->registers[VBE_MEMORY] * VBE_BANK_SIZE;
}

/* Depth 4 is planar: a byte of each of four planes for eight pixels. 15 takes what 16 does. */
static uint32_t pitch_of(const struct vbe *vbe, uint32_t width)
{
	uint32_t bits = (vbe->registers[VBE_DEPTH] + 3u) & ~3u;

	return width / 8 * bits;
}

uint32_t vbe_pitch(const struct vbe *vbe)
{
	return pitch_of(vbe, vbe->registers[VBE_VIRTUAL_WIDTH]);
}

uint32_t vbe_start(const struct vbe *vbe)
{
	uint32_t x = vbe->registers[VBE_X_OFFSET];
	uint32_t bits = (vbe->registers[VBE_DEPTH] + 3u) & ~3u;

	if (bits == 4)
		x &= ~7u;
	return vbe->registers[VBE_Y_OFFSET] * vbe_pitch(vbe) + x * bits / 8;
}

static bool depth_exists(uint16_t depth)
{
	return depth == 4 || depth == 8 || depth == 15 || depth == 16 || depth == 24 || depth == 32;
}

/* Rows of this width that video memory holds. */
static uint32_t rows_that_fit(const struct vbe *vbe, uint32_t width)
{
	return memory_bytes(vbe) / pitch_of(vbe, width);
}

static uint16_t least(uint32_t a, uint32_t b)
{
	return (uint16_t)(a < b ? a : b);
}

static void set_virtual_width(struct vbe *vbe, uint32_t width)
{
	uint16_t *registers = vbe->registers;

	width &= ~(WIDTH_STEP - 1u);
	if (width < registers[VBE_WIDTH] || pitch_of(vbe, width) > MAX_PITCH ||
	    rows_that_fit(vbe, width) < registers[VBE_HEIGHT])
		return;
	registers[VBE_VIRTUAL_WIDTH] = (uint16_t)width;
	registers[VBE_VIRTUAL_HEIGHT] = least(rows_that_fit(vbe, width), UINT16_MAX);
	registers[VBE_X_OFFSET] = least(registers[VBE_X_OFFSET], width - registers[VBE_WIDTH]);
	registers[VBE_Y_OFFSET] =
		least(registers[VBE_Y_OFFSET],
		      registers[VBE_VIRTUAL_HEIGHT] - (uint32_t)registers[VBE_HEIGHT]);
}

/* Whether there can be a picture of what the registers say. */
static bool mode_fits(const struct vbe *vbe)
{
	const uint16_t *registers = vbe->registers;

	return registers[VBE_WIDTH] > 0 && registers[VBE_HEIGHT] > 0 &&
	       pitch_of(vbe, registers[VBE_WIDTH]) <= MAX_PITCH &&
	       rows_that_fit(vbe, registers[VBE_WIDTH]) >= registers[VBE_HEIGHT];
}

static bool write_enable(struct vbe *vbe, uint16_t value)
{
	uint16_t *registers = vbe->registers;
	bool was_enabled = vbe_is_enabled(vbe);

	value &= ENABLE_WRITABLE;
	if (!was_enabled && (value & VBE_ENABLED) && !mode_fits(vbe))
		value &= (uint16_t)~VBE_ENABLED;
	registers[VBE_ENABLE] = value;
	if (was_enabled && (value & VBE_ENABLED))
		return false;
	registers[VBE_BANK] = registers[VBE_X_OFFSET] = registers[VBE_Y_OFFSET] = 0;
	if (!(value & VBE_ENABLED))
		return false;
	registers[VBE_VIRTUAL_WIDTH] = 0;
	set_virtual_width(vbe, registers[VBE_WIDTH]);
	return !(value & VBE_KEEP_MEMORY);
}

/* Width, height and depth change only while no mode is on. */
static void write_geometry(struct vbe *vbe, unsigned int index, uint16_t value)
{
	if (vbe_is_enabled(vbe))
		return;
	if (index == VBE_WIDTH && value <= VBE_MAX_SIDE)
		vbe->registers[index] = value & (uint16_t) ~(WIDTH_STEP - 1);
	else if (index == VBE_HEIGHT && value <= VBE_MAX_SIDE)
		vbe->registers[index] = value;
	else if (index == VBE_DEPTH && (value == 0 || depth_exists(value)))
		vbe->registers[index] = value ? value : 8;
}

/* What scrolls, only while a mode is on. */
static void write_view(struct vbe *vbe, unsigned int index, uint16_t value)
{
	uint16_t *registers = vbe->registers;

	if (!vbe_is_enabled(vbe))
		return;
	if (index == VBE_VIRTUAL_WIDTH)
		set_virtual_width(vbe, value);
	else if (index == VBE_X_OFFSET)
		registers[index] =
			least(value, registers[VBE_VIRTUAL_WIDTH] - (uint32_t)registers[VBE_WIDTH]);
	else if (index == VBE_Y_OFFSET)
		registers[index] = least(value, registers[VBE_VIRTUAL_HEIGHT] -
							(uint32_t)registers[VBE_HEIGHT]);
}

bool vbe_write(struct vbe *vbe, unsigned int index, uint16_t value)
{
	switch (index) {
	case VBE_ID:
		if (value >= ID_FIRST && value <= ID_LATEST)
			vbe->registers[index] = value;
		return false;
	case VBE_WIDTH:
	case VBE_HEIGHT:
	case VBE_DEPTH:
		write_geometry(vbe, index, value);
		return false;
	case VBE_ENABLE:
		return write_enable(vbe, value);
	case VBE_BANK:
		if (value < vbe->registers[VBE_MEMORY])
			vbe->registers[index] = value;
		return false;
	default:
		write_view(vbe, index, value);
		return false;
	}
}

uint16_t vbe_read(const struct vbe *vbe, unsigned int index)
{
	bool capabilities = vbe->registers[VBE_ENABLE] & VBE_CAPABILITIES;

	if (index >= VBE_REGISTER_COUNT)
		return 0;
	if (capabilities && (index == VBE_WIDTH || index == VBE_HEIGHT))
		return VBE_MAX_SIDE;
	if (capabilities && index == VBE_DEPTH)
		return 32;
	return vbe->registers[index];
}

void vbe_save(const struct vbe *vbe, struct state_writer *writer)
{
	state_writer_put16(writer, vbe->index);
	for (unsigned int i = 0; i < VBE_REGISTER_COUNT; i++)
		state_writer_put16(writer, vbe->registers[i]);
}

/* As a guest would: what it cannot have set does not become so. */
static void write_all(struct vbe *vbe, const uint16_t *registers)
{
	static const uint8_t order[] = {VBE_ID,       VBE_WIDTH,    VBE_HEIGHT,
					VBE_DEPTH,    VBE_ENABLE,   VBE_VIRTUAL_WIDTH,
					VBE_X_OFFSET, VBE_Y_OFFSET, VBE_BANK};

	for (unsigned int i = 0; i < sizeof(order); i++)
		(void)vbe_write(vbe, order[i], registers[order[i]]);
	/* What is left of a mode that is off means nothing until the next one is on. */
	if (!vbe_is_enabled(vbe)) {
		vbe->registers[VBE_VIRTUAL_WIDTH] = registers[VBE_VIRTUAL_WIDTH];
		vbe->registers[VBE_VIRTUAL_HEIGHT] = registers[VBE_VIRTUAL_HEIGHT];
	}
}

void vbe_load(struct vbe *vbe, struct state_reader *reader)
{
	uint16_t registers[VBE_REGISTER_COUNT];

	vbe->index = state_reader_get16(reader);
	for (unsigned int i = 0; i < VBE_REGISTER_COUNT; i++)
		registers[i] = state_reader_get16(reader);
	write_all(vbe, registers);
	state_reader_check(reader, memcmp(registers, vbe->registers, sizeof(registers)) == 0,
			   "the display adapter has no such mode");
}
