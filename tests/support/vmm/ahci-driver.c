/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See ahci-driver.h.
 */
#include "ahci-driver.h"

#include <glib.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "base/byte-order.h"
#include "devices/ahci.h"
#include "memory/guest-memory.h"

enum {
	PORT_SPACE = 0x10000,
	RECEIVED = 0x400,
	RECEIVED_SIZE = 256,
	TABLES = 0x1000,
	TABLE_SIZE = 0x600,
	HEADER_SIZE = 32,
	TABLE_PACKET = 0x40,
	TABLE_PRDT = 0x80,
	ENTRY_SIZE = 16,
	PORTS_OFFSET = 0x100,
	PORT_SIZE = 0x80,
	POLLS = 100000,
	POLL_US = 100,
};

void ahci_driver_init(struct ahci_driver *driver, struct test_machine *machine, unsigned int port)
{
	const uint64_t space = AHCI_DRIVER_GPA + (uint64_t)port * PORT_SPACE;

	*driver = (struct ahci_driver){
		.machine = machine,
		.port = port,
		.registers = test_machine_config_read(machine, AHCI_DEVFN, PCI_BASE_ADDRESS_5, 4) &
			     PCI_BASE_ADDRESS_MEM_MASK,
		.list = space,
		.received = space + RECEIVED,
	};
	g_assert_cmphex(driver->registers, !=, 0);
}

uint32_t ahci_driver_read_host(struct ahci_driver *driver, unsigned int offset)
{
	return (uint32_t)test_machine_read(driver->machine, driver->registers + offset, 4);
}

void ahci_driver_write_host(struct ahci_driver *driver, unsigned int offset, uint32_t value)
{
	test_machine_write(driver->machine, driver->registers + offset, 4, value);
}

uint32_t ahci_driver_read(struct ahci_driver *driver, unsigned int offset)
{
	return ahci_driver_read_host(driver, PORTS_OFFSET + driver->port * PORT_SIZE + offset);
}

void ahci_driver_write(struct ahci_driver *driver, unsigned int offset, uint32_t value)
{
	ahci_driver_write_host(driver, PORTS_OFFSET + driver->port * PORT_SIZE + offset, value);
}

void ahci_driver_wait(struct ahci_driver *driver, unsigned int offset, uint32_t mask,
		      uint32_t value)
{
	for (unsigned int i = 0; (ahci_driver_read(driver, offset) & mask) != value; i++) {
		g_assert_cmpuint(i, <, POLLS);
		g_usleep(POLL_US);
	}
}

void ahci_driver_start(struct ahci_driver *driver)
{
	ahci_driver_write(driver, AHCI_PXCLB, (uint32_t)driver->list);
	ahci_driver_write(driver, AHCI_PXCLBU, 0);
	ahci_driver_write(driver, AHCI_PXFB, (uint32_t)driver->received);
	ahci_driver_write(driver, AHCI_PXFBU, 0);
	ahci_driver_write(driver, AHCI_PXCMD, AHCI_CMD_FRE);
	ahci_driver_write(driver, AHCI_PXCMD, AHCI_CMD_FRE | AHCI_CMD_ST);
}

uint64_t ahci_driver_table(const struct ahci_driver *driver, unsigned int slot)
{
	return driver->list + TABLES + (uint64_t)slot * TABLE_SIZE;
}

static void fill_fis(const struct ahci_request *request, uint8_t *fis)
{
	fis[0] = 0x27;
	fis[1] = request->is_control ? 0 : 0x80;
	fis[2] = request->command;
	fis[3] = (uint8_t)request->features;
	store_le32(fis + 4, (uint32_t)request->lba & 0xffffff);
	fis[7] = request->device;
	store_le32(fis + 8, (uint32_t)(request->lba >> 24) & 0xffffff);
	fis[11] = (uint8_t)(request->features >> 8);
	store_le16(fis + 12, request->count);
	fis[15] = request->control;
}

void ahci_driver_prepare(struct ahci_driver *driver, unsigned int slot,
			 const struct ahci_request *request)
{
	struct guest_memory *memory = driver->machine->host.memory;
	const uint64_t table = ahci_driver_table(driver, slot);
	uint8_t header[HEADER_SIZE] = {5}, head[TABLE_PRDT] = {0};

	store_le16(header + 2, (uint16_t)request->region_count);
	store_le64(header + 8, table);
	guest_memory_write(memory, driver->list + slot * HEADER_SIZE, header, sizeof(header));
	fill_fis(request, head);
	if (request->packet)
		memcpy(head + TABLE_PACKET, request->packet, request->packet_length);
	guest_memory_write(memory, table, head, sizeof(head));
	for (unsigned int i = 0; i < request->region_count; i++) {
		uint8_t entry[ENTRY_SIZE] = {0};

		store_le64(entry, request->regions[i].gpa);
		store_le32(entry + 12, request->regions[i].length - 1);
		guest_memory_write(memory, table + TABLE_PRDT + i * ENTRY_SIZE, entry,
				   sizeof(entry));
	}
}

uint32_t ahci_driver_moved(struct ahci_driver *driver, unsigned int slot)
{
	uint8_t moved[4];

	guest_memory_read(driver->machine->host.memory, driver->list + slot * HEADER_SIZE + 4,
			  moved, sizeof(moved));
	return load_le32(moved);
}

uint32_t ahci_driver_run(struct ahci_driver *driver, const struct ahci_request *request)
{
	ahci_driver_prepare(driver, 0, request);
	ahci_driver_write(driver, AHCI_PXIS, ~0u);
	ahci_driver_write(driver, AHCI_PXCI, 1);
	for (unsigned int i = 0; ahci_driver_read(driver, AHCI_PXCI) & 1; i++) {
		const uint32_t errors = AHCI_IS_TASK_FILE | AHCI_IS_HOST_BUS | AHCI_IS_INTERFACE;

		if (ahci_driver_read(driver, AHCI_PXIS) & errors)
			break;
		g_assert_cmpuint(i, <, POLLS);
		g_usleep(POLL_US);
	}
	return ahci_driver_read(driver, AHCI_PXTFD);
}

void ahci_driver_restart(struct ahci_driver *driver)
{
	ahci_driver_write(driver, AHCI_PXCMD, AHCI_CMD_FRE);
	ahci_driver_wait(driver, AHCI_PXCMD, AHCI_CMD_CR, 0);
	ahci_driver_write(driver, AHCI_PXIS, ~0u);
	ahci_driver_start(driver);
}

uint8_t ahci_driver_received(struct ahci_driver *driver, unsigned int offset)
{
	uint8_t byte;

	guest_memory_read(driver->machine->host.memory, driver->received + offset, &byte, 1);
	return byte;
}

void ahci_driver_clear_received(struct ahci_driver *driver)
{
	const uint8_t zeroes[RECEIVED_SIZE] = {0};

	guest_memory_write(driver->machine->host.memory, driver->received, zeroes, sizeof(zeroes));
}
