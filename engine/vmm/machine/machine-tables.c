/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-tables.h"

#include <string.h>

#include "boot/acpi-tables.h"
#include "boot/smbios.h"
#include "config.h"
#include "machine/machine.h"
#include "memory/guest-memory.h"
#include "memory/memory-layout.h"

#define GIBIBYTE (1ULL << 30)

enum { MAX_PHYSICAL_BITS = 46 }; /* what every system can map */

uint64_t machine_pci_window64(const struct machine *machine)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	size_t count = guest_memory_regions(machine->memory, regions);
	uint64_t end = regions[count - 1].gpa + regions[count - 1].size;

	if (end < LAYOUT_HIGH_RAM)
		end = LAYOUT_HIGH_RAM;
	return (end + GIBIBYTE - 1) & ~(GIBIBYTE - 1);
}

/* Firmware places it as it likes, so all that is above RAM belongs to it. */
static uint64_t window64_last(const struct machine *machine)
{
	unsigned int bits = machine->physical_bits < MAX_PHYSICAL_BITS ? machine->physical_bits
								       : MAX_PHYSICAL_BITS;
	uint64_t first = machine_pci_window64(machine), last = (1ULL << bits) - 1;

	return last > first ? last : first + GIBIBYTE - 1;
}

void machine_describe_acpi(const struct machine *machine, struct acpi_machine *ret_acpi)
{
	*ret_acpi = (struct acpi_machine){
		.vcpus = (unsigned int)machine->config->cpus,
		.window64_first = machine_pci_window64(machine),
		.window64_last = window64_last(machine),
		.generation_page = machine->firmware ? 0 : LAYOUT_GENERATION_ID,
		.has_fw_cfg = machine->fw_cfg,
		.has_keyboard = machine->ps2_keyboard,
		.has_vga = machine->screen,
	};
}

void machine_describe_smbios(const struct machine *machine, struct smbios_machine *ret_smbios)
{
	*ret_smbios = (struct smbios_machine){
		.version = VERSION,
		.vcpus = (unsigned int)machine->config->cpus,
	};
	memcpy(ret_smbios->uuid, machine->config->uuid, sizeof(ret_smbios->uuid));
}
