/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A boot sector made by hand: what a BIOS loads to 0x7C00 and starts in real mode.
 */
#pragma once

#include <stdint.h>
#include <string.h>

enum { BOOT_SECTOR_SIZE = 512 };

/* 16-bit instructions. */
#define BOOT_SECTOR_PUT(byte)  "\xba\xf8\x03\xb0" byte "\xee" /* to COM1: mov dx; mov al; out */
#define BOOT_SECTOR_EXIT(byte) "\xba\xf4\x00\xb0" byte "\xee" /* debug exit */
#define BOOT_SECTOR_RESET      "\xb0\xfe\xe6\x64"             /* by the keyboard controller */
#define BOOT_SECTOR_HALT       "\xf4\xeb\xfd"

/* code: at most 510 bytes. */
static inline void boot_sector_make(uint8_t sector[BOOT_SECTOR_SIZE], const void *code,
				    size_t length)
{
	memset(sector, 0, BOOT_SECTOR_SIZE);
	memcpy(sector, code, length);
	sector[510] = 0x55;
	sector[511] = 0xaa;
}
