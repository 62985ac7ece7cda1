/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole machines brought to a standstill while their guests are busy, on a real /dev/kvm.
 */
#include "machine/machine-hold.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/socket.h>

#include "machine/machine-state.h"
#include "needs-kvm.h"
#include "state/state-writer.h"
#include "whole-machine.h"

enum { COUNTER = 0x200000, ROUNDS = 200 };

/* l: lock inc qword [COUNTER]; out 0x80, al; jmp l */
#define COUNT "\xf0\x48\xff\x04\x25\x00\x00\x20\x00\xe6\x80\xeb\xf3"
/* mov dx, 0xcf9; mov al, 2; out dx, al; mov al, 6; out dx, al; jmp . */
#define RESET "\x66\xba\xf9\x0c\xb0\x02\xee\xb0\x06\xee\xeb\xfe"

static void create(struct whole_machine *whole, const char *code, size_t length,
		   const char *options)
{
	whole_machine_create(whole, code, length, options);
	whole_machine_start(whole);
}

#define CREATE(whole, code, options) create(whole, code, sizeof(code) - 1, options)

static uint64_t counter(const struct whole_machine *whole)
{
	uint64_t *at = guest_memory_at(whole->machine->memory, COUNTER, sizeof(*at));

	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static void wait_for_progress(struct whole_machine *whole)
{
	uint64_t before = counter(whole);

	for (unsigned int i = 0; i < 20000 && counter(whole) == before; i++)
		whole_machine_yield(whole);
	g_assert_cmpuint(counter(whole), >, before);
}

static int hold(struct whole_machine *whole)
{
	uint64_t before = event_loop_now(), begin = 0;
	int r = machine_hold(whole->machine, &begin);

	if (r == 0)
		g_assert_true(begin >= before && begin <= event_loop_now());
	return r;
}

static void save(struct whole_machine *whole)
{
	enum { SIZE = 256 << 10 };
	g_autofree uint8_t *bytes = g_malloc(SIZE);
	size_t length;
	struct state_writer writer;

	state_writer_init(&writer, bytes, SIZE);
	g_assert_cmpint(machine_state_save(whole->machine, &writer), ==, 0);
	g_assert_cmpint(state_writer_finish(&writer, &length), ==, 0);
}

/* Memory does not change while it is held, not even by saving it. */
static void test_running(void)
{
	struct whole_machine whole;

	CREATE(&whole, COUNT, "--memory 32M --cpus 2");
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t held;

		wait_for_progress(&whole);
		g_assert_cmpint(hold(&whole), ==, 0);
		held = counter(&whole);
		save(&whole);
		g_assert_cmpuint(counter(&whole), ==, held);
		machine_release(whole.machine);
	}
	wait_for_progress(&whole);
	whole_machine_stop(&whole);
	whole_machine_destroy(&whole);
}

/* What is paused stays so. */
static void test_paused(void)
{
	struct whole_machine whole;
	uint64_t before;

	CREATE(&whole, COUNT, "--memory 32M");
	wait_for_progress(&whole);
	g_assert_cmpint(machine_pause(whole.machine), ==, 0);
	before = counter(&whole);
	g_assert_cmpint(hold(&whole), ==, 0);
	save(&whole);
	machine_release(whole.machine);
	whole_machine_yield(&whole);
	g_assert_cmpuint(counter(&whole), ==, before);
	g_assert_cmpint(machine_resume(whole.machine), ==, 0);
	wait_for_progress(&whole);
	whole_machine_stop(&whole);
	whole_machine_destroy(&whole);
}

