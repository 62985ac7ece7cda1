/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/firmware-items.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "base/log.h"
#include "boot/acpi-loader.h"
#include "boot/acpi-tables.h"
#include "boot/e820.h"
#include "boot/kernel-items.h"
#include "boot/smbios.h"
#include "config.h"
#include "devices/fw-cfg.h"
#include "devices/vmgenid.h"
#include "machine/machine-reset.h"
#include "machine/machine-tables.h"
#include "machine/machine.h"
#include "memory/guest-memory.h"

enum {
	MAXIMUM_ROM_SIZE = 64 << 10,
	BIOS_MEMORY = 1 << 20, /* what a BIOS keeps at the end of low RAM, and more */
};

/* The name by which the option ROM is known to the boot order too. */
#define BOOT_ROM_NAME "genroms/linuxboot_dma.bin"

static int add_memory_map(struct machine *machine)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	struct e820_entry entries[E820_MAX_ENTRIES];
	uint8_t bytes[E820_MAX_ENTRIES * E820_ENTRY_SIZE];
	size_t count = guest_memory_regions(machine->memory, regions);

	count = e820_build_for_firmware(regions, count, entries);
	for (size_t i = 0; i < count; i++)
		e820_store(bytes + i * E820_ENTRY_SIZE, &entries[i]);
	return fw_cfg_add_file(machine->fw_cfg, "etc/e820", bytes, count * E820_ENTRY_SIZE);
}

/* A BIOS waits for as many processors as it is told of, so both numbers have to be right. */
static int add_processors(struct machine *machine)
{
	uint16_t cpus = (uint16_t)machine->config->cpus;
	int r = fw_cfg_add_u16(machine->fw_cfg, FW_CFG_CPUS, cpus);

	return r == 0 ? fw_cfg_add_u16(machine->fw_cfg, FW_CFG_MAX_CPUS, cpus) : r;
}

/* The timer's interrupt is at pin 2 of the IOAPIC. */
static int add_interrupts(struct machine *machine)
{
	const uint8_t override = 1;

	return fw_cfg_add(machine->fw_cfg, FW_CFG_IRQ0_OVERRIDE, &override, sizeof(override));
}

/* Without a screen a BIOS writes to the serial port, as it does with NO_GRAPHICS. */
static int add_console(struct machine *machine)
{
	bool serial_only = !machine->screen && machine->config->serial != SERIAL_NONE;

	return fw_cfg_add_u16(machine->fw_cfg, FW_CFG_NO_GRAPHICS, serial_only);
}

static int add_sleep_states(struct machine *machine)
{
	/* by sleep state; bit 7: it can be entered */
	static const uint8_t states[6] = {[5] = 1 << 7};

	return fw_cfg_add_file(machine->fw_cfg, "etc/system-states", states, sizeof(states));
}

static int add_acpi(struct machine *machine)
{
	struct acpi_machine acpi;
	int r;

	machine_describe_acpi(machine, &acpi);
	r = vmgenid_add_files(machine->vmgenid, machine->fw_cfg);
	return r == 0 ? acpi_loader_add(machine->fw_cfg, &acpi) : r;
}

static int add_smbios(struct machine *machine)
{
	struct smbios_machine smbios;
	int r;

	machine_describe_smbios(machine, &smbios);
	r = fw_cfg_add(machine->fw_cfg, FW_CFG_UUID, smbios.uuid, sizeof(smbios.uuid));
	return r == 0 ? smbios_add(machine->fw_cfg, &smbios, machine->memory) : r;
}

/* Nobody waits for a key unless the menu is wanted, and a failure stays on the screen. */
static int add_boot_manners(struct machine *machine)
{
	uint8_t forever[4];
	int r = fw_cfg_add_u16(machine->fw_cfg, FW_CFG_BOOT_MENU, machine->config->boot_menu);

	store_le32(forever, UINT32_MAX);
	return r == 0 ? fw_cfg_add_file(machine->fw_cfg, "etc/boot-fail-wait", forever,
					sizeof(forever))
		      : r;
}

