/* SPDX-License-Identifier: GPL-3.0-or-later */
/* proc_stat(5), proc_meminfo(5) and a timer. */
#include "model/host-load.h"

#include <math.h>
#include <string.h>

#define INTERVAL_SECONDS 2

struct _InnHostLoad
{
  GObject parent_instance;

  guint timer;
  gboolean have_times;
  InnProcessorTimes times;
  InnHostMemory memory;
  double processor;
};

G_DEFINE_FINAL_TYPE (InnHostLoad, inn_host_load, G_TYPE_OBJECT)

enum
{
  UPDATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* The fields of the line "cpu": guest time is part of user time already. */
enum
{
  FIELD_USER,
  FIELD_NICE,
  FIELD_SYSTEM,
  FIELD_IDLE,
  FIELD_IOWAIT,
  FIELD_IRQ,
  FIELD_SOFTIRQ,
  FIELD_STEAL,
  N_FIELDS
};

gboolean
inn_processor_times_parse (const char *text, InnProcessorTimes *times)
{
  guint64 idle = 0, total = 0;
  guint field = 0;

  g_return_val_if_fail (text != NULL && times != NULL, FALSE);

  if (!g_str_has_prefix (text, "cpu "))
    return FALSE;
  text += strlen ("cpu ");
  for (; field < N_FIELDS; field++)
    {
      char *end;
      guint64 ticks;

      while (*text == ' ')
        text++;
      ticks = g_ascii_strtoull (text, &end, 10);
      if (end == text)
        break;
      text = end;
      total += ticks;
      if (field == FIELD_IDLE || field == FIELD_IOWAIT)
        idle += ticks;
    }
  if (field <= FIELD_IDLE)
    return FALSE;
  *times = (InnProcessorTimes){ .busy = total - idle, .total = total };
  return TRUE;
}

/* The value of the line "NAME:   123 kB", in bytes. */
static gboolean
find_amount (const char *text, const char *name, guint64 *amount)
{
  gsize length = strlen (name);

  for (const char *line = text; line != NULL && *line != '\0';)
    {
      const char *next = strchr (line, '\n');

      if (strncmp (line, name, length) == 0 && line[length] == ':')
        {
          const char *number = line + length + 1;
          char *end;
          guint64 kib = g_ascii_strtoull (number, &end, 10);

          return end != number && g_str_has_prefix (end, " kB")
                 && g_uint64_checked_mul (amount, kib, 1024);
        }
      line = next != NULL ? next + 1 : NULL;
    }
  return FALSE;
}

gboolean
inn_host_memory_parse (const char *text, InnHostMemory *memory)
{
  InnHostMemory found;

  g_return_val_if_fail (text != NULL && memory != NULL, FALSE);

  if (!find_amount (text, "MemTotal", &found.total)
      || !find_amount (text, "MemAvailable", &found.available))
    return FALSE;
  found.available = MIN (found.available, found.total);
  *memory = found;
  return TRUE;
}

double
inn_processor_times_load (const InnProcessorTimes *before, const InnProcessorTimes *now)
{
  g_return_val_if_fail (before != NULL && now != NULL, NAN);

  /* The counter of I/O wait may go back a little (proc(5)). */
  if (now->total <= before->total || now->busy < before->busy)
    return NAN;
  return MIN (1.0, (double)(now->busy - before->busy) / (double)(now->total - before->total));
}

static gboolean
read_memory (InnHostMemory *memory)
{
  g_autofree char *text = NULL;

  return g_file_get_contents ("/proc/meminfo", &text, NULL, NULL)
         && inn_host_memory_parse (text, memory);
}

guint64
inn_host_get_memory (void)
{
  InnHostMemory memory = { 0 };

  return read_memory (&memory) ? memory.total : 0;
}

guint
inn_host_get_processors (void)
{
  return g_get_num_processors ();
}

static void
sample (InnHostLoad *self)
{
  g_autofree char *text = NULL;
  InnProcessorTimes now;

  if (g_file_get_contents ("/proc/stat", &text, NULL, NULL)
      && inn_processor_times_parse (text, &now))
    {
      if (self->have_times)
        self->processor = inn_processor_times_load (&self->times, &now);
      self->times = now;
      self->have_times = TRUE;
    }
  read_memory (&self->memory);
  g_signal_emit (self, signals[UPDATED], 0);
}

static gboolean
on_timer (gpointer user_data)
{
  sample (user_data);
  return G_SOURCE_CONTINUE;
}

static void
inn_host_load_finalize (GObject *object)
{
  InnHostLoad *self = INN_HOST_LOAD (object);

  g_clear_handle_id (&self->timer, g_source_remove);

  G_OBJECT_CLASS (inn_host_load_parent_class)->finalize (object);
}

static void
inn_host_load_class_init (InnHostLoadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_host_load_finalize;

  signals[UPDATED] = g_signal_new ("updated", INN_TYPE_HOST_LOAD, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
inn_host_load_init (InnHostLoad *self)
{
  self->processor = NAN;
}

InnHostLoad *
inn_host_load_new (void)
{
  return g_object_new (INN_TYPE_HOST_LOAD, NULL);
}

void
inn_host_load_set_running (InnHostLoad *self, gboolean running)
{
  g_return_if_fail (INN_IS_HOST_LOAD (self));

  if (running == (self->timer != 0))
    return;
  if (!running)
    {
      g_clear_handle_id (&self->timer, g_source_remove);
      return;
    }
  self->timer = g_timeout_add_seconds (INTERVAL_SECONDS, on_timer, self);
  sample (self);
}

double
inn_host_load_get_processor (InnHostLoad *self)
{
  g_return_val_if_fail (INN_IS_HOST_LOAD (self), NAN);

  return self->processor;
}

guint64
inn_host_load_get_memory_used (InnHostLoad *self)
{
  g_return_val_if_fail (INN_IS_HOST_LOAD (self), 0);

  return self->memory.total - self->memory.available;
}

guint64
inn_host_load_get_memory_total (InnHostLoad *self)
{
  g_return_val_if_fail (INN_IS_HOST_LOAD (self), 0);

  return self->memory.total;
}
