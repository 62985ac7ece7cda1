/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Vectors of buffers: see iov.h.
 */
#include "base/iov.h"

#include <string.h>

uint64_t iov_length(const struct iovec *iov, unsigned int count)
{
	uint64_t length = 0;

	for (unsigned int i = 0; i < count; i++)
		length += iov[i].iov_len;
	return length;
}

/* The part of one element that a copy of length bytes from offset on still covers. */
static size_t part_of(const struct iovec *element, uint64_t offset, size_t length)
{
	size_t available = element->iov_len - (size_t)offset;

	return available < length ? available : length;
}

size_t iov_read(const struct iovec *iov, unsigned int count, uint64_t offset, void *buffer,
		size_t length)
{
	size_t done = 0;

	for (unsigned int i = 0; i < count && done < length; i++) {
		size_t part;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		part = part_of(&iov[i], offset, length - done);
		memcpy((char *)buffer + done, (const char *)iov[i].iov_base + offset, part);
		done += part;
		offset = 0;
	}
	return done;
}

size_t iov_write(const struct iovec *iov, unsigned int count, uint64_t offset, const void *buffer,
		 size_t length)
{
	size_t done = 0;

	for (unsigned int i = 0; i < count && done < length; i++) {
		size_t part;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		part = part_of(&iov[i], offset, length - done);
		memcpy((char *)iov[i].iov_base + offset, (const char *)buffer + done, part);
		done += part;
		offset = 0;
	}
	return done;
}

unsigned int iov_slice(const struct iovec *iov, unsigned int count, uint64_t offset,
		       uint64_t length, struct iovec *ret_iov)
{
	unsigned int elements = 0;

	for (unsigned int i = 0; i < count && length > 0; i++) {
		size_t part;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - (size_t)offset;
		if (part > length)
			part = (size_t)length;
		if (ret_iov)
			ret_iov[elements] = (struct iovec){(char *)iov[i].iov_base + offset, part};
		elements++;
		length -= part;
		offset = 0;
	}
	return elements;
}

void iov_drop_front(struct iovec **iov, unsigned int *count, uint64_t bytes)
{
	while (*count > 0 && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + bytes;
		(*iov)->iov_len -= (size_t)bytes;
	}
}

void iov_keep_front(struct iovec *iov, unsigned int *count, uint64_t bytes)
{
	unsigned int kept = 0;

	while (kept < *count && bytes > 0) {
		if (iov[kept].iov_len > bytes)
			iov[kept].iov_len = (size_t)bytes;
		bytes -= iov[kept].iov_len;
		kept++;
	}
	*count = kept;
}
