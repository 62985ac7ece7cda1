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

int statistics_page_create(uint32_t vcpus, uint32_t disks, struct statistics_page **ret_page,
			   int *ret_fd)
{
	struct statistics_page *page;
	int fd, r;

	if (vcpus > STATISTICS_MAX_VCPUS || disks > STATISTICS_MAX_DISKS)
		return -EINVAL;
	fd = memfd_create("innkeeper-statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, sizeof(*page)) < 0) {
		r = -errno;
		goto close_fd;
	}
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		r = -errno;
		goto close_fd;
	}
	if (fcntl(fd, F_ADD_SEALS, page_seals) < 0) {
		r = -errno;
		goto unmap_page;
	}
	page->header = (struct statistics_header){
		.magic = STATISTICS_MAGIC,
		.major = STATISTICS_MAJOR,
		.minor = STATISTICS_MINOR,
		.size = sizeof(*page),
		.vcpu_count = vcpus,
		.disk_count = disks,
		.pid = (uint32_t)getpid(),
	};
	*ret_page = page;
	*ret_fd = fd;
	return 0;

unmap_page:
	munmap(page, sizeof(*page));
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
