/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client's reading of a statistics file that a hostile VMM wrote. Input: the start of the page,
 * then the start of the history; the rest is zero.
 */
#include "statistics-reader.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_START = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(gboolean condition)
{
	if (!condition)
		abort();
}

/* The file, made once, and the VMM's map of it. */
static struct statistics_area *make_file(int *ret_fd)
{
	struct statistics_area *area;
	int fd = memfd_create("statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0 && ftruncate(fd, sizeof(*area)) == 0);
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(area != MAP_FAILED);
	*ret_fd = fd;
	return area;
}

static void check(const struct statistics_page *page)
{
	must(page->header.vcpu_count <= STATISTICS_MAX_VCPUS);
	must(page->header.disk_count <= STATISTICS_MAX_DISKS);
	must(page->header.nic_count <= STATISTICS_MAX_NICS);
	must(page->status.state <= VMM_STATE_ENDED);
	must(page->status.end_reason <= VMM_END_HOST_ERROR);
	must(memchr(page->status.text, '\0', STATISTICS_TEXT_SIZE) != NULL);
	must(g_utf8_validate(page->status.text, -1, NULL));
}

static void check_history(const struct statistics_history *history, uint32_t vcpus)
{
	uint64_t before = 0;

	for (uint64_t i = statistics_history_first(history); i < history->count; i++) {
		uint64_t time = history->samples[i % STATISTICS_HISTORY_SAMPLES].sampled_ns;

		must(time > before);
		before = time;
	}
	for (uint32_t i = vcpus; i < STATISTICS_MAX_VCPUS; i++)
		must(history->run_ns[i][0] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct statistics_area *shared;
	static struct statistics_history history;
	static struct statistics_page copy;
	static int fd;
	InnStatisticsReader *reader;

	if (!shared)
		shared = make_file(&fd);
	memset(shared, 0, sizeof(*shared));
	memcpy(&shared->page, data, MIN(size, PAGE_START));
	if (size > PAGE_START)
		memcpy(&shared->history, data + PAGE_START,
		       MIN(size - PAGE_START, sizeof(shared->history)));
	reader = inn_statistics_reader_new(fd, NULL);
	if (!reader)
		return 0;
	(void)inn_statistics_reader_read(reader, &copy);
	check(&copy);
	if (inn_statistics_reader_read_history(reader, &history))
		check_history(&history, copy.header.vcpu_count);
	inn_statistics_reader_free(reader);
	return 0;
}
