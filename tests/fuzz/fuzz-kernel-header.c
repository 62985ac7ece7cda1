/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The setup header of a kernel file, and where what it says would be put.
 */
#include <assert.h>

#include "boot/linux-header.h"
#include "memory/memory-layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t ram_end = 0xb0000000;
	struct linux_header header;
	uint64_t kernel, initrd;

	/* the file is larger than what is read of it */
	if (linux_header_parse(data, size, size + (8 << 20), &header) ||
	    !linux_header_place(&header, ram_end, &kernel))
		return 0;
	assert(header.length <= sizeof(header.bytes));
	assert(kernel >= LAYOUT_KERNEL_MINIMUM && kernel < ram_end);
	assert(header.payload_size <= ram_end - kernel);
	if (linux_header_place_initrd(&header, 1 << 20, kernel + header.memory_size, ram_end,
				      &initrd))
		assert(initrd >= kernel + header.memory_size && initrd + (1 << 20) <= ram_end);
	return 0;
}
