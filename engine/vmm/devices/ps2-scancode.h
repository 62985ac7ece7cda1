/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What PS/2 keyboards send for a key: scan code sets 1 and 2 (IBM PS/2 Technical Reference,
 * keyboard), and the keyboard controller's translation from the second to the first. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PS2_SCANCODE_MAX = 8, PS2_SCANCODE_RELEASE = 0xf0 };

/*
 * The bytes for a key (linux/input-event-codes.h) that goes down or up, in set 1 or 2. Their
 * number, 0 for a key that PS/2 keyboards do not have, or that says nothing when it goes up.
 */
size_t ps2_scancode_encode(unsigned int set, uint16_t key, bool down,
			   uint8_t bytes[PS2_SCANCODE_MAX]);

/* A byte of set 2 other than PS2_SCANCODE_RELEASE in set 1. Answers to commands stay themselves. */
uint8_t ps2_scancode_translate(uint8_t byte);
