/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Localized numbers, sizes, rates and times. The space before a unit is U+202F, narrow and
 * unbreakable, so that a value never parts from its unit.
 */
#include "config.h"

#include "model/format.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#define KIB 1024.0

/* Formats that the compiler cannot see: those of a translation, which msgfmt --check has compared
 * with ours, and the grouping of digits (POSIX printf(3)), which it does not know. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static char *
insert_number (const char *format, const char *number)
{
  return g_strdup_printf (format, number);
}

static char *
print_number (const char *format, double number)
{
  return g_strdup_printf (format, number);
}
#pragma GCC diagnostic pop

/* One decimal below @limit unless it would be a zero, none from there on. */
static char *
format_number (double value, double limit)
{
  double tenths = round (value * 10);

  if (tenths < limit * 10 && fmod (tenths, 10) != 0)
    return print_number ("%.1f", tenths / 10);

  return print_number ("%'.0f", value);
}

/* The power of 1024 @value is best shown in: 0 for bytes up to 4 for TiB. */
static guint
binary_exponent (double value)
{
  guint exponent = 0;

  while (exponent < 4 && round (value * 10) >= KIB * 10)
    {
      value /= KIB;
      exponent++;
    }

  return exponent;
}

static const char *
memory_format (guint exponent)
{
  switch (exponent)
    {
    case 0:
      return _ ("%s B");
    case 1:
      return _ ("%s KiB");
    case 2:
      return _ ("%s MiB");
    case 3:
      return _ ("%s GiB");
    default:
      return _ ("%s TiB");
    }
}

static const char *
rate_format (guint exponent)
{
  switch (exponent)
    {
    case 0:
      return _ ("%s B/s");
    case 1:
      return _ ("%s KiB/s");
    case 2:
      return _ ("%s MiB/s");
    case 3:
      return _ ("%s GiB/s");
    default:
      return _ ("%s TiB/s");
    }
}

char *
inn_format_memory (guint64 bytes)
{
  guint exponent = binary_exponent ((double)bytes);
  g_autofree char *number = format_number ((double)bytes / pow (KIB, exponent), 100);

  return insert_number (memory_format (exponent), number);
}

char *
inn_format_memory_like (guint64 bytes, guint64 of)
{
  return format_number ((double)bytes / pow (KIB, binary_exponent ((double)of)), 100);
}

char *
inn_format_file_size (guint64 bytes)
{
  return g_format_size (bytes);
}

char *
inn_format_byte_rate (double bytes_per_second)
{
  guint exponent;
  g_autofree char *number = NULL;

  if (!isfinite (bytes_per_second))
    return g_strdup (INN_FORMAT_UNKNOWN);

  exponent = binary_exponent (bytes_per_second);
  number = format_number (bytes_per_second / pow (KIB, exponent), exponent > 0 ? 10 : 0);
  return insert_number (rate_format (exponent), number);
}

char *
inn_format_count (double count)
{
  if (!isfinite (count))
    return g_strdup (INN_FORMAT_UNKNOWN);

  return format_number (count, count < 1 ? 1 : 0);
}

char *
inn_format_count_rate (double per_second)
{
  g_autofree char *number = NULL;

  if (!isfinite (per_second))
    return g_strdup (INN_FORMAT_UNKNOWN);

  number = inn_format_count (per_second);
  /* Translators: a number of events per second */
  return insert_number (_ ("%s /s"), number);
}

char *
inn_format_percent (double fraction)
{
  g_autofree char *number = NULL;

  if (!isfinite (fraction))
    return g_strdup (INN_FORMAT_UNKNOWN);

  number = format_number (fraction * 100, 0);
  /* Translators: a percentage; the space is a narrow no-break space */
  return insert_number (_ ("%s %%"), number);
}

static GDateTime *
local_time (gint64 real_time_us)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (real_time_us / G_USEC_PER_SEC);

  return utc != NULL ? g_date_time_to_local (utc) : NULL;
}

/* Midnights between the two, which is what "yesterday" means. */
static int
days_between (GDateTime *then, GDateTime *now)
{
  GDate then_date, now_date;

  g_date_clear (&then_date, 1);
  g_date_clear (&now_date, 1);
  g_date_set_dmy (&then_date, (GDateDay)g_date_time_get_day_of_month (then),
                  (GDateMonth)g_date_time_get_month (then), (GDateYear)g_date_time_get_year (then));
  g_date_set_dmy (&now_date, (GDateDay)g_date_time_get_day_of_month (now),
                  (GDateMonth)g_date_time_get_month (now), (GDateYear)g_date_time_get_year (now));

  return g_date_days_between (&then_date, &now_date);
}

