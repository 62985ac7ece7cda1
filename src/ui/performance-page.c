/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The graphs of one machine and what drives them.
 */
#include "config.h"

#include "ui/performance-page.h"

#include <glib/gi18n.h>
#include <math.h>

#include "model/format.h"
#include "ui/column-layout.h"
#include "ui/graph-card.h"

#define RANGE_SECONDS_US (10 * G_TIME_SPAN_SECOND)
#define RANGE_MINUTES_US (5 * G_TIME_SPAN_MINUTE)
#define RANGE_HOUR_US    G_TIME_SPAN_HOUR

struct _InnPerformancePage
{
  GtkWidget parent_instance;

  GtkWidget *scrolled_window;
  GtkToggleButton *range_seconds;
  GtkToggleButton *range_hour;
  GtkWidget *ranges;
  GtkToggleButton *freeze_button;
  GtkLabel *cursor_badge;
  InnGraphCard *processor_card;
  InnGraphCard *memory_card;
  InnGraphCard *network_card;
  GtkWidget *disk_card;
  InnGraphCard *throughput_card;
  InnGraphCard *operations_card;
  InnGraphCard *exits_card;

  InnMachine *machine;
  InnGraphTime *time;
  guint n_vcpus;
  guint tick;    /* at the frame clock; 0: none */
  guint timeout; /* slower; 0: none */
};

G_DEFINE_FINAL_TYPE (InnPerformancePage, inn_performance_page, GTK_TYPE_WIDGET)

static void
read_and_draw (InnPerformancePage *self)
{
  inn_machine_refresh_metrics (self->machine);
  inn_graph_time_advance (self->time);
}

static gboolean
on_tick (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  read_and_draw (INN_PERFORMANCE_PAGE (widget));
  return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout (gpointer user_data)
{
  read_and_draw (user_data);
  return G_SOURCE_CONTINUE;
}

static void
stop_drawing (InnPerformancePage *self)
{
  if (self->tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick);
  self->tick = 0;
  g_clear_handle_id (&self->timeout, g_source_remove);
}

/* A pixel passes in 15 ms, half a second or six seconds; the last is shortened for the figures. */
static void
start_drawing (InnPerformancePage *self)
{
  gint64 range = inn_graph_time_get_range (self->time);

  stop_drawing (self);
  if (!gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;

  if (range == RANGE_SECONDS_US)
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), on_tick, NULL, NULL);
  else
    self->timeout = g_timeout_add (range == RANGE_MINUTES_US ? 500 : 2000, on_timeout, self);
  read_and_draw (self);
}

static void
inn_performance_page_map (GtkWidget *widget)
{
  InnPerformancePage *self = INN_PERFORMANCE_PAGE (widget);

  GTK_WIDGET_CLASS (inn_performance_page_parent_class)->map (widget);
  inn_machine_set_watched (self->machine, TRUE);
  start_drawing (self);
}

static void
inn_performance_page_unmap (GtkWidget *widget)
{
  InnPerformancePage *self = INN_PERFORMANCE_PAGE (widget);

  stop_drawing (self);
  inn_machine_set_watched (self->machine, FALSE);
  GTK_WIDGET_CLASS (inn_performance_page_parent_class)->unmap (widget);
}

static void
on_range_toggled (InnPerformancePage *self, GtkToggleButton *button)
{
  gint64 range = RANGE_MINUTES_US;

  if (!gtk_toggle_button_get_active (button) || self->time == NULL)
    return;

  if (button == self->range_seconds)
    range = RANGE_SECONDS_US;
  else if (button == self->range_hour)
    range = RANGE_HOUR_US;
  inn_graph_time_set_range (self->time, range);
  start_drawing (self);
}

static void
on_freeze_toggled (InnPerformancePage *self)
{
  inn_graph_time_set_frozen (self->time, gtk_toggle_button_get_active (self->freeze_button));
}

