/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plays a VMM for tests of its clients: the real control server over a machine without a guest.
 *
 *	scripted-vmm --control PATH|fd=N [--end-after MS] [--end-at-key CODE] [--end-reason R]
 *		[--break-protocol]
 *
 * PATH is bound and listened on; fd=N is bound already. R is a number of enum vmm_end_reason (by
 * default a guest's power-off). With --break-protocol every client is attached and then lied to.
 * Unknown options are ignored, so that it can be started in place of innkeeper-vmm. Exit status as
 * protocol/exit-status.h has it.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "fake-machine.h"
#include "lying-vmm.h"

struct script {
	const char *control;
	uint64_t end_after_ms;   /* 0: never */
	unsigned int end_at_key; /* 0: none */
	enum vmm_end_reason end_reason;
	bool break_protocol;
};

struct ending {
	struct fake_machine *machine;
	enum vmm_end_reason reason;
};

static struct script parse(int argc, char **argv)
{
	struct script script = {.end_reason = VMM_END_GUEST_POWER_OFF};

	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--control") == 0)
			script.control = value;
		else if (strcmp(argv[i], "--end-after") == 0)
			script.end_after_ms = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--end-at-key") == 0)
			script.end_at_key = (unsigned int)strtoul(value, NULL, 10);
		else if (strcmp(argv[i], "--end-reason") == 0)
			script.end_reason = (enum vmm_end_reason)atoi(value);
		else if (strcmp(argv[i], "--break-protocol") == 0)
			script.break_protocol = true;
	}
	return script;
}

/* A listening socket, or negative errno. */
static int open_control(const char *control)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strncmp(control, "fd=", 3) == 0) {
		fd = atoi(control + 3);
		return listen(fd, SOMAXCONN) < 0 ? -errno : fd;
	}
	if (strlen(control) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, control);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0) {
		int r = -errno;

		fd_close(&fd);
		return r;
	}
	return fd;
}

static void on_end(void *data)
{
	struct ending *ending = data;

	fake_machine_end(ending->machine, ending->reason);
}

static int run(const struct script *script, int listen_fd)
{
	struct fake_machine machine;
	struct ending ending = {.machine = &machine, .reason = script->end_reason};
	struct event_loop *loop;
	struct event_timer *timer;
	int status;

	if (event_loop_create(&loop) < 0 || fake_machine_init(&machine, loop, listen_fd) < 0 ||
	    event_loop_add_timer(loop, on_end, &ending, &timer) < 0)
		return EXIT_STATUS_HOST_ERROR;
	machine.ending_key = script->end_at_key;
	machine.starts_clones = true;
	(void)signal(SIGCHLD, SIG_IGN); /* nobody waits for them */
	machine.ending_reason = script->end_reason;
	if (script->end_after_ms != 0)
		event_timer_set(timer, event_loop_now() + script->end_after_ms * 1000000);
	status = event_loop_run(loop);
	fake_machine_finish(&machine);
	event_loop_destroy(loop);
	return status;
}

int main(int argc, char **argv)
{
	struct script script = parse(argc, argv);
	int listen_fd;

	if (!script.control) {
		fprintf(stderr, "usage: scripted-vmm --control PATH|fd=N [--end-after MS] "
				"[--end-at-key CODE] [--end-reason R] [--break-protocol]\n");
		return EXIT_STATUS_USAGE;
	}
	listen_fd = open_control(script.control);
	if (listen_fd < 0) {
		fprintf(stderr, "scripted-vmm: %s: %s\n", script.control, strerror(-listen_fd));
		return EXIT_STATUS_HOST_ERROR;
	}
	if (script.break_protocol && fd_set_nonblocking(listen_fd, 0) < 0)
		return EXIT_STATUS_HOST_ERROR;
	while (script.break_protocol)
		lying_vmm_serve(listen_fd, LIE_STRAY_RESULT);
	return run(&script, listen_fd);
}
