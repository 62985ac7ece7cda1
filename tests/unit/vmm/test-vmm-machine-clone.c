/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Clones of a machine whose guest writes to its memory all the time: the program as a whole, in its
 * sandbox, on a real /dev/kvm. What is in a machine's memory is seen by snapshots of it.
 */
#include "machine/machine-clone.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "devices/vmgenid.h"
#include "image/qcow2-create.h"
#include "memory/memory-layout.h"
#include "needs-kvm.h"
#include "payload-kernel.h"
#include "protocol/memory-file.h"
#include "protocol/statistics-protocol.h"
#include "raw-client.h"

enum {
	PAGES = 4096,
	WAIT_STEPS = 20000,
	SIBLINGS = 3,
	DEPTH = 3,
	DISK_SIZE = 1 << 20,
	BACKLOG = 4,
	UUID_SIZE = 16,
};

#define PATTERN 0x2000000ULL

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

/* Numbers under which a clone finds its files. */
enum { KERNEL_FD = 7, CONTROL_FD = 3, LAYER_FD = 20, BELOW_FD = 19 };

#define COMMON "--memory 64M --cpus 2 --balloon on --console-port p --display 640x480"

struct fixture {
	char *folder, *kernel, *disk;
	int disk_fd, kernel_fd;
	unsigned int machines;
};

struct running {
	struct fixture *f;
	char *socket;
	GSubprocess *process; /* NULL: a clone */
	struct raw_client client;
	const struct statistics_page *page;
	uint64_t pause_us;
};

