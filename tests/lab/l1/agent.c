/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs inside the lab's computer and carries out shell scripts that arrive on a virtio-serial port.
 *
 *   request  "RUN <seconds> <length>\n", then <length> bytes of shell script
 *   answer   any number of "OUT <length>\n" with that many bytes of output, then
 *            "END <exit status> <milliseconds>\n"; status 124: out of time
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STATUS_TIMED_OUT = 124,
	SCRIPT_MAX = 1 << 20,
	NOBODY_THERE_US = 5000, /* the port reads as ended while no host is connected */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void port_read(int port, char *buffer, size_t size)
{
	while (size > 0) {
		ssize_t n = read(port, buffer, size);

		if (n <= 0) {
			usleep(NOBODY_THERE_US);
			continue;
		}
		buffer += n;
		size -= n;
	}
}

static void port_write(int port, const char *buffer, size_t size)
{
	while (size > 0) {
		ssize_t n = write(port, buffer, size);

		if (n <= 0) {
			usleep(NOBODY_THERE_US);
			continue;
		}
		buffer += n;
		size -= n;
	}
}

static void read_line(int port, char *line, size_t size)
{
	size_t used = 0;

	for (;;) {
		char c;

		port_read(port, &c, 1);
		if (c == '\n')
			break;
		if (used < size - 1)
			line[used++] = c;
	}
	line[used] = '\0';
}

/* The script in a session of its own, so that all it started can be ended with it. */
static pid_t start_script(const char *script, int output)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;

	setsid();
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", script, NULL);
	_exit(127);
}

/* Sends what the pipe holds now. */
static void pass_output(int port, int output)
{
	char buffer[16384], head[32];
	ssize_t n;

	while ((n = read(output, buffer, sizeof(buffer))) > 0) {
		port_write(port, head, snprintf(head, sizeof(head), "OUT %zd\n", n));
		port_write(port, buffer, n);
	}
}

/*
 * Passes output on until the script has ended, or its time. A process the script left behind may
 * hold the pipe open: the end of the script counts, not the end of the pipe.
 */
static int attend(int port, int output, pid_t pid, int seconds)
{
	int64_t deadline = now_ms() + seconds * 1000LL;
	int ended = syscall(SYS_pidfd_open, pid, 0);
	int status;

	for (;;) {
		struct pollfd fds[] = {{output, POLLIN, 0}, {ended, POLLIN, 0}};
		int64_t left = deadline - now_ms();

		if (left <= 0) {
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			status = STATUS_TIMED_OUT;
			break;
		}
		poll(fds, 2, left);
		pass_output(port, output);
		if (fds[1].revents) {
			waitpid(pid, &status, 0);
			status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			break;
		}
	}
	pass_output(port, output);
	close(ended);
	return status;
}

static void carry_out(int port, const char *script, int seconds)
{
	int64_t began = now_ms();
	char end[64];
	int output[2];
	int status;
	pid_t pid;

	if (pipe2(output, O_CLOEXEC) < 0)
		exit(1);
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	pid = start_script(script, output[1]);
	close(output[1]);
	status = attend(port, output[0], pid, seconds);
	close(output[0]);
	port_write(
		port, end,
		snprintf(end, sizeof(end), "END %d %lld\n", status, (long long)(now_ms() - began)));
}

int main(int argc, char **argv)
{
	int port = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (port < 0) {
		fprintf(stderr, "lab-agent: no port\n");
		return 1;
	}
	for (;;) {
		unsigned int seconds, length;
		char line[64], *script;

		read_line(port, line, sizeof(line));
		if (sscanf(line, "RUN %u %u", &seconds, &length) != 2 || length > SCRIPT_MAX)
			continue;
		script = calloc(1, length + 1);
		if (!script)
			return 1;
		port_read(port, script, length);
		carry_out(port, script, seconds);
		free(script);
	}
}
