/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl stats: what a VMM counts, once or every second.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"
#include "json-writer.h"

enum
{
  FOLLOW_INTERVAL_MS = 1000,
  FIRST_SAMPLE_MS = 20, /* the fields that are sampled get fresh this soon */
  MAX_FIRST_SAMPLE_MS = 500,
};

static gboolean follow;

static const char *const state_words[] = {
  [VMM_STATE_STARTING] = "starting", [VMM_STATE_RUNNING] = "running",
  [VMM_STATE_PAUSED] = "paused",     [VMM_STATE_STORAGE_ERROR] = "no-space",
  [VMM_STATE_ENDED] = "ended",
};

/* Sums over the vCPUs and disks. */
typedef struct
{
  gint64 time_us;
  guint64 run_ns, exits, read_bytes, write_bytes, read_operations, write_operations;
} Totals;

static void
sum_up (const struct statistics_page *page, Totals *totals)
{
  *totals = (Totals){ .time_us = g_get_monotonic_time () };
  for (guint i = 0; i < page->header.vcpu_count; i++)
    {
      totals->run_ns += page->vcpus[i].run_ns;
      totals->exits += page->vcpus[i].exits_port + page->vcpus[i].exits_mmio
                       + page->vcpus[i].exits_signal + page->vcpus[i].exits_other;
    }
  for (guint i = 0; i < page->header.disk_count; i++)
    {
      totals->read_bytes += page->disks[i].read_bytes;
      totals->write_bytes += page->disks[i].write_bytes;
      totals->read_operations += page->disks[i].read_operations;
      totals->write_operations += page->disks[i].write_operations;
    }
}

static void
add_vcpu (InnctlJson *json, const struct statistics_vcpu *vcpu)
{
  innctl_json_begin_object (json, NULL);
  innctl_json_add_unsigned (json, "run_ns", vcpu->run_ns);
  innctl_json_add_unsigned (json, "halts", vcpu->halts);
  innctl_json_add_unsigned (json, "exits", vcpu->exits);
  innctl_json_add_unsigned (json, "interrupts", vcpu->interrupts);
  innctl_json_add_unsigned (json, "exits_port", vcpu->exits_port);
  innctl_json_add_unsigned (json, "exits_mmio", vcpu->exits_mmio);
  innctl_json_add_unsigned (json, "exits_signal", vcpu->exits_signal);
  innctl_json_add_unsigned (json, "exits_other", vcpu->exits_other);
  innctl_json_end_object (json);
}

static void
add_latency (InnctlJson *json, const char *key, const uint64_t *buckets)
{
  innctl_json_begin_array (json, key);
  for (guint i = 0; i < STATISTICS_LATENCY_BUCKETS; i++)
    innctl_json_add_unsigned (json, NULL, buckets[i]);
  innctl_json_end_array (json);
}

static void
add_disk (InnctlJson *json, const struct disk_statistics *disk)
{
  innctl_json_begin_object (json, NULL);
  innctl_json_add_unsigned (json, "read_operations", disk->read_operations);
  innctl_json_add_unsigned (json, "read_bytes", disk->read_bytes);
  innctl_json_add_unsigned (json, "write_operations", disk->write_operations);
  innctl_json_add_unsigned (json, "write_bytes", disk->write_bytes);
  innctl_json_add_unsigned (json, "flush_operations", disk->flush_operations);
  innctl_json_add_unsigned (json, "discard_operations", disk->discard_operations);
  innctl_json_add_unsigned (json, "errors", disk->errors);
  innctl_json_add_unsigned (json, "in_flight", disk->in_flight);
  add_latency (json, "read_latency_log2_us", disk->read_latency);
  add_latency (json, "write_latency_log2_us", disk->write_latency);
  innctl_json_end_object (json);
}

static void
add_nic (InnctlJson *json, const struct nic_statistics *nic)
{
  innctl_json_begin_object (json, NULL);
  innctl_json_add_unsigned (json, "link", nic->link);
  innctl_json_add_unsigned (json, "received_packets", nic->received_packets);
  innctl_json_add_unsigned (json, "received_bytes", nic->received_bytes);
  innctl_json_add_unsigned (json, "receive_drops", nic->receive_drops);
  innctl_json_add_unsigned (json, "receive_filtered", nic->receive_filtered);
  innctl_json_add_unsigned (json, "sent_packets", nic->sent_packets);
  innctl_json_add_unsigned (json, "sent_bytes", nic->sent_bytes);
  innctl_json_add_unsigned (json, "send_drops", nic->send_drops);
  innctl_json_end_object (json);
}

