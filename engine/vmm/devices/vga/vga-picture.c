/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-picture.h"

#include <assert.h>
#include <string.h>

#include "base/byte-order.h"
#include "devices/vga/vga-memory.h"
#include "devices/vga/vga-registers.h"

enum {
	SCAN_DOUBLE = 1 << 7, /* of the maximum scan line register */
	SCAN_MASK = 0x1f,
	NO_SPLIT = INT32_MAX,

	CURSOR_OFF = 1 << 5,
	CELL_CURSOR = 1 << 16,
	CELL_CURSOR_START = 17,
	CELL_CURSOR_END = 22,

	FONT_GLYPH = 32, /* bytes of plane 2 for a character */
};

/* A value whose high bits are in other registers. */
static uint32_t with_bit(uint32_t value, uint8_t reg, unsigned int bit, unsigned int to)
{
	return value | (uint32_t)(reg >> bit & 1) << to;
}

static uint32_t lines_shown(const uint8_t *crtc)
{
	uint32_t end = crtc[VGA_CRTC_VERTICAL_END];

	end = with_bit(end, crtc[VGA_CRTC_OVERFLOW], 1, 8);
	end = with_bit(end, crtc[VGA_CRTC_OVERFLOW], 6, 9);
	return end + 1;
}

static uint32_t split_line(const uint8_t *crtc)
{
	uint32_t line = crtc[VGA_CRTC_LINE_COMPARE];

	line = with_bit(line, crtc[VGA_CRTC_OVERFLOW], 4, 8);
	line = with_bit(line, crtc[VGA_CRTC_MAXIMUM_SCAN], 6, 9);
	return line + 1;
}

static uint32_t color_of(const struct vga_registers *registers, unsigned int entry)
{
	const uint8_t *color = registers->palette.colors[entry & registers->palette.mask];
	bool wide = registers->vbe.registers[VBE_ENABLE] & VBE_8_BIT_PALETTE;
	uint32_t pixel = 0;

	for (unsigned int i = 0; i < 3; i++) {
		uint8_t part = color[i];

		pixel = pixel << 8 | (wide ? part : (part << 2 | part >> 4) & 0xffu);
	}
	return pixel;
}

/* Attribute controller: sixteen colors of the palette's 256. */
static unsigned int palette_entry(const uint8_t *attribute, unsigned int color)
{
	unsigned int select = attribute[VGA_ATTRIBUTE_COLOR_SELECT];
	unsigned int entry = attribute[color & attribute[VGA_ATTRIBUTE_PLANES] & 0xf] & 0x3fu;

	if (attribute[VGA_ATTRIBUTE_MODE] & VGA_ATTRIBUTE_COLOR_4_5)
		entry = (entry & 0xf) | (select & 3) << 4;
	return entry | (select & 0xc) << 4;
}

static void set_colors(const struct vga_registers *registers, struct vga_picture *picture)
{
	bool indexed = picture->kind == VGA_PICTURE_INDEXED;

	for (unsigned int i = 0; i < (indexed ? 256u : 16u); i++)
		picture->colors[i] =
			color_of(registers, indexed ? i : palette_entry(registers->attribute, i));
}

/* One of eight fonts from three bits: 16 KiB apart, the upper four 8 KiB after the lower. */
static uint32_t font_address(unsigned int low, unsigned int high)
{
	return (uint32_t)(low << 14 | high << 13);
}

static void set_text(const struct vga_registers *registers, struct vga_picture *picture)
{
	uint8_t clocking = registers->sequencer[VGA_SEQUENCER_CLOCKING];
	unsigned int fonts = registers->sequencer[VGA_SEQUENCER_FONTS];
	uint8_t mode = registers->attribute[VGA_ATTRIBUTE_MODE];
	struct vga_text *text = &picture->text;

	picture->kind = VGA_PICTURE_TEXT;
	text->character_width = clocking & VGA_CLOCKING_8_DOTS ? 8 : 9;
	text->character_height = picture->scans;
	text->columns = registers->crtc[VGA_CRTC_DISPLAY_END] + 1u;
	text->rows = lines_shown(registers->crtc) / (picture->scans * picture->double_y);
	text->fonts[0] = font_address(fonts & 3, fonts >> 4 & 1);
	text->fonts[1] = font_address(fonts >> 2 & 3, fonts >> 5 & 1);
	text->underline = registers->crtc[VGA_CRTC_UNDERLINE] & SCAN_MASK;
	text->blink = mode & VGA_ATTRIBUTE_BLINK;
	text->line_graphics = mode & VGA_ATTRIBUTE_LINE_GRAPHICS;
	picture->double_x = clocking & VGA_CLOCKING_HALF ? 2 : 1;
	picture->width = text->columns * vga_picture_cell_width(picture);
	picture->height = text->rows * vga_picture_cell_height(picture);
	if (text->columns * text->rows > VGA_PICTURE_MAX_CELLS || text->rows == 0)
		picture->kind = VGA_PICTURE_BLANK;
}

