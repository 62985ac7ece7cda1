/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What several verbs say about a machine, and the words they read.
 */
#include "config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>

#include "base/checked-arithmetic.h"
#include "innctl.h"

gboolean
innctl_parse_size (const char *text, guint64 *ret_size)
{
  static const char units[] = "KMGT";
  char *end = NULL;
  guint shift = 20;
  guint64 number;

  if (!g_ascii_isdigit (*text))
    return FALSE;

  errno = 0;
  number = g_ascii_strtoull (text, &end, 10);
  if (errno != 0)
    return FALSE;
  if (*end != '\0')
    {
      const char *unit = strchr (units, g_ascii_toupper (*end));

      if (unit == NULL || (end[1] != '\0' && g_ascii_strcasecmp (end + 1, "iB") != 0))
        return FALSE;
      shift = 10 * (guint)(unit - units + 1);
    }

  return checked_multiply (number, (guint64)1 << shift, ret_size);
}

gboolean
innctl_parse_firmware (const char *text, InnFirmware *ret_firmware)
{
  static const char *const words[] = {
    [INN_FIRMWARE_NONE] = "none",
    [INN_FIRMWARE_BIOS] = "bios",
    [INN_FIRMWARE_UEFI] = "uefi",
  };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      if (g_str_equal (text, words[i]))
        {
          *ret_firmware = (InnFirmware)i;
          return TRUE;
        }
    }

  return FALSE;
}

char *
innctl_absolute_path (const char *path)
{
  return path != NULL ? g_canonicalize_filename (path, NULL) : NULL;
}

void
innctl_add_guest_members (InnctlJson *json, InnGuest *guest)
{
  const gboolean ever_ran = inn_guest_get_changed (guest) != 0;

  innctl_json_add_string (json, "name", inn_guest_get_name (guest));
  innctl_json_add_string (json, "uuid", inn_guest_get_uuid (guest));
  innctl_json_add_string (json, "state", inn_guest_state_to_word (inn_guest_get_state (guest)));
  innctl_json_add_string (json, "text", inn_guest_get_text (guest));
  innctl_json_add_boolean (json, "disposable", inn_guest_is_disposable (guest));
  innctl_json_add_boolean (json, "template", inn_guest_is_template (guest));
  innctl_json_add_unsigned (json, "memory", inn_guest_get_memory (guest));
  innctl_json_add_unsigned (json, "cpus", inn_guest_get_vcpus (guest));
  innctl_json_add_integer (json, "changed_us", inn_guest_get_changed (guest));
  innctl_json_add_string (json, "last_end",
                          ever_ran ? inn_run_end_to_word (inn_guest_get_last_end (guest)) : NULL);
}

void
innctl_add_guest (InnctlJson *json, InnGuest *guest)
{
  innctl_json_begin_object (json, NULL);
  innctl_add_guest_members (json, guest);
  innctl_json_end_object (json);
}

void
innctl_print_made (const Innctl *self, InnGuest *guest)
{
  InnctlJson json;

  if (!self->json)
    {
      g_print (_ ("“%s” is ready (%s).\n"), inn_guest_get_name (guest), inn_guest_get_uuid (guest));
      return;
    }

  innctl_json_init (&json);
  innctl_add_guest (&json, guest);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
print_changed_json (InnGuest *guest, const char *target, gboolean waits)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_add_guest_members (&json, guest);
  if (target != NULL)
    innctl_json_add_string (&json, "target", target);
  innctl_json_add_string (&json, "applies", waits ? "next-start" : "now");
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

void
innctl_print_changed (const Innctl *self, InnGuest *guest, const char *target, gboolean waits)
{
  if (self->json)
    {
      print_changed_json (guest, target, waits);
      return;
    }

  if (target != NULL)
    g_print ("%s\n", target);
  if (waits)
    g_print (_ ("“%s” is running; this takes effect after its next start.\n"),
             inn_guest_get_name (guest));
}

InnctlStatus
innctl_change_quietly (InnGuest *guest, InnMachineChange change, gpointer data)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_change_async (guest, change, data, NULL, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_guest_change_finish (guest, result, &error) ? INNCTL_DONE : innctl_fail (error);
}

InnctlStatus
innctl_change (const Innctl *self,
               InnGuest *guest,
               InnMachineChange change,
               gpointer data,
               char *const *target)
{
  InnctlStatus status = innctl_change_quietly (guest, change, data);

  if (status == INNCTL_DONE)
    innctl_print_changed (self, guest, target != NULL ? *target : NULL,
                          inn_guest_is_active (guest));
  return status;
}