static void
on_time_changed (InnPerformancePage *self)
{
  g_autofree char *time = NULL;
  g_autofree char *text = NULL;

  /* Transparent rather than hidden, so that nothing moves under the pointer. */
  gtk_widget_set_opacity (GTK_WIDGET (self->cursor_badge),
                          inn_graph_time_has_cursor (self->time) ? 1 : 0);
  if (!inn_graph_time_has_cursor (self->time))
    return;

  time = inn_format_clock_seconds (inn_graph_time_get_cursor_real_time (self->time));
  /* Translators: the legends of the graphs show the values at this time */
  text = g_strdup_printf (_ ("Values at %s"), time);
  gtk_label_set_label (self->cursor_badge, text);
}

static void
update_vcpus (InnPerformancePage *self)
{
  guint n_vcpus = MAX (inn_metrics_get_n_vcpus (inn_machine_get_metrics (self->machine)),
                       inn_machine_get_vcpus (self->machine));
  g_autofree char *subtitle = NULL;

  if (n_vcpus == self->n_vcpus)
    return;

  self->n_vcpus = n_vcpus;
  inn_graph_card_clear_lines (self->processor_card);
  for (guint i = 0; i < n_vcpus; i++)
    {
      g_autofree char *label = g_strdup_printf (_ ("vCPU %u"), i);

      inn_graph_card_add_line (self->processor_card, label, INN_SERIES_CPU, i, FALSE);
    }
  subtitle = g_strdup_printf (ngettext ("%u vCPU", "%u vCPUs", n_vcpus), n_vcpus);
  inn_graph_card_set_subtitle (self->processor_card, subtitle);
}

static void
update_memory (InnPerformancePage *self)
{
  guint64 memory = inn_machine_get_memory (self->machine);
  g_autofree char *size = inn_format_memory (memory);
  g_autofree char *subtitle = g_strdup_printf (_ ("of %s"), size);

  inn_metric_graph_set_scale (inn_graph_card_get_graph (self->memory_card), INN_GRAPH_MEMORY,
                              MAX ((double)memory, 1));
  inn_graph_card_set_subtitle (self->memory_card, memory > 0 ? subtitle : NULL);
}

static gboolean
knows (InnPerformancePage *self, InnSeries series)
{
  return inn_metrics_get_series (inn_machine_get_metrics (self->machine), series, 0) != NULL;
}

/* A card is there when the place can tell; what has never been told is not drawn as nothing. */
static void
on_metrics_updated (InnPerformancePage *self)
{
  update_vcpus (self);
  gtk_widget_set_visible (GTK_WIDGET (self->network_card),
                          knows (self, INN_SERIES_NETWORK_RECEIVED_BYTES));
  gtk_widget_set_visible (GTK_WIDGET (self->exits_card), knows (self, INN_SERIES_EXITS_OTHER));
}

static void
add_lines (InnPerformancePage *self)
{
  inn_graph_card_set_headline (self->processor_card, INN_SERIES_CPU_TOTAL);
  inn_graph_card_set_headline (self->memory_card, INN_SERIES_MEMORY_HELD);
  inn_graph_card_add_line (self->memory_card, _ ("Held here"), INN_SERIES_MEMORY_HELD, 0, FALSE);
  inn_graph_card_add_line (self->memory_card, _ ("Used by guest"), INN_SERIES_MEMORY_USED, 0, TRUE);
  inn_graph_card_add_line (self->network_card, _ ("Received"), INN_SERIES_NETWORK_RECEIVED_BYTES, 0,
                           FALSE);
  inn_graph_card_add_line (self->network_card, _ ("Sent"), INN_SERIES_NETWORK_SENT_BYTES, 0, TRUE);
  inn_graph_card_set_subtitle (self->network_card, _ ("All network cards"));
  inn_graph_card_add_line (self->throughput_card, _ ("Read"), INN_SERIES_DISK_READ_BYTES, 0, FALSE);
  inn_graph_card_add_line (self->throughput_card, _ ("Write"), INN_SERIES_DISK_WRITE_BYTES, 0,
                           TRUE);
  inn_graph_card_add_line (self->operations_card, _ ("Read"), INN_SERIES_DISK_READ_OPERATIONS, 0,
                           FALSE);
  inn_graph_card_add_line (self->operations_card, _ ("Write"), INN_SERIES_DISK_WRITE_OPERATIONS, 0,
                           TRUE);
  inn_graph_card_set_subtitle (self->exits_card,
                               _ ("Times per second the guest needed this computer"));
  inn_graph_card_add_line (self->exits_card, _ ("Interrupts"), INN_SERIES_EXITS_INTERRUPT, 0,
                           FALSE);
  inn_graph_card_add_line (self->exits_card, _ ("Halt"), INN_SERIES_EXITS_HALT, 0, FALSE);
  inn_graph_card_add_line (self->exits_card, _ ("Device access"), INN_SERIES_EXITS_IO, 0, FALSE);
  inn_graph_card_add_line (self->exits_card, _ ("Other"), INN_SERIES_EXITS_OTHER, 0, FALSE);
}

