/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key combinations by name.
 */
#include "config.h"

#include "ui/send-keys.h"

#include <linux/input-event-codes.h>

static const struct
{
  const char *name;
  guint codes[4];
} combinations[] = {
  { "ctrl-alt-delete", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_DELETE } },
  { "ctrl-alt-backspace", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_BACKSPACE } },
  { "alt-tab", { KEY_LEFTALT, KEY_TAB } },
  { "print-screen", { KEY_SYSRQ } },
  { "vt1", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_F1 } },
  { "vt2", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_F2 } },
  { "vt3", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_F3 } },
  { "vt4", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_F4 } },
  { "vt5", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_F5 } },
  { "vt6", { KEY_LEFTCTRL, KEY_LEFTALT, KEY_F6 } },
};

const guint *
inn_send_keys_lookup (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (combinations); i++)
    if (g_str_equal (combinations[i].name, name))
      return combinations[i].codes;

  return NULL;
}
