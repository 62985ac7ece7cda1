/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Does what firmware does with the script, and compares what comes out with the same tables made
 * for that place.
 */
#include "boot/acpi-loader.h"

#include <glib.h>
#include <string.h>

#include "base/byte-order.h"
#include "boot/acpi-tables.h"
#include "bus/address-space.h"
#include "devices/fw-cfg.h"
#include "devices/vmgenid.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"

#define RSDP_GPA   0xf0000ULL
#define TABLES_GPA 0x7ffe0040ULL
#define PAGE_GPA   0x7fff0000ULL

struct file {
	char name[56];
	uint8_t bytes[32 << 10];
	uint32_t size;
	uint64_t gpa;
	bool allocated;
};

static struct address_space *ports;
static struct file rsdp = {.name = "etc/acpi/rsdp", .gpa = RSDP_GPA};
static struct file tables = {.name = "etc/acpi/tables", .gpa = TABLES_GPA};
static struct file page = {.name = "etc/vmgenid_guid", .gpa = PAGE_GPA};
static struct file address = {.name = "etc/vmgenid_addr"};
static struct file script = {.name = "etc/table-loader"};

static void read_port(void *buffer, size_t length)
{
	for (size_t i = 0; i < length; i++)
		((uint8_t *)buffer)[i] = (uint8_t)address_space_read(ports, 0x511, 1);
}

static void read_file(struct file *file)
{
	uint8_t entry[64], count[4];
	uint16_t key = 0;

	address_space_write(ports, 0x510, 2, 0x19);
	read_port(count, sizeof(count));
	for (uint32_t i = load_be32(count); i > 0; i--) {
		read_port(entry, sizeof(entry));
		if (strcmp((char *)entry + 8, file->name) == 0) {
			file->size = load_be32(entry);
			key = (uint16_t)(entry[4] << 8 | entry[5]);
		}
	}
	g_assert_cmpuint(key, !=, 0);
	g_assert_cmpuint(file->size, <=, sizeof(file->bytes));
	address_space_write(ports, 0x510, 2, key);
	read_port(file->bytes, file->size);
	file->allocated = false;
}

static struct file *file_named(const uint8_t *name)
{
	struct file *const files[] = {&rsdp, &tables, &page, &address};

	for (unsigned int i = 0; i < G_N_ELEMENTS(files); i++) {
		if (strcmp((const char *)name, files[i]->name) == 0)
			return files[i];
	}
	g_assert_not_reached();
}

static void allocate(const uint8_t *command)
{
	struct file *file = file_named(command + 4);
	uint32_t alignment = load_le32(command + 60);

	g_assert_false(file->allocated);
	g_assert_cmpuint(file->gpa % alignment, ==, 0);
	g_assert_cmpuint(command[64], ==, file == &rsdp ? 2 : 1);
	file->allocated = true;
}

static void add_pointer(const uint8_t *command)
{
	struct file *file = file_named(command + 4), *target = file_named(command + 60);
	uint32_t offset = load_le32(command + 116);
	uint64_t pointer = 0;

	g_assert_true(file->allocated && target->allocated);
	g_assert_cmpuint(offset + command[120], <=, file->size);
	memcpy(&pointer, file->bytes + offset, command[120]);
	g_assert_cmpuint(pointer, <, target->size);
	pointer += target->gpa;
	memcpy(file->bytes + offset, &pointer, command[120]);
}

/* As the firmware writes it into a file of ours. */
static void write_pointer(const uint8_t *command)
{
	struct file *file = file_named(command + 4), *target = file_named(command + 60);
	uint32_t offset = load_le32(command + 116);

	g_assert_true(target->allocated && !file->allocated);
	g_assert_cmpuint(offset + command[124], <=, file->size);
	store_le64(file->bytes + offset, target->gpa + load_le32(command + 120));
}

static void add_checksum(const uint8_t *command)
{
	struct file *file = file_named(command + 4);
	uint32_t at = load_le32(command + 60), start = load_le32(command + 64);
	uint32_t length = load_le32(command + 68);
	uint8_t sum = 0;

	g_assert_cmpuint(start + length, <=, file->size);
	g_assert_cmphex(file->bytes[at], ==, 0); /* some firmware subtracts, some stores */
	for (uint32_t i = 0; i < length; i++)
		sum += file->bytes[start + i];
	file->bytes[at] = (uint8_t)-sum;
}

static void run_script(void)
{
	g_assert_cmpuint(script.size % 128, ==, 0);
	for (const uint8_t *command = script.bytes; command < script.bytes + script.size;
	     command += 128) {
		switch (load_le32(command)) {
		case 1:
			allocate(command);
			break;
		case 2:
			add_pointer(command);
			break;
		case 3:
			add_checksum(command);
			break;
		case 4:
			write_pointer(command);
			break;
		default:
			g_assert_not_reached();
		}
	}
}

static void test_script(void)
{
	static const uint8_t uuid[VMGENID_SIZE] = {1, 2, 3, 4};
	struct acpi_machine machine = {.vcpus = 255, .has_fw_cfg = true};
	static struct acpi_tables expected;
	struct guest_memory *memory;
	struct event_loop *loop;
	struct vmgenid *vmgenid;
	struct fw_cfg *config;

	g_assert_cmpint(address_space_create(0x10000, &ports), ==, 0);
	g_assert_cmpint(guest_memory_create(2 << 20, &memory), ==, 0);
	g_assert_cmpint(event_loop_create(&loop), ==, 0);
	g_assert_cmpint(fw_cfg_create(ports, memory, loop, &config), ==, 0);
	g_assert_cmpint(vmgenid_create(memory, NULL, 0, uuid, &vmgenid), ==, 0);
	g_assert_cmpint(vmgenid_add_files(vmgenid, config), ==, 0);
	g_assert_cmpint(acpi_loader_add(config, &machine), ==, 0);
	read_file(&rsdp);
	read_file(&tables);
	read_file(&page);
	read_file(&address);
	read_file(&script);
	run_script();
	g_assert_cmphex(load_le64(address.bytes), ==, PAGE_GPA + VMGENID_OFFSET);
	g_assert_cmphex(load_le32(page.bytes + VMGENID_OFFSET), ==, 0x01020304);
	machine.generation_page = PAGE_GPA;
	acpi_tables_build(&machine, TABLES_GPA, &expected);
	g_assert_cmpmem(rsdp.bytes, rsdp.size, expected.rsdp, sizeof(expected.rsdp));
	g_assert_cmpmem(tables.bytes, tables.size, expected.bytes, expected.size);
	vmgenid_destroy(vmgenid);
	fw_cfg_destroy(config);
	event_loop_destroy(loop);
	guest_memory_destroy(memory);
	address_space_destroy(ports);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/acpi-loader/script", test_script);
	return g_test_run();
}
