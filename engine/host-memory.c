/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this computer's memory can hold, from /proc/meminfo (proc(5)).
 */
#include "config.h"

#include "host-memory.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "engine-error.h"

static guint64
read_field (const char *field)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/meminfo", &text, NULL, NULL))
    return 0;
  line = strstr (text, field);

  return line != NULL ? g_ascii_strtoull (line + strlen (field), NULL, 10) << 10 : 0;
}

guint64
inn_host_memory_get_total (void)
{
  return read_field ("MemTotal:");
}

guint64
inn_host_memory_get_available (void)
{
  return read_field ("MemAvailable:");
}

gboolean
inn_host_memory_check (const char *name, guint64 memory, GError **error)
{
  const guint64 total = inn_host_memory_get_total ();
  g_autofree char *wanted = NULL;
  g_autofree char *present = NULL;

  if (total == 0 || memory <= total)
    return TRUE;

  wanted = g_format_size_full (memory, G_FORMAT_SIZE_IEC_UNITS);
  present = g_format_size_full (total, G_FORMAT_SIZE_IEC_UNITS);
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("“%s” asks for %s of memory, but this computer has %s. Give it less."), name,
               wanted, present);
  return FALSE;
}
