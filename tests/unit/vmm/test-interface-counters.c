/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/interface-counters.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES = 1000 };

static void send_over_loopback(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char bytes[BYTES] = {0};

	g_assert_cmpint(bind(receiver, (const struct sockaddr *)&address, length), ==, 0);
	g_assert_cmpint(getsockname(receiver, (struct sockaddr *)&address, &length), ==, 0);
	g_assert_cmpint(
		sendto(sender, bytes, sizeof(bytes), 0, (const struct sockaddr *)&address, length),
		==, sizeof(bytes));
	g_assert_cmpint(recv(receiver, bytes, sizeof(bytes), 0), ==, sizeof(bytes));
	close(sender);
	close(receiver);
}

static void test_counts(void)
{
	struct rtnl_link_stats64 before, after;
	struct interface_counters counters;

	g_assert_cmpint(interface_counters_open(&counters, "lo"), ==, 0);
	g_assert_cmpint(interface_counters_read(&counters, &before), ==, 0);
	send_over_loopback();
	g_assert_cmpint(interface_counters_read(&counters, &after), ==, 0);
	g_assert_cmpuint(after.tx_packets, >, before.tx_packets);
	g_assert_cmpuint(after.tx_bytes, >=, before.tx_bytes + BYTES);
	interface_counters_close(&counters);
	g_assert_cmpint(counters.fd, ==, -1);
}

static void test_no_interface(void)
{
	struct rtnl_link_stats64 values;
	struct interface_counters counters;

	g_assert_cmpint(interface_counters_open(&counters, "no-such-one"), ==, -ENODEV);
	g_assert_cmpint(counters.fd, ==, -1);
	/* It goes while it is watched. */
	g_assert_cmpint(interface_counters_open(&counters, "lo"), ==, 0);
	counters.index = INT32_MAX;
	g_assert_cmpint(interface_counters_read(&counters, &values), <, 0);
	interface_counters_close(&counters);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/interface-counters/counts", test_counts);
	g_test_add_func("/interface-counters/no-interface", test_no_interface);
	return g_test_run();
}
