/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client's reading of a statistics page that a hostile VMM wrote. Input: the start of the page;
 * the rest is zero.
 */
#include "statistics-reader.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(gboolean condition)
{
	if (!condition)
		abort();
}

/* The file, made once, and the VMM's map of it. */
static struct statistics_page *make_file(int *ret_fd)
{
	struct statistics_page *page;
	int fd = memfd_create("statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0 && ftruncate(fd, sizeof(*page)) == 0);
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(page != MAP_FAILED);
	*ret_fd = fd;
	return page;
}

static void check(const struct statistics_page *page)
{
	must(page->header.vcpu_count <= STATISTICS_MAX_VCPUS);
	must(page->header.disk_count <= STATISTICS_MAX_DISKS);
	must(page->status.state <= VMM_STATE_ENDED);
	must(page->status.end_reason <= VMM_END_HOST_ERROR);
	must(memchr(page->status.text, '\0', STATISTICS_TEXT_SIZE) != NULL);
	must(g_utf8_validate(page->status.text, -1, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct statistics_page *shared;
	static struct statistics_page copy;
	static int fd;
	InnStatisticsReader *reader;

	if (!shared)
		shared = make_file(&fd);
	memset(shared, 0, sizeof(*shared));
	memcpy(shared, data, MIN(size, sizeof(*shared)));
	reader = inn_statistics_reader_new(fd, NULL);
	if (!reader)
		return 0;
	(void)inn_statistics_reader_read(reader, &copy);
	check(&copy);
	inn_statistics_reader_free(reader);
	return 0;
}