static void set_up(struct fixture *f, gconstpointer data)
{
	uint8_t image[PAYLOAD_KERNEL_SIZE];

	memset(f, 0, sizeof(*f));
	f->folder = g_dir_make_tmp("innkeeper-clone-XXXXXX", NULL);
	f->kernel = g_build_filename(f->folder, "kernel", NULL);
	f->disk = g_build_filename(f->folder, "disk", NULL);
	payload_kernel_make(image, WRITER, sizeof(WRITER) - 1);
	g_assert_true(g_file_set_contents(f->kernel, (char *)image, sizeof(image), NULL));
	f->kernel_fd = g_open(f->kernel, O_RDONLY | O_CLOEXEC, 0);
	f->disk_fd = g_open(f->disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	g_assert_cmpint(ftruncate(f->disk_fd, DISK_SIZE), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	close(f->kernel_fd);
	close(f->disk_fd);
	g_unlink(f->kernel);
	g_unlink(f->disk);
	g_assert_cmpint(g_rmdir(f->folder), ==, 0);
	g_free(f->folder);
	g_free(f->kernel);
	g_free(f->disk);
}

static void init(struct running *running, struct fixture *f)
{
	memset(running, 0, sizeof(*running));
	running->f = f;
	running->socket = g_strdup_printf("%s/socket%u", f->folder, f->machines++);
}

static void attach(struct running *running)
{
	raw_client_open(&running->client, running->socket);
	running->page = mmap(NULL, sizeof(*running->page), PROT_READ, MAP_SHARED,
			     running->client.statistics_fd, 0);
	g_assert_true(running->page != MAP_FAILED);
}

static void start(struct running *running, struct fixture *f, const char *options)
{
	g_autofree char *line = NULL;
	g_auto(GStrv) argv = NULL;

	init(running, f);
	line = g_strdup_printf("'%s' %s " COMMON " --kernel '%s' --control '%s' --disk '%s' %s",
			       g_getenv("INNKEEPER_VMM"), g_getenv("INNKEEPER_VMM_ARGUMENTS"),
			       f->kernel, running->socket, f->disk, options);
	g_assert_true(g_shell_parse_argv(line, NULL, &argv, NULL));
	running->process =
		g_subprocess_newv((const char *const *)argv, G_SUBPROCESS_FLAGS_NONE, NULL);
	g_assert_nonnull(running->process);
	for (unsigned int i = 0;
	     i < WAIT_STEPS && !g_file_test(running->socket, G_FILE_TEST_EXISTS); i++)
		g_usleep(1000);
	attach(running);
}

/* Turns it off, and waits until it has hung up. */
static void stop(struct running *running)
{
	(void)raw_client_call(&running->client, CONTROL_POWER_OFF, 0);
	raw_client_expect_loss(&running->client);
	munmap((void *)(uintptr_t)running->page, sizeof(*running->page));
	raw_client_close(&running->client);
	if (running->process) {
		g_assert_true(g_subprocess_wait(running->process, NULL, NULL));
		g_object_unref(running->process);
	}
	g_unlink(running->socket);
	g_free(running->socket);
}

/* Memory */

struct picture {
	struct memory_file file;
	int fd;
	uint8_t *bytes;
	const uint8_t *ram;
};

static void take_picture(struct running *running, struct picture *picture)
{
	uint64_t before = running->page->status.snapshots;

	picture->fd = memfd_create("memory", MFD_CLOEXEC);
	g_assert_cmpint(raw_client_stage_memory(&running->client, picture->fd), ==, 0);
	g_assert_cmpint(raw_client_call(&running->client, CONTROL_SNAPSHOT, 0), ==, 0);
	for (unsigned int i = 0; i < WAIT_STEPS && running->page->status.snapshots == before; i++)
		g_usleep(1000);
	g_assert_cmpint(running->page->status.snapshot_status, ==, 0);
	g_assert_cmpint(memory_file_read(picture->fd, &picture->file), ==, 0);
	picture->bytes = mmap(NULL, picture->file.length, PROT_READ, MAP_PRIVATE, picture->fd, 0);
	g_assert_true(picture->bytes != MAP_FAILED);
	picture->ram = picture->bytes + MEMORY_FILE_RAM;
}

static void drop_picture(struct picture *picture)
{
	munmap(picture->bytes, picture->file.length);
	close(picture->fd);
}

static uint64_t word(const struct picture *picture, unsigned int page)
{
	return *(const uint64_t *)(const void *)(picture->ram + PATTERN + page * 4096ULL);
}

/* Every word is this guest's own: one of two values, in order. Answers how far it is. */
static uint64_t assert_own_words(struct running *running)
{
	struct picture picture;
	uint64_t first, last;
	unsigned int page = 0;

	take_picture(running, &picture);
	first = word(&picture, 0);
	last = word(&picture, PAGES - 1);
	while (page < PAGES && word(&picture, page) == first)
		page++;
	while (page < PAGES && word(&picture, page) == first - 1)
		page++;
	g_assert_cmpuint(page, ==, PAGES);
	drop_picture(&picture);
	return last;
}

static void assert_goes_on(struct running *running)
{
	uint64_t before = assert_own_words(running), after = before;

	for (unsigned int i = 0; i < WAIT_STEPS && after < before + 2; i++) {
		g_usleep(10000);
		after = assert_own_words(running);
	}
	g_assert_cmpuint(after, >=, before + 2);
}

static void read_generation(struct running *running, uint8_t uuid[UUID_SIZE])
{
	struct picture picture;

	take_picture(running, &picture);
	memcpy(uuid, picture.ram + LAYOUT_GENERATION_ID + VMGENID_OFFSET, UUID_SIZE);
	drop_picture(&picture);
}

/* Cloning */

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof(address)), ==, 0);
	g_assert_cmpint(listen(fd, BACKLOG), ==, 0);
	return fd;
}

static int make_overlay(void)
{
	const struct qcow2_create_options options = {
		.virtual_size = DISK_SIZE,
		.version = 3,
		.cluster_bits = 16,
		.backing_file = "disk",
		.backing_format = "raw",
	};
	int fd = memfd_create("overlay", MFD_CLOEXEC);

	g_assert_cmpint(qcow2_create(fd, &options), ==, 0);
	return fd;
}

static void stage(struct running *running, unsigned int number, int fd)
{
	g_assert_cmpint(raw_client_stage_file(&running->client, number, fd), ==, 0);
	close(fd);
}

static void stage_arguments(struct running *running, const char *line)
{
	g_autofree char *whole = g_strconcat(line, " ", g_getenv("INNKEEPER_VMM_ARGUMENTS"), NULL);
	g_auto(GStrv) words = NULL;
	int fd = memfd_create("arguments", MFD_CLOEXEC);

	g_assert_true(g_shell_parse_argv(whole, NULL, &words, NULL));
	for (unsigned int i = 0; words[i]; i++)
		g_assert_cmpint(write(fd, words[i], strlen(words[i]) + 1), >, 0);
	g_assert_cmpint(raw_client_stage_arguments(&running->client, fd), ==, 0);
	close(fd);
}

