/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs for the guest's firmware that are installed on this computer. Those that a machine has
 * stay open, for its clones can open none.
 */
#pragma once

struct machine;

enum machine_rom {
	MACHINE_ROM_VGA,
	MACHINE_ROM_VIRTIO_VGA,
	MACHINE_ROM_NETWORK,
	MACHINE_ROM_LINUX_BOOT,
	MACHINE_ROMS,
};

const char *machine_rom_name(enum machine_rom rom);
/* Of a machine that has none yet. origin: of the machine that it goes on from, taken over; NULL:
 * there is none. */
void machine_roms_init(struct machine *machine, const int origin[MACHINE_ROMS]);
/* A descriptor that stays the machine's, or negative errno. */
int machine_rom_open(struct machine *machine, enum machine_rom rom);
void machine_roms_finish(struct machine *machine);
