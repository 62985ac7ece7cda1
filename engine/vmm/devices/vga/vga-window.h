/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The window at 0xA0000 without an exit for each byte: where the registers make it plain memory for
 * the processor, a memory slot takes its place.
 *
 * Text modes show bytes of planes 0 and 1 in turn, and fonts are loaded with one plane in sight.
 * Both lie scattered in video memory, so that the guest gets a copy with its bytes in order, which
 * is put back before anybody else looks. Reads through a slot do not fill the latches of the VGA;
 * the modes in which anything depends on them are never mapped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "devices/vga/vga-memory.h"

struct memory_slot;
struct memory_slot_registry;
struct vga_registers;

enum vga_window_kind {
	VGA_WINDOW_TRAPPED, /* each access is ours */
	VGA_WINDOW_LINEAR,  /* video memory as it is */
	VGA_WINDOW_PAIRS,   /* planes 0 and 1 in turn: text */
	VGA_WINDOW_PLANE,   /* one plane: fonts */
};

struct vga_window_layout {
	enum vga_window_kind kind;
	struct vga_map map;
	uint32_t start; /* LINEAR: of the window in video memory */
	uint32_t plane; /* PLANE */
};

struct vga_window {
	struct memory_slot_registry *slots; /* the caller's */
	struct vga_memory *memory;          /* the caller's */
	struct vga_window_layout layout;    /* what the registers ask for */
	struct memory_slot *slot;           /* NULL: not mapped (yet) */
	unsigned int accesses;              /* trapped since the layout changed */
	uint8_t *copy;                      /* VGA_WINDOW_SIZE bytes */
};

/* Pure: what the registers make of the window. */
struct vga_window_layout vga_window_layout_of(const struct vga_registers *registers,
					      uint32_t memory_size);

/* 0 or -ENOMEM. */
int vga_window_init(struct vga_window *window, struct memory_slot_registry *slots,
		    struct vga_memory *memory);
void vga_window_finish(struct vga_window *window);

/* The registers may have changed. */
void vga_window_update(struct vga_window *window, const struct vga_registers *registers);
/*
 * One byte, for an access that was trapped: after some of them the window is mapped. offset: from
 * VGA_WINDOW_BASE, below VGA_WINDOW_SIZE.
 */
uint8_t vga_window_read(struct vga_window *window, const struct vga_registers *registers,
			uint32_t offset);
void vga_window_write(struct vga_window *window, const struct vga_registers *registers,
		      uint32_t offset, uint8_t value);
/* Video memory and its marks know all that the guest has written through the window. */
void vga_window_collect(struct vga_window *window);
