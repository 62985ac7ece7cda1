/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "control/statistics-page.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "protocol/statistics-copy.h"

struct fixture {
	struct statistics_page *page;
	int fd;
	struct statistics_page *reader; /* a client's map */
	struct statistics_page *copy;
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
	g_assert_cmpint(statistics_page_create(4, 2, 3, &fixture->page, &fixture->fd), ==, 0);
	fixture->reader =
		mmap(NULL, sizeof(struct statistics_area), PROT_READ, MAP_SHARED, fixture->fd, 0);
	g_assert_true(fixture->reader != MAP_FAILED);
	fixture->copy = g_new0(struct statistics_page, 1);
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	munmap(fixture->reader, sizeof(struct statistics_area));
	munmap(fixture->page, sizeof(struct statistics_area));
	fd_close(&fixture->fd);
	g_free(fixture->copy);
}

static void read_copy(struct fixture *fixture)
{
	g_assert_cmpint(statistics_copy(fixture->reader, fixture->copy), ==, 0);
}

static void test_fresh(struct fixture *fixture, gconstpointer data)
{
	read_copy(fixture);
	g_assert_cmpuint(fixture->copy->header.vcpu_count, ==, 4);
	g_assert_cmpuint(fixture->copy->header.disk_count, ==, 2);
	g_assert_cmpuint(fixture->copy->header.nic_count, ==, 3);
	g_assert_cmpuint(fixture->copy->header.pid, ==, (uint32_t)getpid());
	g_assert_cmpuint(fixture->copy->status.state, ==, VMM_STATE_STARTING);
	g_assert_cmpint(fcntl(fixture->fd, F_GETFD), ==, FD_CLOEXEC);
}

static void test_too_many(void)
{
	struct statistics_page *page;
	int fd;

	g_assert_cmpint(statistics_page_create(STATISTICS_MAX_VCPUS + 1, 0, 0, &page, &fd), ==,
			-EINVAL);
	g_assert_cmpint(statistics_page_create(0, STATISTICS_MAX_DISKS + 1, 0, &page, &fd), ==,
			-EINVAL);
	g_assert_cmpint(statistics_page_create(0, 0, STATISTICS_MAX_NICS + 1, &page, &fd), ==,
			-EINVAL);
}

/* Whatever a client does with the descriptor it is given. */
static void test_client_cannot_write(struct fixture *fixture, gconstpointer data)
{
	const size_t size = sizeof(struct statistics_area);
	char *path = g_strdup_printf("/proc/self/fd/%d", fixture->fd);
	int again = open(path, O_RDWR | O_CLOEXEC);
	const int fds[] = {fixture->fd, again};

	for (size_t i = 0; i < G_N_ELEMENTS(fds) && fds[i] >= 0; i++) {
		g_assert_true(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0) ==
			      MAP_FAILED);
		g_assert_cmpint(errno, ==, EPERM);
		g_assert_cmpint(pwrite(fds[i], "x", 1, 0), ==, -1);
		g_assert_cmpint(ftruncate(fds[i], 0), ==, -1);
		g_assert_cmpint(ftruncate(fds[i], (off_t)size + 4096), ==, -1);
		g_assert_cmpint(
			fallocate(fds[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), ==,
			-1);
		g_assert_cmpint(fcntl(fds[i], F_ADD_SEALS, F_SEAL_WRITE), ==, -1);
	}
	g_assert_cmpint(mprotect(fixture->reader, size, PROT_READ | PROT_WRITE), ==, -1);
	g_assert_cmpint(errno, ==, EACCES);

	/* while the VMM still can */
	statistics_add(&fixture->page->vcpus[0].exits_port, 3);
	read_copy(fixture);
	g_assert_cmpuint(fixture->copy->vcpus[0].exits_port, ==, 3);
	fd_close(&again);
	g_free(path);
}

static void test_state(struct fixture *fixture, gconstpointer data)
{
	statistics_page_set_state(fixture->page, VMM_STATE_STORAGE_ERROR, VMM_END_NONE, -ENOSPC,
				  "The disk is full.");
	read_copy(fixture);
	g_assert_cmpuint(fixture->copy->status.state, ==, VMM_STATE_STORAGE_ERROR);
	g_assert_cmpint(fixture->copy->status.error, ==, -ENOSPC);
	g_assert_cmpstr(fixture->copy->status.text, ==, "The disk is full.");

	statistics_page_set_state(fixture->page, VMM_STATE_ENDED, VMM_END_CRASH, 0, NULL);
	read_copy(fixture);
	g_assert_cmpuint(fixture->copy->status.end_reason, ==, VMM_END_CRASH);
	g_assert_cmpstr(fixture->copy->status.text, ==, "");
}

