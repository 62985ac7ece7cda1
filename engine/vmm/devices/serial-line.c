/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/serial-line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "devices/devices.h"
#include "loop/event-loop.h"

enum {
	HISTORY_SIZE = 64 << 10,
	FLUSH_AT = HISTORY_SIZE / 2, /* bytes gathered that no longer wait for the timer */
	INPUT_SIZE = 256,
	FLUSH_DELAY_NS = 5000000,
	LAST_FLUSH_MS = 1000,
	ESCAPE_KEY = 1, /* Ctrl+A */
};

/* What standard input or output was like before. */
struct saved_descriptor {
	int fd, flags; /* fd -1: nothing to restore */
	bool is_terminal;
	struct termios terminal;
};

struct serial_peer {
	struct serial_line *line;
	struct serial_peer *next;
	int input_fd, output_fd; /* -1: none; owned unless is_stdio */
	int other_side_fd;       /* of a pseudo-terminal: kept so that it never hangs up */
	struct event_source *input_source;  /* while input is wanted */
	struct event_source *output_source; /* while output waits for room */
	uint64_t position;                  /* of the next byte it gets, as history_end counts */
	bool is_stdio, is_socket;
	bool escaped; /* the last key was the escape key */
	void (*quit)(void *data);
	void *quit_data;
	struct saved_descriptor saved[2];
};

struct serial_line {
	struct event_loop *loop;
	struct serial_16550 *port;
	struct serial_peer *peers;
	struct event_timer *flush_timer;
	bool flush_armed;
	uint64_t history_end; /* bytes of output so far */
	uint64_t flushed_end;
	uint8_t input[INPUT_SIZE]; /* read from a peer, not yet taken by the port */
	size_t input_at, input_count;
	uint8_t history[HISTORY_SIZE];
};

static void on_input(void *data, uint32_t events);
static void flush_peer(struct serial_peer *peer);

static void want_input(struct serial_peer *peer, bool wanted)
{
	if (peer->input_fd < 0 || wanted == (peer->input_source != NULL))
		return;
	if (wanted) {
		/* What cannot be waited for, such as /dev/null, gives no input. */
		if (event_loop_add(peer->line->loop, peer->input_fd, EPOLLIN, on_input, peer,
				   &peer->input_source) < 0)
			peer->input_source = NULL;
		return;
	}
	event_source_remove(peer->input_source);
	peer->input_source = NULL;
}

/* A socket's O_NONBLOCK is its other holder's too, who could clear it to make the guest wait. */
static ssize_t write_some(struct serial_peer *peer, const void *data, size_t length)
{
	return peer->is_socket ? send(peer->output_fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL)
			       : write(peer->output_fd, data, length);
}

static ssize_t read_some(struct serial_peer *peer, void *data, size_t length)
{
	return peer->is_socket ? recv(peer->input_fd, data, length, MSG_DONTWAIT)
			       : read(peer->input_fd, data, length);
}

static void on_output_room(void *data, uint32_t events)
{
	flush_peer(data);
}

static void want_output(struct serial_peer *peer, bool wanted)
{
	if (wanted == (peer->output_source != NULL))
		return;
	if (wanted) {
		if (event_loop_add(peer->line->loop, peer->output_fd, EPOLLOUT, on_output_room,
				   peer, &peer->output_source) < 0)
			peer->output_source = NULL;
		return;
	}
	event_source_remove(peer->output_source);
	peer->output_source = NULL;
}

static void restore(const struct saved_descriptor *saved)
{
	if (saved->fd < 0)
		return;
	if (saved->is_terminal)
		(void)tcsetattr(saved->fd, TCSANOW, &saved->terminal);
	(void)fcntl(saved->fd, F_SETFL, saved->flags);
}

static void free_peer(struct serial_peer *peer)
{
	want_input(peer, false);
	want_output(peer, false);
	if (peer->is_stdio) {
		/* In reverse: both may be one open file, saved once and once more when changed. */
		restore(&peer->saved[1]);
		restore(&peer->saved[0]);
	} else {
		fd_close(&peer->input_fd);
		fd_close(&peer->output_fd);
	}
	fd_close(&peer->other_side_fd);
	free(peer);
}

/* The peer has gone. */
static void detach(struct serial_peer *peer)
{
	struct serial_peer **link = &peer->line->peers;

	while (*link != peer)
		link = &(*link)->next;
	*link = peer->next;
	free_peer(peer);
}

/* Gives a peer one piece of the history. 1: there is more; 0: it has all; or negative errno. */
static int write_piece(struct serial_peer *peer)
{
	const struct serial_line *line = peer->line;
	size_t at, length;
	ssize_t written;

	if (line->history_end - peer->position > HISTORY_SIZE)
		peer->position = line->history_end - HISTORY_SIZE; /* too slow: dropped */
	if (peer->position == line->history_end)
		return 0;
	at = peer->position % HISTORY_SIZE;
	length = line->history_end - peer->position;
	if (length > HISTORY_SIZE - at)
		length = HISTORY_SIZE - at;
	written = write_some(peer, &line->history[at], length);
	if (written < 0)
		return errno == EINTR ? 1 : -errno;
	peer->position += (uint64_t)written;
	return 1;
}

