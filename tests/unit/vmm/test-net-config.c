/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/net-config.h"

#include <glib.h>
#include <string.h>

static struct machine_net_config config;
static char text[512];
static GPtrArray *strings; /* what config points into */

static bool parse(const char *string)
{
	char *copy = g_strdup(string);

	g_ptr_array_add(strings, copy);
	text[0] = '\0';
	return net_config_parse(copy, &config, text, sizeof(text));
}

static void start_over(void)
{
	memset(&config, 0, sizeof(config));
}

static void assert_refused(const char *string, const char *part)
{
	g_assert_false(parse(string));
	if (!strstr(text, part))
		g_error("\"%s\" does not speak of \"%s\"", text, part);
	g_assert_cmpint(text[strlen(text) - 1], ==, '.');
}

static void test_kinds(void)
{
	static const uint8_t mac[] = {0x52, 0x54, 0, 0xab, 0xcd, 0xef};

	start_over();
	g_assert_true(parse("none"));
	g_assert_cmpuint(config.nic_count, ==, 0);
	g_assert_true(parse("user,forward=tcp:8080:80,forward=udp:127.0.0.1/53:53,link=down"));
	g_assert_true(parse("tap=tap0,mac=52:54:00:ab:CD:ef"));
	g_assert_true(parse("fd=7,link=up"));
	g_assert_cmpuint(config.nic_count, ==, 3);
	g_assert_cmpint(config.nics[0].kind, ==, NET_USER);
	g_assert_cmpuint(config.nics[0].forward_count, ==, 2);
	g_assert_cmpstr(config.nics[0].forwards[1], ==, "udp:127.0.0.1/53:53");
	g_assert_true(config.nics[0].link_down);
	g_assert_cmpint(config.nics[1].kind, ==, NET_TAP);
	g_assert_cmpstr(config.nics[1].interface, ==, "tap0");
	g_assert_cmpmem(config.nics[1].mac, 6, mac, 6);
	g_assert_cmpint(config.nics[2].kind, ==, NET_FD);
	g_assert_cmpint(config.nics[2].fd, ==, 7);
	g_assert_false(config.nics[2].link_down);
}

static void test_refused(void)
{
	start_over();
	assert_refused("bridge", "\"bridge\"");
	assert_refused("tap=", "interface");
	assert_refused("tap=anamethatistoolong", "anamethatistoolong");
	assert_refused("fd=", "descriptor");
	assert_refused("fd=99999999999", "descriptor");
	assert_refused("user,speed=fast", "speed=fast");
	assert_refused("user,forward=80", "tcp:8080:80");
	assert_refused("tap=t0,forward=tcp:80:80", "user");
	assert_refused("user,mac=52:54:00:12:34", "52:54:00:12:34");
	assert_refused("user,mac=52:54:00:12:34:5g", "MAC");
	assert_refused("user,mac=52:54:00:12:34:56:78", "MAC");
	assert_refused("user,mac=01:54:00:12:34:56", "several");
	assert_refused("user,mac=ff:ff:ff:ff:ff:ff", "several");
	assert_refused("user,mac=00:00:00:00:00:00", "00:00:00:00:00:00");
	g_assert_cmpuint(config.nic_count, ==, 0);
	for (int i = 0; i < MACHINE_MAX_NICS; i++)
		g_assert_true(parse("user"));
	assert_refused("user", "8 network cards");
}

static void test_addresses(void)
{
	uint8_t first[6];

	start_over();
	g_assert_true(parse("user"));
	g_assert_true(parse("user"));
	g_assert_true(net_config_complete(&config, "web", text, sizeof(text)));
	g_assert_cmphex(config.nics[0].mac[0], ==, 0x52);
	g_assert_cmphex(config.nics[0].mac[1], ==, 0x54);
	g_assert_true(memcmp(config.nics[0].mac, config.nics[1].mac, 6) != 0);
	memcpy(first, config.nics[0].mac, 6);

	/* The same again, and another for another. */
	start_over();
	g_assert_true(parse("user"));
	g_assert_true(net_config_complete(&config, "web", text, sizeof(text)));
	g_assert_cmpmem(config.nics[0].mac, 6, first, 6);
	start_over();
	g_assert_true(parse("user"));
	g_assert_true(net_config_complete(&config, NULL, text, sizeof(text)));
	g_assert_true(memcmp(config.nics[0].mac, first, 6) != 0);
}

/* One that was chosen by hand is not given to another card. */
static void test_no_collision(void)
{
	g_autofree char *by_hand = NULL;

	start_over();
	g_assert_true(parse("user"));
	g_assert_true(net_config_complete(&config, "web", text, sizeof(text)));
	by_hand =
		g_strdup_printf("user,mac=%02x:%02x:%02x:%02x:%02x:%02x", config.nics[0].mac[0],
				config.nics[0].mac[1], config.nics[0].mac[2], config.nics[0].mac[3],
				config.nics[0].mac[4], config.nics[0].mac[5]);
	start_over();
	g_assert_true(parse("user"));
	g_assert_true(parse(by_hand));
	g_assert_true(net_config_complete(&config, "web", text, sizeof(text)));
	g_assert_true(memcmp(config.nics[0].mac, config.nics[1].mac, 6) != 0);

	start_over();
	g_assert_true(parse("user,mac=52:54:00:00:00:01"));
	g_assert_true(parse("user,mac=52:54:00:00:00:01"));
	g_assert_false(net_config_complete(&config, "web", text, sizeof(text)));
	g_assert_nonnull(strstr(text, "same MAC"));
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	strings = g_ptr_array_new_with_free_func(g_free);
	g_test_add_func("/net-config/kinds", test_kinds);
	g_test_add_func("/net-config/refused", test_refused);
	g_test_add_func("/net-config/addresses", test_addresses);
	g_test_add_func("/net-config/no-collision", test_no_collision);
	status = g_test_run();
	g_ptr_array_unref(strings);
	return status;
}
