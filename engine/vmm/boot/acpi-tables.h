/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ACPI tables of the machine (ACPI 6.4, section 5.2), for a boot without firmware: RSDP, XSDT,
 * FADT, FACS, MADT, MCFG and the DSDT compiled from dsdt.asl. Full ACPI, not hardware-reduced.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guest_memory;

/*
 * Writes the tables of a machine with vcpus (1 to 255) as they are to lie at guest-physical
 * address gpa (a multiple of 64), the RSDP first. Returns their size, 0 when it exceeds capacity.
 * buffer: zeroed. Pure.
 */
size_t acpi_tables_build(uint8_t *buffer, size_t capacity, uint64_t gpa, unsigned int vcpus);

/* Puts them into guest memory at LAYOUT_ACPI_TABLES. 0 or negative errno. */
int acpi_tables_install(struct guest_memory *memory, unsigned int vcpus, uint64_t *ret_rsdp);
