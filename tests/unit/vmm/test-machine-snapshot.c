/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of a machine whose guest writes to its memory all the time, on a real /dev/kvm. Linked
 * with --wrap to look at the machine in the moment of the fork, and at its copy before it begins.
 */
#include "machine/machine-snapshot.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/crc32c.h"
#include "block/block-backend.h"
#include "control/control-server.h"
#include "image/qcow2-create.h"
#include "machine/machine-state.h"
#include "needs-kvm.h"
#include "protocol/memory-file.h"
#include "state/state-reader.h"
#include "whole-machine.h"

enum { ROUNDS = 20, PAGES = 4096, WAIT_STEPS = 30000, SECTOR = 512, DISK_SIZE = 1 << 20 };

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

struct fixture {
	struct whole_machine whole;
	GThread *loop;
	char *path;
	int fd; /* of the memory file */
};

/* What the next fork does. */
static struct fixture *observed;
static uint32_t ram_at_fork;
static int fork_error;
static bool child_dies, child_stops;
static pid_t last_child;

pid_t __real_fork(void);
pid_t __wrap_fork(void);
int __real_setpriority(int which, id_t who, int priority);
int __wrap_setpriority(int which, id_t who, int priority);

static uint32_t checksum_ram(const struct whole_machine *whole)
{
	return crc32c(0, guest_memory_at(whole->machine->memory, 0, RAM_SIZE), RAM_SIZE);
}

pid_t __wrap_fork(void)
{
	if (fork_error) {
		errno = fork_error;
		return -1;
	}
	if (observed)
		ram_at_fork = checksum_ram(&observed->whole);
	last_child = __real_fork();
	if (last_child == 0 && child_dies)
		raise(SIGKILL);
	return last_child;
}

/* The child has closed what it does not need, and has not begun yet. */
int __wrap_setpriority(int which, id_t who, int priority)
{
	int r = __real_setpriority(which, who, priority);

	if (child_stops)
		raise(SIGSTOP);
	return r;
}

static gpointer run_loop(gpointer data)
{
	event_loop_run(data);
	return NULL;
}

static void set_up_with(struct fixture *f, const char *options)
{
	f->fd = g_file_open_tmp("innkeeper-memory-XXXXXX", &f->path, NULL);
	g_assert_cmpint(f->fd, >=, 0);
	whole_machine_create(&f->whole, WRITER, sizeof(WRITER) - 1, options);
	whole_machine_start(&f->whole);
	f->loop = g_thread_new("loop", run_loop, f->whole.machine->loop);
	observed = f;
}

static void set_up(struct fixture *f, gconstpointer data)
{
	set_up_with(f, data);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	observed = NULL;
	whole_machine_stop(&f->whole);
	g_thread_join(f->loop);
	whole_machine_destroy(&f->whole);
	close(f->fd);
	g_unlink(f->path);
	g_free(f->path);
}

static const uint64_t *word(const void *ram, unsigned int page)
{
	return (const void *)((const char *)ram + PATTERN + page * 4096ULL);
}

static uint64_t progress(struct fixture *f)
{
	const void *ram = guest_memory_at(f->whole.machine->memory, 0, RAM_SIZE);

	return __atomic_load_n(word(ram, PAGES - 1), __ATOMIC_SEQ_CST);
}

/* Every page is written to at least once more. */
static void wait_for_progress(struct fixture *f)
{
	uint64_t before = progress(f);

	for (unsigned int i = 0; i < WAIT_STEPS && progress(f) < before + 2; i++)
		whole_machine_yield(&f->whole);
	g_assert_cmpuint(progress(f), >=, before + 2);
}

static const struct statistics_status *status_of(struct fixture *f)
{
	return &f->whole.machine->statistics->status;
}

static void wait_for_snapshots(struct fixture *f, uint64_t count)
{
	for (unsigned int i = 0; i < WAIT_STEPS && status_of(f)->snapshots < count; i++)
		whole_machine_yield(&f->whole);
	g_assert_cmpuint(status_of(f)->snapshots, ==, count);
}

static struct control_snapshot nothing_staged(void)
{
	struct control_snapshot snapshot = {.memory = -1};

	for (unsigned int i = 0; i < CONTROL_MAX_DRIVES; i++)
		snapshot.layers[i] = -1;
	return snapshot;
}

