/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of a machine without its memory, as bytes: what state-writer.h makes and
 * state-reader.h takes. Little-endian.
 *
 * A header, then the sections one after the other, each with a header of its own and a payload
 * that zeros fill up to a multiple of STATE_ALIGNMENT. A section is a part of the machine: its name
 * says which ("vcpu.0", "acpi-pm"), its version how the payload is laid out. The order of sections
 * has no meaning.
 *
 * Header: magic (8 bytes), version (u32), length of everything (u32), number of sections (u32),
 * CRC-32C of everything with this field as zeros (u32), zeros (8 bytes).
 * Section header: name, filled up with at least one zero (24 bytes), version (u32), length of the
 * payload without what fills it up (u32).
 *
 * A version of the whole is for this layout; it changes when the header does. A part whose payload
 * changes gets a new version of its section, its load function tells them apart, and a file with it
 * joins those in tests/unit/vmm/states/, which are loaded for ever.
 */
#pragma once

#define STATE_MAGIC "INNSTATE"

enum {
	STATE_VERSION = 1,
	STATE_ALIGNMENT = 8,
	STATE_NAME_SIZE = 24,
	STATE_MAX_SIZE = 8 << 20,
	STATE_MAX_SECTIONS = 1024,

	STATE_HEADER_VERSION = 8,
	STATE_HEADER_LENGTH = 12,
	STATE_HEADER_SECTIONS = 16,
	STATE_HEADER_CHECKSUM = 20,
	STATE_HEADER_RESERVED = 24,
	STATE_HEADER_SIZE = 32,

	STATE_SECTION_VERSION = STATE_NAME_SIZE,
	STATE_SECTION_LENGTH = STATE_NAME_SIZE + 4,
	STATE_SECTION_HEADER_SIZE = 32,
};
