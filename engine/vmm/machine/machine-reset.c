/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-reset.h"

#include <errno.h>

#include "base/log.h"
#include "boot/acpi-tables.h"
#include "boot/smbios.h"
#include "cpu/vcpu-state.h"
#include "devices/vmgenid.h"
#include "machine/host-files.h"
#include "machine/machine-display.h"
#include "machine/machine-firmware.h"
#include "machine/machine-tables.h"
#include "machine/machine-input.h"
#include "machine/machine.h"
#include "memory/memory-layout.h"
#include "pci/pci-host-bridge.h"

void machine_log_boot_problem(const struct machine *machine,
			      const struct linux_boot_problem *problem)
{
	char name[FILE_NAME_SIZE];

	switch (problem->file) {
	case LINUX_BOOT_KERNEL:
		file_reference_name(&machine->config->kernel, name);
		break;
	case LINUX_BOOT_INITRD:
		file_reference_name(&machine->config->initrd, name);
		break;
	case LINUX_BOOT_CMDLINE:
		log_error("The kernel command line %s.", problem->text);
		return;
	}
	log_error("%s %s.", name, problem->text);
}

static int install_tables(struct machine *machine)
{
	struct smbios_machine smbios;
	struct acpi_machine acpi;
	int r;

	machine_describe_acpi(machine, &acpi);
	machine_describe_smbios(machine, &smbios);
	vmgenid_install(machine->vmgenid);
	r = acpi_tables_install(machine->memory, &acpi, &machine->boot.acpi_rsdp);
	return r == 0 ? smbios_install(machine->memory, &smbios) : r;
}

static int load_kernel(struct machine *machine)
{
	struct linux_boot_problem problem;
	struct linux_entry entry;
	struct vcpu_entry vcpu_entry;
	int r = pci_host_bridge_assign(machine->bridge, LAYOUT_PCI_WINDOW, LAYOUT_PCI_WINDOW_SIZE,
				       machine_pci_window64(machine));

	if (r == 0)
		r = install_tables(machine);
	if (r < 0)
		return r;
	r = linux_boot_load(&machine->boot, machine->memory, &entry, &problem);
	if (r < 0) {
		machine_log_boot_problem(machine, &problem);
		return r;
	}
	vcpu_entry = (struct vcpu_entry){
		.rip = entry.rip,
		.rsp = entry.rsp,
		.rsi = entry.rsi,
		.cr3 = entry.cr3,
		.gdt_base = entry.gdt_base,
		.gdt_limit = entry.gdt_limit,
		.code_selector = entry.code_selector,
		.data_selector = entry.data_selector,
	};
	for (uint64_t i = 0; r == 0 && i < machine->config->cpus; i++)
		r = vcpu_set_firmware_state(machine->vcpus[i]);
	return r == 0 ? vcpu_set_entry(machine->vcpus[0], machine->power_on, &vcpu_entry) : r;
}

int machine_load_guest(struct machine *machine)
{
	return machine->firmware ? machine_load_firmware(machine) : load_kernel(machine);
}

/*
 * Functions on the bus first, since a device may still raise an interrupt while it lets go of its
 * queues; then the chips that would deliver it; the processors, which both look at, last.
 */
int machine_reset_parts(struct machine *machine)
{
	int r;

	pci_host_bridge_reset(machine->bridge);
	machine_reset_display(machine);
	serial_16550_reset(machine->serial);
	acpi_pm_reset(machine->pm);
	machine_reset_input(machine);
	r = kvm_vm_reset_chips(&machine->vm);
	for (uint64_t i = 0; r == 0 && i < machine->config->cpus; i++)
		r = vcpu_power_on_apply(machine->power_on, machine->vcpus[i]);
	return r == 0 ? machine_load_guest(machine) : r;
}
