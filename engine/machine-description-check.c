/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a machine's description can be kept, and whether this engine can start it.
 */
#include "config.h"

#include "machine-description-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "engine-error.h"
#include "machine-description-template.h"
#include "protocol/statistics-protocol.h"

#define MIN_MEMORY ((guint64)1 << 20)
#define MAX_MEMORY ((guint64)1 << 46) /* what 46 address bits can hold */

G_GNUC_PRINTF (3, 0)
static void
set_error (GError **error, InnEngineError code, const char *format, va_list arguments)
{
  g_propagate_error (error, g_error_new_valist (INN_ENGINE_ERROR, (int)code, format, arguments));
}

gboolean
inn_machine_description_refuse (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  set_error (error, INN_ENGINE_ERROR_INVALID, format, arguments);
  va_end (arguments);

  return FALSE;
}

gboolean
inn_machine_description_refuse_start (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  set_error (error, INN_ENGINE_ERROR_NOT_SUPPORTED, format, arguments);
  va_end (arguments);

  return FALSE;
}

gboolean
inn_machine_description_check_text (const char *what, const char *text, GError **error)
{
  gboolean good = g_utf8_validate (text, -1, NULL);

  for (const char *c = text; good && *c != '\0'; c = g_utf8_next_char (c))
    good = !g_unichar_iscntrl (g_utf8_get_char (c)) && g_utf8_get_char (c) < 0xfffe;
  if (!good)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("%s has a character that cannot be stored in a definition; choose one of "
                    "plain text."),
                 what);

  return good;
}

gboolean
inn_machine_description_check_name (const char *name, GError **error)
{
  if (name == NULL || *name == '\0')
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The machine has no name; give it one."));
      return FALSE;
    }
  if (!inn_machine_description_check_text (_ ("The name"), name, error))
    return FALSE;
  if (strchr (name, '/') != NULL || g_str_equal (name, ".") || g_str_equal (name, ".."))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("“%s” cannot be a machine's name; choose one without “/”."), name);
      return FALSE;
    }
  if (g_utf8_strlen (name, -1) > INN_MACHINE_MAX_NAME)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The name is too long; choose one of at most %d characters."),
                   INN_MACHINE_MAX_NAME);
      return FALSE;
    }

  return TRUE;
}

static gboolean
validate_shape (guint64 memory, guint vcpus, GError **error)
{
  if (memory < MIN_MEMORY || memory > MAX_MEMORY)
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("A machine needs at least 1 MiB of memory and can have at most "
                              "64 TiB; change its memory."));
      return FALSE;
    }
  if (vcpus < 1 || vcpus > STATISTICS_MAX_VCPUS)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("A machine has from 1 to %d processors; change their number."),
                   (int)STATISTICS_MAX_VCPUS);
      return FALSE;
    }

  return TRUE;
}

gboolean
inn_machine_description_validate (const InnMachineDescription *self, GError **error)
{
  const char *uuid;

  g_return_val_if_fail (self != NULL, FALSE);

  if (!inn_machine_description_check_name (inn_machine_description_get_name (self), error))
    return FALSE;
  uuid = inn_machine_description_get_uuid (self);
  if (uuid == NULL || !g_uuid_string_is_valid (uuid))
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                           _ ("The definition has no valid UUID."));
      return FALSE;
    }

  return validate_shape (inn_machine_description_get_memory (self),
                         inn_machine_description_get_vcpus (self), error)
         && inn_machine_description_validate_boot (self, error)
         && inn_machine_description_validate_disks (self, error)
         && inn_machine_description_validate_video (self, error)
         && inn_machine_description_validate_network (self, error)
         && inn_machine_description_validate_devices (self, error);
}

gboolean
inn_machine_description_check_startable (const InnMachineDescription *self, GError **error)
{
  const char *name = inn_machine_description_get_name (self);
  const char *arch = inn_machine_description_get_arch (self);
  const char *os_type = inn_machine_description_get_os_type (self);

  if ((arch != NULL && !g_str_equal (arch, "x86_64"))
      || (os_type != NULL && !g_str_equal (os_type, "hvm")))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                   _ ("“%s” cannot start here: it is made for another kind of computer "
                      "(%s, %s)."),
                   name, os_type != NULL ? os_type : "hvm", arch != NULL ? arch : "x86_64");
      return FALSE;
    }

  return inn_machine_description_check_no_template (self, error)
         && inn_machine_description_check_boot_startable (self, error)
         && inn_machine_description_check_disks_startable (self, error)
         && inn_machine_description_check_video_startable (self, error)
         && inn_machine_description_check_network_startable (self, error);
}
