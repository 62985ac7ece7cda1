/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader's side of the statistics page's sequence lock.
 */
#include "protocol/statistics-copy.h"

#include <errno.h>
#include <string.h>

enum { MAX_TRIES = 64 };

/* Word by word and atomic: live counters change under the copy, and none may be read twice. */
static void copy_words(void *to, const void *from, size_t size)
{
	const uint64_t *shared = from;
	uint64_t *own = to;

	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		own[i] = __atomic_load_n(&shared[i], __ATOMIC_RELAXED);
}

static int check_header(const struct statistics_header *header)
{
	if (header->magic != STATISTICS_MAGIC)
		return -EPROTO;
	if (header->major != STATISTICS_MAJOR)
		return -EPROTONOSUPPORT;
	if (header->size != sizeof(struct statistics_page) ||
	    header->vcpu_count > STATISTICS_MAX_VCPUS || header->disk_count > STATISTICS_MAX_DISKS)
		return -EPROTO;
	return 0;
}

static int check_status(struct statistics_status *status)
{
	if (status->state > VMM_STATE_ENDED || status->end_reason > VMM_END_HOST_ERROR)
		return -EPROTO;
	status->text[STATISTICS_TEXT_SIZE - 1] = '\0';
	return 0;
}

/* The lines in use; the counts are the copy's own, already checked. */
static void copy_lines(const struct statistics_page *shared, struct statistics_page *copy)
{
	size_t vcpus = copy->header.vcpu_count;
	size_t disks = copy->header.disk_count;

	copy_words(&copy->status, &shared->status, sizeof(copy->status));
	copy_words(&copy->memory, &shared->memory, sizeof(copy->memory));
	copy_words(copy->vcpus, shared->vcpus, vcpus * sizeof(copy->vcpus[0]));
	copy_words(copy->disks, shared->disks, disks * sizeof(copy->disks[0]));
	memset(&copy->vcpus[vcpus], 0, (STATISTICS_MAX_VCPUS - vcpus) * sizeof(copy->vcpus[0]));
	memset(&copy->disks[disks], 0, (STATISTICS_MAX_DISKS - disks) * sizeof(copy->disks[0]));
}

int statistics_copy(const struct statistics_page *shared, struct statistics_page *copy)
{
	for (int i = 0; i < MAX_TRIES; i++) {
		uint32_t sequence = __atomic_load_n(&shared->header.sequence, __ATOMIC_ACQUIRE);
		int r;

		if (sequence & 1)
			continue;
		copy_words(&copy->header, &shared->header, sizeof(copy->header));
		r = check_header(&copy->header);
		if (r < 0)
			return r;
		copy_lines(shared, copy);
		/* the copy is complete before the sequence is looked at again */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&shared->header.sequence, __ATOMIC_RELAXED) == sequence)
			return check_status(&copy->status);
	}
	return -EAGAIN;
}
