/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/vsock-host.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "loop/event-loop.h"

enum { MAX_PROGRAMS = 32, LINE_SIZE = 32 };

/* How long to leave the listening socket alone when there is no place for another program. */
#define ACCEPT_RETRY_NS 100000000ULL

/* One that has not said yet what it wants, or listens. */
struct program {
	struct vsock_host *host;
	int fd; /* -1: a free place */
	struct event_source *source;
	bool listens;
	uint32_t port; /* if it listens */
	size_t length;
	char line[LINE_SIZE];
};

struct vsock_host {
	struct event_loop *loop;
	int listen_fd;
	struct event_source *listen_source;
	struct event_timer *retry_timer;
	vsock_host_connect connect;
	void *data;
	struct program programs[MAX_PROGRAMS];
};

/* The socket is the caller's now. */
static int release(struct program *program)
{
	int fd = program->fd;

	event_source_remove(program->source);
	*program = (struct program){.host = program->host, .fd = -1};
	return fd;
}

static void dismiss(struct program *program)
{
	int fd = release(program);

	fd_close(&fd);
}

static struct program *find_listener(struct vsock_host *host, uint32_t port)
{
	for (size_t i = 0; i < MAX_PROGRAMS; i++) {
		struct program *program = &host->programs[i];

		if (program->fd >= 0 && program->listens && program->port == port)
			return program;
	}
	return NULL;
}

static void start_listening(struct program *program, uint32_t port)
{
	char answer[LINE_SIZE];
	int length = snprintf(answer, sizeof(answer), "OK %u\n", port);

	if (find_listener(program->host, port) ||
	    send(program->fd, answer, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL) != length) {
		dismiss(program);
		return;
	}
	program->listens = true;
	program->port = port;
}

static void connect_to_guest(struct program *program, uint32_t port)
{
	struct vsock_host *host = program->host;
	int fd = release(program);

	if (host->connect(host->data, port, fd) < 0)
		fd_close(&fd);
}

/* A decimal port with nothing behind it. */
static bool parse_port(const char *text, uint32_t *ret_port)
{
	unsigned long long port;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	port = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || port >= UINT32_MAX) /* which means any port */
		return false;
	*ret_port = (uint32_t)port;
	return true;
}

static void obey(struct program *program)
{
	uint32_t port;

	if (strncmp(program->line, "CONNECT ", 8) == 0 && parse_port(program->line + 8, &port))
		connect_to_guest(program, port);
	else if (strncmp(program->line, "LISTEN ", 7) == 0 && parse_port(program->line + 7, &port))
		start_listening(program, port);
	else
		dismiss(program);
}

/* Byte by byte: what follows the line belongs to the connection. */
static void on_program(void *data, uint32_t events)
{
	struct program *program = data;

	while (program->length < LINE_SIZE) {
		char *next = &program->line[program->length];
		ssize_t got = recv(program->fd, next, 1, MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got <= 0 || program->listens)
			break;
		if (*next == '\n') {
			*next = '\0';
			obey(program);
			return;
		}
		program->length++;
	}
	dismiss(program);
}

static int admit(struct vsock_host *host, int fd)
{
	for (size_t i = 0; i < MAX_PROGRAMS; i++) {
		struct program *program = &host->programs[i];
		int r;

		if (program->fd >= 0)
			continue;
		r = event_loop_add(host->loop, fd, EPOLLIN, on_program, program, &program->source);
		if (r == 0)
			program->fd = fd;
		return r;
	}
	return -EBUSY;
}

static void on_retry(void *data)
{
	struct vsock_host *host = data;

	(void)event_source_set_events(host->listen_source, EPOLLIN);
}

static void on_listen(void *data, uint32_t events)
{
	struct vsock_host *host = data;
	int fd = accept4(host->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		if (admit(host, fd) < 0)
			fd_close(&fd);
	} else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* It stays in the queue and would wake us without end. */
		(void)event_source_set_events(host->listen_source, 0);
		event_timer_set(host->retry_timer, event_loop_now() + ACCEPT_RETRY_NS);
	}
}

int vsock_host_create(struct event_loop *loop, int listen_fd, vsock_host_connect connect,
		      void *data, struct vsock_host **ret_host)
{
	struct vsock_host *host = calloc(1, sizeof(*host));
	int r;

	if (!host)
		return -ENOMEM;
	host->loop = loop;
	host->connect = connect;
	host->data = data;
	host->listen_fd = -1;
	for (size_t i = 0; i < MAX_PROGRAMS; i++)
		host->programs[i] = (struct program){.host = host, .fd = -1};
	r = fd_set_nonblocking(listen_fd, 1);
	if (r == 0)
		r = event_loop_add_timer(loop, on_retry, host, &host->retry_timer);
	if (r == 0)
		r = event_loop_add(loop, listen_fd, EPOLLIN, on_listen, host, &host->listen_source);
	if (r < 0) {
		vsock_host_destroy(host);
		return r;
	}
	host->listen_fd = listen_fd;
	*ret_host = host;
	return 0;
}

void vsock_host_destroy(struct vsock_host *host)
{
	if (!host)
		return;
	for (size_t i = 0; i < MAX_PROGRAMS; i++) {
		if (host->programs[i].fd >= 0)
			dismiss(&host->programs[i]);
	}
	event_source_remove(host->listen_source);
	event_timer_remove(host->retry_timer);
	fd_close(&host->listen_fd);
	free(host);
}

int vsock_host_offer(struct vsock_host *host, uint32_t host_port, uint32_t guest_port, int fd)
{
	struct program *listener = host ? find_listener(host, host_port) : NULL;
	char line[LINE_SIZE];
	int length = snprintf(line, sizeof(line), "FROM %u\n", guest_port);

	if (!listener || fd_passing_send(listener->fd, line, (size_t)length, &fd, 1) < 0)
		return -ECONNREFUSED;
	return 0;
}