#define CLONE_LINE                                                              \
	"innkeeper-vmm " COMMON " --kernel fd=7 --control fd=3 "                \
	"--disk fd=20,format=qcow2,backing=fd=19,backing-format=raw --vmgenid " \
	"00000000-0000-4000-8000-%012u"

static void stage_all(struct running *original, int control_fd)
{
	struct fixture *f = original->f;

	stage(original, CONTROL_FD, control_fd);
	stage(original, KERNEL_FD, dup(f->kernel_fd));
	stage(original, LAYER_FD, make_overlay());
	stage(original, BELOW_FD, g_open(f->disk, O_RDONLY | O_CLOEXEC, 0));
}

/* Until the original says how it went. */
static int wait_for_clone(struct running *original, uint64_t number)
{
	for (unsigned int i = 0; i < WAIT_STEPS && original->page->status.clones < number; i++)
		g_usleep(1000);
	g_assert_cmpuint(original->page->status.clones, ==, number);
	return original->page->status.clone_status;
}

static void clone_of(struct running *original, struct running *clone)
{
	g_autofree char *line = NULL;
	uint64_t number = original->page->status.clones + 1;

	init(clone, original->f);
	line = g_strdup_printf(CLONE_LINE, clone->f->machines);
	stage_all(original, listen_at(clone->socket));
	stage_arguments(original, line);
	g_assert_cmpint(raw_client_call(&original->client, CONTROL_CLONE, 0), ==, 0);
	g_assert_cmpuint(original->client.last_reply.number, ==, number);
	original->pause_us = original->client.last_reply.value;
	g_assert_cmpuint(original->pause_us, >, 0);
	g_assert_cmpint(wait_for_clone(original, number), ==, 0);
	attach(clone);
	g_assert_cmpuint(clone->page->status.state, ==, VMM_STATE_RUNNING);
	g_assert_cmpuint(clone->page->header.pid, !=, original->page->header.pid);
	for (unsigned int i = 0; i < WAIT_STEPS && clone->page->status.first_exit_us == 0; i++)
		g_usleep(1000);
	g_test_message("the original stood still for %" G_GUINT64_FORMAT
		       " us; the clone's first exit came after %u us",
		       original->pause_us, clone->page->status.first_exit_us);
}

/* They go on from one moment, and know nothing of each other. */
static void test_siblings(struct fixture *f, gconstpointer data)
{
	struct running original, clones[SIBLINGS];
	uint8_t seen[SIBLINGS + 1][UUID_SIZE];

	start(&original, f, "");
	assert_goes_on(&original);
	for (unsigned int i = 0; i < SIBLINGS; i++)
		clone_of(&original, &clones[i]);
	assert_goes_on(&original);
	read_generation(&original, seen[SIBLINGS]);
	for (unsigned int i = 0; i < SIBLINGS; i++) {
		assert_goes_on(&clones[i]);
		read_generation(&clones[i], seen[i]);
		for (unsigned int j = 0; j < i; j++)
			g_assert_cmpint(memcmp(seen[i], seen[j], UUID_SIZE), !=, 0);
		g_assert_cmpint(memcmp(seen[i], seen[SIBLINGS], UUID_SIZE), !=, 0);
	}
	/* the clones outlive it */
	stop(&original);
	for (unsigned int i = 0; i < SIBLINGS; i++) {
		assert_goes_on(&clones[i]);
		stop(&clones[i]);
	}
}

/* A clone of a clone of a clone; each stands still while the next goes on. */
static void test_depth(struct fixture *f, gconstpointer data)
{
	struct running machines[DEPTH + 1];
	uint64_t held[DEPTH];

	start(&machines[0], f, "");
	assert_goes_on(&machines[0]);
	for (unsigned int i = 0; i < DEPTH; i++) {
		clone_of(&machines[i], &machines[i + 1]);
		g_assert_cmpint(raw_client_call(&machines[i].client, CONTROL_PAUSE, 0), ==, 0);
		held[i] = assert_own_words(&machines[i]);
		assert_goes_on(&machines[i + 1]);
	}
	for (unsigned int i = 0; i < DEPTH; i++) {
		g_assert_cmpuint(assert_own_words(&machines[i]), ==, held[i]);
		stop(&machines[i]);
	}
	/* it can start anew like any machine */
	g_assert_cmpint(raw_client_call(&machines[DEPTH].client, CONTROL_RESET, 0), ==, 0);
	g_assert_cmpuint(machines[DEPTH].page->status.resets, ==, 1);
	g_assert_cmpuint(machines[DEPTH].page->status.state, ==, VMM_STATE_RUNNING);
	stop(&machines[DEPTH]);
}