static void set_graphics(const struct vga_registers *registers, struct vga_picture *picture)
{
	uint8_t crtc_mode = registers->crtc[VGA_CRTC_MODE];
	uint8_t mode = registers->graphics[VGA_GRAPHICS_MODE];
	bool half = registers->sequencer[VGA_SEQUENCER_CLOCKING] & VGA_CLOCKING_HALF;

	if (mode & VGA_MODE_256_COLORS)
		picture->kind = VGA_PICTURE_INDEXED;
	else
		picture->kind = mode & VGA_MODE_PAIRS ? VGA_PICTURE_PAIRS : VGA_PICTURE_PLANAR;
	/* A pixel of 256 colors takes two dots, and 32 bits of memory always eight. */
	picture->double_x = half || picture->kind == VGA_PICTURE_INDEXED ? 2 : 1;
	picture->width = (registers->crtc[VGA_CRTC_DISPLAY_END] + 1u) * 8;
	if (half && picture->kind != VGA_PICTURE_INDEXED)
		picture->width *= 2;
	picture->height = lines_shown(registers->crtc);
	picture->split = split_line(registers->crtc);
	/* Rows that lie apart in memory, for programs of older cards: in words, or in bytes. */
	if (!(crtc_mode & 1))
		picture->scan_bit_0 = crtc_mode & 1 << 6 ? 1 << 15 : 1 << 14;
	if (!(crtc_mode & 2))
		picture->scan_bit_1 = crtc_mode & 1 << 6 ? 1 << 16 : 1 << 15;
}

static void set_standard(const struct vga_registers *registers, struct vga_picture *picture)
{
	const uint8_t *crtc = registers->crtc;

	picture->memory_size = VGA_PLANES_SIZE;
	picture->start = 4u * (uint32_t)(crtc[VGA_CRTC_START_HIGH] << 8 | crtc[VGA_CRTC_START_LOW]);
	picture->pitch = crtc[VGA_CRTC_OFFSET] * 8u;
	picture->scans = (crtc[VGA_CRTC_MAXIMUM_SCAN] & SCAN_MASK) + 1u;
	picture->double_y = crtc[VGA_CRTC_MAXIMUM_SCAN] & SCAN_DOUBLE ? 2 : 1;
	if (registers->graphics[VGA_GRAPHICS_MISC] & VGA_MISC_GRAPHICS)
		set_graphics(registers, picture);
	else
		set_text(registers, picture);
}

static enum vga_picture_kind kind_of_depth(uint16_t depth)
{
	switch (depth) {
	case 4:
		return VGA_PICTURE_PLANAR;
	case 8:
		return VGA_PICTURE_INDEXED;
	case 15:
		return VGA_PICTURE_RGB15;
	case 16:
		return VGA_PICTURE_RGB16;
	case 24:
		return VGA_PICTURE_RGB24;
	default:
		return VGA_PICTURE_RGB32;
	}
}

/* vga-vbe.c has seen to it that all of it lies in memory. */
static void set_vbe(const struct vbe *vbe, uint32_t memory_size, struct vga_picture *picture)
{
	picture->kind = kind_of_depth(vbe->registers[VBE_DEPTH]);
	picture->width = vbe->registers[VBE_WIDTH];
	picture->height = vbe->registers[VBE_HEIGHT];
	picture->start = vbe_start(vbe);
	picture->pitch = vbe_pitch(vbe);
	picture->memory_size = memory_size;
	picture->double_x = 1;
	picture->double_y = 1;
	picture->scans = 1;
}

void vga_picture_of(const struct vga_registers *registers, uint32_t memory_size,
		    struct vga_picture *picture)
{
	memset(picture, 0, sizeof(*picture));
	if (!(registers->attribute_index & VGA_ATTRIBUTE_DISPLAY) ||
	    registers->sequencer[VGA_SEQUENCER_CLOCKING] & VGA_CLOCKING_OFF)
		return;
	picture->split = NO_SPLIT;
	if (vbe_is_enabled(&registers->vbe))
		set_vbe(&registers->vbe, memory_size, picture);
	else
		set_standard(registers, picture);
	if (picture->kind == VGA_PICTURE_BLANK)
		memset(picture, 0, sizeof(*picture));
	else if (picture->kind <= VGA_PICTURE_INDEXED)
		set_colors(registers, picture);
	assert(picture->width <= VGA_PICTURE_MAX_WIDTH &&
	       picture->width * picture->height <= VGA_PICTURE_MAX_PIXELS);
}

