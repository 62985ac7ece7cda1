/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd-passing.h"
#include "protocol/net-keeper-protocol.h"

enum { PATIENCE_MS = 20000, MAX_ARGUMENTS = 8 };

struct fixture {
	pid_t keeper;
	int channel; /* the VMM's end */
	struct net_keeper_message message;
};

static void start(struct fixture *fixture, const char *const *arguments)
{
	const char *argv[3 + MAX_ARGUMENTS + 1] = {g_getenv("INNKEEPER_NET"), "--channel", "3"};
	int pair[2];

	for (unsigned int i = 0; arguments && arguments[i]; i++)
		argv[3 + i] = arguments[i];
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
	fixture->keeper = fork();
	g_assert_cmpint(fixture->keeper, >=, 0);
	if (fixture->keeper == 0) {
		dup2(pair[1], 100);
		dup2(100, 3);
		execv(argv[0], (char *const *)(gpointer)argv);
		_exit(127);
	}
	fixture->channel = pair[0];
	close(pair[1]);
}

/* The next message; its descriptor or -1. */
static int receive(struct fixture *fixture)
{
	struct pollfd wait = {.fd = fixture->channel, .events = POLLIN};
	size_t count;
	int fd = -1;

	g_assert_cmpint(poll(&wait, 1, PATIENCE_MS), ==, 1);
	g_assert_cmpint(fd_passing_receive(fixture->channel, &fixture->message,
					   sizeof(fixture->message), &fd, 1, &count, NULL),
			==, 0);
	g_assert_true(net_keeper_message_valid(&fixture->message, count));
	return fd;
}

static int receive_connection(struct fixture *fixture)
{
	int fd = receive(fixture);

	g_assert_cmpint(fixture->message.type, ==, NET_KEEPER_CONNECTION);
	return fd;
}

/* The process at the other end. */
static pid_t ask(int fd)
{
	char answer[32] = "";
	size_t length = 0;

	g_assert_cmpint(write(fd, "?", 1), ==, 1);
	while (!strchr(answer, '\n'))
		g_assert_cmpint(read(fd, answer + length++, 1), ==, 1);
	return atoi(answer);
}

