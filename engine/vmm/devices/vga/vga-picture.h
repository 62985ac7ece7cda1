/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the registers of a VGA put on the screen, and drawing it. Pure: whatever the registers hold,
 * the picture keeps to the bounds below or is blank, and no byte outside of video memory is read.
 *
 * Nothing blinks: the cursor and blinking characters are always shown.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vga_memory;
struct vga_registers;

enum {
	VGA_PICTURE_MAX_WIDTH = 256 * 9 * 2,              /* pixels; a text mode */
	VGA_PICTURE_MAX_PIXELS = 4096 * 4096,             /* a mode of vga-vbe.h */
	VGA_PICTURE_MAX_LINE = VGA_PICTURE_MAX_WIDTH * 4, /* bytes of video memory */
	VGA_PICTURE_MAX_CELLS = 1 << 14,                  /* characters: what a window holds */
};

enum vga_picture_kind {
	VGA_PICTURE_BLANK,
	VGA_PICTURE_TEXT,
	VGA_PICTURE_PLANAR,  /* a bit of a pixel in each plane */
	VGA_PICTURE_PAIRS,   /* two bits side by side, as a CGA has them */
	VGA_PICTURE_INDEXED, /* a byte a pixel, the palette's place */
	VGA_PICTURE_RGB15,
	VGA_PICTURE_RGB16,
	VGA_PICTURE_RGB24,
	VGA_PICTURE_RGB32, /* as screens have it: needs no drawing */
};

struct vga_text {
	uint32_t columns, rows;
	uint32_t character_width, character_height; /* pixels, before doubling */
	uint32_t fonts[2];                          /* plane addresses; by bit 3 of the attribute */
	uint32_t underline;                         /* line of a character */
	bool blink;                                 /* bit 7 of the attribute is not a color */
	bool line_graphics;                         /* 0xC0 to 0xDF reach into a ninth column */
};

/* Two pictures are the same when all bytes are. */
struct vga_picture {
	enum vga_picture_kind kind;
	uint32_t width, height; /* pixels */
	uint32_t start, pitch;  /* bytes of video memory */
	uint32_t memory_size;   /* where addresses wrap */
	uint32_t split;         /* the line from which on memory is shown from 0 */
	uint32_t double_x;      /* 1 or 2: pixels for each in memory */
	uint32_t double_y;      /* lines for each scan */
	uint32_t scans;         /* for each row of memory */
	uint32_t scan_bit_0;    /* bits of the address that the scan within a row replaces; or 0 */
	uint32_t scan_bit_1;
	struct vga_text text;
	uint32_t colors[256]; /* B, G, R, 0 */
};

void vga_picture_of(const struct vga_registers *registers, uint32_t memory_size,
		    struct vga_picture *picture);

/* For all kinds but text and blank: where in video memory a line (below height) is, and its bytes.
 */
uint32_t vga_picture_line_start(const struct vga_picture *picture, uint32_t line);
uint32_t vga_picture_line_bytes(const struct vga_picture *picture);
/* Draws one: width pixels. */
void vga_picture_draw_line(const struct vga_picture *picture, const struct vga_memory *memory,
			   uint32_t line, uint32_t *pixels);

/* A character with its attribute and, where it is, the cursor's shape. */
typedef uint32_t vga_cell;
/* The one in a row and column of a text picture. */
vga_cell vga_picture_cell(const struct vga_picture *picture, const struct vga_memory *memory,
			  const struct vga_registers *registers, uint32_t row, uint32_t column);
/* pixels: of its upper left corner; stride: pixels from a line to the next. */
void vga_picture_draw_cell(const struct vga_picture *picture, const struct vga_memory *memory,
			   vga_cell cell, uint32_t *pixels, uint32_t stride);
/* The size of a cell, pixels. */
uint32_t vga_picture_cell_width(const struct vga_picture *picture);
uint32_t vga_picture_cell_height(const struct vga_picture *picture);