static uint32_t replace_bit(uint32_t address, uint32_t bit, bool set)
{
	return set ? address | bit : address & ~bit;
}

uint32_t vga_picture_line_start(const struct vga_picture *picture, uint32_t line)
{
	uint32_t address = line < picture->split ? picture->start : 0;
	uint32_t scan = (line < picture->split ? line : line - picture->split) / picture->double_y;

	address += scan / picture->scans * picture->pitch;
	scan %= picture->scans;
	address = replace_bit(address, picture->scan_bit_0, scan & 1);
	address = replace_bit(address, picture->scan_bit_1, scan & 2);
	return address % picture->memory_size;
}

uint32_t vga_picture_line_bytes(const struct vga_picture *picture)
{
	uint32_t pixels = picture->width / picture->double_x;

	switch (picture->kind) {
	case VGA_PICTURE_PLANAR:
	case VGA_PICTURE_PAIRS:
		return pixels / 8 * 4;
	case VGA_PICTURE_INDEXED:
		return pixels;
	case VGA_PICTURE_RGB15:
	case VGA_PICTURE_RGB16:
		return pixels * 2;
	case VGA_PICTURE_RGB24:
		return pixels * 3;
	case VGA_PICTURE_RGB32:
		return pixels * 4;
	case VGA_PICTURE_BLANK:
	case VGA_PICTURE_TEXT:
		break;
	}
	return 0;
}

/* The guest goes on writing: what is drawn is a copy. */
static void copy_line(const struct vga_picture *picture, const struct vga_memory *memory,
		      uint32_t line, uint8_t bytes[VGA_PICTURE_MAX_LINE])
{
	uint32_t start = vga_picture_line_start(picture, line);
	uint32_t length = vga_picture_line_bytes(picture);
	uint32_t first = picture->memory_size - start;

	assert(length <= VGA_PICTURE_MAX_LINE);
	if (first > length)
		first = length;
	memcpy(bytes, memory->bytes + start, first);
	memcpy(bytes + first, memory->bytes, length - first);
}

/* Eight pixels from a byte of each plane, the leftmost in the highest bits. */
static void draw_planar(const struct vga_picture *picture, const uint8_t *bytes, uint32_t *pixels)
{
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int bit = 7 - i;

		pixels[i] =
			picture->colors[(bytes[0] >> bit & 1) | (bytes[1] >> bit & 1) << 1 |
					(bytes[2] >> bit & 1) << 2 | (bytes[3] >> bit & 1) << 3];
	}
}

/* Four pixels from plane 0, four from plane 1; planes 2 and 3 add two bits above. */
static void draw_pairs(const struct vga_picture *picture, const uint8_t *bytes, uint32_t *pixels)
{
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int shift = 6 - i % 4 * 2, plane = i / 4;

		pixels[i] = picture->colors[(bytes[plane] >> shift & 3) |
					    (bytes[plane + 2] >> shift & 3) << 2];
	}
}

/* The upper bits of a part fill its lower ones, so that full is full. */
static uint32_t widen(uint32_t part, unsigned int bits)
{
	return (part << (8 - bits) | part >> (2 * bits - 8)) & 0xff;
}

static uint32_t pixel_of_15(uint16_t value)
{
	return widen(value >> 10 & 0x1f, 5) << 16 | widen(value >> 5 & 0x1f, 5) << 8 |
	       widen(value & 0x1f, 5);
}

static uint32_t pixel_of_16(uint16_t value)
{
	return widen(value >> 11, 5) << 16 | widen(value >> 5 & 0x3f, 6) << 8 |
	       widen(value & 0x1f, 5);
}

static void draw_pixels(const struct vga_picture *picture, const uint8_t *bytes, uint32_t count,
			uint32_t *pixels)
{
	for (uint32_t i = 0; i < count; i++) {
		switch (picture->kind) {
		case VGA_PICTURE_INDEXED:
			pixels[i] = picture->colors[bytes[i]];
			break;
		case VGA_PICTURE_RGB15:
			pixels[i] = pixel_of_15(load_le16(bytes + 2 * i));
			break;
		case VGA_PICTURE_RGB16:
			pixels[i] = pixel_of_16(load_le16(bytes + 2 * i));
			break;
		case VGA_PICTURE_RGB24:
			pixels[i] = load_le16(bytes + 3 * i) | (uint32_t)bytes[3 * i + 2] << 16;
			break;
		default:
			pixels[i] = load_le32(bytes + 4 * i);
		}
	}
}

