/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/statistics-copy.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

struct fixture {
	struct statistics_page *shared;
	struct statistics_page *copy;
};

static void set_up(struct fixture *fixture, gconstpointer data)
{
	fixture->shared = g_new0(struct statistics_page, 1);
	fixture->copy = g_new(struct statistics_page, 1);
	fixture->shared->header = (struct statistics_header){
		.magic = STATISTICS_MAGIC,
		.major = STATISTICS_MAJOR,
		.size = sizeof(struct statistics_page),
		.vcpu_count = 2,
		.disk_count = 1,
		.sequence = 4,
	};
	/* what was there before must not shine through */
	memset(fixture->copy, 0xff, sizeof(*fixture->copy));
}

static void tear_down(struct fixture *fixture, gconstpointer data)
{
	g_free(fixture->shared);
	g_free(fixture->copy);
}

static void assert_copies(struct fixture *fixture, int expected)
{
	g_assert_cmpint(statistics_copy(fixture->shared, fixture->copy), ==, expected);
}

static void test_copies(struct fixture *fixture, gconstpointer data)
{
	struct statistics_page *shared = fixture->shared;

	shared->status.state = VMM_STATE_RUNNING;
	shared->memory.guest_bytes = 1 << 30;
	shared->vcpus[1].exits = 77;
	shared->disks[0].write_latency[STATISTICS_LATENCY_BUCKETS - 1] = 5;
	assert_copies(fixture, 0);
	g_assert_cmpmem(fixture->copy, sizeof(*shared), shared, sizeof(*shared));
}

static void test_unused_lines_are_zero(struct fixture *fixture, gconstpointer data)
{
	fixture->shared->vcpus[2].exits = 1;
	fixture->shared->disks[1].errors = 1;
	assert_copies(fixture, 0);
	g_assert_cmpuint(fixture->copy->vcpus[2].exits, ==, 0);
	g_assert_cmpuint(fixture->copy->disks[1].errors, ==, 0);
	g_assert_cmpuint(fixture->copy->disks[STATISTICS_MAX_DISKS - 1].errors, ==, 0);
}

static void test_writer_died_writing(struct fixture *fixture, gconstpointer data)
{
	fixture->shared->header.sequence = 5;
	assert_copies(fixture, -EAGAIN);
}

static void test_lies(struct fixture *fixture, gconstpointer data)
{
	const struct statistics_page good = *fixture->shared;

#define LIE(field, lie, expected)                 \
	do {                                      \
		*fixture->shared = good;          \
		fixture->shared->field = (lie);   \
		assert_copies(fixture, expected); \
	} while (0)

	LIE(header.magic, 0, -EPROTO);
	LIE(header.major, STATISTICS_MAJOR + 1, -EPROTONOSUPPORT);
	LIE(header.minor, UINT16_MAX, 0);
	LIE(header.size, sizeof(struct statistics_page) - 1, -EPROTO);
	LIE(header.size, UINT32_MAX, 0);
	LIE(header.vcpu_count, STATISTICS_MAX_VCPUS, 0);
	LIE(header.vcpu_count, STATISTICS_MAX_VCPUS + 1, -EPROTO);
	LIE(header.vcpu_count, UINT32_MAX, -EPROTO);
	LIE(header.disk_count, STATISTICS_MAX_DISKS, 0);
	LIE(header.disk_count, STATISTICS_MAX_DISKS + 1, -EPROTO);
	LIE(header.nic_count, STATISTICS_MAX_NICS, 0);
	LIE(header.nic_count, STATISTICS_MAX_NICS + 1, -EPROTO);
	LIE(status.state, VMM_STATE_ENDED, 0);
	LIE(status.state, VMM_STATE_ENDED + 1, -EPROTO);
	LIE(status.end_reason, VMM_END_HOST_ERROR + 1, -EPROTO);
	LIE(status.snapshot_status, -ENOSPC, 0);
	LIE(status.snapshot_status, 1, -EPROTO);
	LIE(status.snapshot_status, INT32_MIN, -EPROTO);
	LIE(status.clone_status, -EPROTO, 0);
	LIE(status.clone_status, 1, -EPROTO);
	LIE(status.clone_status, INT32_MIN, -EPROTO);
#undef LIE
}