static void test_long_text(struct fixture *fixture, gconstpointer data)
{
	char text[2 * STATISTICS_TEXT_SIZE];
	size_t length;

	memset(text, 'x', sizeof(text));
	text[STATISTICS_TEXT_SIZE - 1] = '\0'; /* the longest that fits */
	statistics_page_set_state(fixture->page, VMM_STATE_PAUSED, VMM_END_NONE, 0, text);
	read_copy(fixture);
	g_assert_cmpstr(fixture->copy->status.text, ==, text);

	/* one byte of "é" is over the end: the other goes too */
	memset(text, 'x', sizeof(text));
	memcpy(text + STATISTICS_TEXT_SIZE - 2, "é", 2);
	text[sizeof(text) - 1] = '\0';
	statistics_page_set_state(fixture->page, VMM_STATE_PAUSED, VMM_END_NONE, 0, text);
	read_copy(fixture);
	length = strlen(fixture->copy->status.text);
	g_assert_cmpuint(length, ==, STATISTICS_TEXT_SIZE - 2);
	g_assert_true(g_utf8_validate(fixture->copy->status.text, -1, NULL));
}

static void test_history(struct fixture *fixture, gconstpointer data)
{
	struct statistics_page *page = fixture->page;
	struct statistics_history *copy = g_new0(struct statistics_history, 1);

	for (uint64_t n = 1; n <= STATISTICS_HISTORY_SAMPLES + 6; n++) {
		page->status.sampled_ns = n * 60000000000ULL;
		page->vcpus[3].run_ns = page->vcpus[0].exits_mmio = n;
		page->vcpus[1].exits_port = 2 * n;
		page->disks[0].read_bytes = page->disks[1].read_bytes = 512 * n;
		statistics_page_add_to_history(page);
	}
	g_assert_cmpint(statistics_copy_history((struct statistics_area *)fixture->reader, copy),
			==, 0);
	g_assert_cmpuint(copy->count, ==, STATISTICS_HISTORY_SAMPLES + 6);
	g_assert_cmpuint(statistics_history_first(copy), ==, 6);
	for (uint64_t i = 6; i < copy->count; i++) {
		const struct statistics_history_sample *sample =
			&copy->samples[i % STATISTICS_HISTORY_SAMPLES];

		g_assert_cmpuint(sample->sampled_ns, ==, (i + 1) * 60000000000ULL);
		g_assert_cmpuint(sample->exits_io, ==, 3 * (i + 1));
		g_assert_cmpuint(sample->read_bytes, ==, 1024 * (i + 1));
		g_assert_cmpuint(copy->run_ns[3][i % STATISTICS_HISTORY_SAMPLES], ==, i + 1);
	}
	g_free(copy);
}

struct writer {
	struct statistics_page *page;
	atomic_bool stop;
	uint64_t updates;
};

/* Fields that are written in one update have one value. */
static gpointer write_updates(gpointer data)
{
	struct writer *writer = data;

	while (!writer->stop) {
		uint64_t value = ++writer->updates;

		statistics_page_begin(writer->page);
		writer->page->status.resets = value;
		for (size_t i = 0; i < 4; i++)
			writer->page->vcpus[i].run_ns = value;
		writer->page->memory.resident_bytes = value;
		statistics_page_end(writer->page);
		if (value % 16 == 0)
			g_thread_yield(); /* on one core the reader would never see it even */
	}
	return NULL;
}

static void test_consistent_during_writes(struct fixture *fixture, gconstpointer data)
{
	struct writer writer = {.page = fixture->page};
	GThread *thread = g_thread_new("writer", write_updates, &writer);
	uint64_t value = 0;

	while (value < 5000) {
		int r = statistics_copy(fixture->reader, fixture->copy);

		g_assert_true(r == 0 || r == -EAGAIN);
		if (r < 0)
			continue;
		value = fixture->copy->status.resets;
		for (size_t i = 0; i < 4; i++)
			g_assert_cmpuint(fixture->copy->vcpus[i].run_ns, ==, value);
		g_assert_cmpuint(fixture->copy->memory.resident_bytes, ==, value);
	}
	writer.stop = true;
	g_thread_join(thread);
}

#define ADD(path, function) \
	g_test_add("/statistics-page/" path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("fresh", test_fresh);
	g_test_add_func("/statistics-page/too-many", test_too_many);
	ADD("client-cannot-write", test_client_cannot_write);
	ADD("state", test_state);
	ADD("long-text", test_long_text);
	ADD("history", test_history);
	ADD("consistent-during-writes", test_consistent_during_writes);
	return g_test_run();
}
