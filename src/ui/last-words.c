/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of a guest's serial output.
 */
#include "config.h"

#include "ui/last-words.h"

#include <string.h>

#define MAX_LINE_CHARACTERS 200

/* Appends @line without what is not to be seen; FALSE when nothing is left. */
static gboolean
append_line (GString *words, const char *line, gsize length)
{
  g_autofree char *valid = g_utf8_make_valid (line, (gssize)length);
  g_autofree char *stripped = g_strchomp (g_steal_pointer (&valid));
  guint n = 0;

  for (const char *p = stripped; *p != '\0' && n < MAX_LINE_CHARACTERS; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (g_unichar_iscntrl (c) && c != '\t')
        continue;
      g_string_append_unichar (words, c);
      n++;
    }

  return n > 0;
}

char *
inn_last_words (const char *output, guint n_lines)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  const char *end = output != NULL ? output + strlen (output) : NULL;
  GString *words = g_string_new (NULL);

  /* From the last line backwards, so that a long output costs nothing. */
  while (output != NULL && end > output && lines->len < n_lines)
    {
      const char *newline = g_strrstr_len (output, end - output, "\n");
      const char *start = newline != NULL ? newline + 1 : output;
      g_autoptr (GString) line = g_string_new (NULL);

      if (append_line (line, start, (gsize)(end - start)))
        g_ptr_array_add (lines, g_strdup (line->str));
      if (newline == NULL)
        break;
      end = newline;
    }

  for (guint i = lines->len; i > 0; i--)
    {
      g_string_append (words, g_ptr_array_index (lines, i - 1));
      if (i > 1)
        g_string_append_c (words, '\n');
    }

  return g_string_free (words, FALSE);
}
