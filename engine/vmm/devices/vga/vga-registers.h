/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The registers of a VGA as its ports show them (IBM PS/2 Hardware Interface Technical Reference,
 * Video Subsystem): miscellaneous, sequencer, graphics controller, attribute controller, CRT
 * controller and palette. Plain state, pure but for the beam, which follows the clock it is given.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "devices/vga/vga-vbe.h"

enum {
	VGA_PORT_BASE = 0x3B0,
	VGA_PORT_COUNT = 0x30,
};

/* Miscellaneous output register. */
enum {
	VGA_MISC_COLOR = 1 << 0, /* CRT controller at 0x3D4, not 0x3B4 */
	VGA_MISC_MEMORY = 1 << 1,
};

enum vga_sequencer {
	VGA_SEQUENCER_RESET,
	VGA_SEQUENCER_CLOCKING,
	VGA_SEQUENCER_PLANES, /* written */
	VGA_SEQUENCER_FONTS,
	VGA_SEQUENCER_MEMORY,
	VGA_SEQUENCER_COUNT,

	VGA_CLOCKING_8_DOTS = 1 << 0,
	VGA_CLOCKING_HALF = 1 << 3,
	VGA_CLOCKING_OFF = 1 << 5,
	VGA_MEMORY_SEQUENTIAL = 1 << 2, /* not odd/even */
	VGA_MEMORY_CHAIN_4 = 1 << 3,
};

enum vga_graphics {
	VGA_GRAPHICS_SET_RESET,
	VGA_GRAPHICS_SET_RESET_PLANES,
	VGA_GRAPHICS_COMPARE,
	VGA_GRAPHICS_ROTATE,
	VGA_GRAPHICS_READ_PLANE,
	VGA_GRAPHICS_MODE,
	VGA_GRAPHICS_MISC,
	VGA_GRAPHICS_COMPARE_PLANES,
	VGA_GRAPHICS_BIT_MASK,
	VGA_GRAPHICS_COUNT,

	VGA_MODE_WRITE = 3, /* mask */
	VGA_MODE_READ_COMPARE = 1 << 3,
	VGA_MODE_ODD_EVEN = 1 << 4,
	VGA_MODE_PAIRS = 1 << 5, /* of bits, as a CGA has them */
	VGA_MODE_256_COLORS = 1 << 6,
	VGA_MISC_GRAPHICS = 1 << 0,
	VGA_MISC_MAP_SHIFT = 2,
};

enum vga_crtc {
	VGA_CRTC_DISPLAY_END = 0x01, /* horizontal, characters less one */
	VGA_CRTC_OVERFLOW = 0x07,
	VGA_CRTC_MAXIMUM_SCAN = 0x09,
	VGA_CRTC_CURSOR_START = 0x0a,
	VGA_CRTC_CURSOR_END = 0x0b,
	VGA_CRTC_START_HIGH = 0x0c,
	VGA_CRTC_START_LOW = 0x0d,
	VGA_CRTC_CURSOR_HIGH = 0x0e,
	VGA_CRTC_CURSOR_LOW = 0x0f,
	VGA_CRTC_SYNC_END = 0x11, /* bit 7 protects 0 to 7 */
	VGA_CRTC_VERTICAL_END = 0x12,
	VGA_CRTC_OFFSET = 0x13,
	VGA_CRTC_UNDERLINE = 0x14,
	VGA_CRTC_MODE = 0x17,
	VGA_CRTC_LINE_COMPARE = 0x18,
	VGA_CRTC_COUNT,
};

enum vga_attribute {
	VGA_ATTRIBUTE_MODE = 0x10, /* below: the palette of 16 */
	VGA_ATTRIBUTE_OVERSCAN,
	VGA_ATTRIBUTE_PLANES,
	VGA_ATTRIBUTE_PANNING,
	VGA_ATTRIBUTE_COLOR_SELECT,
	VGA_ATTRIBUTE_COUNT,

	VGA_ATTRIBUTE_LINE_GRAPHICS = 1 << 2,
	VGA_ATTRIBUTE_BLINK = 1 << 3,
	VGA_ATTRIBUTE_COLOR_4_5 = 1 << 7,
	VGA_ATTRIBUTE_INDEX = 0x1f, /* mask */
	VGA_ATTRIBUTE_DISPLAY = 1 << 5,
};

/* The palette's place that is read or written next, and which of its three parts. */
struct vga_palette_cursor {
	uint8_t entry, part;
};

struct vga_palette {
	uint8_t mask;
	bool reading; /* what was set last */
	struct vga_palette_cursor read, write;
	uint8_t incoming[2];    /* red and green, until blue comes */
	uint8_t colors[256][3]; /* red, green, blue; 6 bits, or 8 with VBE_8_BIT_PALETTE */
};

struct vga_registers {
	uint8_t misc, feature;
	uint8_t sequencer_index, graphics_index, crtc_index, attribute_index;
	bool attribute_data; /* what the next write to 0x3C0 is */
	uint8_t sequencer[VGA_SEQUENCER_COUNT];
	uint8_t graphics[VGA_GRAPHICS_COUNT];
	uint8_t crtc[VGA_CRTC_COUNT];
	uint8_t attribute[VGA_ATTRIBUTE_COUNT];
	struct vga_palette palette;
	struct vbe vbe;
};

/* Power-on: nothing is shown. */
void vga_registers_reset(struct vga_registers *registers, uint32_t memory_bytes);

/* One byte. offset: from VGA_PORT_BASE, below VGA_PORT_COUNT. now_ns: any steady clock. */
uint8_t vga_registers_read(struct vga_registers *registers, unsigned int offset, uint64_t now_ns);
void vga_registers_write(struct vga_registers *registers, unsigned int offset, uint8_t value);

/* To and from a machine's state; load is for registers that have just been reset. */
void vga_registers_save(const struct vga_registers *registers, struct state_writer *writer);
void vga_registers_load(struct vga_registers *registers, struct state_reader *reader);

/* Whether a mode of vga-vbe.h is on whose pixels are whole bytes. */
static inline bool vga_is_packed(const struct vga_registers *registers)
{
	return vbe_is_enabled(&registers->vbe) && registers->vbe.registers[VBE_DEPTH] >= 8;
}