static struct control_snapshot take(struct fixture *f, bool hold)
{
	struct control_snapshot snapshot = nothing_staged();

	g_assert_cmpint(ftruncate(f->fd, 0), ==, 0);
	snapshot.memory = f->fd;
	snapshot.hold = hold;
	g_assert_cmpint(machine_snapshot_take(f->whole.machine, &snapshot), ==, 0);
	return snapshot;
}

struct mapped_file {
	struct memory_file file;
	uint8_t *bytes;
	const uint8_t *ram;
};

/* Checks all of it, and maps it. */
static struct mapped_file open_file(struct fixture *f)
{
	struct mapped_file mapped;

	g_assert_cmpint(memory_file_read(f->fd, &mapped.file), ==, 0);
	g_assert_cmpint(memory_file_check(f->fd, &mapped.file, NULL, NULL), ==, 0);
	g_assert_cmpuint(mapped.file.ram_size, ==, RAM_SIZE);
	mapped.bytes = mmap(NULL, mapped.file.length, PROT_READ, MAP_PRIVATE, f->fd, 0);
	g_assert_true(mapped.bytes != MAP_FAILED);
	mapped.ram = mapped.bytes + MEMORY_FILE_RAM;
	return mapped;
}

static void close_file(struct mapped_file *mapped)
{
	munmap(mapped->bytes, mapped->file.length);
}

static void assert_one_moment(const void *ram)
{
	uint64_t first = *word(ram, 0);
	unsigned int page = 0;

	while (page < PAGES && *word(ram, page) == first)
		page++;
	while (page < PAGES && *word(ram, page) == first - 1)
		page++;
	g_assert_cmpuint(page, ==, PAGES);
}

/* What is in the file is what memory was in the moment of the pause. */
static void test_exact(struct fixture *f, gconstpointer data)
{
	uint64_t longest = 0;

	for (unsigned int i = 1; i <= ROUNDS; i++) {
		struct control_snapshot snapshot;
		struct mapped_file file;

		wait_for_progress(f);
		snapshot = take(f, false);
		g_assert_cmpuint(snapshot.number, ==, i);
		g_assert_cmpuint(snapshot.pause_us, >, 0);
		longest = MAX(longest, snapshot.pause_us);
		wait_for_progress(f);
		wait_for_snapshots(f, i);
		g_assert_cmpint(status_of(f)->snapshot_status, ==, 0);
		file = open_file(f);
		g_assert_cmphex(crc32c(0, file.ram, RAM_SIZE), ==, ram_at_fork);
		assert_one_moment(file.ram);
		g_assert_cmpuint(*word(file.ram, 0), <, progress(f));
		close_file(&file);
	}
	g_test_message("the longest pause of %u: %" G_GUINT64_FORMAT " us", ROUNDS, longest);
}

/* Another machine goes on from there. */
static void test_goes_on(struct fixture *f, gconstpointer data)
{
	struct state_reader reader;
	struct mapped_file file;
	struct whole_machine second;
	uint64_t saved;
	void *ram;

	wait_for_progress(f);
	(void)take(f, false);
	wait_for_snapshots(f, 1);
	file = open_file(f);
	whole_machine_create(&second, "\xeb\xfe", 2, data);
	ram = guest_memory_at(second.machine->memory, 0, RAM_SIZE);
	memcpy(ram, file.ram, RAM_SIZE);
	g_assert_cmpint(state_reader_init(&reader, file.bytes + file.file.state_offset,
					  file.file.state_length),
			==, 0);
	g_assert_cmpint(machine_state_load(second.machine, &reader), ==, 0);
	saved = *word(ram, PAGES - 1);
	whole_machine_start(&second);
	for (unsigned int i = 0; i < WAIT_STEPS && *word(ram, PAGES - 1) < saved + 3; i++)
		whole_machine_yield(&second);
	g_assert_cmpint(machine_pause(second.machine), ==, 0);
	g_assert_cmpuint(*word(ram, PAGES - 1), >=, saved + 3);
	assert_one_moment(ram);
	whole_machine_stop(&second);
	whole_machine_destroy(&second);
	close_file(&file);
}

