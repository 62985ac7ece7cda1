/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-registers.h"

#include "state/state-reader.h"
#include "state/state-writer.h"

enum {
	/* offsets from VGA_PORT_BASE */
	MONO_CRTC_INDEX = 0x04,
	MONO_CRTC_DATA = 0x05,
	MONO_STATUS_1 = 0x0a,
	ATTRIBUTE_WRITE = 0x10,
	ATTRIBUTE_READ = 0x11,
	MISC_WRITE = 0x12, /* read: input status 0 */
	SEQUENCER_INDEX = 0x14,
	SEQUENCER_DATA = 0x15,
	PALETTE_MASK = 0x16,
	PALETTE_READ = 0x17, /* read: what was set last */
	PALETTE_WRITE = 0x18,
	PALETTE_DATA = 0x19,
	FEATURE_READ = 0x1a,
	MISC_READ = 0x1c,
	GRAPHICS_INDEX = 0x1e,
	GRAPHICS_DATA = 0x1f,
	COLOR_CRTC_INDEX = 0x24,
	COLOR_CRTC_DATA = 0x25,
	COLOR_STATUS_1 = 0x2a,
	COLOR_BIT =
		0x20, /* between an offset with a monochrome CRT controller and with a color one */

	STATUS_0_MONITOR = 1 << 4,
	STATUS_1_NO_DISPLAY = 1 << 0,
	STATUS_1_RETRACE = 1 << 3,
	SEQUENCER_INDEX_MASK = 0x07,
	GRAPHICS_INDEX_MASK = 0x0f,
	CRTC_INDEX_MASK = 0x3f,
	ATTRIBUTE_INDEX_MASK = VGA_ATTRIBUTE_INDEX | VGA_ATTRIBUTE_DISPLAY,
	FEATURE_MASK = 0x03,
	PALETTE_PARTS = 3,

	CRTC_PROTECT = 1 << 7,
	CRTC_OVERFLOW_UNPROTECTED = 1 << 4,

	/* 640 x 480 at 60 Hz, with all of the vertical blanking as retrace */
	LINE_NS = 31778,
	LINE_SHOWN_NS = 25422,
	FRAME_LINES = 525,
	FRAME_SHOWN_LINES = 480,
};

static const uint8_t sequencer_writable[VGA_SEQUENCER_COUNT] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
static const uint8_t graphics_writable[VGA_GRAPHICS_COUNT] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03,
							      0x7b, 0x0f, 0x0f, 0xff};

void vga_registers_reset(struct vga_registers *registers, uint32_t memory_bytes)
{
	*registers = (struct vga_registers){.misc = VGA_MISC_COLOR, .palette.mask = 0xff};
	vbe_reset(&registers->vbe, memory_bytes);
}

static uint8_t beam_status(uint64_t now_ns)
{
	uint64_t line = now_ns / LINE_NS % FRAME_LINES;

	if (line >= FRAME_SHOWN_LINES)
		return STATUS_1_RETRACE | STATUS_1_NO_DISPLAY;
	return now_ns % LINE_NS >= LINE_SHOWN_NS ? STATUS_1_NO_DISPLAY : 0;
}

static void advance(struct vga_palette_cursor *cursor)
{
	if (++cursor->part < PALETTE_PARTS)
		return;
	cursor->part = 0;
	cursor->entry++;
}

static uint8_t read_palette(struct vga_palette *palette)
{
	uint8_t value = palette->colors[palette->read.entry][palette->read.part];

	advance(&palette->read);
	return value;
}

/* A color changes as a whole, when its third part comes. */
static void write_palette(struct vga_registers *registers, uint8_t value)
{
	struct vga_palette *palette = &registers->palette;
	uint8_t *color = palette->colors[palette->write.entry];

	if (!(registers->vbe.registers[VBE_ENABLE] & VBE_8_BIT_PALETTE))
		value &= 0x3f;
	if (palette->write.part < 2) {
		palette->incoming[palette->write.part] = value;
	} else {
		color[0] = palette->incoming[0];
		color[1] = palette->incoming[1];
		color[2] = value;
	}
	advance(&palette->write);
}

static void set_palette_cursor(struct vga_palette *palette, bool reading, uint8_t entry)
{
	struct vga_palette_cursor *cursor = reading ? &palette->read : &palette->write;

	*cursor = (struct vga_palette_cursor){.entry = entry};
	palette->reading = reading;
}

static uint8_t read_attribute(const struct vga_registers *registers)
{
	unsigned int index = registers->attribute_index & VGA_ATTRIBUTE_INDEX;

	return index < VGA_ATTRIBUTE_COUNT ? registers->attribute[index] : 0;
}

