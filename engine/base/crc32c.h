/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CRC-32C (Castagnoli; RFC 3720, section 12.1). Pure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Of these bytes after those that crc is of; 0 is that of none. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t length);
