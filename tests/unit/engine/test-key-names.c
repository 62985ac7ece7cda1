/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "key-names.h"

#include <linux/input-event-codes.h>

#include "protocol/input-protocol.h"

static void
test_names (void)
{
  g_assert_cmpuint (inn_key_from_name ("KEY_A"), ==, KEY_A);
  g_assert_cmpuint (inn_key_from_name ("key_leftctrl"), ==, KEY_LEFTCTRL);
  g_assert_cmpuint (inn_key_from_name ("a"), ==, KEY_A);
  g_assert_cmpuint (inn_key_from_name ("1"), ==, KEY_1);
  g_assert_cmpuint (inn_key_from_name ("F12"), ==, KEY_F12);
  g_assert_cmpuint (inn_key_from_name ("ctrl"), ==, KEY_LEFTCTRL);
  g_assert_cmpuint (inn_key_from_name ("Alt"), ==, KEY_LEFTALT);
  g_assert_cmpuint (inn_key_from_name ("delete"), ==, KEY_DELETE);
  g_assert_cmpuint (inn_key_from_name ("enter"), ==, KEY_ENTER);
  g_assert_cmpuint (inn_key_from_name ("print"), ==, KEY_SYSRQ); /* not the paper's */
  g_assert_cmpuint (inn_key_from_name ("KEY_PRINT"), ==, KEY_PRINT);
}

static void
test_no_names (void)
{
  static const char *const none[] = { "",   "KEY_", "KEY_ctrl",     "key",      "ctrl+a",
                                      "ab", "ä",    "KEY_RESERVED", "BTN_LEFT", "KEY_KEY_A" };

  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_cmpuint (inn_key_from_name (none[i]), ==, 0);
}

/* Every key has one name, which can be sent. */
static void
test_round_trip (void)
{
  guint known = 0;

  for (guint16 key = KEY_ESC; key <= KEY_MICMUTE; key++)
    {
      const struct input_event event = { .type = INPUT_KEY, .code = key, .x = 1 };
      const char *name;

      if ((key > KEY_F24 && key < KEY_PLAYCD) || key == KEY_UNKNOWN || key == 84)
        continue; /* nobody's */
      name = inn_key_to_name (key);
      g_assert_cmpuint (inn_key_from_name (name), ==, key);
      g_assert_cmpint (input_event_validate (&event), ==, 0);
      known++;
    }
  g_assert_cmpuint (known, >, 200);
}

/* All of ASCII that can be seen, each by a key and a shift of its own. */
static void
test_characters (void)
{
  gboolean used[KEY_MICMUTE][2] = { { FALSE } };
  gboolean shift;
  guint16 key;

  for (gunichar character = ' '; character <= '~'; character++)
    {
      g_assert_true (inn_key_from_character (character, &key, &shift));
      g_assert_false (used[key][shift]);
      used[key][shift] = TRUE;
    }

  g_assert_true (inn_key_from_character ('A', &key, &shift));
  g_assert_cmpuint (key, ==, KEY_A);
  g_assert_true (shift);
  g_assert_true (inn_key_from_character ('\n', &key, &shift));
  g_assert_cmpuint (key, ==, KEY_ENTER);
  g_assert_false (shift);
  g_assert_true (inn_key_from_character ('?', &key, &shift));
  g_assert_cmpuint (key, ==, KEY_SLASH);
  g_assert_true (shift);
}

static void
test_no_characters (void)
{
  static const gunichar none[] = { 0, 1, '\r', 0x7f, 0xe4, 0x20ac, 0x4e2d, 0x1f600 };
  gboolean shift;
  guint16 key;

  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_false (inn_key_from_character (none[i], &key, &shift));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/key-names/names", test_names);
  g_test_add_func ("/key-names/no-names", test_no_names);
  g_test_add_func ("/key-names/round-trip", test_round_trip);
  g_test_add_func ("/key-names/characters", test_characters);
  g_test_add_func ("/key-names/no-characters", test_no_characters);
  return g_test_run ();
}
