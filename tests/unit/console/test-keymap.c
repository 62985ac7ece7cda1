/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key codes: the fixed points of set 1, no two keys on one code, nothing beyond the table. */
#include "console/keymap.h"

#include <gdk/gdkkeysyms.h>
#include <linux/input-event-codes.h>

static void
test_hardware (void)
{
  g_assert_cmpuint (inn_keymap_evdev_from_hardware (9), ==, KEY_ESC);
  g_assert_cmpuint (inn_keymap_evdev_from_hardware (119), ==, KEY_DELETE);
  g_assert_cmpuint (inn_keymap_evdev_from_hardware (8), ==, 0);
  g_assert_cmpuint (inn_keymap_evdev_from_hardware (0), ==, 0);
}

static void
test_qnum (void)
{
  /* By the design of evdev its first codes are those of set 1. */
  for (guint evdev = KEY_ESC; evdev <= KEY_KPDOT; evdev++)
    g_assert_cmpuint (inn_keymap_qnum_from_evdev (evdev), ==, evdev);

  g_assert_cmpuint (inn_keymap_qnum_from_evdev (KEY_DELETE), ==, 0xd3);
  g_assert_cmpuint (inn_keymap_qnum_from_evdev (KEY_RIGHTALT), ==, 0xb8);
  g_assert_cmpuint (inn_keymap_qnum_from_evdev (KEY_LEFTMETA), ==, 0xdb);
  g_assert_cmpuint (inn_keymap_qnum_from_evdev (KEY_F12), ==, 0x58);
  g_assert_cmpuint (inn_keymap_qnum_from_evdev (0), ==, 0);
  g_assert_cmpuint (inn_keymap_qnum_from_evdev (KEY_MAX), ==, 0);
  g_assert_cmpuint (inn_keymap_qnum_from_evdev (G_MAXUINT), ==, 0);
}

static void
test_unique (void)
{
  guint seen[256] = { 0 };

  for (guint evdev = 1; evdev <= KEY_MAX; evdev++)
    {
      guint qnum = inn_keymap_qnum_from_evdev (evdev);

      if (qnum == 0)
        continue;
      g_assert_cmpuint (qnum, <, G_N_ELEMENTS (seen));
      g_assert_cmpuint (seen[qnum], ==, 0);
      seen[qnum] = evdev;
    }
}

static void
test_keysym (void)
{
  g_assert_cmpuint (inn_keymap_keysym_from_evdev (KEY_A), ==, GDK_KEY_a);
  g_assert_cmpuint (inn_keymap_keysym_from_evdev (KEY_LEFTCTRL), ==, GDK_KEY_Control_L);
  g_assert_cmpuint (inn_keymap_keysym_from_evdev (KEY_DELETE), ==, GDK_KEY_Delete);
  g_assert_cmpuint (inn_keymap_keysym_from_evdev (KEY_F2), ==, GDK_KEY_F2);
  g_assert_cmpuint (inn_keymap_keysym_from_evdev (KEY_MAX), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keymap/hardware", test_hardware);
  g_test_add_func ("/keymap/qnum", test_qnum);
  g_test_add_func ("/keymap/unique", test_unique);
  g_test_add_func ("/keymap/keysym", test_keysym);
  return g_test_run ();
}