/* Peer may be gone after this. */
static void flush_peer(struct serial_peer *peer)
{
	int r = 1;

	if (peer->output_fd < 0)
		return;
	while (r > 0)
		r = write_piece(peer);
	if (r == 0 || r == -EAGAIN) {
		want_output(peer, r == -EAGAIN);
		return;
	}
	want_output(peer, false);
	if (peer->is_socket)
		detach(peer);
	else
		peer->position = peer->line->history_end; /* a full disk: this much is lost */
}

static void flush(struct serial_line *line)
{
	struct serial_peer *next;

	line->flushed_end = line->history_end;
	for (struct serial_peer *peer = line->peers; peer; peer = next) {
		next = peer->next;
		if (!peer->output_source)
			flush_peer(peer);
	}
}

static void on_flush_timer(void *data)
{
	struct serial_line *line = data;

	line->flush_armed = false;
	flush(line);
}

static void append(struct serial_line *line, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		line->history[line->history_end++ % HISTORY_SIZE] = bytes[i];
}

static void line_output(void *data, const uint8_t *bytes, size_t length)
{
	struct serial_line *line = data;

	append(line, bytes, length);
	if (!line->peers)
		return;
	if (line->history_end - line->flushed_end >= FLUSH_AT) {
		flush(line);
	} else if (!line->flush_armed) {
		line->flush_armed = true;
		event_timer_set(line->flush_timer, event_loop_now() + FLUSH_DELAY_NS);
	}
}

/* Hands the port what it has room for; peers are listened to when nothing is left over. */
static void feed_port(struct serial_line *line)
{
	bool empty;

	if (line->port && line->input_count > 0) {
		size_t taken = serial_16550_input(line->port, &line->input[line->input_at],
						  line->input_count);

		line->input_at += taken;
		line->input_count -= taken;
	}
	empty = line->input_count == 0;
	for (struct serial_peer *peer = line->peers; peer; peer = peer->next)
		want_input(peer, empty);
}

static void line_input_wanted(void *data)
{
	feed_port(data);
}

/* Takes the escape sequences out of keys typed at a terminal. False: quit. */
static bool take_escapes(struct serial_peer *peer, uint8_t *bytes, size_t *length)
{
	size_t kept = 0;

	for (size_t i = 0; i < *length; i++) {
		if (!peer->escaped && bytes[i] == ESCAPE_KEY) {
			peer->escaped = true;
			continue;
		}
		if (peer->escaped && (bytes[i] == 'x' || bytes[i] == 'X'))
			return false;
		peer->escaped = false;
		bytes[kept++] = bytes[i];
	}
	*length = kept;
	return true;
}

/* The end of input, which for a socket is the end of the peer. */
static void end_input(struct serial_peer *peer)
{
	if (peer->is_socket) {
		detach(peer);
		return;
	}
	want_input(peer, false);
	if (!peer->is_stdio)
		fd_close(&peer->input_fd);
	peer->input_fd = -1;
}

/* Only called while line->input is empty: otherwise no peer is listened to. */
static void on_input(void *data, uint32_t events)
{
	struct serial_peer *peer = data;
	struct serial_line *line = peer->line;
	ssize_t got = read_some(peer, line->input, sizeof(line->input));
	size_t length = got > 0 ? (size_t)got : 0;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		end_input(peer);
		return;
	}
	if (peer->quit && !take_escapes(peer, line->input, &length)) {
		peer->quit(peer->quit_data);
		return;
	}
	line->input_at = 0;
	line->input_count = length;
	feed_port(line);
}

int serial_line_create(struct event_loop *loop, struct serial_line **ret_line)
{
	struct serial_line *line = calloc(1, sizeof(*line));
	int r;

	if (!line)
		return -ENOMEM;
	line->loop = loop;
	r = event_loop_add_timer(loop, on_flush_timer, line, &line->flush_timer);
	if (r < 0) {
		free(line);
		return r;
	}
	*ret_line = line;
	return 0;
}

/* The process ends: a reader that is only slow still gets the last words. */
static void flush_last(struct serial_peer *peer)
{
	struct pollfd wait = {.fd = peer->output_fd, .events = POLLOUT};
	int r;

	if (peer->output_fd < 0)
		return;
	do
		r = write_piece(peer);
	while (r > 0 || (r == -EAGAIN && poll(&wait, 1, LAST_FLUSH_MS) > 0));
}

void serial_line_destroy(struct serial_line *line)
{
	if (!line)
		return;
	while (line->peers) {
		struct serial_peer *peer = line->peers;

		line->peers = peer->next;
		flush_last(peer);
		free_peer(peer);
	}
	event_timer_remove(line->flush_timer);
	free(line);
}

struct serial_sink serial_line_sink(struct serial_line *line)
{
	return (struct serial_sink){
		.output = line_output,
		.input_wanted = line_input_wanted,
		.data = line,
	};
}