static const char *
state_word (const struct statistics_page *page)
{
  return page->status.state < G_N_ELEMENTS (state_words) ? state_words[page->status.state]
                                                         : "unknown";
}

static void
add_memory (InnctlJson *json, const struct statistics_page *page)
{
  const struct statistics_guest_memory *guest = &page->guest_memory;

  innctl_json_add_unsigned (json, "memory_bytes", page->memory.guest_bytes);
  innctl_json_add_unsigned (json, "resident_bytes", page->memory.resident_bytes);
  innctl_json_add_unsigned (json, "balloon_target_bytes", page->memory.balloon_target);
  innctl_json_add_unsigned (json, "balloon_bytes", page->memory.balloon_bytes);
  innctl_json_add_unsigned (json, "reported_bytes", page->memory.reported_bytes);
  innctl_json_begin_object (json, "guest_memory");
  innctl_json_add_unsigned (json, "answered_ns", guest->answered_ns);
  innctl_json_add_unsigned (json, "total_bytes", guest->total);
  innctl_json_add_unsigned (json, "free_bytes", guest->free);
  innctl_json_add_unsigned (json, "available_bytes", guest->available);
  innctl_json_add_unsigned (json, "cache_bytes", guest->caches);
  innctl_json_add_unsigned (json, "swapped_in_bytes", guest->swapped_in);
  innctl_json_add_unsigned (json, "swapped_out_bytes", guest->swapped_out);
  innctl_json_add_unsigned (json, "major_faults", guest->major_faults);
  innctl_json_add_unsigned (json, "minor_faults", guest->minor_faults);
  innctl_json_end_object (json);
}

static void
print_json (const struct statistics_page *page)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_string (&json, "state", state_word (page));
  innctl_json_add_string (&json, "text", page->status.text[0] != '\0' ? page->status.text : NULL);
  innctl_json_add_boolean (&json, "unresponsive", page->status.unresponsive != 0);
  innctl_json_add_unsigned (&json, "pid", page->header.pid);
  innctl_json_add_unsigned (&json, "started_ns", page->status.started_ns);
  innctl_json_add_unsigned (&json, "first_exit_us", page->status.first_exit_us);
  innctl_json_add_unsigned (&json, "sampled_ns", page->status.sampled_ns);
  innctl_json_add_unsigned (&json, "resets", page->status.resets);
  add_memory (&json, page);
  innctl_json_begin_array (&json, "cpus");
  for (guint i = 0; i < page->header.vcpu_count; i++)
    add_vcpu (&json, &page->vcpus[i]);
  innctl_json_end_array (&json);
  innctl_json_begin_array (&json, "disks");
  for (guint i = 0; i < page->header.disk_count; i++)
    add_disk (&json, &page->disks[i]);
  innctl_json_end_array (&json);
  innctl_json_begin_array (&json, "nics");
  for (guint i = 0; i < page->header.nic_count; i++)
    add_nic (&json, &page->nics[i]);
  innctl_json_end_array (&json);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
