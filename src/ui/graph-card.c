/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A graph with title, headline figure and legend.
 */
#include "config.h"

#include "ui/graph-card.h"

#include <math.h>

#include "model/format.h"
#include "ui/legend-entry.h"

#define TEXT_INTERVAL_US (G_USEC_PER_SEC / 4) /* figures that change faster cannot be read */
#define NO_SERIES        (-1)

struct _InnGraphCard
{
  GtkWidget parent_instance;

  GtkLabel *title_label;
  GtkLabel *subtitle_label;
  GtkLabel *headline_label;
  InnMetricGraph *graph;
  GtkFlowBox *legend;

  GPtrArray *entries; /* of InnLegendEntry, one for each line; borrowed */
  int headline;       /* InnSeries or NO_SERIES */
  gint64 text_us;
  gboolean compact;
  gboolean terse;
};

G_DEFINE_FINAL_TYPE (InnGraphCard, inn_graph_card, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_COMPACT,
  PROP_PLOT_HEIGHT,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static double
get_headline (InnGraphCard *self)
{
  double sum = NAN;

  if (self->headline != NO_SERIES)
    return inn_metric_graph_get_series_value (self->graph, (InnSeries)self->headline, 0);

  for (guint i = 0; i < self->entries->len; i++)
    {
      double value = inn_metric_graph_get_value (self->graph, i);

      if (!isnan (value))
        sum = isnan (sum) ? value : sum + value;
    }

  return sum;
}

static void
update_headline (InnGraphCard *self)
{
  InnGraphUnit unit = inn_metric_graph_get_unit (self->graph);
  double value = get_headline (self);
  g_autofree char *text = unit == INN_GRAPH_COUNT ? inn_format_count_rate (value)
                                                  : inn_graph_scale_format_value (unit, value);

  gtk_label_set_label (self->headline_label, text);
}

static void
update_texts (InnGraphCard *self)
{
  InnGraphUnit unit = inn_metric_graph_get_unit (self->graph);

  for (guint i = 0; i < self->entries->len; i++)
    {
      g_autofree char *text
          = inn_graph_scale_format_value (unit, inn_metric_graph_get_value (self->graph, i));

      inn_legend_entry_set_value (g_ptr_array_index (self->entries, i), text);
    }
  update_headline (self);
}

static void
on_values_changed (InnGraphCard *self)
{
  gint64 now = g_get_monotonic_time ();

  if (inn_metric_graph_is_live (self->graph) && now - self->text_us < TEXT_INTERVAL_US)
    return;

  self->text_us = now;
  update_texts (self);
}

static void
set_compact (InnGraphCard *self, gboolean compact)
{
  self->compact = compact;
  gtk_widget_add_css_class (GTK_WIDGET (self->title_label), compact ? "dim-label" : "heading");
  gtk_widget_add_css_class (GTK_WIDGET (self->headline_label),
                            compact ? "caption-heading" : "bigval");
  if (compact)
    gtk_widget_add_css_class (GTK_WIDGET (self->title_label), "small");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self), "card");
  gtk_widget_add_css_class (GTK_WIDGET (self), compact ? "compact" : "gcard");
  inn_metric_graph_set_shows_time (self->graph, !compact);
}

static void
inn_graph_card_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  InnGraphCard *self = INN_GRAPH_CARD (object);

  switch (id)
    {
    case PROP_TITLE:
      gtk_label_set_label (self->title_label, g_value_get_string (value));
      inn_metric_graph_set_title (self->graph, g_value_get_string (value));
      break;
    case PROP_COMPACT:
      set_compact (self, g_value_get_boolean (value));
      break;
    case PROP_PLOT_HEIGHT:
      g_object_set_property (G_OBJECT (self->graph), "plot-height", value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
inn_graph_card_dispose (GObject *object)
{
  InnGraphCard *self = INN_GRAPH_CARD (object);

  g_clear_pointer (&self->entries, g_ptr_array_unref);
  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_GRAPH_CARD);

  G_OBJECT_CLASS (inn_graph_card_parent_class)->dispose (object);
}

static void
inn_graph_card_class_init (InnGraphCardClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = inn_graph_card_set_property;
  object_class->dispose = inn_graph_card_dispose;

  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", flags);
  properties[PROP_COMPACT] = g_param_spec_boolean ("compact", NULL, NULL, FALSE, flags);
  properties[PROP_PLOT_HEIGHT]
      = g_param_spec_int ("plot-height", NULL, NULL, 12, 10000, 120, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  g_type_ensure (INN_TYPE_METRIC_GRAPH);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/graph-card.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "box", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnGraphCard, title_label);
  gtk_widget_class_bind_template_child (widget_class, InnGraphCard, subtitle_label);
  gtk_widget_class_bind_template_child (widget_class, InnGraphCard, headline_label);
  gtk_widget_class_bind_template_child (widget_class, InnGraphCard, graph);
  gtk_widget_class_bind_template_child (widget_class, InnGraphCard, legend);
  gtk_widget_class_bind_template_callback (widget_class, on_values_changed);
}

static void
inn_graph_card_init (InnGraphCard *self)
{
  self->entries = g_ptr_array_new ();
  self->headline = NO_SERIES;
  gtk_widget_init_template (GTK_WIDGET (self));
}

InnMetricGraph *
inn_graph_card_get_graph (InnGraphCard *self)
{
  g_return_val_if_fail (INN_IS_GRAPH_CARD (self), NULL);

  return self->graph;
}

void
inn_graph_card_set_subtitle (InnGraphCard *self, const char *subtitle)
{
  g_return_if_fail (INN_IS_GRAPH_CARD (self));

  gtk_label_set_label (self->subtitle_label, subtitle);
  gtk_widget_set_visible (GTK_WIDGET (self->subtitle_label), subtitle != NULL && *subtitle != '\0');
}

void
inn_graph_card_set_headline (InnGraphCard *self, InnSeries series)
{
  g_return_if_fail (INN_IS_GRAPH_CARD (self));

  self->headline = (int)series;
}

void
inn_graph_card_clear_lines (InnGraphCard *self)
{
  GtkWidget *child;

  g_return_if_fail (INN_IS_GRAPH_CARD (self));

  inn_metric_graph_clear_lines (self->graph);
  g_ptr_array_set_size (self->entries, 0);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->legend))) != NULL)
    gtk_flow_box_remove (self->legend, child);
}

void
inn_graph_card_add_line (InnGraphCard *self,
                         const char *label,
                         InnSeries series,
                         guint index,
                         gboolean dashed)
{
  GtkWidget *entry, *child;

  g_return_if_fail (INN_IS_GRAPH_CARD (self));

  entry = inn_legend_entry_new (label, self->entries->len, dashed);
  inn_legend_entry_set_terse (INN_LEGEND_ENTRY (entry), self->terse);
  child = gtk_flow_box_child_new ();
  gtk_flow_box_child_set_child (GTK_FLOW_BOX_CHILD (child), entry);
  gtk_widget_set_focusable (child, FALSE);
  gtk_flow_box_append (self->legend, child);
  g_ptr_array_add (self->entries, entry);
  inn_metric_graph_add_line (self->graph, series, index, dashed);
}

void
inn_graph_card_set_terse (InnGraphCard *self, gboolean terse)
{
  g_return_if_fail (INN_IS_GRAPH_CARD (self));

  self->terse = terse;
  for (guint i = 0; i < self->entries->len; i++)
    inn_legend_entry_set_terse (g_ptr_array_index (self->entries, i), terse);
}
