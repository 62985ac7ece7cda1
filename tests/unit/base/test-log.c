/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/log.h"

#include <glib.h>

/* A guest that makes errors for ever cannot fill the host's log. */
static void test_guest_errors(void)
{
	if (g_test_subprocess()) {
		for (unsigned int i = 0; i < 10000; i++)
			log_guest_error("queue %u is nonsense", i);
		log_warning("what the host has to say still comes");
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("*guest: queue 0 is nonsense*no more are reported*still comes*");
	g_test_trap_assert_stderr_unmatched("*queue 9999 *");
}

/* What is logged is one line, whoever has made it. */
static void test_control_characters(void)
{
	if (g_test_subprocess()) {
		log_error("\"%s\" is nothing", "a\nprogram: b\x1b[2J\x7fä");
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("*\"a?program: b??2J?ä\" is nothing\n");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log/guest-errors", test_guest_errors);
	g_test_add_func("/log/control-characters", test_control_characters);
	return g_test_run();
}
