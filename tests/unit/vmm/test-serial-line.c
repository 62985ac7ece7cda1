/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices/serial-line.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "board.h"
#include "loop/event-loop.h"

enum { HISTORY = 64 << 10 };

struct fixture {
	struct board board;
	struct event_loop *loop;
	struct event_timer *stop;
	struct serial_line *line;
	struct serial_16550 *serial;
};

static void on_stop(void *data)
{
	event_loop_stop(((struct fixture *)data)->loop, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	struct serial_sink sink;

	memset(f, 0, sizeof(*f));
	board_init(&f->board);
	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	g_assert_cmpint(event_loop_add_timer(f->loop, on_stop, f, &f->stop), ==, 0);
	g_assert_cmpint(serial_line_create(f->loop, &f->line), ==, 0);
	sink = serial_line_sink(f->line);
	g_assert_cmpint(serial_16550_create(f->board.ports, &f->board.interrupts, 0x3f8, 4, &sink,
					    &f->serial),
			==, 0);
	serial_line_set_port(f->line, f->serial);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	serial_line_destroy(f->line);
	serial_16550_destroy(f->serial);
	event_loop_destroy(f->loop);
	board_finish(&f->board);
}

/* Lets the loop run for as long as output is gathered, and a bit. */
static void run(struct fixture *f)
{
	event_timer_set(f->stop, event_loop_now() + 30000000);
	(void)event_loop_run(f->loop);
}

static void send_text(struct fixture *f, const char *text)
{
	for (; *text; text++)
		board_out(&f->board, 0x3f8, 1, (uint8_t)*text);
}

static int attach_socket(struct fixture *f)
{
	int fds[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==,
			0);
	g_assert_cmpint(serial_line_attach_socket(f->line, fds[0]), ==, 0);
	return fds[1];
}

static void assert_reads(int fd, const char *expected)
{
	char buffer[256] = "";

	g_assert_cmpint(read(fd, buffer, sizeof(buffer) - 1), ==, (ssize_t)strlen(expected));
	g_assert_cmpstr(buffer, ==, expected);
}

static void test_replay(struct fixture *f, gconstpointer data)
{
	int first, second;

	send_text(f, "past ");
	first = attach_socket(f);
	assert_reads(first, "past "); /* at once */
	send_text(f, "present");
	run(f);
	assert_reads(first, "present");
	second = attach_socket(f);
	assert_reads(second, "past present");
	fd_close(&first);
	fd_close(&second);
}

static void test_input(struct fixture *f, gconstpointer data)
{
	const char *text = "0123456789abcdefghij";
	int fd = attach_socket(f);

	board_out(&f->board, 0x3fa, 1, 1); /* FIFOs: room for 16 */
	g_assert_cmpint(write(fd, text, 20), ==, 20);
	run(f);
	for (int i = 0; i < 20; i++)
		g_assert_cmphex(board_in(&f->board, 0x3f8, 1), ==, (uint8_t)text[i]);
	fd_close(&fd);
}

static void test_slow_reader(struct fixture *f, gconstpointer data)
{
	static char buffer[2 << 20];
	int fd = attach_socket(f);
	size_t got = 0;
	ssize_t n;

	/* far more than a socket and the history hold together; nobody reads, the guest goes on */
	for (int i = 0; i < 4000; i++)
		send_text(f, "0123456789012345678901234567890123456789012345678901234567890123"
			     "0123456789012345678901234567890123456789012345678901234567890123"
			     "0123456789012345678901234567890123456789012345678901234567890123"
			     "012345678901234567890123456789012345678901234567890123456789end.");
	while ((n = read(fd, buffer + got, sizeof(buffer) - got)) > 0)
		got += (size_t)n;
	run(f); /* there is room now: the rest comes */
	while ((n = read(fd, buffer + got, sizeof(buffer) - got)) > 0)
		got += (size_t)n;
	g_assert_cmpuint(got, <, 1024000);
	g_assert_cmpuint(got, >=, HISTORY);
	g_assert_cmpmem(buffer + got - 4, 4, "end.", 4);
	fd_close(&fd);
}

static void test_dead_reader(struct fixture *f, gconstpointer data)
{
	int fd = attach_socket(f), alive = attach_socket(f);

	fd_close(&fd);
	send_text(f, "still here");
	run(f);
	assert_reads(alive, "still here");
	fd_close(&alive);
}

static void test_too_many(struct fixture *f, gconstpointer data)
{
	int fds[SERIAL_LINE_MAX_SOCKETS], pair[2];

	for (int i = 0; i < SERIAL_LINE_MAX_SOCKETS; i++)
		fds[i] = attach_socket(f);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
	g_assert_cmpint(serial_line_attach_socket(f->line, pair[0]), ==, -EBUSY);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
	for (int i = 0; i < SERIAL_LINE_MAX_SOCKETS; i++)
		fd_close(&fds[i]);
}

static void test_file(struct fixture *f, gconstpointer data)
{
	int fd = memfd_create("test", MFD_CLOEXEC), copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	char buffer[8] = "";

	g_assert_cmpint(serial_line_attach_file(f->line, fd), ==, 0);
	send_text(f, "last");
	serial_line_destroy(f->line); /* what was gathered is not lost */
	f->line = NULL;
	g_assert_cmpint(pread(copy, buffer, sizeof(buffer), 0), ==, 4);
	g_assert_cmpstr(buffer, ==, "last");
	fd_close(&copy);
}

static void test_pty(struct fixture *f, gconstpointer data)
{
	char name[SERIAL_LINE_NAME_SIZE];
	int fd;

	g_assert_cmpint(serial_line_attach_pty(f->line, name), ==, 0);
	fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(write(fd, "\r", 1), ==, 1);
	send_text(f, "a\n");
	run(f);
	assert_reads(fd, "a\n"); /* raw: no echo, no translation */
	g_assert_cmphex(board_in(&f->board, 0x3f8, 1), ==, '\r');
	fd_close(&fd);
}

#define ADD(name, function) \
	g_test_add("/serial-line/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	signal(SIGPIPE, SIG_IGN);
	ADD("replay", test_replay);
	ADD("input", test_input);
	ADD("slow-reader", test_slow_reader);
	ADD("dead-reader", test_dead_reader);
	ADD("too-many", test_too_many);
	ADD("file", test_file);
	ADD("pty", test_pty);
	return g_test_run();
}
