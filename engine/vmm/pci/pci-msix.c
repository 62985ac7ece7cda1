/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * MSI-X: see pci-msix.h.
 */
#include "pci/pci-msix.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte-order.h"
#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "pci/pci-config-space.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

struct vector {
	uint8_t entry[PCI_MSIX_ENTRY_SIZE]; /* as the guest sees it */
	bool pending;
	struct interrupt_message *message; /* NULL until first unmasked */
	bool routed;
	struct msi_message route; /* while routed */
};

struct pci_msix {
	struct pci_config_space *config;
	struct interrupt_controller *interrupts;
	unsigned int capability; /* offset */
	unsigned int count;
	struct vector vectors[];
};

static_assert(PCI_MSIX_MAX_VECTORS * PCI_MSIX_ENTRY_SIZE <= PCI_MSIX_PENDING_OFFSET,
	      "the table ends before the pending bits");

static bool vector_masked(const struct pci_msix *msix, const struct vector *vector)
{
	uint64_t flags = pci_config_space_read(msix->config, msix->capability + PCI_MSIX_FLAGS, 2);

	return !(flags & PCI_MSIX_FLAGS_ENABLE) || (flags & PCI_MSIX_FLAGS_MASKALL) ||
	       (vector->entry[PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

static void vector_route(struct pci_msix *msix, struct vector *vector)
{
	struct msi_message route = {
		.address = load_le64(vector->entry + PCI_MSIX_ENTRY_LOWER_ADDR),
		.data = load_le32(vector->entry + PCI_MSIX_ENTRY_DATA),
	};

	if (vector->routed && vector->route.address == route.address &&
	    vector->route.data == route.data)
		return;
	/* Short of descriptors here, the vector stays pending and is tried at the next notify. */
	if (!vector->message && interrupt_message_create(msix->interrupts, &vector->message) < 0)
		return;
	if (interrupt_message_route(vector->message, &route) < 0)
		return;
	vector->route = route;
	vector->routed = true;
}

static void vector_update(struct pci_msix *msix, struct vector *vector)
{
	if (vector_masked(msix, vector)) {
		if (vector->routed)
			interrupt_message_route(vector->message, NULL);
		vector->routed = false;
		return;
	}
	vector_route(msix, vector);
	if (vector->pending && vector->routed) {
		vector->pending = false;
		interrupt_message_send(vector->message);
	}
}

static void reset_entries(struct pci_msix *msix)
{
	for (unsigned int i = 0; i < msix->count; i++) {
		struct vector *vector = &msix->vectors[i];

		memset(vector->entry, 0, sizeof(vector->entry));
		vector->entry[PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		vector->pending = false;
	}
}

int pci_msix_create(struct pci_config_space *config, struct interrupt_controller *interrupts,
		    unsigned int vectors, unsigned int bar, struct pci_msix **ret_msix)
{
	struct pci_msix *msix;
	int capability;

	assert(vectors >= 1 && vectors <= PCI_MSIX_MAX_VECTORS);
	msix = calloc(1, sizeof(*msix) + vectors * sizeof(msix->vectors[0]));
	if (!msix)
		return -ENOMEM;
	capability = pci_config_space_add_capability(config, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	if (capability < 0) {
		free(msix);
		return capability;
	}
	msix->config = config;
	msix->interrupts = interrupts;
	msix->capability = (unsigned int)capability;
	msix->count = vectors;
	pci_config_space_define(config, msix->capability + PCI_MSIX_FLAGS, 2, vectors - 1,
				PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_config_space_define(config, msix->capability + PCI_MSIX_TABLE, 4, bar, 0);
	pci_config_space_define(config, msix->capability + PCI_MSIX_PBA, 4,
				PCI_MSIX_PENDING_OFFSET | bar, 0);
	reset_entries(msix);
	*ret_msix = msix;
	return 0;
}

void pci_msix_destroy(struct pci_msix *msix)
{
	if (!msix)
		return;
	for (unsigned int i = 0; i < msix->count; i++)
		interrupt_message_destroy(msix->vectors[i].message);
	free(msix);
}

unsigned int pci_msix_vectors(const struct pci_msix *msix)
{
	return msix->count;
}

bool pci_msix_enabled(const struct pci_msix *msix)
{
	return pci_config_space_read(msix->config, msix->capability + PCI_MSIX_FLAGS, 2) &
	       PCI_MSIX_FLAGS_ENABLE;
}

void pci_msix_notify(struct pci_msix *msix, unsigned int vector)
{
	if (vector >= msix->count)
		return;
	msix->vectors[vector].pending = true;
	vector_update(msix, &msix->vectors[vector]);
}

int pci_msix_event_fd(const struct pci_msix *msix, unsigned int vector)
{
	if (vector >= msix->count || !msix->vectors[vector].message)
		return -1;
	return interrupt_message_event_fd(msix->vectors[vector].message);
}

unsigned int pci_msix_capability(const struct pci_msix *msix)
{
	return msix->capability;
}

void pci_msix_update(struct pci_msix *msix)
{
	for (unsigned int i = 0; i < msix->count; i++)
		vector_update(msix, &msix->vectors[i]);
}

void pci_msix_reset(struct pci_msix *msix)
{
	reset_entries(msix);
	pci_msix_update(msix);
}

static uint8_t read_byte(const struct pci_msix *msix, uint64_t offset)
{
	uint8_t bits = 0;

	if (offset < msix->count * PCI_MSIX_ENTRY_SIZE)
		return msix->vectors[offset / PCI_MSIX_ENTRY_SIZE]
			.entry[offset % PCI_MSIX_ENTRY_SIZE];
	if (offset < PCI_MSIX_PENDING_OFFSET)
		return 0;
	for (unsigned int bit = 0; bit < 8; bit++) {
		uint64_t vector = 8 * (offset - PCI_MSIX_PENDING_OFFSET) + bit;

		if (vector < msix->count && msix->vectors[vector].pending)
			bits |= (uint8_t)(1u << bit);
	}
	return bits;
}

static uint64_t pci_msix_read(void *device, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)read_byte(device, offset + i) << (8 * i);
	return value;
}

static uint8_t possible_byte(uint64_t at, uint8_t byte)
{
	if (at == PCI_MSIX_ENTRY_VECTOR_CTRL)
		return byte & PCI_MSIX_ENTRY_CTRL_MASKBIT;
	return at > PCI_MSIX_ENTRY_VECTOR_CTRL ? 0 /* reserved */ : byte;
}

static void pci_msix_write(void *device, uint64_t offset, unsigned int size, uint64_t value)
{
	struct pci_msix *msix = device;
	uint64_t end = msix->count * PCI_MSIX_ENTRY_SIZE;

	for (unsigned int i = 0; i < size && offset + i < end; i++) {
		uint64_t at = (offset + i) % PCI_MSIX_ENTRY_SIZE;
		uint8_t byte = (uint8_t)(value >> (8 * i));

		msix->vectors[(offset + i) / PCI_MSIX_ENTRY_SIZE].entry[at] =
			possible_byte(at, byte);
	}
	for (uint64_t at = offset & ~(uint64_t)(PCI_MSIX_ENTRY_SIZE - 1);
	     at < offset + size && at < end; at += PCI_MSIX_ENTRY_SIZE)
		vector_update(msix, &msix->vectors[at / PCI_MSIX_ENTRY_SIZE]);
}

const struct address_range_ops pci_msix_range_ops = {
	.read = pci_msix_read,
	.write = pci_msix_write,
};

void pci_msix_save(const struct pci_msix *msix, struct state_writer *writer)
{
	for (unsigned int i = 0; i < msix->count; i++) {
		const struct vector *vector = &msix->vectors[i];

		state_writer_put_bytes(writer, vector->entry, sizeof(vector->entry));
		state_writer_put_bool(writer, vector->pending);
	}
}

void pci_msix_load(struct pci_msix *msix, struct state_reader *reader)
{
	for (unsigned int i = 0; i < msix->count; i++) {
		struct vector *vector = &msix->vectors[i];

		state_reader_get_bytes(reader, vector->entry, sizeof(vector->entry));
		for (unsigned int at = 0; at < sizeof(vector->entry); at++)
			vector->entry[at] = possible_byte(at, vector->entry[at]);
		vector->pending = state_reader_get_bool(reader);
	}
	if (state_reader_result(reader) == 0)
		pci_msix_update(msix);
}
