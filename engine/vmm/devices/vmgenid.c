/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/vmgenid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "devices/devices.h"
#include "devices/fw-cfg.h"
#include "memory/guest-memory.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

struct vmgenid {
	struct guest_memory *memory;
	struct acpi_pm *pm;
	uint64_t gpa;               /* of the page; 0: what firmware says */
	const uint8_t *address;     /* what firmware says; of the number itself */
	uint8_t *file;              /* what firmware reads; NULL: it does not */
	uint8_t guid[VMGENID_SIZE]; /* as it is in memory */
};

int vmgenid_create(struct guest_memory *memory, struct acpi_pm *pm, uint64_t gpa,
		   const uint8_t uuid[VMGENID_SIZE], struct vmgenid **ret_vmgenid)
{
	struct vmgenid *vmgenid = calloc(1, sizeof(*vmgenid));

	if (!vmgenid)
		return -ENOMEM;
	vmgenid->memory = memory;
	vmgenid->pm = pm;
	vmgenid->gpa = gpa;
	store_uuid_le(vmgenid->guid, uuid);
	*ret_vmgenid = vmgenid;
	return 0;
}

void vmgenid_destroy(struct vmgenid *vmgenid)
{
	free(vmgenid);
}

static void fill_page(const struct vmgenid *vmgenid, uint8_t page[VMGENID_PAGE_SIZE])
{
	memcpy(page + VMGENID_OFFSET, vmgenid->guid, VMGENID_SIZE);
}

int vmgenid_add_files(struct vmgenid *vmgenid, struct fw_cfg *config)
{
	int r = fw_cfg_add_changing_file(config, VMGENID_PAGE_FILE, VMGENID_PAGE_SIZE,
					 &vmgenid->file);

	if (r == 0)
		r = fw_cfg_add_writable_file(config, VMGENID_ADDRESS_FILE, sizeof(uint64_t),
					     &vmgenid->address);
	if (r == 0)
		fill_page(vmgenid, vmgenid->file);
	return r;
}

void vmgenid_install(const struct vmgenid *vmgenid)
{
	uint8_t page[VMGENID_PAGE_SIZE] = {0};

	if (vmgenid->gpa == 0)
		return;
	fill_page(vmgenid, page);
	(void)guest_memory_write(vmgenid->memory, vmgenid->gpa, page, sizeof(page));
}

/* 0: the guest does not know, or not yet. */
static uint64_t number_gpa(const struct vmgenid *vmgenid)
{
	if (vmgenid->gpa > 0)
		return vmgenid->gpa + VMGENID_OFFSET;
	return vmgenid->address ? load_le64(vmgenid->address) : 0;
}

/* Where the guest says it is; one that says nonsense is told of nothing. */
static void tell(const struct vmgenid *vmgenid)
{
	uint64_t gpa = number_gpa(vmgenid);

	if (gpa > 0 &&
	    guest_memory_write(vmgenid->memory, gpa, vmgenid->guid, sizeof(vmgenid->guid)) == 0)
		acpi_pm_raise_event(vmgenid->pm, VMGENID_EVENT);
}

void vmgenid_set(struct vmgenid *vmgenid, const uint8_t uuid[VMGENID_SIZE])
{
	store_uuid_le(vmgenid->guid, uuid);
	if (vmgenid->file)
		fill_page(vmgenid, vmgenid->file);
	tell(vmgenid);
}

void vmgenid_save(const struct vmgenid *vmgenid, struct state_writer *writer)
{
	state_writer_put_bytes(writer, vmgenid->guid, sizeof(vmgenid->guid));
}

int vmgenid_load(struct vmgenid *vmgenid, struct state_reader *reader)
{
	uint8_t known[VMGENID_SIZE];

	state_reader_get_bytes(reader, known, sizeof(known));
	if (state_reader_result(reader) == 0 && memcmp(known, vmgenid->guid, sizeof(known)) != 0)
		tell(vmgenid);
	return state_reader_result(reader);
}
