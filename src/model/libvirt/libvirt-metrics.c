/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names and units: the description of virConnectGetAllDomainStats in libvirt's reference manual. */
#include "model/libvirt/libvirt-metrics.h"

#include <string.h>

#include "model/libvirt/libvirt-error.h"

typedef struct
{
  guint64 processor_ns;
  guint64 vcpu_current;
  guint64 available, unused; /* KiB, as the guest sees it */
} Extra;

static gboolean
get_number (const virTypedParameter *param, guint64 *number)
{
  switch (param->type)
    {
    case VIR_TYPED_PARAM_UINT:
      *number = param->value.ui;
      return TRUE;
    case VIR_TYPED_PARAM_ULLONG:
      *number = param->value.ul;
      return TRUE;
    default:
      return FALSE;
    }
}

/* The part of "PREFIX.N.FIELD" after N; NULL for anything else. */
static const char *
split_indexed (const char *field, const char *prefix, guint *index)
{
  gsize length = strlen (prefix);
  guint64 number;
  char *end;

  if (strncmp (field, prefix, length) != 0 || !g_ascii_isdigit (field[length]))
    return NULL;
  number = g_ascii_strtoull (field + length, &end, 10);
  if (*end != '.' || number > G_MAXINT)
    return NULL;
  *index = (guint)number;
  return end + 1;
}

static void
read_vcpu (const char *field, guint index, guint64 number, InnCounters *counters)
{
  if (!g_str_equal (field, "time") || index >= INN_METRICS_MAX_VCPUS)
    return;
  counters->vcpu_ns[index] = number;
  counters->n_vcpus = MAX (counters->n_vcpus, index + 1);
}

/* Adds up what several devices have; @sum may be NULL for what is not kept. */
static void
add_to (guint64 *sum, guint64 number)
{
  if (sum != NULL)
    *sum = *sum == G_MAXUINT64 ? number : *sum + number;
}

static void
read_block (const char *field, guint64 number, InnCounters *counters)
{
  guint64 *sum = NULL;

  if (g_str_equal (field, "rd.bytes"))
    sum = &counters->read_bytes;
  else if (g_str_equal (field, "wr.bytes"))
    sum = &counters->write_bytes;
  else if (g_str_equal (field, "rd.reqs"))
    sum = &counters->read_operations;
  else if (g_str_equal (field, "wr.reqs"))
    sum = &counters->write_operations;
  add_to (sum, number);
}

static void
read_net (const char *field, guint64 number, InnCounters *counters)
{
  if (g_str_equal (field, "rx.bytes"))
    add_to (&counters->received_bytes, number);
  else if (g_str_equal (field, "tx.bytes"))
    add_to (&counters->sent_bytes, number);
}

static guint64
kib_to_bytes (guint64 kib)
{
  guint64 bytes;

  return g_uint64_checked_mul (&bytes, kib, 1024) ? bytes : G_MAXUINT64;
}

static void
read_param (const char *field, guint64 number, InnCounters *counters, Extra *extra)
{
  const char *rest;
  guint index;

  if ((rest = split_indexed (field, "vcpu.", &index)) != NULL)
    read_vcpu (rest, index, number, counters);
  else if ((rest = split_indexed (field, "block.", &index)) != NULL)
    read_block (rest, number, counters);
  else if ((rest = split_indexed (field, "net.", &index)) != NULL)
    read_net (rest, number, counters);
  else if (g_str_equal (field, "cpu.time"))
    extra->processor_ns = number;
  else if (g_str_equal (field, "vcpu.current"))
    extra->vcpu_current = number;
  else if (g_str_equal (field, "balloon.rss"))
    counters->memory_held = kib_to_bytes (number);
  else if (g_str_equal (field, "balloon.current"))
    counters->memory_given = kib_to_bytes (number);
  else if (g_str_equal (field, "balloon.available"))
    extra->available = number;
  else if (g_str_equal (field, "balloon.unused"))
    extra->unused = number;
}

gboolean
inn_libvirt_metrics_read (const virTypedParameter *params, guint n_params, InnCounters *counters)
{
  Extra extra = { G_MAXUINT64, 1, G_MAXUINT64, G_MAXUINT64 };

  g_return_val_if_fail ((params != NULL || n_params == 0) && counters != NULL, FALSE);

  inn_counters_init (counters);
  for (guint i = 0; i < n_params; i++)
    {
      guint64 number;

      if (get_number (&params[i], &number))
        read_param (params[i].field, number, counters, &extra);
    }
  if (extra.available != G_MAXUINT64 && extra.unused <= extra.available)
    counters->memory_used = kib_to_bytes (extra.available - extra.unused);
  /* Containers have one clock for all of their processors: shown as one line. */
  if (counters->n_vcpus == 0 && extra.processor_ns != G_MAXUINT64)
    {
      counters->n_vcpus = 1;
      counters->vcpu_ns[0] = extra.processor_ns / MAX (extra.vcpu_current, 1);
    }
  return counters->n_vcpus > 0 || counters->memory_held != G_MAXUINT64
         || counters->read_bytes != G_MAXUINT64;
}

GPtrArray *
inn_libvirt_sample (virConnectPtr connection, GError **error)
{
  const unsigned int wanted = VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_BALLOON
                              | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BLOCK
                              | VIR_DOMAIN_STATS_INTERFACE;
  virDomainStatsRecordPtr *records = NULL;
  GPtrArray *samples;
  int n = virConnectGetAllDomainStats (connection, wanted, &records,
                                       VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE
                                           | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);

  if (n < 0)
    {
      inn_libvirt_take_error (error);
      return NULL;
    }
  samples = g_ptr_array_new_with_free_func (g_free);
  for (int i = 0; i < n; i++)
    {
      g_autofree InnLibvirtSample *sample = g_new (InnLibvirtSample, 1);

      if (virDomainGetUUIDString (records[i]->dom, sample->uuid) == 0
          && inn_libvirt_metrics_read (records[i]->params, (guint)records[i]->nparams,
                                       &sample->counters))
        g_ptr_array_add (samples, g_steal_pointer (&sample));
    }
  virDomainStatsRecordListFree (records);
  return samples;
}
