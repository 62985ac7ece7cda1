/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnHostLoad: how busy this computer is: processor and memory, from /proc (proc(5)), every two
 * seconds while running. The parsing is pure. Main thread only.
 *
 * Signal "updated": there are new figures.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Clock ticks of all processors since boot, from the first line of /proc/stat. */
typedef struct
{
  guint64 busy;
  guint64 total;
} InnProcessorTimes;

/* Bytes, from /proc/meminfo. */
typedef struct
{
  guint64 total;
  guint64 available; /* could be given to a program without swapping */
} InnHostMemory;

/* FALSE when @text is not what it should be. */
gboolean inn_processor_times_parse (const char *text, InnProcessorTimes *times);
gboolean inn_host_memory_parse (const char *text, InnHostMemory *memory);
/* The fraction of all processors in use between two readings, 0..1; NAN when no time passed. */
double inn_processor_times_load (const InnProcessorTimes *before, const InnProcessorTimes *now);

/* Memory of this computer in bytes and the number of its processors; 0 when unknown. */
guint64 inn_host_get_memory (void);
guint inn_host_get_processors (void);

#define INN_TYPE_HOST_LOAD (inn_host_load_get_type ())
G_DECLARE_FINAL_TYPE (InnHostLoad, inn_host_load, INN, HOST_LOAD, GObject)

InnHostLoad *inn_host_load_new (void);

/* Sample or not; at first it does not. Not while nobody sees it. */
void inn_host_load_set_running (InnHostLoad *self, gboolean running);

/* Processors in use, 0..1, or NAN before the second reading. */
double inn_host_load_get_processor (InnHostLoad *self);
/* Bytes; 0 before the first reading. */
guint64 inn_host_load_get_memory_used (InnHostLoad *self);
guint64 inn_host_load_get_memory_total (InnHostLoad *self);

G_END_DECLS