static void test_memory_is_limited(struct fixture *fixture, gconstpointer data)
{
	struct statistics_page *shared = fixture->shared;

	shared->memory.guest_bytes = 1000;
	shared->memory.balloon_target = shared->memory.balloon_bytes = UINT64_MAX;
	shared->guest_memory.total = 1001;
	shared->guest_memory.free = shared->guest_memory.available = 2000;
	shared->guest_memory.caches = 999;
	assert_copies(fixture, 0);
	g_assert_cmpuint(fixture->copy->memory.balloon_target, ==, 1000);
	g_assert_cmpuint(fixture->copy->memory.balloon_bytes, ==, 1000);
	g_assert_cmpuint(fixture->copy->guest_memory.total, ==, 1000);
	g_assert_cmpuint(fixture->copy->guest_memory.free, ==, 1000);
	g_assert_cmpuint(fixture->copy->guest_memory.available, ==, 1000);
	g_assert_cmpuint(fixture->copy->guest_memory.caches, ==, 999);
}

static void test_text_is_terminated(struct fixture *fixture, gconstpointer data)
{
	memset(fixture->shared->status.text, 'x', STATISTICS_TEXT_SIZE);
	assert_copies(fixture, 0);
	g_assert_cmpuint(strlen(fixture->copy->status.text), ==, STATISTICS_TEXT_SIZE - 1);
}

static int copy_history(struct statistics_area *area, struct statistics_history *copy)
{
	memset(copy, 0xff, sizeof(*copy));
	return statistics_copy_history(area, copy);
}

static void test_history(struct fixture *fixture, gconstpointer data)
{
	struct statistics_area *area = g_new0(struct statistics_area, 1);
	struct statistics_history *copy = g_new0(struct statistics_history, 1);
	struct statistics_history *history = &area->history;

	area->page = *fixture->shared;
	area->page.status.sampled_ns = 30;
	g_assert_cmpint(copy_history(area, copy), ==, 0);
	g_assert_cmpuint(copy->count, ==, 0);

	history->count = 2;
	history->samples[0].sampled_ns = 10;
	history->samples[1].sampled_ns = 30;
	history->run_ns[1][1] = 7;
	history->run_ns[2][1] = 8; /* of a vCPU that the machine does not have */
	g_assert_cmpint(copy_history(area, copy), ==, 0);
	g_assert_cmpuint(copy->samples[1].sampled_ns, ==, 30);
	g_assert_cmpuint(copy->run_ns[1][1], ==, 7);
	g_assert_cmpuint(copy->run_ns[2][1], ==, 0);

	area->page.status.sampled_ns = 29; /* a sample from the future */
	g_assert_cmpint(copy_history(area, copy), ==, -EPROTO);
	area->page.status.sampled_ns = 30;
	history->samples[0].sampled_ns = 30; /* twice the same time */
	g_assert_cmpint(copy_history(area, copy), ==, -EPROTO);
	history->samples[0].sampled_ns = 10;
	history->count = UINT64_MAX;
	g_assert_cmpint(copy_history(area, copy), ==, -EPROTO);
	area->page.header.sequence = 1;
	g_assert_cmpint(copy_history(area, copy), ==, -EAGAIN);
	g_free(area);
	g_free(copy);
}

#define ADD(path, function) \
	g_test_add("/statistics-copy/" path, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("copies", test_copies);
	ADD("unused-lines-are-zero", test_unused_lines_are_zero);
	ADD("writer-died-writing", test_writer_died_writing);
	ADD("memory-is-limited", test_memory_is_limited);
	ADD("lies", test_lies);
	ADD("text-is-terminated", test_text_is_terminated);
	ADD("history", test_history);
	return g_test_run();
}
