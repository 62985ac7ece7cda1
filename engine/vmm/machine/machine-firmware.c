/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "boot/acpi-loader.h"
#include "boot/acpi-tables.h"
#include "boot/e820.h"
#include "boot/firmware.h"
#include "boot/smbios.h"
#include "config.h"
#include "devices/fw-cfg.h"
#include "machine/host-files.h"
#include "machine/machine-tables.h"
#include "machine/machine.h"
#include "memory/guest-memory.h"

static int report(int r, const char *what)
{
	if (r < 0)
		log_error("%s could not be set up: %s.", what, strerror(-r));
	return r;
}

static struct file_reference image_reference(const struct machine_config *config)
{
	const struct file_reference installed = {
		.path = config->firmware == FIRMWARE_BIOS ? BIOS_IMAGE : UEFI_IMAGE, .fd = -1};

	return file_reference_is_given(&config->firmware_image) ? config->firmware_image
								: installed;
}

static int create_image(struct machine *machine)
{
	const struct file_reference file = image_reference(machine->config);
	int r = host_file_open(&file, O_RDONLY, &machine->firmware_fd);
	char name[FILE_NAME_SIZE];
	const char *problem;

	if (r < 0)
		return r;
	r = firmware_create(machine->firmware_fd, machine->config->firmware == FIRMWARE_BIOS,
			    machine->slots, &machine->firmware, &problem);
	if (r < 0) {
		file_reference_name(&file, name);
		log_error("%s %s.", name, problem);
	}
	return r;
}

static void on_variables_failed(void *data, int error)
{
	struct machine *machine = data;

	log_error("The UEFI variables could not be written: %s.", strerror(-error));
	machine_requests_note(&machine->requests, REQUEST_STORAGE_ERROR, error, NULL);
}

static int create_chip(struct machine *machine, uint64_t size, int fd)
{
	const struct pflash_host host = {machine->mmio, machine->slots, machine->loop};
	const struct pflash_store store = {machine->variables_fd, on_variables_failed, machine};

	return pflash_create(&host, firmware_base(machine->firmware) - size, size, fd, &store,
			     &machine->variables);
}

/* Without a file of its own the machine starts with fresh ones and forgets them. */
static int create_variables(struct machine *machine)
{
	const struct file_reference *given = &machine->config->variables;
	const struct file_reference installed = {.path = UEFI_VARIABLES, .fd = -1};
	bool keep = file_reference_is_given(given);
	const struct file_reference *file = keep ? given : &installed;
	uint64_t size = firmware_variables_size(machine->firmware);
	char name[FILE_NAME_SIZE];
	int fd, r;

	if (size == 0 && !keep)
		return 0;
	r = host_file_open(file, keep ? O_RDWR : O_RDONLY, &fd);
	if (r < 0)
		return r;
	if (keep)
		machine->variables_fd = fd;
	r = size > 0 ? create_chip(machine, size, fd) : -EINVAL;
	if (!keep)
		fd_close(&fd);
	file_reference_name(file, name);
	if (r == -EINVAL)
		log_error("%s does not belong to this firmware, which keeps %llu bytes of "
			  "variables.",
			  name, (unsigned long long)size);
	else if (r < 0)
		log_error("%s cannot be used for variables: %s.", name, strerror(-r));
	return r;
}

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

	machine_describe_acpi(machine, &acpi);
	return acpi_loader_add(machine->fw_cfg, &acpi);
}

static int add_smbios(struct machine *machine)
{
	struct smbios_machine smbios;
	int r;

	machine_describe_smbios(machine, &smbios);
	r = fw_cfg_add(machine->fw_cfg, FW_CFG_UUID, smbios.uuid, sizeof(smbios.uuid));
	return r == 0 ? smbios_add(machine->fw_cfg, &smbios, machine->memory) : r;
}

static int add_items(struct machine *machine)
{
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
	return r;
}

int machine_create_firmware(struct machine *machine)
{
	int r;

	if (machine->config->firmware == FIRMWARE_NONE)
		return 0;
	r = create_image(machine);
	if (r == 0 && machine->config->firmware == FIRMWARE_UEFI)
		r = create_variables(machine);
	if (r < 0)
		return r;
	r = report(fw_cfg_create(machine->ports, machine->memory, machine->loop, &machine->fw_cfg),
		   "The firmware configuration");
	return r == 0 ? report(add_items(machine), "The firmware configuration") : r;
}

void machine_destroy_firmware(struct machine *machine)
{
	fw_cfg_destroy(machine->fw_cfg);
	pflash_destroy(machine->variables);
	firmware_destroy(machine->firmware);
	fd_close(&machine->firmware_fd);
	fd_close(&machine->variables_fd);
}

int machine_load_firmware(struct machine *machine)
{
	fw_cfg_reset(machine->fw_cfg);
	if (machine->variables)
		pflash_reset(machine->variables);
	return report(firmware_load(machine->firmware, machine->memory), "The firmware");
}
