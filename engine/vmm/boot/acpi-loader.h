/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ACPI tables for firmware: as files of fw_cfg, with a script that tells the firmware where to
 * put them and what to mend then.
 */
#pragma once

struct acpi_machine;
struct fw_cfg;

/* machine->generation_page is 0: vmgenid_add_files() has added what belongs to it. 0 or negative
 * errno. */
int acpi_loader_add(struct fw_cfg *config, const struct acpi_machine *machine);
