/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vga/vga-pci.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "devices/vga/vga.h"
#include "display/screen.h"
#include "pci/pci-device.h"
#include "pci/pci-rom.h"

struct vga_pci {
	struct pci_device pci; /* first */
	struct pci_rom bios;
	struct vga *vga;
};

static const struct pci_device_identity identity = {
	.vendor = VGA_PCI_VENDOR,
	.device = VGA_PCI_DEVICE,
	.subsystem_vendor = 0x1AF4,
	.subsystem = 0x1100,
	.class_code = VGA_PCI_CLASS,
	.revision = 2,
};

static void on_bar_moved(struct pci_device *device, unsigned int index)
{
	if (index == VGA_PCI_MEMORY_BAR)
		vga_memory_moved(((struct vga_pci *)device)->vga);
}

static void on_reset(struct pci_device *device)
{
	vga_reset(((struct vga_pci *)device)->vga);
}

static const struct pci_device_ops pci_ops = {.bar_moved = on_bar_moved, .reset = on_reset};

void vga_pci_add_bars(struct pci_device *function, struct vga *vga, struct memory_slot *bios)
{
	/* systems ask by this bit who has the ports of the VGA */
	pci_config_space_define(&function->config, PCI_COMMAND, 1, 0,
				PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
					PCI_COMMAND_PARITY);
	pci_device_add_memory_bar(function, VGA_PCI_MEMORY_BAR, PCI_BAR_MEMORY_32,
				  vga_memory_slot(vga));
	pci_device_add_bar(function, VGA_PCI_REGISTERS_BAR, PCI_BAR_MEMORY_32, VGA_REGISTERS_SIZE,
			   &vga_registers_ops, vga);
	if (bios)
		pci_device_add_memory_bar(function, PCI_BAR_ROM, PCI_BAR_EXPANSION_ROM, bios);
}

int vga_pci_create(const struct vga_host *host, struct pci_host_bridge *bridge,
		   const struct vga_pci_config *config, struct vga_pci **ret_vga)
{
	struct vga_pci *vga = calloc(1, sizeof(*vga));
	int r = 0;

	if (!vga)
		return -ENOMEM;
	if (config->bios_fd >= 0)
		r = pci_rom_init(&vga->bios, host->slots, config->bios_fd, VGA_PCI_VENDOR,
				 VGA_PCI_DEVICE);
	if (r == 0)
		r = vga_create(host, VGA_PCI_MEMORY_SIZE, config->width, config->height, &vga->vga);
	if (r == 0)
		r = pci_device_init(&vga->pci, bridge, config->devfn, &identity, &pci_ops);
	if (r < 0) {
		vga_pci_destroy(vga);
		return r;
	}
	vga_pci_add_bars(&vga->pci, vga->vga, vga->bios.slot);
	screen_set_source(host->screen, &vga_screen_ops, vga->vga);
	*ret_vga = vga;
	return 0;
}

void vga_pci_destroy(struct vga_pci *vga)
{
	if (!vga)
		return;
	pci_device_finish(&vga->pci);
	pci_rom_finish(&vga->bios);
	vga_destroy(vga->vga);
	free(vga);
}

void vga_pci_save(struct vga_pci *vga, struct state_writer *writer)
{
	pci_device_save(&vga->pci, writer);
	vga_save(vga->vga, writer);
}

int vga_pci_load(struct vga_pci *vga, struct state_reader *reader)
{
	pci_device_load(&vga->pci, reader);
	return vga_load(vga->vga, reader);
}