void serial_line_set_port(struct serial_line *line, struct serial_16550 *port)
{
	line->port = port;
}

static struct serial_peer *new_peer(struct serial_line *line, int input_fd, int output_fd)
{
	struct serial_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		return NULL;
	peer->line = line;
	peer->input_fd = input_fd;
	peer->output_fd = output_fd;
	peer->other_side_fd = -1;
	peer->saved[0].fd = peer->saved[1].fd = -1;
	return peer;
}

/* It is on the line from now on and gets what is kept of the past. */
static void join(struct serial_peer *peer)
{
	struct serial_line *line = peer->line;

	peer->next = line->peers;
	line->peers = peer;
	want_input(peer, line->input_count == 0);
	flush_peer(peer);
}

static int save_and_unblock(int fd, struct saved_descriptor *saved)
{
	saved->flags = fcntl(fd, F_GETFL);
	if (saved->flags < 0)
		return -errno;
	saved->fd = fd;
	return fcntl(fd, F_SETFL, saved->flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/*
 * Keys go to the guest untouched; output keeps its line ends, for our own messages. In the
 * background a terminal is left alone: changing it would stop the process.
 */
static void make_raw(struct serial_peer *peer)
{
	struct saved_descriptor *saved = &peer->saved[0];
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &saved->terminal) < 0 || tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	raw = saved->terminal;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST;
	saved->is_terminal = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

int serial_line_attach_stdio(struct serial_line *line, void (*quit)(void *data), void *data)
{
	struct serial_peer *peer = new_peer(line, STDIN_FILENO, STDOUT_FILENO);

	if (!peer)
		return -ENOMEM;
	peer->is_stdio = true;
	/* A closed standard input or output is one that says and takes nothing. */
	if (save_and_unblock(STDIN_FILENO, &peer->saved[0]) < 0)
		peer->input_fd = -1;
	if (save_and_unblock(STDOUT_FILENO, &peer->saved[1]) < 0)
		peer->output_fd = -1;
	make_raw(peer);
	if (peer->saved[0].is_terminal) {
		peer->quit = quit;
		peer->quit_data = data;
	}
	join(peer);
	return 0;
}

int serial_line_attach_file(struct serial_line *line, int fd)
{
	struct serial_peer *peer = new_peer(line, -1, fd);

	if (!peer)
		return -ENOMEM;
	(void)fd_set_nonblocking(fd, 1); /* it may be a pipe */
	join(peer);
	return 0;
}

/* One descriptor to wait for input on and one to wait for room on. */
static int attach_both_ways(struct serial_line *line, int fd, struct serial_peer **ret_peer)
{
	struct serial_peer *peer;
	int output_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (output_fd < 0)
		return -errno;
	peer = new_peer(line, fd, output_fd);
	if (!peer) {
		fd_close(&output_fd);
		return -ENOMEM;
	}
	*ret_peer = peer;
	return 0;
}

static int open_pty(int *ret_fd, int *ret_other_side_fd, char name[SERIAL_LINE_NAME_SIZE])
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), other_side_fd, r;
	char path[SERIAL_LINE_NAME_SIZE];
	struct termios raw;

	if (fd < 0)
		return -errno;
	if (grantpt(fd) < 0 || unlockpt(fd) < 0 || ptsname_r(fd, path, sizeof(path)) != 0)
		goto close_fd;
	other_side_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (other_side_fd < 0)
		goto close_fd;
	if (tcgetattr(other_side_fd, &raw) == 0) {
		cfmakeraw(&raw);
		(void)tcsetattr(other_side_fd, TCSANOW, &raw);
	}
	memcpy(name, path, sizeof(path));
	*ret_fd = fd;
	*ret_other_side_fd = other_side_fd;
	return 0;

close_fd:
	r = -errno;
	fd_close(&fd);
	return r;
}

int serial_line_attach_pty(struct serial_line *line, char name[SERIAL_LINE_NAME_SIZE])
{
	struct serial_peer *peer;
	int fd, other_side_fd, r = open_pty(&fd, &other_side_fd, name);

	if (r < 0)
		return r;
	r = fd_set_nonblocking(fd, 1);
	if (r == 0)
		r = attach_both_ways(line, fd, &peer);
	if (r < 0) {
		fd_close(&fd);
		fd_close(&other_side_fd);
		return r;
	}
	peer->other_side_fd = other_side_fd;
	join(peer);
	return 0;
}

int serial_line_attach_socket(struct serial_line *line, int fd)
{
	struct serial_peer *peer;
	unsigned int sockets = 0;
	int r;

	for (peer = line->peers; peer; peer = peer->next)
		sockets += peer->is_socket;
	if (sockets >= SERIAL_LINE_MAX_SOCKETS)
		return -EBUSY;
	r = attach_both_ways(line, fd, &peer);
	if (r < 0)
		return r;
	peer->is_socket = true;
	join(peer);
	return 0;
}
