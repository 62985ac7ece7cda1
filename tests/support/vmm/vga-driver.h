/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest's side of a VGA: modes as a BIOS sets them, through whatever writes its ports.
 */
#pragma once

#include <stdint.h>

struct vga_driver_mode {
	uint8_t misc;
	uint8_t sequencer[5], crtc[25], graphics[9], attribute[21];
};

/* The standard modes of these numbers. */
extern const struct vga_driver_mode vga_driver_mode_3;  /* text, 80 x 25 */
extern const struct vga_driver_mode vga_driver_mode_4;  /* 320 x 200, 4 colors */
extern const struct vga_driver_mode vga_driver_mode_12; /* 640 x 480, 16 colors */
extern const struct vga_driver_mode vga_driver_mode_13; /* 320 x 200, 256 colors */

struct vga_driver {
	void (*out)(void *data, uint16_t port, uint8_t value);
	uint8_t (*in)(void *data, uint16_t port);
	void *data;
};

void vga_driver_set_mode(const struct vga_driver *driver, const struct vga_driver_mode *mode);
/* index: a register's; port: of the index. */
void vga_driver_set(const struct vga_driver *driver, uint16_t port, uint8_t index, uint8_t value);
void vga_driver_set_attribute(const struct vga_driver *driver, uint8_t index, uint8_t value);
/* 6 bits each. */
void vga_driver_set_color(const struct vga_driver *driver, uint8_t entry, uint8_t red,
			  uint8_t green, uint8_t blue);
/* The window shows plane 2 at 0xA0000 and nothing else; then as it is in text mode. */
void vga_driver_begin_font(const struct vga_driver *driver);
void vga_driver_end_font(const struct vga_driver *driver);
