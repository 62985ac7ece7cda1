/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "protocol/port-forward.h"

#include <glib.h>
#include <string.h>

static void test_valid(void)
{
	const struct {
		const char *text;
		struct port_forward forward;
	} valid[] = {
		{"tcp:8080:80", {false, "", 8080, 8080, 80}},
		{"udp:1:65535", {true, "", 1, 1, 65535}},
		{"tcp:5000-5009:6000", {false, "", 5000, 5009, 6000}},
		{"tcp:127.0.0.1/22:22", {false, "127.0.0.1", 22, 22, 22}},
		{"udp:[::1]/5000-5001:1", {true, "::1", 5000, 5001, 1}},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(valid); i++) {
		struct port_forward forward = {0};
		char text[PORT_FORWARD_TEXT_SIZE];

		g_assert_true(port_forward_parse(valid[i].text, &forward));
		g_assert_true(forward.udp == valid[i].forward.udp);
		g_assert_cmpstr(forward.address, ==, valid[i].forward.address);
		g_assert_cmpuint(forward.first, ==, valid[i].forward.first);
		g_assert_cmpuint(forward.last, ==, valid[i].forward.last);
		g_assert_cmpuint(forward.to, ==, valid[i].forward.to);
		port_forward_format(&forward, text);
		g_assert_cmpstr(text, ==, valid[i].text);
	}
}

static void test_invalid(void)
{
	static const char *const invalid[] = {
		"",
		"tcp",
		"tcp:",
		"80:80",
		"sctp:80:80",
		"tcp:80",
		"tcp:80:",
		"tcp::80",
		"tcp:0:80",
		"tcp:80:0",
		"tcp:65536:80",
		"tcp:80:65536",
		"tcp:99999999999999999999:80",
		"tcp:80:80x",
		"tcp:80 :80",
		"tcp:+80:80",
		"tcp:90-80:80",
		"tcp:80-:80",
		"tcp:1-65535:2",
		"tcp:/80:80",
		"tcp:localhost/80:80",
		"tcp:127.0.0.1/",
		"tcp:[]/80:80",
		"tcp:1234567890123456789012345678901234567890123456/80:80",
	};
	struct port_forward forward;

	for (size_t i = 0; i < G_N_ELEMENTS(invalid); i++)
		if (port_forward_parse(invalid[i], &forward))
			g_error("\"%s\" was taken", invalid[i]);
}

/* The longest there is. */
static void test_longest(void)
{
	struct port_forward forward = {
		.udp = true,
		.address = "0000:1111:2222:3333:4444:5555:255.255.255.255",
		.first = 10000,
		.last = 20000,
		.to = 30000,
	};
	char text[PORT_FORWARD_TEXT_SIZE];
	struct port_forward again;

	port_forward_format(&forward, text);
	g_assert_true(port_forward_parse(text, &again));
	g_assert_cmpstr(again.address, ==, forward.address);
	g_assert_cmpuint(again.to, ==, 30000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/port-forward/valid", test_valid);
	g_test_add_func("/port-forward/invalid", test_invalid);
	g_test_add_func("/port-forward/longest", test_longest);
	return g_test_run();
}
