/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Video memory and how a VGA reaches it: four planes of which the processor sees a window (IBM PS/2
 * Hardware Interface Technical Reference, Video Subsystem, "Graphics Controller Registers").
 *
 * Byte n of plane p is byte 4 * n + p of video memory, so that a mode with four chained planes and
 * one of eight bits a pixel lie there in order. Which pages have been written is remembered for the
 * screen. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vga_registers;

enum {
	VGA_PLANE_SIZE = 1 << 16,
	VGA_PLANES_SIZE = 4 * VGA_PLANE_SIZE,
	VGA_FONT_PLANE = 2,
	VGA_WINDOW_BASE = 0xA0000,
	VGA_WINDOW_SIZE = 0x20000,

	VGA_MEMORY_MAX = 64 << 20, /* bytes */
	VGA_PAGE_SHIFT = 12,
	VGA_DIRTY_WORDS = VGA_MEMORY_MAX >> VGA_PAGE_SHIFT >> 6,
};

struct vga_memory {
	uint8_t *bytes; /* the caller's */
	uint32_t size;  /* a power of two, VGA_PLANES_SIZE to VGA_MEMORY_MAX */
	uint32_t latch; /* what was read last of each plane */
	bool font_changed;
	bool changed;                    /* any bit below */
	uint64_t dirty[VGA_DIRTY_WORDS]; /* a bit for each page */
};

/* The part of the window that answers: offset from VGA_WINDOW_BASE and bytes. */
struct vga_map {
	uint32_t base, size;
};
struct vga_map vga_memory_map(const struct vga_registers *registers);

/* One byte of the window. offset: from VGA_WINDOW_BASE, below VGA_WINDOW_SIZE. */
uint8_t vga_memory_read(struct vga_memory *memory, const struct vga_registers *registers,
			uint32_t offset);
void vga_memory_write(struct vga_memory *memory, const struct vga_registers *registers,
		      uint32_t offset, uint8_t value);

/* Bytes of video memory that lie in it have changed. */
static inline void vga_memory_mark(struct vga_memory *memory, uint32_t at)
{
	uint32_t page = at >> VGA_PAGE_SHIFT;

	memory->dirty[page / 64] |= 1ULL << page % 64;
	memory->changed = true;
}
void vga_memory_mark_all(struct vga_memory *memory);
void vga_memory_mark_none(struct vga_memory *memory);
/* Whether any page of [at, at + length) is marked; addresses wrap at the end of memory. */
bool vga_memory_is_marked(const struct vga_memory *memory, uint32_t at, uint32_t length);
