/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/pci-rom.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "fake-memory-slots.h"

enum { LENGTH = 5000, DATA = 0x40, VENDOR = 0x1234, DEVICE = 0x1111 };

static void build(uint8_t *rom)
{
	memset(rom, 0, LENGTH);
	store_le16(rom, 0xaa55);
	store_le16(rom + 0x18, DATA);
	memcpy(rom + DATA, "PCIR", 4);
	store_le16(rom + DATA + 4, VENDOR);
	store_le16(rom + DATA + 6, DEVICE);
}

static void test_check(void)
{
	g_autofree uint8_t *rom = g_malloc(LENGTH);

	build(rom);
	g_assert_true(pci_rom_is_for(rom, LENGTH, VENDOR, DEVICE));
	g_assert_false(pci_rom_is_for(rom, LENGTH, VENDOR, DEVICE + 1));
	g_assert_false(pci_rom_is_for(rom, LENGTH, VENDOR + 1, DEVICE));
	g_assert_false(pci_rom_is_for(rom, 0x19, VENDOR, DEVICE));
	g_assert_false(pci_rom_is_for(rom, DATA + 0x17, VENDOR, DEVICE));
	store_le16(rom + 0x18, 0xffff);
	g_assert_false(pci_rom_is_for(rom, LENGTH, VENDOR, DEVICE));
	build(rom);
	rom[DATA] = 'p';
	g_assert_false(pci_rom_is_for(rom, LENGTH, VENDOR, DEVICE));
	build(rom);
	rom[0] = 0;
	g_assert_false(pci_rom_is_for(rom, LENGTH, VENDOR, DEVICE));
}

static int file_with(const void *bytes, size_t length)
{
	int fd = memfd_create("rom", MFD_CLOEXEC);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, bytes, length), ==, (ssize_t)length);
	return fd;
}

static void test_load(void)
{
	g_autofree uint8_t *bytes = g_malloc(LENGTH);
	struct fake_memory_slots slots;
	struct pci_rom rom;
	int fd;

	fake_memory_slots_init(&slots);
	build(bytes);
	fd = file_with(bytes, LENGTH);
	g_assert_cmpint(pci_rom_init(&rom, &slots.registry, fd, VENDOR, DEVICE), ==, 0);
	g_assert_cmpuint(rom.size, ==, 8192);
	g_assert_cmpmem(rom.bytes, LENGTH, bytes, LENGTH);
	g_assert_cmphex(((uint8_t *)rom.bytes)[LENGTH], ==, 0xff);
	g_assert_true(rom.slot->host == rom.bytes);
	g_assert_cmpuint(rom.slot->flags, ==, MEMORY_SLOT_READ_ONLY);
	pci_rom_finish(&rom);
	pci_rom_finish(&rom);
	g_assert_cmpint(pci_rom_init(&rom, &slots.registry, fd, VENDOR, 0), ==, -ENOEXEC);
	g_assert_cmpint(ftruncate(fd, PCI_ROM_MAX_SIZE + 1), ==, 0);
	g_assert_cmpint(pci_rom_init(&rom, &slots.registry, fd, VENDOR, DEVICE), ==, -EFBIG);
	g_assert_cmpint(ftruncate(fd, 0), ==, 0);
	g_assert_cmpint(pci_rom_init(&rom, &slots.registry, fd, VENDOR, DEVICE), ==, -ENOEXEC);
	pci_rom_finish(&rom);
	g_assert_cmpuint(slots.count, ==, 0);
	close(fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pci-rom/check", test_check);
	g_test_add_func("/pci-rom/load", test_load);
	return g_test_run();
}
