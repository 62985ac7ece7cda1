/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-roms.h"

#include <errno.h>
#include <fcntl.h>

#include "base/fd.h"
#include "config.h"
#include "machine/machine.h"

const char *machine_rom_name(enum machine_rom rom)
{
	static const char *const names[] = {
		[MACHINE_ROM_VGA] = VGA_BIOS,
		[MACHINE_ROM_VIRTIO_VGA] = VIRTIO_VGA_BIOS,
		[MACHINE_ROM_NETWORK] = VIRTIO_NET_ROM,
		[MACHINE_ROM_LINUX_BOOT] = LINUX_BOOT_ROM,
	};

	return names[rom];
}

void machine_roms_init(struct machine *machine, const int origin[MACHINE_ROMS])
{
	for (unsigned int i = 0; i < MACHINE_ROMS; i++)
		machine->roms[i] = origin ? origin[i] : -1;
}

int machine_rom_open(struct machine *machine, enum machine_rom rom)
{
	int *fd = &machine->roms[rom];

	if (*fd < 0 && machine->is_confined)
		return -ENOENT;
	if (*fd < 0)
		*fd = open(machine_rom_name(rom), O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return *fd < 0 ? -errno : *fd;
}

void machine_roms_finish(struct machine *machine)
{
	for (unsigned int i = 0; i < MACHINE_ROMS; i++)
		fd_close(&machine->roms[i]);
}