static void write_attribute(struct vga_registers *registers, uint8_t value)
{
	unsigned int index = registers->attribute_index & VGA_ATTRIBUTE_INDEX;

	if (!registers->attribute_data)
		registers->attribute_index = value & ATTRIBUTE_INDEX_MASK;
	else if (index < VGA_ATTRIBUTE_COUNT)
		registers->attribute[index] = value;
	registers->attribute_data = !registers->attribute_data;
}

static void write_crtc(struct vga_registers *registers, uint8_t value)
{
	unsigned int index = registers->crtc_index;
	uint8_t *reg;

	if (index >= VGA_CRTC_COUNT)
		return;
	reg = &registers->crtc[index];
	if (index > VGA_CRTC_OVERFLOW || !(registers->crtc[VGA_CRTC_SYNC_END] & CRTC_PROTECT))
		*reg = value;
	else if (index == VGA_CRTC_OVERFLOW)
		*reg = (uint8_t)((*reg & ~CRTC_OVERFLOW_UNPROTECTED) |
				 (value & CRTC_OVERFLOW_UNPROTECTED));
}

/* The CRT controller and what belongs to it are at one of two places; to the other, -1. */
static int normalize(const struct vga_registers *registers, unsigned int offset)
{
	bool color = registers->misc & VGA_MISC_COLOR;

	switch (offset) {
	case MONO_CRTC_INDEX:
	case MONO_CRTC_DATA:
	case MONO_STATUS_1:
		return color ? -1 : (int)offset | COLOR_BIT;
	case COLOR_CRTC_INDEX:
	case COLOR_CRTC_DATA:
	case COLOR_STATUS_1:
		return color ? (int)offset : -1;
	default:
		return (int)offset;
	}
}

uint8_t vga_registers_read(struct vga_registers *registers, unsigned int offset, uint64_t now_ns)
{
	switch (normalize(registers, offset)) {
	case ATTRIBUTE_WRITE:
		return registers->attribute_index;
	case ATTRIBUTE_READ:
		return read_attribute(registers);
	case MISC_WRITE:
		return STATUS_0_MONITOR;
	case SEQUENCER_INDEX:
		return registers->sequencer_index;
	case SEQUENCER_DATA:
		return registers->sequencer_index < VGA_SEQUENCER_COUNT
			       ? registers->sequencer[registers->sequencer_index]
			       : 0;
	case PALETTE_MASK:
		return registers->palette.mask;
	case PALETTE_READ:
		return registers->palette.reading ? 3 : 0;
	case PALETTE_WRITE:
		return registers->palette.write.entry;
	case PALETTE_DATA:
		return read_palette(&registers->palette);
	case FEATURE_READ:
		return registers->feature;
	case MISC_READ:
		return registers->misc;
	case GRAPHICS_INDEX:
		return registers->graphics_index;
	case GRAPHICS_DATA:
		return registers->graphics_index < VGA_GRAPHICS_COUNT
			       ? registers->graphics[registers->graphics_index]
			       : 0;
	case COLOR_CRTC_INDEX:
		return registers->crtc_index;
	case COLOR_CRTC_DATA:
		return registers->crtc_index < VGA_CRTC_COUNT
			       ? registers->crtc[registers->crtc_index]
			       : 0;
	case COLOR_STATUS_1:
		registers->attribute_data = false;
		return beam_status(now_ns);
	default:
		return 0xff;
	}
}

void vga_registers_write(struct vga_registers *registers, unsigned int offset, uint8_t value)
{
	switch (normalize(registers, offset)) {
	case ATTRIBUTE_WRITE:
		write_attribute(registers, value);
		break;
	case MISC_WRITE:
		registers->misc = value;
		break;
	case SEQUENCER_INDEX:
		registers->sequencer_index = value & SEQUENCER_INDEX_MASK;
		break;
	case SEQUENCER_DATA:
		if (registers->sequencer_index < VGA_SEQUENCER_COUNT)
			registers->sequencer[registers->sequencer_index] =
				value & sequencer_writable[registers->sequencer_index];
		break;
	case PALETTE_MASK:
		registers->palette.mask = value;
		break;
	case PALETTE_READ:
	case PALETTE_WRITE:
		set_palette_cursor(&registers->palette, offset == PALETTE_READ, value);
		break;
	case PALETTE_DATA:
		write_palette(registers, value);
		break;
	case GRAPHICS_INDEX:
		registers->graphics_index = value & GRAPHICS_INDEX_MASK;
		break;
	case GRAPHICS_DATA:
		if (registers->graphics_index < VGA_GRAPHICS_COUNT)
			registers->graphics[registers->graphics_index] =
				value & graphics_writable[registers->graphics_index];
		break;
	case COLOR_CRTC_INDEX:
		registers->crtc_index = value & CRTC_INDEX_MASK;
		break;
	case COLOR_CRTC_DATA:
		write_crtc(registers, value);
		break;
	case COLOR_STATUS_1:
		registers->feature = value & FEATURE_MASK;
		break;
	default:
		break;
	}
}

