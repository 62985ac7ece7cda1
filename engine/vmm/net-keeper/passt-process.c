/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net-keeper/passt-process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

enum {
	CONNECTION_FD = 3, /* in passt */
	PATIENCE_MS = 15000,
	OUTPUT_SIZE = 4096,
	FIXED_ARGUMENTS = 4,
};

extern char **environ;

struct output {
	char text[OUTPUT_SIZE];
	size_t length;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Keeps the end of what was printed. */
static void append(struct output *output, const char *piece, size_t length)
{
	size_t room = OUTPUT_SIZE - 1;

	if (length > room / 2)
		length = room / 2;
	if (output->length + length > room) {
		size_t kept = room / 2;

		memmove(output->text, output->text + output->length - kept, kept);
		output->length = kept;
	}
	memcpy(output->text + output->length, piece, length);
	output->length += length;
	output->text[output->length] = '\0';
}

/* Until everybody has closed the pipe: passt in the background does. */
static int read_output(int fd, struct output *output)
{
	int64_t deadline = now_ms() + PATIENCE_MS;
	int64_t left;

	while ((left = deadline - now_ms()) > 0) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		char piece[512];
		ssize_t n;

		if (poll(&wait, 1, (int)left) <= 0)
			continue;
		n = read(fd, piece, sizeof(piece));
		if (n == 0)
			return 0;
		if (n > 0)
			append(output, piece, (size_t)n);
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
	}
	return -ETIMEDOUT;
}

/* Without a system log passt complains of that as well, line by line. */
static bool is_noise(const char *line)
{
	return line[0] == '\0' || strncmp(line, "Failed to send ", 15) == 0;
}

static void find_last_words(struct output *output, char words[NET_KEEPER_TEXT_SIZE])
{
	char *rest = output->text, *line;

	words[0] = '\0';
	while ((line = strsep(&rest, "\r\n"))) {
		if (!is_noise(line))
			snprintf(words, NET_KEEPER_TEXT_SIZE, "%.200s", line);
	}
	/* Other people's words, on their way to a log. */
	for (char *c = words; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* Its standard output and error go to the pipe, its input and all else nowhere. */
static int spawn(const char *program, char *const *argv, int connection, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&actions, connection, CONNECTION_FD);
	error = posix_spawnp(ret_pid, program, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

static int wait_for_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECONNREFUSED;
}

static int run(const char *program, char *const *argv, int connection, const int pipe_fds[2],
	       char words[NET_KEEPER_TEXT_SIZE])
{
	struct output output = {.length = 0};
	int output_fd = pipe_fds[1], r;
	pid_t pid;

	r = spawn(program, argv, connection, output_fd, &pid);
	fd_close(&output_fd);
	if (r < 0)
		return r;
	r = read_output(pipe_fds[0], &output);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	if (r == 0)
		r = wait_for_end(pid);
	else
		(void)wait_for_end(pid);
	find_last_words(&output, words);
	return r;
}

/* Above what spawn() puts in place, so that nothing is replaced before it is used. */
static int move_up(int *fd)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, CONNECTION_FD + 1);

	if (moved < 0)
		return -errno;
	fd_close(fd);
	*fd = moved;
	return 0;
}

static int connect_and_run(const char *program, char *const *argv, int *ret_fd,
			   char words[NET_KEEPER_TEXT_SIZE])
{
	int pair[2] = {-1, -1}, pipe_fds[2] = {-1, -1};
	int r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ? -errno : 0;

	if (r == 0 && pipe2(pipe_fds, O_CLOEXEC) < 0)
		r = -errno;
	if (r == 0)
		r = move_up(&pair[1]);
	if (r == 0)
		r = move_up(&pipe_fds[1]);
	if (r == 0) {
		r = run(program, argv, pair[1], pipe_fds, words);
		pipe_fds[1] = -1;
	}
	fd_close(&pipe_fds[0]);
	fd_close(&pipe_fds[1]);
	fd_close(&pair[1]);
	if (r < 0)
		fd_close(&pair[0]);
	else
		*ret_fd = pair[0];
	return r;
}

int passt_process_start(const char *program, const char *const *arguments, size_t argument_count,
			int *ret_fd, char words[NET_KEEPER_TEXT_SIZE])
{
	const char **argv = calloc(FIXED_ARGUMENTS + argument_count + 1, sizeof(*argv));
	int r;

	words[0] = '\0';
	if (!argv)
		return -ENOMEM;
	argv[0] = program;
	argv[1] = "--quiet";
	argv[2] = "--fd";
	argv[3] = "3";
	memcpy(argv + FIXED_ARGUMENTS, arguments, argument_count * sizeof(*argv));
	r = connect_and_run(program, (char *const *)(uintptr_t)argv, ret_fd, words);
	free(argv);
	return r;
}

void passt_process_end_all(void)
{
	FILE *children = fopen("/proc/thread-self/children", "re");
	int pid;

	while (children && fscanf(children, "%d", &pid) == 1)
		(void)kill(pid, SIGKILL);
	if (children)
		fclose(children);
}
