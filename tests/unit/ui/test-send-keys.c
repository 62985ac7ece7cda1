/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key combinations by name.
 */
#include "config.h"

#include <linux/input-event-codes.h>

#include "ui/send-keys.h"

static void
test_lookup (void)
{
  const guint *codes = inn_send_keys_lookup ("ctrl-alt-delete");

  g_assert_nonnull (codes);
  g_assert_cmpuint (codes[0], ==, KEY_LEFTCTRL);
  g_assert_cmpuint (codes[1], ==, KEY_LEFTALT);
  g_assert_cmpuint (codes[2], ==, KEY_DELETE);
  g_assert_cmpuint (codes[3], ==, 0);
  g_assert_cmpuint (inn_send_keys_lookup ("vt6")[2], ==, KEY_F6);
  g_assert_null (inn_send_keys_lookup ("any key"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/send-keys/lookup", test_lookup);
  return g_test_run ();
}
