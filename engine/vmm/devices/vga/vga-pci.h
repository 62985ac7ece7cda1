/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A VGA as a PCI function of its own, 1234:1111, as Bochs and QEMU have it: guests have drivers for
 * it, firmware has a BIOS. BAR 0 is video memory, BAR 2 the registers.
 */
#pragma once

#include <stdint.h>

struct memory_slot;
struct pci_device;
struct pci_host_bridge;
struct state_reader;
struct state_writer;
struct vga;
struct vga_host;
struct vga_pci;

enum {
	VGA_PCI_VENDOR = 0x1234,
	VGA_PCI_DEVICE = 0x1111,
	VGA_PCI_CLASS = 0x030000,
	VGA_PCI_MEMORY_SIZE = 16 << 20,
	VGA_PCI_MEMORY_BAR = 0,
	VGA_PCI_REGISTERS_BAR = 2,
};

struct vga_pci_config {
	uint8_t devfn;
	uint32_t width, height; /* what the monitor prefers */
	int bios_fd;            /* stays the caller's; -1: none */
};

/*
 * Becomes the source of the host's screen. 0; as pci_rom_init() where the BIOS is wrong; another
 * negative errno.
 */
int vga_pci_create(const struct vga_host *host, struct pci_host_bridge *bridge,
		   const struct vga_pci_config *config, struct vga_pci **ret_vga);
/* NULL is accepted. */
void vga_pci_destroy(struct vga_pci *vga);
/* As vga_save() and vga_load(), with the function; after pci_host_bridge_load(). */
enum { VGA_PCI_STATE_VERSION = 1 };
void vga_pci_save(struct vga_pci *vga, struct state_writer *writer);
int vga_pci_load(struct vga_pci *vga, struct state_reader *reader);

/*
 * For a function that is a VGA among other things: its BARs and, unless NULL, its BIOS. The
 * function says vga_memory_moved() when VGA_PCI_MEMORY_BAR has moved.
 */
void vga_pci_add_bars(struct pci_device *function, struct vga *vga, struct memory_slot *bios);
