/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mode registers of Bochs' display ("VBE dispi", as in Bochs' VBE display API): resolutions and
 * depths that a VGA does not have. The registers never describe a picture that does not lie in
 * video memory: what would lead there is ignored. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct state_reader;
struct state_writer;

enum vbe_register {
	VBE_ID,
	VBE_WIDTH,
	VBE_HEIGHT,
	VBE_DEPTH,
	VBE_ENABLE,
	VBE_BANK,
	VBE_VIRTUAL_WIDTH,
	VBE_VIRTUAL_HEIGHT,
	VBE_X_OFFSET,
	VBE_Y_OFFSET,
	VBE_MEMORY, /* 64 KiB */
	VBE_REGISTER_COUNT,
};

enum {
	VBE_ENABLED = 1 << 0,
	VBE_CAPABILITIES = 1 << 1, /* width, height and depth read as the greatest there are */
	VBE_8_BIT_PALETTE = 1 << 5,
	VBE_LINEAR = 1 << 6, /* remembered; memory is always in the BAR too */
	VBE_KEEP_MEMORY = 1 << 7,

	VBE_MAX_SIDE = 4096, /* pixels */
	VBE_BANK_SIZE = 1 << 16,
};

struct vbe {
	uint16_t index;
	uint16_t registers[VBE_REGISTER_COUNT];
};

void vbe_reset(struct vbe *vbe, uint32_t memory_bytes);
uint16_t vbe_read(const struct vbe *vbe, unsigned int index);
/* True: a mode has just been switched on, and its picture begins with zeros. */
bool vbe_write(struct vbe *vbe, unsigned int index, uint16_t value);

static inline bool vbe_is_enabled(const struct vbe *vbe)
{
	return vbe->registers[VBE_ENABLE] & VBE_ENABLED;
}

/* While enabled: bytes from a row to the next, and of the first pixel. */
uint32_t vbe_pitch(const struct vbe *vbe);
uint32_t vbe_start(const struct vbe *vbe);

/* To and from a machine's state; load is for registers that have just been reset. */
void vbe_save(const struct vbe *vbe, struct state_writer *writer);
void vbe_load(struct vbe *vbe, struct state_reader *reader);
