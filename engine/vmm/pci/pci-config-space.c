/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configuration space of a PCI function, byte by byte: firmware reads and writes it in every width
 * at every alignment.
 */
#include "pci/pci-config-space.h"

#include <assert.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "state/state-reader.h"
#include "state/state-writer.h"

void pci_config_space_init(struct pci_config_space *config)
{
	memset(config, 0, sizeof(*config));
	config->free_offset = PCI_STD_HEADER_SIZEOF;
}

void pci_config_space_reset(struct pci_config_space *config)
{
	memcpy(config->values, config->defaults, sizeof(config->values));
}

void pci_config_space_define(struct pci_config_space *config, unsigned int offset,
			     unsigned int size, uint32_t value, uint32_t writable)
{
	assert(offset + size <= PCI_CONFIG_SPACE_SIZE);
	for (unsigned int i = 0; i < size; i++) {
		config->values[offset + i] = (uint8_t)(value >> (8 * i));
		config->defaults[offset + i] = (uint8_t)(value >> (8 * i));
		config->writable[offset + i] = (uint8_t)(writable >> (8 * i));
	}
}

int pci_config_space_add_capability(struct pci_config_space *config, uint8_t id,
				    unsigned int length)
{
	unsigned int link = config->last_capability ? config->last_capability + PCI_CAP_LIST_NEXT
						    : PCI_CAPABILITY_LIST;
	unsigned int offset = config->free_offset;
	unsigned int end = (offset + length + 3) & ~3u;

	/* The last dword stays free, so that free_offset fits its byte. */
	if (length < PCI_CAP_SIZEOF || end >= PCI_CONFIG_SPACE_SIZE)
		return -ENOSPC;
	pci_config_space_define(config, link, 1, offset, 0);
	pci_config_space_define(config, offset + PCI_CAP_LIST_ID, 1, id, 0);
	pci_config_space_define(config, PCI_STATUS, 2,
				config->defaults[PCI_STATUS] | PCI_STATUS_CAP_LIST, 0);
	config->last_capability = (uint8_t)offset;
	config->free_offset = (uint8_t)end;
	return (int)offset;
}

void pci_config_space_set(struct pci_config_space *config, unsigned int offset, unsigned int size,
			  uint32_t value)
{
	assert(offset + size <= PCI_CONFIG_SPACE_SIZE);
	for (unsigned int i = 0; i < size; i++)
		config->values[offset + i] = (uint8_t)(value >> (8 * i));
}

uint64_t pci_config_space_read(const struct pci_config_space *config, unsigned int offset,
			       unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size && offset + i < PCI_CONFIG_SPACE_SIZE; i++)
		value |= (uint64_t)config->values[offset + i] << (8 * i);
	return value;
}

void pci_config_space_write(struct pci_config_space *config, unsigned int offset, unsigned int size,
			    uint64_t value)
{
	for (unsigned int i = 0; i < size && offset + i < PCI_CONFIG_SPACE_SIZE; i++) {
		uint8_t mask = config->writable[offset + i];
		uint8_t *byte = &config->values[offset + i];

		*byte = (uint8_t)((*byte & ~mask) | ((uint8_t)(value >> (8 * i)) & mask));
	}
}

void pci_config_space_save(const struct pci_config_space *config, struct state_writer *writer)
{
	state_writer_put_bytes(writer, config->values, sizeof(config->values));
}

void pci_config_space_load(struct pci_config_space *config, struct state_reader *reader)
{
	uint8_t values[PCI_CONFIG_SPACE_SIZE], different = 0;

	state_reader_get_bytes(reader, values, sizeof(values));
	if (state_reader_result(reader) < 0)
		return;
	values[PCI_STATUS] &= (uint8_t)~PCI_STATUS_INTERRUPT;
	for (unsigned int i = 0; i < sizeof(values); i++)
		different |= (values[i] ^ config->defaults[i]) & (uint8_t)~config->writable[i];
	if (state_reader_check(reader, different == 0, "another PCI function is in this place"))
		memcpy(config->values, values, sizeof(values));
}
