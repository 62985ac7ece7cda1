/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Physical region tables: see ahci-prdt.h.
 */
#include "devices/ahci-prdt.h"

#include <errno.h>

#include "base/byte-order.h"
#include "memory/guest-memory.h"

enum {
	ENTRY_SIZE = 16,
	COUNT_OFFSET = 12,
	COUNT_MASK = 0x3fffff, /* less one, and odd */
};

void ahci_prdt_init(struct ahci_prdt *prdt, const struct guest_memory *memory, uint64_t gpa,
		    unsigned int entries)
{
	*prdt = (struct ahci_prdt){.memory = memory, .gpa = gpa, .left = entries};
}

/* What is left of the entry the walk has come to, at most limit bytes. Moves on. */
static int take_entry(struct ahci_prdt *prdt, uint32_t limit, struct iovec *ret_buffer)
{
	uint8_t entry[ENTRY_SIZE];
	uint32_t length;
	uint64_t gpa;
	int r = guest_memory_read(prdt->memory, prdt->gpa, entry, sizeof(entry));

	if (r < 0)
		return r;
	/* Both are even: the lowest bits are what they have to be, whatever the guest says. */
	gpa = load_le64(entry) & ~1ULL;
	length = ((load_le32(entry + COUNT_OFFSET) & COUNT_MASK) | 1) + 1;
	ret_buffer->iov_base = guest_memory_at(prdt->memory, gpa, length);
	if (!ret_buffer->iov_base || prdt->skip >= length)
		return -EFAULT;
	ret_buffer->iov_base = (char *)ret_buffer->iov_base + prdt->skip;
	ret_buffer->iov_len = length - prdt->skip;
	if (ret_buffer->iov_len > limit) {
		ret_buffer->iov_len = limit;
		prdt->skip += limit;
		return 0;
	}
	prdt->skip = 0;
	prdt->gpa += ENTRY_SIZE;
	prdt->left--;
	return 0;
}

/* Gives back the last bytes of a piece that began `begin` bytes into its first entry. */
static void give_back(struct ahci_prdt *prdt, struct iovec *iov, unsigned int *count,
		      uint32_t bytes, uint32_t begin)
{
	while (bytes > 0) {
		struct iovec *last = &iov[*count - 1];
		uint32_t entry_skip = *count == 1 ? begin : 0;
		uint32_t part = bytes < last->iov_len ? bytes : (uint32_t)last->iov_len;

		/* Taken to its end, the entry is behind the walk. */
		if (prdt->skip == 0) {
			prdt->gpa -= ENTRY_SIZE;
			prdt->left++;
		}
		last->iov_len -= part;
		bytes -= part;
		prdt->skip = entry_skip + (uint32_t)last->iov_len;
		if (last->iov_len == 0)
			(*count)--;
	}
}

int64_t ahci_prdt_next(struct ahci_prdt *prdt, struct iovec *iov, unsigned int max, uint32_t limit,
		       uint32_t granule, unsigned int *ret_count)
{
	uint32_t begin = prdt->skip;
	unsigned int count = 0;
	uint32_t bytes = 0;

	while (count < max && bytes < limit && prdt->left > 0) {
		int r = take_entry(prdt, limit - bytes, &iov[count]);

		if (r < 0)
			return r;
		bytes += (uint32_t)iov[count++].iov_len;
	}
	give_back(prdt, iov, &count, bytes % granule, begin);
	*ret_count = count;
	return bytes - bytes % granule;
}
