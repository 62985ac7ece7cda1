/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Left Ctrl+Alt alone is the chord; with any other key in between it is the guest's. */
#include "console/release-chord.h"

#include <linux/input-event-codes.h>

/* Positive codes go down, negative ones up. Returns at which step the chord completed, or -1. */
static int
play (const int *steps, guint n_steps)
{
  InnReleaseChord chord = { FALSE };
  int completed = -1;

  for (guint i = 0; i < n_steps; i++)
    if (inn_release_chord_key (&chord, (guint)ABS (steps[i]), steps[i] > 0))
      {
        g_assert_cmpint (completed, ==, -1);
        completed = (int)i;
      }
  return completed;
}

#define PLAY(...) play ((const int[]){ __VA_ARGS__ }, G_N_ELEMENTS (((const int[]){ __VA_ARGS__ })))

static void
test_chord (void)
{
  g_assert_cmpint (PLAY (KEY_LEFTCTRL, KEY_LEFTALT, -KEY_LEFTALT, -KEY_LEFTCTRL), ==, 2);
  g_assert_cmpint (PLAY (KEY_LEFTALT, KEY_LEFTCTRL, -KEY_LEFTALT, -KEY_LEFTCTRL), ==, 2);
  /* Held long enough to repeat. */
  g_assert_cmpint (PLAY (KEY_LEFTCTRL, KEY_LEFTCTRL, KEY_LEFTALT, KEY_LEFTALT, KEY_LEFTALT,
                         -KEY_LEFTCTRL),
                   ==, 5);
  /* Another key before does no harm. */
  g_assert_cmpint (PLAY (KEY_A, -KEY_A, KEY_LEFTCTRL, KEY_LEFTALT, -KEY_LEFTALT), ==, 4);
}

static void
test_not_the_chord (void)
{
  g_assert_cmpint (PLAY (KEY_LEFTCTRL, KEY_LEFTALT, KEY_DELETE, -KEY_DELETE, -KEY_LEFTALT,
                         -KEY_LEFTCTRL),
                   ==, -1);
  g_assert_cmpint (PLAY (KEY_LEFTCTRL, -KEY_LEFTCTRL, KEY_LEFTALT, -KEY_LEFTALT), ==, -1);
  g_assert_cmpint (PLAY (KEY_RIGHTCTRL, KEY_LEFTALT, -KEY_LEFTALT, -KEY_RIGHTCTRL), ==, -1);
  g_assert_cmpint (PLAY (KEY_LEFTCTRL, KEY_RIGHTALT, -KEY_RIGHTALT, -KEY_LEFTCTRL), ==, -1);
}

static void
test_reset (void)
{
  InnReleaseChord chord = { FALSE };

  inn_release_chord_key (&chord, KEY_LEFTCTRL, TRUE);
  inn_release_chord_key (&chord, KEY_LEFTALT, TRUE);
  inn_release_chord_reset (&chord);
  g_assert_false (inn_release_chord_key (&chord, KEY_LEFTALT, FALSE));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/release-chord/chord", test_chord);
  g_test_add_func ("/release-chord/not-the-chord", test_not_the_chord);
  g_test_add_func ("/release-chord/reset", test_reset);
  return g_test_run ();
}