/* A host that does not let the process be copied: the guest goes on at once. */
static void test_fork_fails(struct fixture *f, gconstpointer data)
{
	static const int errors[] = {ENOMEM, EAGAIN};

	for (unsigned int i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct control_snapshot snapshot = nothing_staged();

		fork_error = errors[i];
		snapshot.memory = f->fd;
		g_assert_cmpint(machine_snapshot_take(f->whole.machine, &snapshot), ==, -errors[i]);
		fork_error = 0;
		g_assert_cmpuint(f->whole.machine->state, ==, VMM_STATE_RUNNING);
		wait_for_progress(f);
	}
	g_assert_cmpuint(status_of(f)->snapshots, ==, 0);
	(void)take(f, false);
	wait_for_snapshots(f, 1);
}

/* The kernel ends the copy, for want of memory: that is told, and the guest knows nothing of it. */
static void test_child_dies(struct fixture *f, gconstpointer data)
{
	child_dies = true;
	(void)take(f, false);
	wait_for_snapshots(f, 1);
	child_dies = false;
	g_assert_cmpint(status_of(f)->snapshot_status, ==, -ECANCELED);
	wait_for_progress(f);
	(void)take(f, false);
	wait_for_snapshots(f, 2);
	g_assert_cmpint(status_of(f)->snapshot_status, ==, 0);
}

static void wait_until_stopped(void)
{
	siginfo_t info;

	g_assert_cmpint(waitid(P_PID, (id_t)last_child, &info, WSTOPPED | WNOWAIT), ==, 0);
	g_assert_cmpint(info.si_code, ==, CLD_STOPPED);
}

static char *read_proc(pid_t pid, const char *name)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/%s", pid, name);
	char *contents = NULL;

	g_assert_true(g_file_get_contents(path, &contents, NULL, NULL));
	return g_strchomp(contents);
}

static unsigned int count_descriptors(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fd", pid);
	g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
	unsigned int count = 0;

	while (g_dir_read_name(directory))
		count++;
	return count;
}

/* The copy has the file and the pipe, is the first to go when memory is short, and comes last. */
static void test_child(struct fixture *f, gconstpointer data)
{
	g_autofree char *before = read_proc(getpid(), "oom_score_adj");
	g_autofree char *after = NULL;
	g_autofree char *score = NULL;
	struct control_snapshot another = nothing_staged();

	child_stops = true;
	(void)take(f, false);
	child_stops = false;
	wait_until_stopped();
	g_assert_cmpuint(count_descriptors(last_child), ==, 2);
	score = read_proc(last_child, "oom_score_adj");
	after = read_proc(getpid(), "oom_score_adj");
	g_assert_cmpstr(score, ==, "900");
	g_assert_cmpstr(after, ==, before);
	g_assert_cmpint(getpriority(PRIO_PROCESS, (id_t)last_child), >,
			getpriority(PRIO_PROCESS, 0));

	/* one at a time, and meanwhile the guest runs */
	another.memory = f->fd;
	g_assert_cmpint(machine_snapshot_take(f->whole.machine, &another), ==, -EALREADY);
	wait_for_progress(f);
	g_assert_cmpint(kill(last_child, SIGCONT), ==, 0);
	wait_for_snapshots(f, 1);
	g_assert_cmpint(status_of(f)->snapshot_status, ==, 0);
}

static void test_hold(struct fixture *f, gconstpointer data)
{
	struct control_snapshot snapshot;
	struct mapped_file file;
	uint64_t before;

	wait_for_progress(f);
	snapshot = take(f, true);
	before = progress(f);
	g_assert_cmpuint(snapshot.pause_us, >, 0);
	g_assert_cmpuint(f->whole.machine->state, ==, VMM_STATE_PAUSED);
	wait_for_snapshots(f, 1);
	g_assert_cmpuint(progress(f), ==, before);
	file = open_file(f);
	g_assert_cmphex(checksum_ram(&f->whole), ==, crc32c(0, file.ram, RAM_SIZE));
	close_file(&file);

	/* one that is paused has no pause, and stays so */
	snapshot = take(f, false);
	g_assert_cmpuint(snapshot.pause_us, ==, 0);
	wait_for_snapshots(f, 2);
	g_assert_cmpuint(f->whole.machine->state, ==, VMM_STATE_PAUSED);
	g_assert_cmpint(machine_resume(f->whole.machine), ==, 0);
	wait_for_progress(f);
}