/* Nothing of the original's is open in a clone but what was staged. */
static void test_descriptors(struct fixture *f, gconstpointer data)
{
	struct running original, clone;
	g_autofree char *path = NULL;
	g_autoptr(GDir) folder = NULL;
	unsigned int kvm = 0, vms = 0, vcpus = 0;
	const char *name;

	start(&original, f, "");
	clone_of(&original, &clone);
	path = g_strdup_printf("/proc/%u/fd", clone.page->header.pid);
	folder = g_dir_open(path, 0, NULL);
	g_assert_nonnull(folder);
	while ((name = g_dir_read_name(folder))) {
		g_autofree char *link = g_build_filename(path, name, NULL);
		g_autofree char *target = g_file_read_link(link, NULL);

		kvm += g_strcmp0(target, "/dev/kvm") == 0;
		vms += g_strcmp0(target, "anon_inode:kvm-vm") == 0;
		vcpus += target && g_str_has_prefix(target, "anon_inode:kvm-vcpu:");
#ifndef __SANITIZE_ADDRESS__ /* without the sandbox it can open some */
		g_assert_false(target && strstr(target, "/statm"));
#endif
	}
	g_assert_cmpuint(kvm, ==, 1);
	g_assert_cmpuint(vms, ==, 1);
	g_assert_cmpuint(vcpus, ==, 2);
	stop(&original);
	stop(&clone);
}

/* What is wrong is told before the guest has to wait for it, or by the clone; it goes on anyway. */
static void test_refusals(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *line;
		int error;
	} cases[] = {
		{"innkeeper-vmm --nonsense", -EINVAL},
		{"innkeeper-vmm --memory 32M --cpus 2 --kernel fd=7", -EINVAL},
		{"innkeeper-vmm " COMMON " --kernel /tmp/kernel", -EINVAL},
		{"innkeeper-vmm " COMMON " --kernel fd=8", -EINVAL},
		{"innkeeper-vmm " COMMON " --kernel fd=7 --net user", -EINVAL},
		{"innkeeper-vmm " COMMON " --kernel fd=7 --net fd=7", -EOPNOTSUPP},
		{"innkeeper-vmm " COMMON " --kernel fd=7 --serial pty", -EOPNOTSUPP},
		{"innkeeper-vmm " COMMON " --kernel fd=7 --restore fd=7", -EINVAL},
	};
	struct running original, clone;

	start(&original, f, "");
	g_assert_cmpint(raw_client_call(&original.client, CONTROL_CLONE, 0), ==, -EINVAL);
	g_assert_cmpint(raw_client_call(&original.client, CONTROL_CLONE, 1), ==, -EINVAL);
	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++) {
		stage(&original, KERNEL_FD, dup(f->kernel_fd));
		stage_arguments(&original, cases[i].line);
		g_assert_cmpint(raw_client_call(&original.client, CONTROL_CLONE, 0), ==,
				cases[i].error);
	}
	g_assert_cmpuint(original.page->status.clones, ==, 0);

	/* it would lack a part */
	stage(&original, KERNEL_FD, dup(f->kernel_fd));
	stage_arguments(&original, "innkeeper-vmm --memory 64M --cpus 2 --kernel fd=7");
	g_assert_cmpint(raw_client_call(&original.client, CONTROL_CLONE, 0), ==, 0);
	g_assert_cmpint(wait_for_clone(&original, 1), ==, -EPROTO);
	g_assert_cmpuint(original.page->status.state, ==, VMM_STATE_RUNNING);
	assert_goes_on(&original);
	clone_of(&original, &clone);
	assert_goes_on(&clone);
	stop(&clone);
	stop(&original);
}

#define ADD(name, function) \
	g_test_add("/vmm-machine-clone/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	need_kvm();
	g_test_init(&argc, &argv, NULL);
	ADD("siblings", test_siblings);
	ADD("depth", test_depth);
	ADD("descriptors", test_descriptors);
	ADD("refusals", test_refusals);
	return g_test_run();
}
