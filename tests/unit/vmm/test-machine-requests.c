/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-requests.h"

#include <glib.h>
#include <poll.h>
#include <stdbool.h>

static bool is_signalled(const struct machine_requests *requests)
{
	struct pollfd fd = {.fd = requests->event_fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

static void test_rank(void)
{
	struct machine_request_taken taken;
	struct machine_requests requests;

	g_assert_cmpint(machine_requests_init(&requests), ==, 0);
	g_assert_cmpint(machine_requests_take(&requests, &taken), ==, 0);
	machine_requests_note(&requests, REQUEST_RESET, 0, NULL);
	machine_requests_note(&requests, REQUEST_CRASH, -5, "why");
	machine_requests_note(&requests, REQUEST_CRASH, -6, "later");
	g_assert_true(is_signalled(&requests));
	g_assert_cmpint(machine_requests_take(&requests, &taken), ==, 1);
	g_assert_cmpint(taken.request, ==, REQUEST_CRASH);
	g_assert_cmpint(taken.value, ==, -5);
	g_assert_cmpstr(taken.text, ==, "why");
	g_assert_cmpint(machine_requests_take(&requests, &taken), ==, 0);
	g_assert_false(is_signalled(&requests));
	machine_requests_finish(&requests);
}

static void test_clear(void)
{
	struct machine_request_taken taken;
	struct machine_requests requests;

	g_assert_cmpint(machine_requests_init(&requests), ==, 0);
	machine_requests_note(&requests, REQUEST_RESET, 0, "old");
	machine_requests_clear(&requests);
	g_assert_cmpint(machine_requests_take(&requests, &taken), ==, 0);
	machine_requests_note(&requests, REQUEST_POWER_OFF, 0, NULL);
	g_assert_cmpint(machine_requests_take(&requests, &taken), ==, 1);
	g_assert_cmpstr(taken.text, ==, "");
	machine_requests_finish(&requests);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/machine-requests/rank", test_rank);
	g_test_add_func("/machine-requests/clear", test_clear);
	return g_test_run();
}
