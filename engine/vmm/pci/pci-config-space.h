/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration space of one function: a type 0 header and a capability list (PCI Local Bus
 * 3.0, chapter 6), with the bits the guest can change told apart from the others.
 *
 * No function here has an extended capability, so the 4 KiB that MMCONFIG shows read as zeros from
 * 0x100 on, which is how their absence is said (PCI Express 3.0, section 7.9.1).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct state_reader;
struct state_writer;

enum {
	PCI_CONFIG_SPACE_SIZE = 256,
	PCI_CONFIG_SPACE_EXTENDED_SIZE = 4096,
};

struct pci_config_space {
	uint8_t values[PCI_CONFIG_SPACE_SIZE];
	uint8_t defaults[PCI_CONFIG_SPACE_SIZE]; /* at power-on */
	uint8_t writable[PCI_CONFIG_SPACE_SIZE]; /* bits the guest can change */
	uint8_t last_capability;                 /* offset, 0: none yet */
	uint8_t free_offset;                     /* where the next capability goes */
};

void pci_config_space_init(struct pci_config_space *config);
/* Every register back to its power-on value. */
void pci_config_space_reset(struct pci_config_space *config);

/* For the device: a register's power-on value and writable bits. size: 1, 2 or 4. */
void pci_config_space_define(struct pci_config_space *config, unsigned int offset,
			     unsigned int size, uint32_t value, uint32_t writable);
/*
 * For the device: a new capability of so many bytes, zeros after its header, read-only until
 * defined otherwise. Its offset, or -ENOSPC.
 */
int pci_config_space_add_capability(struct pci_config_space *config, uint8_t id,
				    unsigned int length);
/* For the device: changes a register, whether the guest can or not. */
void pci_config_space_set(struct pci_config_space *config, unsigned int offset, unsigned int size,
			  uint32_t value);

/* For the guest: size 1 to 8 at any offset; what is not there reads as zeros. */
uint64_t pci_config_space_read(const struct pci_config_space *config, unsigned int offset,
			       unsigned int size);
void pci_config_space_write(struct pci_config_space *config, unsigned int offset, unsigned int size,
			    uint64_t value);

/*
 * To and from a machine's state. What is loaded must differ from what is here only in what a guest
 * can write (and the status register's interrupt bit, which follows): else it is another
 * function's.
 */
void pci_config_space_save(const struct pci_config_space *config, struct state_writer *writer);
void pci_config_space_load(struct pci_config_space *config, struct state_reader *reader);

/* Whether an access touches any byte of [first, first + length). */
static inline bool pci_config_space_overlaps(unsigned int offset, unsigned int size,
					     unsigned int first, unsigned int length)
{
	return offset < first + length && first < offset + size;
}
