/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMetrics: the time series of one machine. A back end pushes cumulative counters as it reads
 * them; this turns them into rates and keeps them. Main thread only.
 */
#pragma once

#include <glib-object.h>

#include "model/sample-ring.h"

G_BEGIN_DECLS

#define INN_METRICS_MAX_VCPUS 256

typedef enum
{
  INN_SERIES_CPU,             /* fraction of one vCPU's time in use, 0..1; one per vCPU */
  INN_SERIES_CPU_TOTAL,       /* mean over the vCPUs, 0..1 */
  INN_SERIES_MEMORY_HELD,     /* bytes of this computer's memory the guest occupies */
  INN_SERIES_MEMORY_USED,     /* bytes the guest itself uses, where it says */
  INN_SERIES_DISK_READ_BYTES, /* per second, all disks */
  INN_SERIES_DISK_WRITE_BYTES,
  INN_SERIES_DISK_READ_OPERATIONS, /* per second, all disks */
  INN_SERIES_DISK_WRITE_OPERATIONS,
  INN_SERIES_NETWORK_RECEIVED_BYTES, /* per second, by the guest, all network cards */
  INN_SERIES_NETWORK_SENT_BYTES,
  INN_SERIES_EXITS_INTERRUPT, /* per second: exits by reason, engine machines only */
  INN_SERIES_EXITS_HALT,
  INN_SERIES_EXITS_IO,
  INN_SERIES_EXITS_OTHER,
} InnSeries;

/* Counters since the machine started. A back end that does not know one leaves it at G_MAXUINT64.
 */
typedef struct
{
  gint64 time_us; /* g_get_monotonic_time() of the reading */
  guint n_vcpus;
  guint64 vcpu_ns[INN_METRICS_MAX_VCPUS];
  guint64 memory_held, memory_used, memory_given; /* bytes now */
  guint64 read_bytes, write_bytes, read_operations, write_operations;
  guint64 received_bytes, sent_bytes;
  guint64 exits_interrupt, exits_halt, exits_io, exits_other;
} InnCounters;

#define INN_TYPE_METRICS (inn_metrics_get_type ())
G_DECLARE_FINAL_TYPE (InnMetrics, inn_metrics, INN, METRICS, GObject)

InnMetrics *inn_metrics_new (void);

/* All fields unknown, no vCPU, time now. */
void inn_counters_init (InnCounters *counters);

/* Takes one reading; emits "updated". A counter that went back (restart) makes a gap. A reading
 * less than 50 ms after the one before is skipped: its rates would be noise. */
void inn_metrics_push (InnMetrics *self, const InnCounters *counters);
/* The machine was off or out of reach: a gap in every series. */
void inn_metrics_push_gap (InnMetrics *self, gint64 time_us);

guint inn_metrics_get_n_vcpus (InnMetrics *self);
guint64 inn_metrics_get_memory_given (InnMetrics *self);

/* The series, or NULL when the back end does not know it. @index: vCPU for INN_SERIES_CPU, else 0.
 */
const InnSampleRing *inn_metrics_get_series (InnMetrics *self, InnSeries series, guint index);
/* The newest value, or NAN. */
double inn_metrics_get_last (InnMetrics *self, InnSeries series, guint index);

G_END_DECLS
