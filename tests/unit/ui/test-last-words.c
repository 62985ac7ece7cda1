/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of a guest's output, whatever the guest wrote.
 */
#include "config.h"

#include <string.h>

#include "ui/last-words.h"

static void
assert_words (const char *output, guint n_lines, const char *expected)
{
  g_autofree char *words = inn_last_words (output, n_lines);

  g_assert_cmpstr (words, ==, expected);
}

static void
test_last_lines (void)
{
  assert_words ("one\ntwo\nthree\n", 2, "two\nthree");
  assert_words ("one\n\n  \ntwo\n\n\n", 5, "one\ntwo");
  assert_words ("no end", 3, "no end");
  assert_words ("", 3, "");
  assert_words (NULL, 3, "");
}

static void
test_hostile (void)
{
  g_autofree char *words = NULL;
  g_autofree char *endless = g_strnfill (100000, 'x');

  assert_words ("\033]0;title\a bell\n", 1, "]0;title bell");
  words = inn_last_words ("broken \xff\xfe utf-8", 1);
  g_assert_true (g_utf8_validate (words, -1, NULL));
  g_clear_pointer (&words, g_free);
  words = inn_last_words (endless, 1);
  g_assert_cmpuint (strlen (words), ==, 200);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/last-words/lines", test_last_lines);
  g_test_add_func ("/last-words/hostile", test_hostile);
  return g_test_run ();
}
