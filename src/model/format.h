/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers, sizes, rates and times as localized text. Pure; every result is transfer full.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a card or a summary says where nothing is known. */
#define INN_FORMAT_UNKNOWN "–"

/* Memory and virtual disks: "4 GiB", "2.8 GiB", "512 MiB". */
char *inn_format_memory (guint64 bytes);
/* The same in the unit of @of, without the unit: "18.2" of "32 GiB". */
char *inn_format_memory_like (guint64 bytes, guint64 of);
/* Files, as the file manager shows them: "2.3 GB". */
char *inn_format_file_size (guint64 bytes);
/* "114 MiB/s"; NAN gives INN_FORMAT_UNKNOWN, here and below. */
char *inn_format_byte_rate (double bytes_per_second);
/* "7,271 /s" */
char *inn_format_count_rate (double per_second);
/* "7,271" */
char *inn_format_count (double count);
/* "34 %" of a fraction 0..1. */
char *inn_format_percent (double fraction);

/* "14:02", "yesterday", "3 days ago", "12 November", "12 November 2024"; real times in µs. */
char *inn_format_age (gint64 then_us, gint64 now_us);
/* "14:02" today, otherwise as inn_format_age(). */
char *inn_format_clock_time (gint64 real_time_us);
/* "Today 14:02", "Yesterday 17:25", "12 November", "12 November 2024"; @exact: with the time to the
 * second in each. */
char *inn_format_moment (gint64 then_us, gint64 now_us, gboolean exact);
/* "3.1 ms", "45 ms", "1.2 s" */
char *inn_format_duration (guint64 us);
/* "14:30:38" */
char *inn_format_clock_seconds (gint64 real_time_us);
/* "up 3 h 12 min" */
char *inn_format_uptime (gint64 seconds);

/*
 * Reads a size as a person types it: "8 GiB", "512M", "1.5g"; a number alone is GiB. FALSE when it
 * is none, negative or above 2^62.
 */
gboolean inn_format_parse_size (const char *text, guint64 *bytes);
/* Reads a whole number between 0 and 99999. */
gboolean inn_format_parse_count (const char *text, guint64 *count);

G_END_DECLS