/*
 * UEFI tries the network for minutes before it gives up, so only when it is in the order. (The
 * names are those of edk2.)
 */
static int add_network_boot(struct machine *machine, bool wanted)
{
	const char *word = wanted ? "y" : "n";
	int r = fw_cfg_add_file(machine->fw_cfg, "opt/org.tianocore/IPv4PXESupport", word, 1);

	return r == 0 ? fw_cfg_add_file(machine->fw_cfg, "opt/org.tianocore/IPv6PXESupport", word,
					1)
		      : r;
}

/* A kernel comes before all devices. */
static int add_boot_order(struct machine *machine)
{
	const struct machine_config *config = machine->config;
	bool has_kernel = file_reference_is_given(&config->kernel);
	char order[BOOT_ORDER_SIZE], unknown[BOOT_NAME_SIZE];

	if (config->boot_order &&
	    !boot_order_build(&machine->boot_devices, config->boot_order, order, unknown)) {
		log_error("The machine cannot boot from \"%s\", which it does not have or which "
			  "is in the order twice.",
			  unknown);
		return -EINVAL;
	}
	if (has_kernel && config->firmware == FIRMWARE_BIOS)
		strcpy(order, "/rom@" BOOT_ROM_NAME);
	else if (!config->boot_order)
		return 0;
	return fw_cfg_add_file(machine->fw_cfg, "bootorder", order, strlen(order) + 1);
}

static int read_rom(int fd, uint8_t bytes[MAXIMUM_ROM_SIZE], size_t *ret_size)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > MAXIMUM_ROM_SIZE)
		return -EINVAL;
	*ret_size = (size_t)status.st_size;
	return fd_read_at(fd, bytes, *ret_size, 0);
}

/* A BIOS does not know how to start a kernel; a small program does. */
static int add_boot_rom(struct machine *machine)
{
	int fd = machine_rom_open(machine, MACHINE_ROM_LINUX_BOOT), r;
	uint8_t bytes[MAXIMUM_ROM_SIZE];
	size_t size = 0;

	r = fd < 0 ? fd : read_rom(fd, bytes, &size);
	if (r < 0) {
		log_error("A BIOS starts a kernel with %s, which cannot be read (%s); use "
			  "--firmware none or uefi instead.",
			  machine_rom_name(MACHINE_ROM_LINUX_BOOT), strerror(-r));
		return r;
	}
	return fw_cfg_add_file(machine->fw_cfg, BOOT_ROM_NAME, bytes, size);
}

static int add_kernel(struct machine *machine)
{
	struct guest_memory_region regions[GUEST_MEMORY_MAX_REGIONS];
	struct linux_boot_problem problem;
	int r = 0;

	if (!file_reference_is_given(&machine->config->kernel))
		return 0;
	if (machine->config->firmware == FIRMWARE_BIOS)
		r = add_boot_rom(machine);
	if (r < 0)
		return r;
	(void)guest_memory_regions(machine->memory, regions);
	r = kernel_items_add(machine->fw_cfg, &machine->boot, regions[0].size - BIOS_MEMORY,
			     &problem);
	if (r < 0)
		machine_log_boot_problem(machine, &problem);
	return r;
}

/* What is told in every case. */
static int add_fixed(struct machine *machine)
{
	bool network = machine->config->boot_order && strstr(machine->config->boot_order, "net");
	int r = add_memory_map(machine);

	if (r == 0)
		r = add_processors(machine);
	if (r == 0)
		r = add_interrupts(machine);
	if (r == 0)
		r = add_console(machine);
	if (r == 0)
		r = add_sleep_states(machine);
	if (r == 0)
		r = add_acpi(machine);
	if (r == 0)
		r = add_smbios(machine);
	if (r == 0)
		r = add_boot_manners(machine);
	return r == 0 ? add_network_boot(machine, network) : r;
}

int firmware_items_add(struct machine *machine)
{
	int r = add_fixed(machine);

	if (r < 0) {
		log_error("The firmware configuration could not be set up: %s.", strerror(-r));
		return r;
	}
	r = add_boot_order(machine);
	return r == 0 ? add_kernel(machine) : r;
}