static int wait_for_keeper(struct fixture *fixture)
{
	int status;

	g_assert_cmpint(waitpid(fixture->keeper, &status, 0), ==, fixture->keeper);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void end(struct fixture *fixture)
{
	close(fixture->channel);
	g_assert_cmpint(wait_for_keeper(fixture), ==, 0);
}

static void test_connection(void)
{
	static const char *const forwards[] = {"--forward", "tcp:127.0.0.1/47123:80", "--forward",
					       "udp:47200-47203:5000", NULL};
	g_autofree char *log = g_build_filename(g_get_tmp_dir(), "innkeeper-passt-XXXXXX", NULL);
	g_autofree char *arguments = NULL;
	struct fixture fixture;
	int fd = g_mkstemp(log);

	close(fd);
	g_setenv("FAKE_PASST_LOG", log, TRUE);
	start(&fixture, forwards);
	fd = receive_connection(&fixture);
	g_assert_cmpint(ask(fd), >, 0);
	g_assert_true(g_file_get_contents(log, &arguments, NULL, NULL));
	g_assert_cmpstr(arguments, ==,
			"--quiet --fd 3 -t 127.0.0.1/47123:80 -u 47200-47203:5000-5003\n");
	close(fd);
	end(&fixture);
	g_unsetenv("FAKE_PASST_LOG");
	g_unlink(log);
}

static void test_restart(void)
{
	struct fixture fixture;
	int first, second;
	pid_t passt;
	char byte;

	start(&fixture, NULL);
	first = receive_connection(&fixture);
	passt = ask(first);
	g_assert_cmpint(kill(passt, SIGKILL), ==, 0);
	g_assert_cmpint(read(first, &byte, 1), ==, 0); /* nobody else holds its end */
	second = receive_connection(&fixture);
	g_assert_cmpint(ask(second), !=, passt);
	close(first);
	close(second);
	end(&fixture);
}

/* With the VMM the connection ends, with that passt; and the keeper by itself. */
static void test_end(void)
{
	struct fixture fixture;
	int fd;
	char byte;

	start(&fixture, NULL);
	fd = receive_connection(&fixture);
	g_assert_cmpint(ask(fd), >, 0);
	/* Even where passt does not notice: our end of the connection is still open. */
	end(&fixture);
	g_assert_cmpint(read(fd, &byte, 1), ==, 0);
	close(fd);
}

static void assert_failure(struct fixture *fixture, const char *part)
{
	g_assert_cmpint(receive(fixture), ==, -1);
	g_assert_cmpint(fixture->message.type, ==, NET_KEEPER_FAILED);
	if (!strstr(fixture->message.text, part))
		g_error("\"%s\" does not speak of \"%s\"", fixture->message.text, part);
	g_assert_cmpint(wait_for_keeper(fixture), ==, 1);
	close(fixture->channel);
}

static bool is_connected_to_a_network(void)
{
	g_autofree char *routes = NULL;

	return g_file_get_contents("/proc/net/route", &routes, NULL, NULL) &&
	       strstr(routes, "\t00000000\t");
}

static void test_complaint(void)
{
	struct fixture fixture;

	if (!is_connected_to_a_network()) {
		g_test_skip("without a default route the keeper waits for one instead");
		return;
	}
	g_setenv("FAKE_PASST", "complain", TRUE);
	start(&fixture, NULL);
	assert_failure(&fixture, "passt ended with \"No such luck\"");
	g_setenv("FAKE_PASST", "crash", TRUE);
	start(&fixture, NULL);
	assert_failure(&fixture, "it gave no reason");
	g_unsetenv("FAKE_PASST");
}

static void test_not_installed(void)
{
	g_autofree char *fake = g_strdup(g_getenv("INNKEEPER_PASST"));
	struct fixture fixture;

	g_setenv("INNKEEPER_PASST", "/nonexistent/passt", TRUE);
	start(&fixture, NULL);
	assert_failure(&fixture, "install the package passt");
	g_setenv("INNKEEPER_PASST", fake, TRUE);
}

static void test_port_in_use(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_autofree char *forward = NULL, *port = NULL, *process = NULL;
	const char *arguments[] = {"--forward", NULL, NULL};
	struct fixture fixture;

	g_assert_cmpint(bind(listener, (struct sockaddr *)&address, length), ==, 0);
	g_assert_cmpint(listen(listener, 1), ==, 0);
	g_assert_cmpint(getsockname(listener, (struct sockaddr *)&address, &length), ==, 0);
	port = g_strdup_printf("TCP port %u", ntohs(address.sin_port));
	process = g_strdup_printf("by test-net-keeper (process %d)", getpid());
	arguments[1] = forward = g_strdup_printf("tcp:%u:80", ntohs(address.sin_port));
	start(&fixture, arguments);
	g_assert_cmpint(receive(&fixture), ==, -1);
	g_assert_cmpint(fixture.message.type, ==, NET_KEEPER_FAILED);
	g_assert_nonnull(strstr(fixture.message.text, port));
	g_assert_nonnull(strstr(fixture.message.text, process));
	g_assert_cmpint(wait_for_keeper(&fixture), ==, 1);
	close(fixture.channel);
	close(listener);
}

static void test_usage(void)
{
	static const char *const wrong[] = {"--forward", "sctp:1:1", NULL};
	struct fixture fixture;

	start(&fixture, wrong);
	g_assert_cmpint(wait_for_keeper(&fixture), ==, 2);
	close(fixture.channel);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net-keeper/connection", test_connection);
	g_test_add_func("/net-keeper/restart", test_restart);
	g_test_add_func("/net-keeper/end", test_end);
	g_test_add_func("/net-keeper/complaint", test_complaint);
	g_test_add_func("/net-keeper/not-installed", test_not_installed);
	g_test_add_func("/net-keeper/port-in-use", test_port_in_use);
	g_test_add_func("/net-keeper/usage", test_usage);
	return g_test_run();
}
