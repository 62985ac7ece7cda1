/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Machines that go on from the memory of others, whose guest writes all the time, on a real
 * /dev/kvm.
 */
#include "machine/machine-restore.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "control/control-server.h"
#include "machine/machine-snapshot.h"
#include "needs-kvm.h"
#include "protocol/memory-file.h"
#include "whole-machine.h"

enum { PAGES = 4096, WAIT_STEPS = 30000, LEVELS = 4, SLOW_LEVELS = 1000 };

#define RAM_SIZE (64ULL << 20)
#define PATTERN  0x2000000ULL
#define OPTIONS  "--memory 64M --cpus 2"

/*
 * The first word of one page after the other is made one more, again and again, so that in one
 * moment they are all the same up to some page, and one less behind it.
 *
 * mov esi, 0x2000000; a: mov edi, esi; mov ecx, 4096; b: inc qword [rdi]; add rdi, 4096; dec ecx;
 * jnz b; jmp a
 */
#define WRITER                                                                                 \
	"\xbe\x00\x00\x00\x02\x89\xf7\xb9\x00\x10\x00\x00\x48\xff\x07\x48\x81\xc7\x00\x10\x00" \
	"\x00\xff\xc9\x75\xf2\xeb\xe9"

struct running {
	struct whole_machine whole;
	GThread *loop;
};

static gpointer run_loop(gpointer data)
{
	event_loop_run(data);
	return NULL;
}

static void start(struct running *running, const char *options)
{
	whole_machine_create(&running->whole, WRITER, sizeof(WRITER) - 1, options);
	whole_machine_start(&running->whole);
	running->loop = g_thread_new("loop", run_loop, running->whole.machine->loop);
}

/* What a machine goes on from is closed, so it gets a descriptor of its own. */
static void start_from(struct running *running, int fd)
{
	g_autofree char *options = g_strdup_printf(OPTIONS " --restore fd=%d", dup(fd));

	start(running, options);
}

static int do_not_confine(void *machine)
{
	return 0;
}

static void stop(struct running *running)
{
	whole_machine_stop(&running->whole);
	g_thread_join(running->loop);
	whole_machine_destroy(&running->whole);
}

static const uint64_t *word(struct running *running, unsigned int page)
{
	return guest_memory_at(running->whole.machine->memory, PATTERN + page * 4096ULL, 8);
}

static uint64_t progress(struct running *running)
{
	return __atomic_load_n(word(running, PAGES - 1), __ATOMIC_SEQ_CST);
}

static void wait_for_progress(struct running *running, uint64_t goal)
{
	for (unsigned int i = 0; i < WAIT_STEPS && progress(running) < goal; i++)
		whole_machine_yield(&running->whole);
	g_assert_cmpuint(progress(running), >=, goal);
}

/* As the guest would find it, and holds still for. */
static void assert_one_moment(struct running *running)
{
	uint64_t first;
	unsigned int page = 0;

	g_assert_cmpint(machine_pause(running->whole.machine), ==, 0);
	first = *word(running, 0);
	while (page < PAGES && *word(running, page) == first)
		page++;
	while (page < PAGES && *word(running, page) == first - 1)
		page++;
	g_assert_cmpuint(page, ==, PAGES);
	g_assert_cmpint(machine_resume(running->whole.machine), ==, 0);
}

/* An open file, without a name, of what the guest has at one moment. */
static int take(struct running *running)
{
	struct machine *machine = running->whole.machine;
	uint64_t before = machine->statistics->status.snapshots;
	struct control_snapshot snapshot = {.memory = memfd_create("memory", MFD_CLOEXEC)};

	for (unsigned int i = 0; i < CONTROL_MAX_DRIVES; i++)
		snapshot.layers[i] = -1;
	g_assert_cmpint(machine_snapshot_take(machine, &snapshot), ==, 0);
	for (unsigned int i = 0; i < WAIT_STEPS && machine->statistics->status.snapshots == before;
	     i++)
		whole_machine_yield(&running->whole);
	g_assert_cmpint(machine->statistics->status.snapshot_status, ==, 0);
	return snapshot.memory;
}

static uint64_t progress_in(int fd)
{
	uint64_t value;

	g_assert_cmpint(pread(fd, &value, sizeof(value),
			      (off_t)(MEMORY_FILE_RAM + PATTERN + (PAGES - 1) * 4096ULL)),
			==, sizeof(value));
	return value;
}

/* Restored, run, saved, restored again: each goes on where the one before was. */
static void test_chain(void)
{
	const unsigned int levels = g_test_slow() ? SLOW_LEVELS : LEVELS;
	struct running running;
	int fd;

	start(&running, OPTIONS);
	wait_for_progress(&running, 3);
	fd = take(&running);
	stop(&running);
	for (unsigned int level = 0; level < levels; level++) {
		uint64_t saved = progress_in(fd);
		struct memory_file file;
		int next;

		start_from(&running, fd);
		wait_for_progress(&running, saved + 3);
		assert_one_moment(&running);
		next = take(&running);
		g_assert_cmpuint(progress_in(next), >=, saved + 3);
		stop(&running);
		/* the file stays what it was, whoever goes on from it */
		g_assert_cmpuint(progress_in(fd), ==, saved);
		g_assert_cmpint(memory_file_read(fd, &file), ==, 0);
		g_assert_cmpint(memory_file_check(fd, &file, NULL, NULL), ==, 0);
		close(fd);
		fd = next;
	}
	close(fd);
}

