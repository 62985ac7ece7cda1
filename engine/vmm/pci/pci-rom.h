/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The contents of an expansion ROM (PCI Firmware 3.0, section 5.1), from a file to memory that a
 * ROM BAR can show (pci-bar.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_slot;
struct memory_slot_registry;

enum { PCI_ROM_MAX_SIZE = 1 << 20 };

struct pci_rom {
	void *bytes;
	size_t size; /* a power of two, whole pages */
	struct memory_slot *slot;
};

/* Whether it is an image for this function. */
bool pci_rom_is_for(const uint8_t *bytes, size_t length, uint16_t vendor, uint16_t device);

/*
 * Copies the file, which stays the caller's. 0; -ENOEXEC where it is no image for this function,
 * -EFBIG where it is larger than PCI_ROM_MAX_SIZE; another negative errno.
 */
int pci_rom_init(struct pci_rom *rom, struct memory_slot_registry *slots, int fd, uint16_t vendor,
		 uint16_t device);
/* Also for zeros and what pci_rom_init() refused. No BAR may show it any more. */
void pci_rom_finish(struct pci_rom *rom);