/* Without memory, and without disks: a pause and nothing else. */
static void test_nothing(struct fixture *f, gconstpointer data)
{
	struct control_snapshot snapshot = nothing_staged();

	g_assert_cmpint(machine_snapshot_take(f->whole.machine, &snapshot), ==, 0);
	g_assert_cmpuint(snapshot.number, ==, 0);
	g_assert_cmpuint(snapshot.pause_us, >, 0);
	wait_for_progress(f);
	snapshot.layers[0] = f->fd;
	g_assert_cmpint(machine_snapshot_take(f->whole.machine, &snapshot), ==, -ENODEV);
	wait_for_progress(f);
}

/* Where there is no room for it, that is told; the guest goes on. */
static void test_no_room(struct fixture *f, gconstpointer data)
{
	struct control_snapshot snapshot = nothing_staged();
	int full = open("/dev/full", O_RDWR | O_CLOEXEC);

	snapshot.memory = full;
	g_assert_cmpint(machine_snapshot_take(f->whole.machine, &snapshot), ==, 0);
	wait_for_snapshots(f, 1);
	g_assert_cmpint(status_of(f)->snapshot_status, <, 0);
	wait_for_progress(f);
	close(full);
}

/* Disks */

static int temporary_file(char **ret_path)
{
	int fd = g_file_open_tmp("innkeeper-layer-XXXXXX", ret_path, NULL);

	g_assert_cmpint(fd, >=, 0);
	return fd;
}

static int make_layer(const char *below, const char *format)
{
	g_autofree char *path = NULL, *name = g_path_get_basename(below);
	const struct qcow2_create_options options = {
		.virtual_size = DISK_SIZE,
		.version = 3,
		.cluster_bits = 16,
		.backing_file = name,
		.backing_format = format,
	};
	int fd = temporary_file(&path);

	g_assert_cmpint(qcow2_create(fd, &options), ==, 0);
	g_unlink(path);
	return fd;
}

static void on_transferred(struct block_request *request, int result)
{
	g_assert_cmpint(result, ==, 0);
}

/* The first sector. */
static void transfer(struct fixture *f, enum block_operation operation, char *sector)
{
	struct block_backend *backend = f->whole.machine->disks[0].backend;
	const struct iovec iov = {sector, SECTOR};
	struct block_request request = {
		.operation = operation,
		.length = SECTOR,
		.iov = &iov,
		.iov_count = 1,
		.complete = on_transferred,
	};

	block_backend_submit(backend, &request);
	block_backend_kick(backend);
	block_backend_drain(backend);
}

static void write_sector(struct fixture *f, char value)
{
	char sector[SECTOR];

	memset(sector, value, sizeof(sector));
	transfer(f, BLOCK_WRITE, sector);
}

static char read_sector(struct fixture *f)
{
	char sector[SECTOR];

	transfer(f, BLOCK_READ, sector);
	return sector[SECTOR - 1];
}

static char first_byte(int fd)
{
	char byte;

	g_assert_cmpint(pread(fd, &byte, 1, 0), ==, 1);
	return byte;
}

/* A disk goes on in a new layer, and in another one on top of it; what is below stays as it was. */
static void test_layers(void)
{
	g_autofree char *path = NULL, *options = NULL, *wrong = NULL;
	struct control_snapshot snapshot = nothing_staged();
	int disk = temporary_file(&path), layer = make_layer(path, "raw"), second;
	struct fixture f;

	g_assert_cmpint(ftruncate(disk, DISK_SIZE), ==, 0);
	options = g_strdup_printf(OPTIONS " --disk %s", path);
	set_up_with(&f, options);
	write_sector(&f, 'a');

	/* one that cannot be a layer of it */
	snapshot.layers[0] = temporary_file(&wrong);
	g_assert_cmpint(machine_snapshot_take(f.whole.machine, &snapshot), ==, -EBADMSG);
	g_assert_cmpint(snapshot.layers[0], >=, 0);
	close(snapshot.layers[0]);
	g_unlink(wrong);

	/* the memory cannot be written: the layer is taken off again */
	snapshot.layers[0] = dup(layer);
	snapshot.memory = f.fd;
	fork_error = ENOMEM;
	g_assert_cmpint(machine_snapshot_take(f.whole.machine, &snapshot), ==, -ENOMEM);
	fork_error = 0;
	write_sector(&f, 'b');
	g_assert_cmpint(first_byte(disk), ==, 'b');
	close(layer);

	layer = make_layer(path, "raw");
	second = make_layer("layer", "qcow2");
	snapshot.layers[0] = dup(layer);
	g_assert_cmpint(machine_snapshot_take(f.whole.machine, &snapshot), ==, 0);
	g_assert_cmpint(snapshot.layers[0], ==, -1);
	wait_for_snapshots(&f, 1);
	g_assert_cmpint(read_sector(&f), ==, 'b');
	write_sector(&f, 'c');
	g_assert_cmpint(read_sector(&f), ==, 'c');
	g_assert_cmpint(first_byte(disk), ==, 'b');

	snapshot = nothing_staged();
	snapshot.layers[0] = dup(second);
	g_assert_cmpint(machine_snapshot_take(f.whole.machine, &snapshot), ==, 0);
	write_sector(&f, 'd');
	g_assert_cmpint(read_sector(&f), ==, 'd');
	g_assert_cmpint(first_byte(disk), ==, 'b');
	wait_for_progress(&f);
	tear_down(&f, NULL);
	close(disk);
	close(layer);
	close(second);
	g_unlink(path);
}

