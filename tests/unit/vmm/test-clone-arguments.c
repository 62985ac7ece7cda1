/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/clone-arguments.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/control-server.h"

enum { FIRST = 3, LAST = 12, SOCKET = 5 };

#define COMMON "innkeeper-vmm --memory 64M --cpus 2 --control fd=3 "
#define DIRECT COMMON "--firmware none --kernel fd=6 "

static const struct machine_config original = {.memory = 64 << 20, .cpus = 2};

struct fixture {
	struct control_clone clone;
	int file, ends[2];
};

static void set_up(struct fixture *f, gconstpointer data)
{
	f->file = memfd_create("file", MFD_CLOEXEC);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->ends), ==, 0);
	for (int i = 0; i < CONTROL_MAX_FILES; i++)
		f->clone.files[i] = i >= FIRST && i <= LAST ? f->file : -1;
	f->clone.files[SOCKET] = f->ends[0];
	f->clone.arguments = memfd_create("arguments", MFD_CLOEXEC);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	close(f->clone.arguments);
	close(f->file);
	close(f->ends[0]);
	close(f->ends[1]);
}

static int read_line(struct fixture *f, struct clone_arguments *arguments, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", -1);
	off_t at = 0;

	g_assert_cmpint(ftruncate(f->clone.arguments, 0), ==, 0);
	for (unsigned int i = 0; words[i]; i++) {
		size_t length = strlen(words[i]) + 1;

		if (length == 1)
			continue;
		g_assert_cmpint(pwrite(f->clone.arguments, words[i], length, at), ==, length);
		at += (off_t)length;
	}
	return clone_arguments_read(arguments, &original, &f->clone);
}

static void test_good(struct fixture *f, gconstpointer data)
{
	static const char *const lines[] = {
		DIRECT,
		DIRECT "--disk fd=7,format=qcow2,backing=fd=8,backing-format=raw --cdrom none",
		DIRECT "--net fd=5 --serial none --vsock 3,socket=fd=9",
		COMMON "--firmware bios --firmware-image fd=6 --kernel fd=7",
		COMMON "--firmware bios --firmware-image fd=6 --boot net0 --net fd=5",
	};

	for (unsigned int i = 0; i < G_N_ELEMENTS(lines); i++) {
		struct clone_arguments arguments;

		g_assert_cmpint(read_line(f, &arguments, lines[i]), ==, 0);
		g_assert_cmpint(arguments.config.control.fd, ==, 3);
		clone_arguments_finish(&arguments);
		clone_arguments_finish(&arguments);
	}
}

static void test_bad(struct fixture *f, gconstpointer data)
{
	static const struct {
		const char *line;
		int error;
	} cases[] = {
		{"innkeeper-vmm --help", -EINVAL},
		{COMMON "--nonsense", -EINVAL},
		{"innkeeper-vmm --memory 32M --cpus 2 --kernel fd=6", -EINVAL},
		{"innkeeper-vmm --memory 64M --cpus 1 --kernel fd=6", -EINVAL},
		{COMMON "--firmware bios", -EINVAL}, /* which is opened by name */
		{COMMON "--kernel /boot/vmlinuz", -EINVAL},
		{COMMON "--kernel fd=13", -EINVAL},
		{DIRECT "--disk fd=13", -EINVAL},
		{DIRECT "--disk fd=7,format=qcow2,backing=fd=600,backing-format=raw", -EINVAL},
		{DIRECT "--cdrom /cd.iso", -EINVAL},
		{DIRECT "--net user", -EINVAL},
		{DIRECT "--restore fd=7", -EINVAL},
		{DIRECT "--net tap=tap0", -EINVAL},
		{DIRECT "--net fd=7", -EOPNOTSUPP},
		{DIRECT "--serial pty", -EOPNOTSUPP},
	};
	struct clone_arguments arguments;

	for (unsigned int i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(read_line(f, &arguments, cases[i].line), ==, cases[i].error);
}

/* What is no list of words, however large it is. */
static void test_files(struct fixture *f, gconstpointer data)
{
	struct clone_arguments arguments;
	int other = f->clone.arguments;

	g_assert_cmpint(clone_arguments_read(&arguments, &original, &f->clone), ==, -EINVAL);
	g_assert_cmpint(pwrite(other, "innkeeper-vmm", 13, 0), ==, 13);
	g_assert_cmpint(clone_arguments_read(&arguments, &original, &f->clone), ==, -EINVAL);
	g_assert_cmpint(ftruncate(other, CONTROL_MAX_ARGUMENTS + 1), ==, 0);
	g_assert_cmpint(clone_arguments_read(&arguments, &original, &f->clone), ==, -EINVAL);
	f->clone.arguments = f->ends[1];
	g_assert_cmpint(clone_arguments_read(&arguments, &original, &f->clone), <, 0);
	f->clone.arguments = -1;
	g_assert_cmpint(clone_arguments_read(&arguments, &original, &f->clone), ==, -EINVAL);
	f->clone.arguments = other;
}

#define ADD(name, function) \
	g_test_add("/clone-arguments/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("good", test_good);
	ADD("bad", test_bad);
	ADD("files", test_files);
	return g_test_run();
}
