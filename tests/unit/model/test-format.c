/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What numbers, sizes, rates and times look like.
 */
#include "config.h"

#include <locale.h>
#include <math.h>

#include "model/format.h"

#define KIB (G_GUINT64_CONSTANT (1) << 10)
#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GIB (G_GUINT64_CONSTANT (1) << 30)
#define TIB (G_GUINT64_CONSTANT (1) << 40)

#define assert_text(expression, expected)                                                          \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *text_ = (expression);                                                         \
    g_assert_cmpstr (text_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

static void
test_memory (void)
{
  assert_text (inn_format_memory (0), "0\u202fB");
  assert_text (inn_format_memory (1023), "1023\u202fB");
  assert_text (inn_format_memory (64 * MIB), "64\u202fMiB");
  assert_text (inn_format_memory (4 * GIB), "4\u202fGiB");
  assert_text (inn_format_memory (2867 * MIB), "2.8\u202fGiB");
  assert_text (inn_format_memory (GIB * 184 / 10), "18.4\u202fGiB");
  assert_text (inn_format_memory (212 * GIB + 300 * MIB), "212\u202fGiB");
  assert_text (inn_format_memory (2 * TIB), "2\u202fTiB");
  assert_text (inn_format_memory (G_MAXUINT64), "16777216\u202fTiB");
}

/* What rounds up to the next unit is shown in it. */
static void
test_memory_rounds_into_the_next_unit (void)
{
  assert_text (inn_format_memory (GIB - 1), "1\u202fGiB");
  assert_text (inn_format_memory (MIB - 1), "1\u202fMiB");
}

static void
test_memory_like (void)
{
  assert_text (inn_format_memory_like (GIB * 182 / 10, 32 * GIB), "18.2");
  assert_text (inn_format_memory_like (512 * MIB, 32 * GIB), "0.5");
}

static void
test_rates (void)
{
  assert_text (inn_format_byte_rate (114.4 * (double)MIB), "114\u202fMiB/s");
  assert_text (inn_format_byte_rate (1.5 * (double)MIB), "1.5\u202fMiB/s");
  assert_text (inn_format_byte_rate (0), "0\u202fB/s");
  assert_text (inn_format_byte_rate (NAN), INN_FORMAT_UNKNOWN);
  assert_text (inn_format_byte_rate (INFINITY), INN_FORMAT_UNKNOWN);
  assert_text (inn_format_count_rate (717), "717\u202f/s");
  assert_text (inn_format_count (0.4), "0.4");
  assert_text (inn_format_count (NAN), INN_FORMAT_UNKNOWN);
}

static void
test_percent (void)
{
  assert_text (inn_format_percent (0.344), "34\u202f%");
  assert_text (inn_format_percent (1), "100\u202f%");
  assert_text (inn_format_percent (NAN), INN_FORMAT_UNKNOWN);
}

/* 20 November 2026, 14:02 UTC */
#define NOW (G_GINT64_CONSTANT (1795183320) * G_USEC_PER_SEC)

static void
test_age (void)
{
  assert_text (inn_format_age (NOW - 60 * G_TIME_SPAN_MINUTE, NOW), "13:02");
  /* Yesterday is the day before, not 24 hours ago. */
  assert_text (inn_format_age (NOW - 15 * G_TIME_SPAN_HOUR, NOW), "yesterday");
  assert_text (inn_format_age (NOW - 3 * G_TIME_SPAN_DAY, NOW), "3 days ago");
  assert_text (inn_format_age (NOW - 8 * G_TIME_SPAN_DAY, NOW), "12 November");
  assert_text (inn_format_age (NOW - 400 * G_TIME_SPAN_DAY, NOW), "16 October 2025");
  /* A clock that was set back. */
  assert_text (inn_format_age (NOW + G_TIME_SPAN_HOUR, NOW), "15:02");
}

static void
test_moment (void)
{
  assert_text (inn_format_moment (NOW, NOW, FALSE), "Today 14:02");
  assert_text (inn_format_moment (NOW, NOW, TRUE), "Today 14:02:00");
  assert_text (inn_format_moment (NOW - 15 * G_TIME_SPAN_HOUR, NOW, FALSE), "Yesterday 23:02");
  assert_text (inn_format_moment (NOW - 3 * G_TIME_SPAN_DAY, NOW, FALSE), "17 November");
  assert_text (inn_format_moment (NOW - 3 * G_TIME_SPAN_DAY, NOW, TRUE), "17 November 14:02:00");
  assert_text (inn_format_moment (NOW - 400 * G_TIME_SPAN_DAY, NOW, FALSE), "16 October 2025");
}

static void
test_duration (void)
{
  assert_text (inn_format_duration (3100), "3.1\u202fms");
  assert_text (inn_format_duration (80), "0.1\u202fms");
  assert_text (inn_format_duration (45400), "45\u202fms");
  assert_text (inn_format_duration (999700), "1\u202fs");
  assert_text (inn_format_duration (1240000), "1.2\u202fs");
}

static void
test_uptime (void)
{
  assert_text (inn_format_uptime (-5), "just started");
  assert_text (inn_format_uptime (59), "just started");
  assert_text (inn_format_uptime (26 * 60), "up 26 min");
  assert_text (inn_format_uptime (3 * 3600 + 12 * 60 + 5), "up 3 h 12 min");
  assert_text (inn_format_uptime (50 * 3600), "up 2 d 2 h");
  assert_text (inn_format_uptime (G_MAXINT64), "up 99999 d 15 h");
}

static void
test_parse_size (void)
{
  static const struct
  {
    const char *text;
    guint64 bytes;
  } good[] = {
    { "8 GiB", 8 * GIB },
    { "8", 8 * GIB },
    { "512M", 512 * MIB },
    { "1.5g", GIB * 3 / 2 },
    { "1,5 GB", GIB * 3 / 2 },
    { " 64 mib ", 64 * MIB },
    { "0", 0 },
    { "2\u202fTiB", 2 * TIB },
    { "100k", 100 * KIB },
  };
  static const char *const bad[]
      = { "",    " ",      "GiB",  "-1",  "+1",     "0x10",           "nan",
          "inf", "8 GiBs", "8 Gi", "8 X", "1e30 T", "99999999999 TiB" };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      guint64 bytes = 1;

      g_test_message ("%s", good[i].text);
      g_assert_true (inn_format_parse_size (good[i].text, &bytes));
      g_assert_cmpuint (bytes, ==, good[i].bytes);
    }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      guint64 bytes;

      g_test_message ("%s", bad[i]);
      g_assert_false (inn_format_parse_size (bad[i], &bytes));
    }
}