/* In place, from the right. */
static void double_pixels(uint32_t *pixels, uint32_t count)
{
	while (count > 0) {
		count--;
		pixels[2 * count + 1] = pixels[count];
		pixels[2 * count] = pixels[count];
	}
}

void vga_picture_draw_line(const struct vga_picture *picture, const struct vga_memory *memory,
			   uint32_t line, uint32_t *pixels)
{
	uint32_t count = picture->width / picture->double_x;
	uint8_t bytes[VGA_PICTURE_MAX_LINE];

	copy_line(picture, memory, line, bytes);
	switch (picture->kind) {
	case VGA_PICTURE_PLANAR:
		for (uint32_t i = 0; i < count / 8; i++)
			draw_planar(picture, bytes + 4 * i, pixels + 8 * i);
		break;
	case VGA_PICTURE_PAIRS:
		for (uint32_t i = 0; i < count / 8; i++)
			draw_pairs(picture, bytes + 4 * i, pixels + 8 * i);
		break;
	default:
		draw_pixels(picture, bytes, count, pixels);
	}
	if (picture->double_x == 2)
		double_pixels(pixels, count);
}

uint32_t vga_picture_cell_width(const struct vga_picture *picture)
{
	return picture->text.character_width * picture->double_x;
}

uint32_t vga_picture_cell_height(const struct vga_picture *picture)
{
	return picture->text.character_height * picture->double_y;
}

static vga_cell cursor_of(const uint8_t *crtc)
{
	uint32_t start = crtc[VGA_CRTC_CURSOR_START] & SCAN_MASK;
	uint32_t end = crtc[VGA_CRTC_CURSOR_END] & SCAN_MASK;

	return CELL_CURSOR | start << CELL_CURSOR_START | end << CELL_CURSOR_END;
}

vga_cell vga_picture_cell(const struct vga_picture *picture, const struct vga_memory *memory,
			  const struct vga_registers *registers, uint32_t row, uint32_t column)
{
	const uint8_t *crtc = registers->crtc;
	uint32_t cursor = (uint32_t)(crtc[VGA_CRTC_CURSOR_HIGH] << 8 | crtc[VGA_CRTC_CURSOR_LOW]);
	uint32_t at = (picture->start + row * picture->pitch + 4 * column) % VGA_PLANES_SIZE;
	vga_cell cell = load_le16(memory->bytes + at);

	if (at == 4 * cursor && !(crtc[VGA_CRTC_CURSOR_START] & CURSOR_OFF))
		cell |= cursor_of(crtc);
	return cell;
}

/* Nine bits, the leftmost the highest. */
static unsigned int glyph_line(const struct vga_picture *picture, const struct vga_memory *memory,
			       vga_cell cell, uint32_t line)
{
	const struct vga_text *text = &picture->text;
	uint32_t character = cell & 0xff, attribute = cell >> 8 & 0xff;
	uint32_t address = text->fonts[attribute >> 3 & 1] + character * FONT_GLYPH + line;
	unsigned int bits = memory->bytes[4 * address + VGA_FONT_PLANE] * 2u;
	bool reaches = text->line_graphics && character >= 0xc0 && character <= 0xdf;
	bool in_cursor = (cell & CELL_CURSOR) && line >= (cell >> CELL_CURSOR_START & SCAN_MASK) &&
			 line <= (cell >> CELL_CURSOR_END & SCAN_MASK);

	if (in_cursor || ((attribute & 7) == 1 && line == text->underline))
		return 0x1ff;
	return reaches ? bits | (bits >> 1 & 1) : bits;
}

void vga_picture_draw_cell(const struct vga_picture *picture, const struct vga_memory *memory,
			   vga_cell cell, uint32_t *pixels, uint32_t stride)
{
	const struct vga_text *text = &picture->text;
	uint32_t attribute = cell >> 8 & 0xff;
	uint32_t paper = picture->colors[attribute >> 4 & (text->blink ? 7 : 15)];
	uint32_t ink = picture->colors[attribute & 15];

	for (uint32_t line = 0; line < vga_picture_cell_height(picture); line++) {
		unsigned int bits = glyph_line(picture, memory, cell, line / picture->double_y);

		for (uint32_t x = 0; x < vga_picture_cell_width(picture); x++)
			pixels[x] = bits >> (8 - x / picture->double_x) & 1 ? ink : paper;
		pixels += stride;
	}
}
