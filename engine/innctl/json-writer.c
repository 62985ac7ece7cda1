/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes one JSON value (RFC 8259) on one line.
 */
#include "config.h"

#include "json-writer.h"

#include <stdio.h>

void
innctl_json_init (InnctlJson *self)
{
  self->text = g_string_new (NULL);
}

static void
append_quoted (GString *text, const char *string)
{
  g_string_append_c (text, '"');
  for (const char *c = string; *c != '\0'; c++)
    {
      if (*c == '"' || *c == '\\')
        g_string_append_printf (text, "\\%c", *c);
      else if ((guchar)*c < 0x20)
        g_string_append_printf (text, "\\u%04x", (guint)*c);
      else
        g_string_append_c (text, *c);
    }
  g_string_append_c (text, '"');
}

/* What comes before a value: a comma unless it is the first, and its key. */
static void
begin_value (InnctlJson *self, const char *key)
{
  const char last = self->text->len > 0 ? self->text->str[self->text->len - 1] : '{';

  if (last != '{' && last != '[')
    g_string_append (self->text, ", ");
  if (key != NULL)
    {
      append_quoted (self->text, key);
      g_string_append (self->text, ": ");
    }
}

void
innctl_json_begin_object (InnctlJson *self, const char *key)
{
  begin_value (self, key);
  g_string_append_c (self->text, '{');
}

void
innctl_json_end_object (InnctlJson *self)
{
  g_string_append_c (self->text, '}');
}

void
innctl_json_begin_array (InnctlJson *self, const char *key)
{
  begin_value (self, key);
  g_string_append_c (self->text, '[');
}

void
innctl_json_end_array (InnctlJson *self)
{
  g_string_append_c (self->text, ']');
}

void
innctl_json_add_string (InnctlJson *self, const char *key, const char *text)
{
  begin_value (self, key);
  if (text != NULL)
    append_quoted (self->text, text);
  else
    g_string_append (self->text, "null");
}

void
innctl_json_add_integer (InnctlJson *self, const char *key, gint64 value)
{
  begin_value (self, key);
  g_string_append_printf (self->text, "%" G_GINT64_FORMAT, value);
}

void
innctl_json_add_unsigned (InnctlJson *self, const char *key, guint64 value)
{
  begin_value (self, key);
  g_string_append_printf (self->text, "%" G_GUINT64_FORMAT, value);
}

void
innctl_json_add_boolean (InnctlJson *self, const char *key, gboolean value)
{
  begin_value (self, key);
  g_string_append (self->text, value ? "true" : "false");
}

void
innctl_json_print (InnctlJson *self)
{
  puts (self->text->str);
  fflush (stdout);
  g_string_free (self->text, TRUE);
  innctl_json_init (self);
}