/* What is shown can be typed. */
static void
test_size_round_trip (void)
{
  const guint64 sizes[] = { 64 * MIB, 512 * MIB, GIB, 3 * GIB, 48 * GIB, 64 * TIB };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *text = inn_format_memory (sizes[i]);
      guint64 bytes;

      g_assert_true (inn_format_parse_size (text, &bytes));
      g_assert_cmpuint (bytes, ==, sizes[i]);
    }
}

static void
test_parse_count (void)
{
  guint64 count;

  g_assert_true (inn_format_parse_count (" 16 ", &count));
  g_assert_cmpuint (count, ==, 16);
  g_assert_false (inn_format_parse_count ("-1", &count));
  g_assert_false (inn_format_parse_count ("4.5", &count));
  g_assert_false (inn_format_parse_count ("", &count));
  g_assert_false (inn_format_parse_count ("100000", &count));
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/format/memory", test_memory);
  g_test_add_func ("/format/memory-rounds", test_memory_rounds_into_the_next_unit);
  g_test_add_func ("/format/memory-like", test_memory_like);
  g_test_add_func ("/format/rates", test_rates);
  g_test_add_func ("/format/percent", test_percent);
  g_test_add_func ("/format/age", test_age);
  g_test_add_func ("/format/moment", test_moment);
  g_test_add_func ("/format/duration", test_duration);
  g_test_add_func ("/format/uptime", test_uptime);
  g_test_add_func ("/format/parse-size", test_parse_size);
  g_test_add_func ("/format/size-round-trip", test_size_round_trip);
  g_test_add_func ("/format/parse-count", test_parse_count);
  return g_test_run ();
}