static void test_refusals(void)
{
	struct whole_machine whole;

	CREATE(&whole, COUNT, "--memory 32M");
	machine_requests_note(&whole.machine->requests, REQUEST_STORAGE_ERROR, -ENOSPC, NULL);
	g_assert_cmpint(hold(&whole), ==, -ENOSPC);
	g_assert_cmpuint(whole.machine->state, ==, VMM_STATE_STORAGE_ERROR);
	g_assert_cmpint(machine_resume(whole.machine), ==, 0);
	g_assert_cmpint(hold(&whole), ==, 0);
	machine_release(whole.machine);
	machine_requests_note(&whole.machine->requests, REQUEST_POWER_OFF, 0, NULL);
	g_assert_cmpint(hold(&whole), ==, -EINVAL);
	g_assert_cmpuint(whole.machine->state, ==, VMM_STATE_ENDED);
	whole_machine_stop(&whole);
	whole_machine_destroy(&whole);
}

/* A guest that resets itself all the time is held in between. */
static void test_resets(void)
{
	struct whole_machine whole;

	CREATE(&whole, RESET, "--memory 32M --cpus 2");
	for (unsigned int i = 0; i < 50; i++) {
		int r = hold(&whole);

		g_assert_true(r == 0 || r == -EBUSY);
		if (r == 0) {
			save(&whole);
			machine_release(whole.machine);
		}
		whole_machine_yield(&whole);
	}
	g_assert_cmpuint(whole.machine->statistics->status.resets, >, 1);
	whole_machine_stop(&whole);
	whole_machine_destroy(&whole);
}

/* What a vCPU does that has the device lock while the others are waited for. */
static gpointer note_reset(gpointer data)
{
	struct machine *machine = data;

	event_loop_lock(machine->loop);
	machine_requests_note(&machine->requests, REQUEST_RESET, 0, NULL);
	event_loop_unlock(machine->loop);
	return NULL;
}

/* A reset that comes up while vCPUs are waited for is carried out and not saved. */
static void test_reset_meanwhile(void)
{
	struct whole_machine whole;
	int r = 0;

	CREATE(&whole, COUNT, "--memory 32M --cpus 2");
	for (unsigned int i = 0; i < 1000 && r == 0; i++) {
		GThread *thread = g_thread_new("reset", note_reset, whole.machine);

		r = hold(&whole);
		if (r == 0)
			machine_release(whole.machine);
		event_loop_unlock(whole.machine->loop);
		g_thread_join(thread);
		event_loop_lock(whole.machine->loop);
	}
	g_assert_cmpint(r, ==, -EBUSY);
	g_assert_true(machine_requests_pending(&whole.machine->requests));
	wait_for_progress(&whole);
	g_assert_cmpint(hold(&whole), ==, 0);
	machine_release(whole.machine);
	whole_machine_stop(&whole);
	whole_machine_destroy(&whole);
}

/* Every kind of device, and one of each is idle. */
static void test_devices(void)
{
	g_autofree char *options = NULL;
	g_autofree char *disk = NULL;
	struct whole_machine whole;
	int fd = g_file_open_tmp("innkeeper-hold-XXXXXX", &disk, NULL), pair[2];

	g_assert_cmpint(ftruncate(fd, 1 << 20), ==, 0);
	close(fd);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	options = g_strdup_printf("--memory 64M --balloon on --console-port p --vsock 3 --display "
				  "1024x768 --disk %s --disk %s,bus=ahci --cdrom none --net fd=%d",
				  disk, disk, pair[0]);
	CREATE(&whole, COUNT, options);
	for (unsigned int i = 0; i < 5; i++) {
		g_assert_cmpint(hold(&whole), ==, 0);
		save(&whole);
		machine_release(whole.machine);
		wait_for_progress(&whole);
	}
	whole_machine_stop(&whole);
	whole_machine_destroy(&whole);
	close(pair[1]);
	g_unlink(disk);
}

int main(int argc, char **argv)
{
	need_kvm();
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine-hold/running", test_running);
	g_test_add_func("/machine-hold/paused", test_paused);
	g_test_add_func("/machine-hold/refusals", test_refusals);
	g_test_add_func("/machine-hold/resets", test_resets);
	g_test_add_func("/machine-hold/reset-meanwhile", test_reset_meanwhile);
	g_test_add_func("/machine-hold/devices", test_devices);
	return g_test_run();
}
