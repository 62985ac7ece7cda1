/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The generation ID of the machine ("Virtual Machine Generation ID", Microsoft 2012; with firmware
 * as docs/specs/vmgenid.rst of QEMU has it): a number in memory that is another one when a machine
 * goes on from a state that it or another machine has gone on from before. Its system then makes
 * new random numbers and gives up what only one machine in the world may have. The DSDT says where
 * the number is, and an event of power management tells that it has changed.
 *
 * All calls with the device lock held or before the vCPUs run.
 */
#pragma once

#include <stdint.h>

struct acpi_pm;
struct fw_cfg;
struct guest_memory;
struct state_reader;
struct state_writer;
struct vmgenid;

enum {
	VMGENID_SIZE = 16,
	VMGENID_PAGE_SIZE = 4096,
	VMGENID_OFFSET = 40, /* in its page: firmware must not take what is before for a table */
	VMGENID_EVENT = 5,   /* of the general-purpose ones, as the DSDT has it */
};

/* Firmware places the one file in memory and writes the number's address into the other. */
#define VMGENID_PAGE_FILE    "etc/vmgenid_guid"
#define VMGENID_ADDRESS_FILE "etc/vmgenid_addr"

/*
 * gpa: of the page, or 0: firmware places it, and vmgenid_add_files() follows. uuid: the number as
 * a UUID is written. 0 or -ENOMEM.
 */
int vmgenid_create(struct guest_memory *memory, struct acpi_pm *pm, uint64_t gpa,
		   const uint8_t uuid[VMGENID_SIZE], struct vmgenid **ret_vmgenid);
/* NULL is accepted. */
void vmgenid_destroy(struct vmgenid *vmgenid);
/* As fw_cfg_add_file(). config has to live as long. */
int vmgenid_add_files(struct vmgenid *vmgenid, struct fw_cfg *config);

/* Before a guest starts, or starts again: writes a page that firmware does not place. */
void vmgenid_install(const struct vmgenid *vmgenid);
/* The number is another one from now on; a guest that knows where it is is told. */
void vmgenid_set(struct vmgenid *vmgenid, const uint8_t uuid[VMGENID_SIZE]);

/*
 * As in devices.h; load is after that of memory, power management and fw_cfg. The number is that of
 * the machine that goes on: where it is not the one that was saved, the guest is told.
 */
enum { VMGENID_STATE_VERSION = 1 };
void vmgenid_save(const struct vmgenid *vmgenid, struct state_writer *writer);
int vmgenid_load(struct vmgenid *vmgenid, struct state_reader *reader);
