/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of states.
 */
#include "config.h"

#include <locale.h>
#include <math.h>

#include "ui/state-text.h"

/* 20 November 2026, 14:02 UTC */
#define NOW (G_GINT64_CONSTANT (1795183320) * G_USEC_PER_SEC)

static void
assert_row (InnMachineState state, gint64 changed, const char *expected)
{
  g_autofree char *text = inn_state_text_get_row (state, INN_MACHINE_ORDINARY, changed, NOW);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_subtitle (InnMachineState state, gboolean emulated, gint64 changed, const char *expected)
{
  g_autofree char *text
      = inn_state_text_get_subtitle (state, INN_MACHINE_ORDINARY, emulated, changed, NOW);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_row (void)
{
  assert_row (INN_MACHINE_OFF, NOW - 3 * G_TIME_SPAN_DAY, "Off · 3 days ago");
  assert_row (INN_MACHINE_OFF, 0, "Off");
  assert_row (INN_MACHINE_RUNNING, NOW - G_TIME_SPAN_DAY, "Running");
  assert_row (INN_MACHINE_NO_SPACE, NOW, "No space left");
  assert_row (INN_MACHINE_SAVED, NOW - 15 * G_TIME_SPAN_HOUR, "Saved yesterday");
  assert_row (INN_MACHINE_SAVED, 0, "Saved");
}

static void
test_subtitle (void)
{
  assert_subtitle (INN_MACHINE_RUNNING, FALSE, NOW - 192 * G_TIME_SPAN_MINUTE,
                   "Running · up 3 h 12 min");
  assert_subtitle (INN_MACHINE_RUNNING, TRUE, NOW - 2 * G_TIME_SPAN_MINUTE,
                   "Running in emulation · up 2 min");
  assert_subtitle (INN_MACHINE_RUNNING, FALSE, 0, "Running");
  assert_subtitle (INN_MACHINE_NO_SPACE, FALSE, NOW, "Paused · no space left");
  assert_subtitle (INN_MACHINE_SAVED, FALSE, NOW - 60 * G_TIME_SPAN_MINUTE, "Saved · 13:02");
  assert_subtitle (INN_MACHINE_CRASHED, FALSE, NOW - G_TIME_SPAN_MINUTE, "Crashed · 14:01");
}

static void
test_accessible (void)
{
  g_autofree char *running = inn_state_text_get_accessible ("Debian 13", INN_MACHINE_RUNNING,
                                                            INN_MACHINE_ORDINARY, 0.34);
  g_autofree char *off
      = inn_state_text_get_accessible ("Debian 13", INN_MACHINE_OFF, INN_MACHINE_ORDINARY, NAN);

  g_assert_cmpstr (running, ==, "Debian 13, running, processor 34\u202f%");
  g_assert_cmpstr (off, ==, "Debian 13, off");
}

/* That what it does goes with it is told in words, everywhere. */
static void
test_disposable (void)
{
  g_autofree char *row
      = inn_state_text_get_row (INN_MACHINE_RUNNING, INN_MACHINE_DISPOSABLE, NOW, NOW);
  g_autofree char *subtitle
      = inn_state_text_get_subtitle (INN_MACHINE_RUNNING, INN_MACHINE_DISPOSABLE, FALSE,
                                     NOW - 2 * G_TIME_SPAN_MINUTE, NOW);
  g_autofree char *spoken = inn_state_text_get_accessible ("Debian 13", INN_MACHINE_RUNNING,
                                                           INN_MACHINE_DISPOSABLE, NAN);

  g_assert_cmpstr (row, ==, "Running disposably");
  g_assert_cmpstr (subtitle, ==, "Running disposably · up 2 min");
  g_assert_cmpstr (spoken, ==, "Debian 13, running disposably");
}

/* Whether it was saved makes no difference to what can be done with it. */
static void
test_template (void)
{
  g_autofree char *row = inn_state_text_get_row (INN_MACHINE_SAVED, INN_MACHINE_TEMPLATE, NOW, NOW);
  g_autofree char *subtitle
      = inn_state_text_get_subtitle (INN_MACHINE_OFF, INN_MACHINE_TEMPLATE, FALSE, NOW, NOW);
  g_autofree char *spoken
      = inn_state_text_get_accessible ("Debian 13", INN_MACHINE_OFF, INN_MACHINE_TEMPLATE, NAN);

  g_assert_cmpstr (row, ==, "Template");
  g_assert_cmpstr (subtitle, ==, "Template");
  g_assert_cmpstr (spoken, ==, "Debian 13, template");
}

/* Colour never alone: whatever is coloured has an icon as well. */
static void
test_style_has_badge (void)
{
  for (int state = INN_MACHINE_OFF; state <= INN_MACHINE_SAVED; state++)
    if (inn_state_text_get_style ((InnMachineState)state) != NULL)
      g_assert_nonnull (inn_state_text_get_badge ((InnMachineState)state));
}

static void
test_every_operation_has_words (void)
{
  for (int i = 0; i < (int)INN_OPERATION_N; i++)
    {
      g_autofree char *trouble = inn_state_text_get_trouble ((InnOperation)i, "Debian");

      g_assert_cmpstr (inn_state_text_get_verb ((InnOperation)i), !=, "");
      g_assert_nonnull (strstr (trouble, "“Debian”"));
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state-text/row", test_row);
  g_test_add_func ("/state-text/subtitle", test_subtitle);
  g_test_add_func ("/state-text/accessible", test_accessible);
  g_test_add_func ("/state-text/disposable", test_disposable);
  g_test_add_func ("/state-text/template", test_template);
  g_test_add_func ("/state-text/badge", test_style_has_badge);
  g_test_add_func ("/state-text/operations", test_every_operation_has_words);
  return g_test_run ();
}