static void
inn_performance_page_dispose (GObject *object)
{
  InnPerformancePage *self = INN_PERFORMANCE_PAGE (object);

  stop_drawing (self);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_PERFORMANCE_PAGE);
  g_clear_object (&self->time);
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_performance_page_parent_class)->dispose (object);
}

static void
inn_performance_page_class_init (InnPerformancePageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_performance_page_dispose;
  widget_class->map = inn_performance_page_map;
  widget_class->unmap = inn_performance_page_unmap;

  g_type_ensure (INN_TYPE_COLUMN_LAYOUT);
  g_type_ensure (INN_TYPE_GRAPH_CARD);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/performance-page.ui");
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, scrolled_window);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, range_seconds);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, range_hour);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, ranges);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, freeze_button);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, cursor_badge);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, processor_card);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, memory_card);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, network_card);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, disk_card);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, throughput_card);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, operations_card);
  gtk_widget_class_bind_template_child (widget_class, InnPerformancePage, exits_card);
  gtk_widget_class_bind_template_callback (widget_class, on_range_toggled);
  gtk_widget_class_bind_template_callback (widget_class, on_freeze_toggled);
}

static void
inn_performance_page_init (InnPerformancePage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->time = inn_graph_time_new (RANGE_MINUTES_US);
}

static void
set_up_card (InnPerformancePage *self, InnGraphCard *card, InnGraphUnit unit, double top)
{
  InnMetricGraph *graph = inn_graph_card_get_graph (card);

  inn_metric_graph_set_time (graph, self->time);
  inn_metric_graph_set_metrics (graph, inn_machine_get_metrics (self->machine));
  inn_metric_graph_set_scale (graph, unit, top);
}

void
inn_performance_page_set_machine (InnPerformancePage *self, InnMachine *machine)
{
  g_return_if_fail (INN_IS_PERFORMANCE_PAGE (self));
  g_return_if_fail (INN_IS_MACHINE (machine));
  g_return_if_fail (self->machine == NULL);

  self->machine = g_object_ref (machine);
  set_up_card (self, self->processor_card, INN_GRAPH_PERCENT, 1);
  set_up_card (self, self->memory_card, INN_GRAPH_MEMORY, 1);
  set_up_card (self, self->network_card, INN_GRAPH_BYTES, 1024 * 1024);
  set_up_card (self, self->throughput_card, INN_GRAPH_BYTES, 1024 * 1024);
  set_up_card (self, self->operations_card, INN_GRAPH_COUNT, 100);
  set_up_card (self, self->exits_card, INN_GRAPH_COUNT, 1000);
  add_lines (self);
  update_memory (self);
  on_metrics_updated (self);

  g_signal_connect_object (machine, "notify::memory", G_CALLBACK (update_memory), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (inn_machine_get_metrics (machine), "updated",
                           G_CALLBACK (on_metrics_updated), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->time, "changed", G_CALLBACK (on_time_changed), self,
                           G_CONNECT_SWAPPED);
}

void
inn_performance_page_set_narrow (InnPerformancePage *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_PERFORMANCE_PAGE (self));

  inn_graph_card_set_terse (self->processor_card, narrow);
  gtk_widget_set_hexpand (self->ranges, narrow);
  gtk_widget_set_visible (GTK_WIDGET (self->cursor_badge), !narrow);
}
