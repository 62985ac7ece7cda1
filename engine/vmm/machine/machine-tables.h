/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the guest's tables say of the machine: the same through firmware and without it.
 */
#pragma once

#include <stdint.h>

struct acpi_machine;
struct machine;
struct smbios_machine;

/* Where PCI memory goes that does not fit below 4 GiB: above all RAM. */
uint64_t machine_pci_window64(const struct machine *machine);

/* The vCPUs exist. */
void machine_describe_acpi(const struct machine *machine, struct acpi_machine *ret_acpi);
void machine_describe_smbios(const struct machine *machine, struct smbios_machine *ret_smbios);
