/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/pci-rom.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/byte-order.h"
#include "base/checked-arithmetic.h"
#include "base/fd.h"
#include "bus/memory-slot.h"

enum {
	SIGNATURE = 0xaa55,
	DATA_POINTER = 0x18, /* to the PCI data structure */
	DATA_VENDOR = 4,
	DATA_DEVICE = 6,
	DATA_SIZE = 0x18,
};

bool pci_rom_is_for(const uint8_t *bytes, size_t length, uint16_t vendor, uint16_t device)
{
	uint16_t data;

	if (length < DATA_POINTER + 2 || load_le16(bytes) != SIGNATURE)
		return false;
	data = load_le16(bytes + DATA_POINTER);
	return range_fits(data, DATA_SIZE, length) && memcmp(bytes + data, "PCIR", 4) == 0 &&
	       load_le16(bytes + data + DATA_VENDOR) == vendor &&
	       load_le16(bytes + data + DATA_DEVICE) == device;
}

static int file_size(int fd, size_t *ret_size)
{
	struct stat info;

	if (fstat(fd, &info) < 0)
		return -errno;
	if (info.st_size <= 0)
		return -ENOEXEC;
	if (info.st_size > PCI_ROM_MAX_SIZE)
		return -EFBIG;
	*ret_size = (size_t)info.st_size;
	return 0;
}

/* Filled up with what an unwritten ROM holds. */
static int load(struct pci_rom *rom, int fd, size_t length)
{
	void *bytes;

	rom->size = MEMORY_SLOT_PAGE_SIZE;
	while (rom->size < length)
		rom->size *= 2;
	bytes = mmap(NULL, rom->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	rom->bytes = bytes;
	memset((char *)bytes + length, 0xff, rom->size - length);
	return fd_read_at(fd, bytes, length, 0);
}

int pci_rom_init(struct pci_rom *rom, struct memory_slot_registry *slots, int fd, uint16_t vendor,
		 uint16_t device)
{
	size_t length = 0;
	int r = file_size(fd, &length);

	*rom = (struct pci_rom){.bytes = NULL};
	if (r == 0)
		r = load(rom, fd, length);
	if (r == 0 && !pci_rom_is_for(rom->bytes, length, vendor, device))
		r = -ENOEXEC;
	if (r == 0)
		r = memory_slot_create(slots, rom->bytes, rom->size, MEMORY_SLOT_READ_ONLY,
				       &rom->slot);
	if (r < 0)
		pci_rom_finish(rom);
	return r;
}

void pci_rom_finish(struct pci_rom *rom)
{
	memory_slot_destroy(rom->slot);
	if (rom->bytes)
		munmap(rom->bytes, rom->size);
	*rom = (struct pci_rom){.bytes = NULL};
}
