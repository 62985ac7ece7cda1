/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A bzImage made by hand: a valid setup header of version 2.15 in two setup sectors, then code.
 */
#pragma once

#include <stdint.h>
#include <string.h>

#include "base/byte-order.h"

enum {
	PAYLOAD_KERNEL_SETUP = 1024, /* bytes before the protected-mode code */
	PAYLOAD_KERNEL_ENTRY = 0x200,
	PAYLOAD_KERNEL_SIZE = PAYLOAD_KERNEL_SETUP + 4096,
};

/* code: what runs at the 64-bit entry; at most 3 KiB. */
static inline void payload_kernel_make(uint8_t image[PAYLOAD_KERNEL_SIZE], const void *code,
				       size_t code_length)
{
	memset(image, 0, PAYLOAD_KERNEL_SIZE);
	image[0x1f1] = 1; /* setup sectors after the first */
	store_le16(image + 0x1fe, 0xaa55);
	image[0x200] = 0xeb;
	image[0x201] = 0x6a; /* the header ends at 0x26c */
	store_le32(image + 0x202, 0x53726448);
	store_le16(image + 0x206, 0x020f);
	image[0x211] = 1;                      /* loaded high */
	store_le32(image + 0x22c, 0x7fffffff); /* initrd_addr_max */
	store_le32(image + 0x230, 0x200000);   /* alignment */
	image[0x234] = 1;                      /* relocatable */
	store_le16(image + 0x236, 1);          /* 64-bit entry */
	store_le32(image + 0x238, 2047);       /* command line */
	store_le64(image + 0x258, 0x1000000);  /* preferred address */
	store_le32(image + 0x260, 0x400000);   /* memory it needs */
	memcpy(image + PAYLOAD_KERNEL_SETUP + PAYLOAD_KERNEL_ENTRY, code, code_length);
}