static void save_palette(const struct vga_palette *palette, struct state_writer *writer)
{
	state_writer_put8(writer, palette->mask);
	state_writer_put_bool(writer, palette->reading);
	state_writer_put8(writer, palette->read.entry);
	state_writer_put8(writer, palette->read.part);
	state_writer_put8(writer, palette->write.entry);
	state_writer_put8(writer, palette->write.part);
	state_writer_put_bytes(writer, palette->incoming, sizeof(palette->incoming));
	state_writer_put_bytes(writer, palette->colors, sizeof(palette->colors));
}

static void load_palette(struct vga_palette *palette, struct state_reader *reader)
{
	palette->mask = state_reader_get8(reader);
	palette->reading = state_reader_get_bool(reader);
	palette->read.entry = state_reader_get8(reader);
	palette->read.part = state_reader_get8(reader);
	palette->write.entry = state_reader_get8(reader);
	palette->write.part = state_reader_get8(reader);
	state_reader_get_bytes(reader, palette->incoming, sizeof(palette->incoming));
	state_reader_get_bytes(reader, palette->colors, sizeof(palette->colors));
	state_reader_check(
		reader, palette->read.part < PALETTE_PARTS && palette->write.part < PALETTE_PARTS,
		"a color has three parts");
}

void vga_registers_save(const struct vga_registers *registers, struct state_writer *writer)
{
	state_writer_put8(writer, registers->misc);
	state_writer_put8(writer, registers->feature);
	state_writer_put8(writer, registers->sequencer_index);
	state_writer_put8(writer, registers->graphics_index);
	state_writer_put8(writer, registers->crtc_index);
	state_writer_put8(writer, registers->attribute_index);
	state_writer_put_bool(writer, registers->attribute_data);
	state_writer_put_bytes(writer, registers->sequencer, sizeof(registers->sequencer));
	state_writer_put_bytes(writer, registers->graphics, sizeof(registers->graphics));
	state_writer_put_bytes(writer, registers->crtc, sizeof(registers->crtc));
	state_writer_put_bytes(writer, registers->attribute, sizeof(registers->attribute));
	save_palette(&registers->palette, writer);
	vbe_save(&registers->vbe, writer);
}

static bool are_writable(const uint8_t *values, const uint8_t *writable, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (values[i] & ~writable[i])
			return false;
	}
	return true;
}

static bool could_be_written(const struct vga_registers *registers)
{
	return !(registers->feature & ~FEATURE_MASK) &&
	       !(registers->sequencer_index & ~SEQUENCER_INDEX_MASK) &&
	       !(registers->graphics_index & ~GRAPHICS_INDEX_MASK) &&
	       !(registers->crtc_index & ~CRTC_INDEX_MASK) &&
	       !(registers->attribute_index & ~ATTRIBUTE_INDEX_MASK) &&
	       are_writable(registers->sequencer, sequencer_writable, VGA_SEQUENCER_COUNT) &&
	       are_writable(registers->graphics, graphics_writable, VGA_GRAPHICS_COUNT);
}

void vga_registers_load(struct vga_registers *registers, struct state_reader *reader)
{
	registers->misc = state_reader_get8(reader);
	registers->feature = state_reader_get8(reader);
	registers->sequencer_index = state_reader_get8(reader);
	registers->graphics_index = state_reader_get8(reader);
	registers->crtc_index = state_reader_get8(reader);
	registers->attribute_index = state_reader_get8(reader);
	registers->attribute_data = state_reader_get_bool(reader);
	state_reader_get_bytes(reader, registers->sequencer, sizeof(registers->sequencer));
	state_reader_get_bytes(reader, registers->graphics, sizeof(registers->graphics));
	state_reader_get_bytes(reader, registers->crtc, sizeof(registers->crtc));
	state_reader_get_bytes(reader, registers->attribute, sizeof(registers->attribute));
	state_reader_check(reader, could_be_written(registers),
			   "the display adapter has no such bits");
	load_palette(&registers->palette, reader);
	vbe_load(&registers->vbe, reader);
}
