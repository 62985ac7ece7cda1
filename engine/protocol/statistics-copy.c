/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The reader's side of the statistics page's sequence lock.
 */
#include "protocol/statistics-copy.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	MAX_TRIES = 64,
	MAX_ERRNO = 4095, /* the kernel's own bound of an errno */
};

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
	if (header->size < sizeof(struct statistics_page) ||
	    header->vcpu_count > STATISTICS_MAX_VCPUS ||
	    header->disk_count > STATISTICS_MAX_DISKS || header->nic_count > STATISTICS_MAX_NICS)
		return -EPROTO;
	return 0;
}

static int check_status(struct statistics_status *status)
{
	if (status->state > VMM_STATE_ENDED || status->end_reason > VMM_END_HOST_ERROR ||
	    status->snapshot_status > 0 || status->snapshot_status < -MAX_ERRNO ||
	    status->clone_status > 0 || status->clone_status < -MAX_ERRNO)
		return -EPROTO;
	status->text[STATISTICS_TEXT_SIZE - 1] = '\0';
	return 0;
}

static void limit(uint64_t *value, uint64_t most)
{
	if (*value > most)
		*value = most;
}

/* What a guest says about itself may be anything; a part is never more than the whole. */
static void limit_memory(struct statistics_page *copy)
{
	struct statistics_guest_memory *guest = &copy->guest_memory;

	limit(&copy->memory.balloon_target, copy->memory.guest_bytes);
	limit(&copy->memory.balloon_bytes, copy->memory.guest_bytes);
	limit(&guest->total, copy->memory.guest_bytes);
	limit(&guest->free, guest->total);
	limit(&guest->available, guest->total);
	limit(&guest->caches, guest->total);
}

/* The lines in use; the counts are the copy's own, already checked. */
static void copy_lines(const struct statistics_page *shared, struct statistics_page *copy)
{
	size_t vcpus = copy->header.vcpu_count;
	size_t disks = copy->header.disk_count;
	size_t nics = copy->header.nic_count;

	copy_words(&copy->status, &shared->status, sizeof(copy->status));
	copy_words(&copy->memory, &shared->memory, sizeof(copy->memory));
	copy_words(&copy->guest_memory, &shared->guest_memory, sizeof(copy->guest_memory));
	copy_words(copy->vcpus, shared->vcpus, vcpus * sizeof(copy->vcpus[0]));
	copy_words(copy->disks, shared->disks, disks * sizeof(copy->disks[0]));
	copy_words(copy->nics, shared->nics, nics * sizeof(copy->nics[0]));
	memset(&copy->vcpus[vcpus], 0, (STATISTICS_MAX_VCPUS - vcpus) * sizeof(copy->vcpus[0]));
	memset(&copy->disks[disks], 0, (STATISTICS_MAX_DISKS - disks) * sizeof(copy->disks[0]));
	memset(&copy->nics[nics], 0, (STATISTICS_MAX_NICS - nics) * sizeof(copy->nics[0]));
}

/* Times go on and up to the last sample; a reader may rely on it. */
static int check_history(const struct statistics_history *history, uint64_t sampled_ns)
{
	uint64_t before = 0;

	for (uint64_t i = statistics_history_first(history); i < history->count; i++) {
		uint64_t time = history->samples[i % STATISTICS_HISTORY_SAMPLES].sampled_ns;

		if (time <= before || time > sampled_ns)
			return -EPROTO;
		before = time;
	}
	return 0;
}

static void copy_history(const struct statistics_history *shared, size_t vcpus,
			 struct statistics_history *copy)
{
	copy_words(copy, shared, offsetof(struct statistics_history, run_ns));
	copy_words(copy->run_ns, shared->run_ns, vcpus * sizeof(copy->run_ns[0]));
	memset(copy->run_ns + vcpus, 0, (STATISTICS_MAX_VCPUS - vcpus) * sizeof(copy->run_ns[0]));
}

/* One try starts. False: a write is going on. */
static bool begin(const struct statistics_page *shared, uint32_t *ret_sequence)
{
	*ret_sequence = __atomic_load_n(&shared->header.sequence, __ATOMIC_ACQUIRE);
	return !(*ret_sequence & 1);
}

/* Whether nothing was written since. The copy is complete before the sequence is looked at. */
static bool is_consistent(const struct statistics_page *shared, uint32_t sequence)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&shared->header.sequence, __ATOMIC_RELAXED) == sequence;
}

int statistics_copy(const struct statistics_page *shared, struct statistics_page *copy)
{
	uint32_t sequence;

	for (int i = 0; i < MAX_TRIES; i++) {
		int r;

		if (!begin(shared, &sequence))
			continue;
		copy_words(&copy->header, &shared->header, sizeof(copy->header));
		r = check_header(&copy->header);
		if (r < 0)
			return r;
		copy_lines(shared, copy);
		if (!is_consistent(shared, sequence))
			continue;
		limit_memory(copy);
		return check_status(&copy->status);
	}
	return -EAGAIN;
}

int statistics_copy_history(const struct statistics_area *shared, struct statistics_history *copy)
{
	struct statistics_header header;
	uint64_t sampled_ns;
	uint32_t sequence;

	for (int i = 0; i < MAX_TRIES; i++) {
		int r;

		if (!begin(&shared->page, &sequence))
			continue;
		copy_words(&header, &shared->page.header, sizeof(header));
		r = check_header(&header);
		if (r < 0)
			return r;
		copy_words(&sampled_ns, &shared->page.status.sampled_ns, sizeof(sampled_ns));
		copy_history(&shared->history, header.vcpu_count, copy);
		if (is_consistent(&shared->page, sequence))
			return check_history(copy, sampled_ns);
	}
	return -EAGAIN;
}