print_counts (const struct statistics_page *page)
{
  g_autofree char *given = g_format_size_full (page->memory.guest_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *held = g_format_size_full (page->memory.resident_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *exits = NULL;
  Totals totals;

  sum_up (page, &totals);
  exits = g_strdup_printf ("%" G_GUINT64_FORMAT, totals.exits);
  g_print (_ ("State:      %s\n"), state_word (page));
  g_print (_ ("Processors: %u, %.1f s in use, %s exits\n"), page->header.vcpu_count,
           (double)totals.run_ns / 1e9, exits);
  g_print (_ ("Memory:     %s, %s held by this computer\n"), given, held);
  for (guint i = 0; i < page->header.disk_count; i++)
    {
      g_autofree char *bytes_read
          = g_format_size_full (page->disks[i].read_bytes, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *bytes_written
          = g_format_size_full (page->disks[i].write_bytes, G_FORMAT_SIZE_IEC_UNITS);

      g_print (_ ("Disk %u:     %s read, %s written\n"), i + 1, bytes_read, bytes_written);
    }
  for (guint i = 0; i < page->header.nic_count; i++)
    {
      g_autofree char *received
          = g_format_size_full (page->nics[i].received_bytes, G_FORMAT_SIZE_IEC_UNITS);
      g_autofree char *sent
          = g_format_size_full (page->nics[i].sent_bytes, G_FORMAT_SIZE_IEC_UNITS);

      g_print (_ ("Network %u:  %s received, %s sent%s\n"), i + 1, received, sent,
               page->nics[i].link != 0 ? "" : _ (" (not connected)"));
    }
}

static void
print_rates (const struct statistics_page *page, const Totals *before, const Totals *now)
{
  const double seconds = MAX ((double)(now->time_us - before->time_us) / 1e6, 1e-3);
  const double cpu
      = (double)(now->run_ns - before->run_ns) / 1e7 / seconds / MAX (page->header.vcpu_count, 1);
  g_autofree char *held = g_format_size_full (page->memory.resident_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *bytes_read
      = g_format_size_full ((guint64)((double)(now->read_bytes - before->read_bytes) / seconds),
                            G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *bytes_written
      = g_format_size_full ((guint64)((double)(now->write_bytes - before->write_bytes) / seconds),
                            G_FORMAT_SIZE_IEC_UNITS);

  g_print (_ ("%-8s  CPU %5.1f %%  memory %9s  read %9s/s  written %9s/s  exits %8.0f/s\n"),
           state_word (page), cpu, held, bytes_read, bytes_written,
           (double)(now->exits - before->exits) / seconds);
}

static gboolean
read_page (const InnctlTarget *target, struct statistics_page *page)
{
  return target->guest != NULL ? inn_guest_read_statistics (target->guest, page)
                               : inn_control_channel_read_statistics (target->channel, page);
}

static void
watch (const InnctlTarget *target, guint interval_ms)
{
  if (target->guest != NULL)
    inn_guest_watch (target->guest, interval_ms);
  else
    inn_control_channel_watch (target->channel, interval_ms);
}

/* Until the VMM has sampled once for us, or does not. */
static void
await_sample (const InnctlTarget *target, struct statistics_page *page)
{
  const guint64 before = page->status.sampled_ns;

  for (guint waited = 0; waited < MAX_FIRST_SAMPLE_MS; waited += FIRST_SAMPLE_MS)
    {
      innctl_wait (FIRST_SAMPLE_MS, NULL, NULL);
      if (!read_page (target, page) || page->status.sampled_ns != before)
        return;
    }
}

static gboolean
has_ended (const InnctlTarget *target, const struct statistics_page *page)
{
  return page->status.state == VMM_STATE_ENDED
         || (target->guest != NULL && !inn_guest_is_active (target->guest));
}

static void
on_closed (InnControlChannel *channel, const GError *error, gpointer user_data)
{
  gboolean *closed = user_data;

  *closed = TRUE;
}

static void
follow_target (const Innctl *self, const InnctlTarget *target, struct statistics_page *page)
{
  gboolean closed = FALSE;
  Totals before, now;

  if (target->channel != NULL)
    g_signal_connect (target->channel, "closed", G_CALLBACK (on_closed), &closed);
  sum_up (page, &before);
  if (self->json)
    print_json (page);

  for (;;)
    {
      innctl_wait (FOLLOW_INTERVAL_MS, NULL, NULL);
      if (closed || !read_page (target, page) || has_ended (target, page))
        break;

      sum_up (page, &now);
      if (self->json)
        print_json (page);
      else
        print_rates (page, &before, &now);
      before = now;
    }
  if (target->channel != NULL)
    g_signal_handlers_disconnect_by_data (target->channel, &closed);
}

static InnctlStatus
run_stats (Innctl *self, char **arguments)
{
  g_auto (InnctlTarget) target = { NULL, NULL };
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);
  InnctlStatus status = innctl_target_init (&target, self, arguments);

  if (status != INNCTL_DONE)
    return status;
  if (!read_page (&target, page))
    return innctl_fail_with (_ ("“%s” is not running, so there is nothing to count."),
                             innctl_target_get_name (&target, self));

  watch (&target, FIRST_SAMPLE_MS);
  await_sample (&target, page);
  watch (&target, follow ? FOLLOW_INTERVAL_MS / 2 : 0);

  if (follow)
    follow_target (self, &target, page);
  else if (self->json)
    print_json (page);
  else
    print_counts (page);

  return INNCTL_DONE;
}

static const GOptionEntry stats_options[] = {
  { "follow", 'f', 0, G_OPTION_ARG_NONE, &follow, N_ ("Go on every second until it ends"), NULL },
  { NULL },
};

const InnctlVerb innctl_stats_verb = {
  .name = "stats",
  .arguments = "NAME",
  .summary = N_ ("show how busy a running machine is"),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .options = stats_options,
  .run = run_stats,
};