/* Several at once, which know nothing of each other; and one is reset, and starts anew. */
static void test_branches(void)
{
	struct running first, second;
	uint64_t saved;
	int fd;

	start(&first, OPTIONS);
	wait_for_progress(&first, 3);
	fd = take(&first);
	stop(&first);
	saved = progress_in(fd);
	start_from(&first, fd);
	start_from(&second, fd);
	wait_for_progress(&first, saved + 3);
	wait_for_progress(&second, saved + 3);
	assert_one_moment(&first);
	assert_one_moment(&second);
	machine_requests_note(&second.whole.machine->requests, REQUEST_RESET, 0, NULL);
	for (unsigned int i = 0;
	     i < WAIT_STEPS && second.whole.machine->statistics->status.resets == 0; i++)
		whole_machine_yield(&second.whole);
	g_assert_cmpuint(second.whole.machine->statistics->status.resets, ==, 1);
	wait_for_progress(&second, progress(&second) + 3);
	wait_for_progress(&first, progress(&first) + 3);
	stop(&second);
	stop(&first);
	close(fd);
}

static void wait_for_end(struct running *running)
{
	struct machine *machine = running->whole.machine;

	for (unsigned int i = 0; i < WAIT_STEPS && machine->state != VMM_STATE_ENDED; i++)
		whole_machine_yield(&running->whole);
	g_assert_cmpint(machine->state, ==, VMM_STATE_ENDED);
}

/* Where the guest never looks. It runs by then, and does so no longer. */
static void test_damaged_memory(void)
{
	struct running running;
	struct statistics_status status;
	int fd;

	start(&running, OPTIONS);
	wait_for_progress(&running, 3);
	fd = take(&running);
	stop(&running);
	g_assert_cmpint(pwrite(fd, "x", 1, MEMORY_FILE_RAM + RAM_SIZE - 1), ==, 1);
	start_from(&running, fd);
	machine_restore_read_ahead(running.whole.machine, do_not_confine);
	wait_for_end(&running);
	status = running.whole.machine->statistics->status;
	g_assert_cmpint(status.end_reason, ==, VMM_END_HOST_ERROR);
	g_assert_nonnull(strstr(status.text, "damaged"));
	stop(&running);
	close(fd);
}

/* What a person would do wrong; each is told in a sentence (see the program's own test). */
static void assert_refused(int fd, const char *options, int error)
{
	g_autofree char *all = g_strdup_printf("innkeeper-vmm --kernel fd=99 %s --restore fd=%d",
					       options, dup(fd));
	g_auto(GStrv) argv = NULL;
	g_autofree char **words = NULL;
	struct machine_config config;
	struct machine *machine;
	char text[MACHINE_TEXT_SIZE];
	uint8_t image[PAYLOAD_KERNEL_SIZE];
	int argc, kernel = memfd_create("kernel", 0);

	payload_kernel_make(image, "\xeb\xfe", 2);
	g_assert_cmpint(write(kernel, image, sizeof(image)), ==, sizeof(image));
	g_assert_cmpint(dup2(kernel, 99), ==, 99);
	close(kernel);
	g_assert_true(g_shell_parse_argv(all, &argc, &argv, NULL));
	words = g_memdup2(argv, (gsize)(argc + 1) * sizeof(char *));
	g_assert_cmpint(machine_config_parse(argc, words, &config, text), ==, MACHINE_CONFIG_VALID);
	g_assert_cmpint(machine_create(&config, &machine), ==, error);
}

static void test_refusals(void)
{
	struct running running;
	struct memory_file file;
	int fd, other;

	start(&running, OPTIONS);
	fd = take(&running);
	stop(&running);
	assert_refused(fd, "--memory 66M --cpus 2", -EINVAL);
	assert_refused(fd, "--memory 64M --cpus 3", -EPROTO);
	assert_refused(fd, "--memory 64M --cpus 2 --balloon on", -EPROTO);
	other = memfd_create("empty", MFD_CLOEXEC);
	assert_refused(other, OPTIONS, -EPROTO);
	close(other);
	/* the state is damaged */
	g_assert_cmpint(memory_file_read(fd, &file), ==, 0);
	g_assert_cmpint(pwrite(fd, "x", 1, (off_t)file.state_offset + 40), ==, 1);
	assert_refused(fd, OPTIONS, -EPROTO);
	/* the end is not there */
	g_assert_cmpint(ftruncate(fd, (off_t)file.length - 1), ==, 0);
	assert_refused(fd, OPTIONS, -EPROTO);
	close(fd);
}

int main(int argc, char **argv)
{
	need_kvm();
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine-restore/chain", test_chain);
	g_test_add_func("/machine-restore/branches", test_branches);
	g_test_add_func("/machine-restore/damaged-memory", test_damaged_memory);
	g_test_add_func("/machine-restore/refusals", test_refusals);
	return g_test_run();
}