/* A disk that is only read needs no layer, and gets none. */
static void test_read_only_disk(void)
{
	g_autofree char *path = NULL, *options = NULL;
	struct control_snapshot snapshot = nothing_staged();
	int disk = temporary_file(&path);
	struct fixture f;

	g_assert_cmpint(ftruncate(disk, DISK_SIZE), ==, 0);
	options = g_strdup_printf(OPTIONS " --disk %s,readonly=on", path);
	set_up_with(&f, options);
	snapshot.layers[0] = make_layer(path, "raw");
	g_assert_cmpint(machine_snapshot_take(f.whole.machine, &snapshot), ==, -EROFS);
	close(snapshot.layers[0]);
	tear_down(&f, NULL);
	close(disk);
	g_unlink(path);
}

/* Bytes of this process' memory at the pattern that are huge pages. */
static uint64_t huge_bytes(struct fixture *f)
{
	g_autofree char *maps = read_proc(getpid(), "smaps");
	uintptr_t ram = (uintptr_t)guest_memory_at(f->whole.machine->memory, 0, RAM_SIZE);
	unsigned long start = 0, end = 0;
	uint64_t bytes = 0;

	for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long kilobytes;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			continue;
		if (start <= ram + PATTERN && ram + PATTERN < end &&
		    sscanf(line, "AnonHugePages: %lu kB", &kilobytes) == 1)
			bytes += (uint64_t)kilobytes << 10;
	}
	return bytes;
}

static void test_huge_pages(struct fixture *f, gconstpointer data)
{
	uint64_t before;

	wait_for_progress(f);
	before = huge_bytes(f);
	if (before < PAGES * 4096ULL) {
		g_test_skip("this computer has no huge pages to give now");
		return;
	}
	(void)take(f, false);
	wait_for_progress(f);
	wait_for_snapshots(f, 1);
	g_test_message("huge: %" G_GUINT64_FORMAT " KiB before, %" G_GUINT64_FORMAT " KiB after",
		       before >> 10, huge_bytes(f) >> 10);
	for (unsigned int i = 0; i < WAIT_STEPS / 10 && huge_bytes(f) < before; i++) {
		for (unsigned int j = 0; j < 10; j++)
			whole_machine_yield(&f->whole);
	}
	g_assert_cmpuint(huge_bytes(f), >=, before);
}

#define ADD(name, options, function) \
	g_test_add("/machine-snapshot/" name, struct fixture, options, set_up, function, tear_down)

int main(int argc, char **argv)
{
	need_kvm();
	g_test_init(&argc, &argv, NULL);
	ADD("exact", OPTIONS, test_exact);
	ADD("goes-on", OPTIONS, test_goes_on);
	ADD("fork-fails", OPTIONS, test_fork_fails);
	ADD("child-dies", OPTIONS, test_child_dies);
	ADD("child", OPTIONS, test_child);
	ADD("hold", OPTIONS, test_hold);
	ADD("nothing", OPTIONS, test_nothing);
	ADD("no-room", OPTIONS, test_no_room);
	ADD("huge-pages", OPTIONS, test_huge_pages);
	g_test_add_func("/machine-snapshot/layers", test_layers);
	g_test_add_func("/machine-snapshot/read-only-disk", test_read_only_disk);
	return g_test_run();
}
