/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The statistics page as its writer sees it. The page is made before the sandbox is applied;
 * afterwards nothing here makes a system call.
 */
#include "control/statistics-page.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

/*
 * F_SEAL_FUTURE_WRITE comes after our own writable map: from then on nobody, not even with our
 * descriptor, can write to the file or map it for writing.
 */
static const int page_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;

int statistics_page_create(uint32_t vcpus, uint32_t disks, uint32_t nics,
			   struct statistics_page **ret_page, int *ret_fd)
{
	struct statistics_area *area;
	int fd, r;

	if (vcpus > STATISTICS_MAX_VCPUS || disks > STATISTICS_MAX_DISKS ||
	    nics > STATISTICS_MAX_NICS)
		return -EINVAL;
	fd = memfd_create("innkeeper-statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*area)) < 0) {
		r = -errno;
		goto close_fd;
	}
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED) {
		r = -errno;
		goto close_fd;
	}
	if (fcntl(fd, F_ADD_SEALS, page_seals) < 0 ||
	    madvise(area, sizeof(*area), MADV_DONTFORK) < 0) {
		r = -errno;
		goto unmap_area;
	}
	area->page.header = (struct statistics_header){
		.magic = STATISTICS_MAGIC,
		.major = STATISTICS_MAJOR,
		.minor = STATISTICS_MINOR,
		.size = sizeof(*area),
		.vcpu_count = vcpus,
		.disk_count = disks,
		.nic_count = nics,
		.pid = (uint32_t)getpid(),
	};
	*ret_page = &area->page;
	*ret_fd = fd;
	return 0;

unmap_area:
	munmap(area, sizeof(*area));
close_fd:
	fd_close(&fd);
	return r;
}

void statistics_page_begin(struct statistics_page *page)
{
	uint32_t sequence = page->header.sequence;

	assert(!(sequence & 1));
	__atomic_store_n(&page->header.sequence, sequence + 1, __ATOMIC_RELAXED);
	/* no write of the update may be seen before the sequence is odd */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void statistics_page_end(struct statistics_page *page)
{
	uint32_t sequence = page->header.sequence;

	assert(sequence & 1);
	__atomic_store_n(&page->header.sequence, sequence + 1, __ATOMIC_RELEASE);
}

/* Bytes of text that fit, cut between two UTF-8 characters. */
static size_t text_length(const char *text)
{
	size_t length = strnlen(text, STATISTICS_TEXT_SIZE);

	if (length < STATISTICS_TEXT_SIZE)
		return length;
	length = STATISTICS_TEXT_SIZE - 1;
	while (length > 0 && (text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

void statistics_page_set_state(struct statistics_page *page, enum vmm_state state,
			       enum vmm_end_reason reason, int error, const char *text)
{
	struct statistics_status *status = &page->status;

	statistics_page_begin(page);
	status->state = state;
	status->end_reason = reason;
	status->error = error;
	memset(status->text, 0, sizeof(status->text));
	if (text)
		memcpy(status->text, text, text_length(text));
	statistics_page_end(page);
}

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void add_vcpu(struct statistics_history_sample *sample, const struct statistics_vcpu *vcpu)
{
	sample->exits_io += load(&vcpu->exits_port) + load(&vcpu->exits_mmio);
	sample->exits_other += load(&vcpu->exits_signal) + load(&vcpu->exits_other);
	sample->halts += vcpu->halts;
	sample->interrupts += vcpu->interrupts;
}

static void add_disk(struct statistics_history_sample *sample, const struct disk_statistics *disk)
{
	sample->read_operations += load(&disk->read_operations);
	sample->read_bytes += load(&disk->read_bytes);
	sample->write_operations += load(&disk->write_operations);
	sample->write_bytes += load(&disk->write_bytes);
}

void statistics_page_add_to_history(struct statistics_page *page)
{
	struct statistics_history *history = &((struct statistics_area *)page)->history;
	struct statistics_history_sample sample = {
		.sampled_ns = page->status.sampled_ns,
		.resident_bytes = page->memory.resident_bytes,
	};
	uint64_t slot = history->count % STATISTICS_HISTORY_SAMPLES;

	for (uint32_t i = 0; i < page->header.vcpu_count; i++)
		add_vcpu(&sample, &page->vcpus[i]);
	for (uint32_t i = 0; i < page->header.disk_count; i++)
		add_disk(&sample, &page->disks[i]);
	statistics_page_begin(page);
	history->samples[slot] = sample;
	for (uint32_t i = 0; i < page->header.vcpu_count; i++)
		history->run_ns[i][slot] = page->vcpus[i].run_ns;
	history->count++;
	statistics_page_end(page);
}