char *
inn_format_age (gint64 then_us, gint64 now_us)
{
  g_autoptr (GDateTime) then = local_time (then_us);
  g_autoptr (GDateTime) now = local_time (now_us);
  int days;

  if (then == NULL || now == NULL)
    return g_strdup (INN_FORMAT_UNKNOWN);

  days = days_between (then, now);
  if (days <= 0)
    return g_date_time_format (then, "%H:%M");
  if (days == 1)
    return g_strdup (_ ("yesterday"));
  if (days < 7)
    return g_strdup_printf (ngettext ("%d day ago", "%d days ago", (gulong)days), days);
  if (g_date_time_get_year (then) == g_date_time_get_year (now))
    /* Translators: a day of this year, see g_date_time_format() */
    return g_date_time_format (then, _ ("%-d %B"));

  /* Translators: a day of an earlier year, see g_date_time_format() */
  return g_date_time_format (then, _ ("%-d %B %Y"));
}

/* A day as one begins a line with it, for g_date_time_format() with what is asked for of the time.
 */
static const char *
get_moment_format (GDateTime *then, GDateTime *now, gboolean exact)
{
  const int days = days_between (then, now);

  /* Translators: moments, see g_date_time_format(); the second of each pair is to the second */
  if (days <= 0)
    return exact ? _ ("Today %H:%M:%S") : _ ("Today %H:%M");
  if (days == 1)
    return exact ? _ ("Yesterday %H:%M:%S") : _ ("Yesterday %H:%M");
  if (g_date_time_get_year (then) == g_date_time_get_year (now))
    return exact ? _ ("%-d %B %H:%M:%S") : _ ("%-d %B");

  return exact ? _ ("%-d %B %Y %H:%M:%S") : _ ("%-d %B %Y");
}

char *
inn_format_moment (gint64 then_us, gint64 now_us, gboolean exact)
{
  g_autoptr (GDateTime) then = local_time (then_us);
  g_autoptr (GDateTime) now = local_time (now_us);

  if (then == NULL || now == NULL)
    return g_strdup (INN_FORMAT_UNKNOWN);

  return g_date_time_format (then, get_moment_format (then, now, exact));
}

char *
inn_format_duration (guint64 us)
{
  const double ms = (double)us / 1000;
  g_autofree char *number = NULL;

  if (ms >= 999.5)
    {
      number = format_number (ms / 1000, 10);
      /* Translators: seconds */
      return insert_number (_ ("%s s"), number);
    }

  number = format_number (ms, 10);
  /* Translators: milliseconds */
  return insert_number (_ ("%s ms"), number);
}

char *
inn_format_clock_time (gint64 real_time_us)
{
  return inn_format_age (real_time_us, g_get_real_time ());
}

char *
inn_format_clock_seconds (gint64 real_time_us)
{
  g_autoptr (GDateTime) time = local_time (real_time_us);

  return time != NULL ? g_date_time_format (time, "%H:%M:%S") : g_strdup (INN_FORMAT_UNKNOWN);
}

char *
inn_format_uptime (gint64 seconds)
{
  gint64 minutes = MAX (seconds, 0) / 60;

  if (minutes < 1)
    return g_strdup (_ ("just started"));
  if (minutes < 60)
    /* Translators: how long a machine has been running */
    return g_strdup_printf (_ ("up %d min"), (int)minutes);
  if (minutes < 24 * 60)
    return g_strdup_printf (_ ("up %d h %d min"), (int)(minutes / 60), (int)(minutes % 60));

  return g_strdup_printf (_ ("up %d d %d h"), (int)MIN (minutes / (24 * 60), 99999),
                          (int)(minutes / 60 % 24));
}

/* The factor of "M", "MB", "MiB" and their kin in any case; 0 when it is none of them. */
static double
unit_factor (const char *unit)
{
  static const char prefixes[] = "kmgt";
  const char *prefix;

  if (*unit == '\0')
    return KIB * KIB * KIB;

  prefix = strchr (prefixes, g_ascii_tolower (*unit));
  if (prefix == NULL)
    return 0;
  if (unit[1] != '\0' && g_ascii_strcasecmp (unit + 1, "b") != 0
      && g_ascii_strcasecmp (unit + 1, "ib") != 0)
    return 0;

  return pow (KIB, (double)(prefix - prefixes + 1));
}

/* Without any white space, of which people and translations use several kinds. */
static char *
without_spaces (const char *text)
{
  GString *plain = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (!g_unichar_isspace (c))
        g_string_append_unichar (plain, c);
    }

  return g_string_free (plain, FALSE);
}

gboolean
inn_format_parse_size (const char *text, guint64 *bytes)
{
  g_autofree char *plain = without_spaces (text);
  double number, factor;
  char *end;

  /* Both decimal marks are understood; a sign, a name or a hexadecimal number is not a size. */
  g_strdelimit (plain, ",", '.');
  if (!g_ascii_isdigit (plain[0]) || g_ascii_tolower (plain[1]) == 'x')
    return FALSE;

  number = g_ascii_strtod (plain, &end);
  factor = unit_factor (end);
  if (factor == 0 || !isfinite (number) || number * factor > (double)(G_GUINT64_CONSTANT (1) << 62))
    return FALSE;

  *bytes = (guint64)(number * factor);
  return TRUE;
}

gboolean
inn_format_parse_count (const char *text, guint64 *count)
{
  g_autofree char *plain = g_strstrip (g_strdup (text));

  return g_ascii_string_to_unsigned (plain, 10, 0, 99999, count, NULL);
}
