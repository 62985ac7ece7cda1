/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The widget around InnGraphPicture: which series, scale, crosshair and accessible text.
 */
#include "config.h"

#include "ui/metric-graph.h"

#include <adwaita.h>
#include <glib/gi18n.h>
#include <math.h>

#include "model/format.h"
#include "ui/graph-palette.h"
#include "ui/graph-picture.h"

#define DESCRIBE_INTERVAL_US (5 * G_USEC_PER_SEC)

typedef struct
{
  InnSeries series;
  guint index;
  gboolean dashed;
} Line;

struct _InnMetricGraph
{
  GtkWidget parent_instance;

  char *title;
  GArray *lines; /* of Line */
  InnMetrics *metrics;
  InnGraphTime *time;
  gulong time_changed;
  InnGraphScale scale;
  gint64 described_us;
  double pointer_x; /* where the pointer was last; -1: it is elsewhere */
  int plot_height;
  gboolean shows_time;
};

G_DEFINE_FINAL_TYPE (InnMetricGraph, inn_metric_graph, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_PLOT_HEIGHT,
  N_PROPERTIES
};

enum
{
  VALUES_CHANGED,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static const InnSampleRing *
get_ring (InnMetricGraph *self, guint line)
{
  const Line *l = &g_array_index (self->lines, Line, line);

  return self->metrics != NULL ? inn_metrics_get_series (self->metrics, l->series, l->index) : NULL;
}

static double
get_plot_width (InnMetricGraph *self)
{
  return MAX (gtk_widget_get_width (GTK_WIDGET (self)) - INN_GRAPH_MARGIN_RIGHT, 1);
}

static gboolean
draws_strips (InnMetricGraph *self)
{
  return self->lines->len > INN_GRAPH_MAX_LINES;
}

static int
get_plot_height (InnMetricGraph *self)
{
  return draws_strips (self) ? (int)self->lines->len * INN_GRAPH_STRIP_HEIGHT : self->plot_height;
}

/* The greatest value in sight, least and mean beside it; FALSE when nothing is known. */
typedef struct
{
  double greatest, sum, weight;
  gint64 greatest_us;
  guint n;
} Extent;

static void
extend (Extent *extent, const InnSampleRing *ring, gint64 start_us, gint64 end_us)
{
  guint length = ring != NULL ? inn_sample_ring_get_length (ring) : 0;

  for (guint i = length > 0 ? inn_sample_ring_find (ring, start_us) : 0; i < length; i++)
    {
      InnSample sample = inn_sample_ring_get (ring, i);

      if (sample.time_us > end_us)
        break;
      if (isnan (sample.value))
        continue;
      if (extent->n == 0 || sample.greatest > extent->greatest)
        {
          extent->greatest = sample.greatest;
          extent->greatest_us = sample.time_us;
        }
      extent->sum += sample.value * inn_sample_get_weight (&sample);
      extent->weight += inn_sample_get_weight (&sample);
      extent->n++;
    }
}

static void
fit_scale (InnMetricGraph *self)
{
  gint64 end = inn_graph_time_get_end (self->time);
  Extent extent = { .greatest = NAN };

  if (self->scale.unit == INN_GRAPH_PERCENT || self->scale.unit == INN_GRAPH_MEMORY)
    return;

  for (guint i = 0; i < self->lines->len; i++)
    extend (&extent, get_ring (self, i), end - inn_graph_time_get_range (self->time), end);
  inn_graph_scale_fit (&self->scale, extent.greatest, end);
}

static double
get_shown_top (InnMetricGraph *self)
{
  if (!adw_get_enable_animations (GTK_WIDGET (self)))
    return self->scale.top;

  return inn_graph_scale_get_top (&self->scale, inn_graph_time_get_end (self->time));
}

static PangoLayout *
create_mark_layout (InnMetricGraph *self)
{
  PangoLayout *layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), NULL);
  PangoFontDescription *font = pango_font_description_copy (
      pango_context_get_font_description (gtk_widget_get_pango_context (GTK_WIDGET (self))));

  pango_font_description_set_size (font, (int)(8.5 * PANGO_SCALE));
  pango_layout_set_font_description (layout, font);
  pango_font_description_free (font);

  return layout;
}

static void
inn_metric_graph_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  InnMetricGraph *self = INN_METRIC_GRAPH (widget);
  AdwStyleManager *style = adw_style_manager_get_default ();
  gboolean dark = adw_style_manager_get_dark (style);
  gboolean has_cursor = inn_graph_time_has_cursor (self->time);
  g_autofree InnGraphLine *lines = g_new0 (InnGraphLine, self->lines->len + 1);
  g_autoptr (PangoLayout) layout = create_mark_layout (self);
  g_autofree char *cursor_text = NULL;
  GtkStyleContext *context = gtk_widget_get_style_context (widget);
  InnGraphPicture picture;
  cairo_t *cr;

  for (guint i = 0; i < self->lines->len; i++)
    lines[i] = (InnGraphLine){ get_ring (self, i), inn_graph_palette_get (i, dark),
                               g_array_index (self->lines, Line, i).dashed };
  if (has_cursor && self->shows_time)
    cursor_text = inn_format_clock_seconds (inn_graph_time_get_cursor_real_time (self->time));

  picture = (InnGraphPicture){
    .plot_width = get_plot_width (self),
    .plot_height = get_plot_height (self),
    .contrast = adw_style_manager_get_high_contrast (style) ? 2 : 1,
    .layout = layout,
    .unit = self->scale.unit,
    .top = get_shown_top (self),
    .range_us = inn_graph_time_get_range (self->time),
    .end_us = inn_graph_time_get_end (self->time),
    .cursor_us = has_cursor ? inn_graph_time_get_cursor (self->time) : -1,
    .cursor_text = cursor_text,
    .lines = lines,
    .n_lines = self->lines->len,
  };
  gtk_style_context_get_color (context, &picture.foreground);
  if (!gtk_style_context_lookup_color (context, "card_bg_color", &picture.card)
      || picture.card.alpha < 1)
    /* In the dark style cards are a veil over the window: use what both make together. */
    picture.card = dark ? (GdkRGBA){ 0.21f, 0.21f, 0.21f, 1 } : (GdkRGBA){ 1, 1, 1, 1 };

  cr = gtk_snapshot_append_cairo (snapshot,
                                  &GRAPHENE_RECT_INIT (0, 0, gtk_widget_get_width (widget),
                                                       gtk_widget_get_height (widget)));
  inn_graph_picture_draw (&picture, cr);
  cairo_destroy (cr);
}

static void
inn_metric_graph_measure (GtkWidget *widget,
                          GtkOrientation orientation,
                          int for_size,
                          int *minimum,
                          int *natural,
                          int *minimum_baseline,
                          int *natural_baseline)
{
  InnMetricGraph *self = INN_METRIC_GRAPH (widget);

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = INN_GRAPH_MARGIN_RIGHT + 100;
      *natural = INN_GRAPH_MARGIN_RIGHT + 200;
    }
  else
    *minimum = *natural = get_plot_height (self) + INN_GRAPH_MARGIN_TOP + INN_GRAPH_MARGIN_BOTTOM;
}

/* "now 34 %, highest 92 % at 14:30, mean 28 %" */
static void
describe (InnMetricGraph *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 end = inn_graph_time_get_end (self->time);
  Extent extent = { 0 };
  g_autofree char *current = NULL, *greatest = NULL, *mean = NULL, *when = NULL, *text = NULL;

  if (now - self->described_us < DESCRIBE_INTERVAL_US || self->lines->len == 0)
    return;

  self->described_us = now;
  extend (&extent, get_ring (self, 0), end - inn_graph_time_get_range (self->time), end);
  if (extent.n == 0)
    return;

  current = inn_graph_scale_format_value (self->scale.unit, inn_metric_graph_get_value (self, 0));
  greatest = inn_graph_scale_format_value (self->scale.unit, extent.greatest);
  mean = inn_graph_scale_format_value (self->scale.unit, extent.sum / extent.weight);
  when = inn_format_clock_time (g_get_real_time () - (now - extent.greatest_us));
  /* Translators: spoken description of a graph: a value, a value at a time, a value */
  text = g_strdup_printf (_ ("now %s, highest %s at %s, mean %s"), current, greatest, when, mean);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, text,
                                  -1);
}

static void
update_value_text (InnMetricGraph *self)
{
  g_autofree char *value = NULL, *time = NULL, *text = NULL;

  if (!inn_graph_time_has_cursor (self->time) || self->lines->len == 0)
    {
      gtk_accessible_reset_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT);
      return;
    }

  value = inn_graph_scale_format_value (self->scale.unit, inn_metric_graph_get_value (self, 0));
  time = inn_format_clock_seconds (inn_graph_time_get_cursor_real_time (self->time));
  /* Translators: spoken value of a graph at a time */
  text = g_strdup_printf (_ ("%s at %s"), value, time);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, text,
                                  -1);
}

static void
on_time_changed (InnMetricGraph *self)
{
  if (!gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;

  fit_scale (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  describe (self);
  update_value_text (self);
  g_signal_emit (self, signals[VALUES_CHANGED], 0);
}

static void
on_motion (InnMetricGraph *self, double x, double y)
{
  double before = 1 - x / get_plot_width (self);

  /* GTK repeats the last motion after each layout, which must not undo what a key did. */
  if (x == self->pointer_x)
    return;

  self->pointer_x = x;
  if (before < 0 || before > 1)
    inn_graph_time_clear_cursor (self->time);
  else
    inn_graph_time_set_cursor (self->time,
                               inn_graph_time_get_end (self->time)
                                   - (gint64)(before * inn_graph_time_get_range (self->time)));
}

static void
on_leave (InnMetricGraph *self)
{
  self->pointer_x = -1;
  inn_graph_time_clear_cursor (self->time);
}

/* The time of the sample @steps away from the one nearest to the crosshair. */
static gint64
get_sample_time (InnMetricGraph *self, int steps)
{
  gint64 cursor = inn_graph_time_get_cursor (self->time);
  const InnSampleRing *ring = self->lines->len > 0 ? get_ring (self, 0) : NULL;
  int index = ring != NULL ? inn_graph_find_nearest (ring, cursor) : -1;

  if (index < 0)
    return cursor;

  index = CLAMP (index + steps, 0, (int)inn_sample_ring_get_length (ring) - 1);
  return inn_sample_ring_get (ring, (guint)index).time_us;
}

static gboolean
on_key_pressed (InnMetricGraph *self, guint keyval)
{
  gint64 range = inn_graph_time_get_range (self->time);
  gint64 end = inn_graph_time_get_end (self->time);
  gint64 cursor = inn_graph_time_get_cursor (self->time);

  switch (keyval)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      cursor = get_sample_time (self, -1);
      break;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      cursor = get_sample_time (self, 1);
      break;
    case GDK_KEY_Page_Up:
      cursor -= range / 10;
      break;
    case GDK_KEY_Page_Down:
      cursor += range / 10;
      break;
    case GDK_KEY_Home:
      cursor = end - range;
      break;
    case GDK_KEY_End:
      cursor = end;
      break;
    case GDK_KEY_Escape:
      if (!inn_graph_time_has_cursor (self->time))
        return GDK_EVENT_PROPAGATE;
      inn_graph_time_clear_cursor (self->time);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }

  inn_graph_time_set_cursor (self->time, cursor);
  return GDK_EVENT_STOP;
}

static void
inn_metric_graph_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_PLOT_HEIGHT)
    g_value_set_int (value, INN_METRIC_GRAPH (object)->plot_height);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
inn_metric_graph_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  InnMetricGraph *self = INN_METRIC_GRAPH (object);

  if (id != PROP_PLOT_HEIGHT)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  if (self->plot_height == g_value_get_int (value))
    return;

  self->plot_height = g_value_get_int (value);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  g_object_notify_by_pspec (object, pspec);
}

static void
inn_metric_graph_dispose (GObject *object)
{
  InnMetricGraph *self = INN_METRIC_GRAPH (object);

  if (self->time != NULL)
    g_clear_signal_handler (&self->time_changed, self->time);
  g_clear_object (&self->time);
  g_clear_object (&self->metrics);

  G_OBJECT_CLASS (inn_metric_graph_parent_class)->dispose (object);
}

static void
inn_metric_graph_finalize (GObject *object)
{
  InnMetricGraph *self = INN_METRIC_GRAPH (object);

  g_free (self->title);
  g_array_unref (self->lines);

  G_OBJECT_CLASS (inn_metric_graph_parent_class)->finalize (object);
}

static void
inn_metric_graph_class_init (InnMetricGraphClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = inn_metric_graph_get_property;
  object_class->set_property = inn_metric_graph_set_property;
  object_class->dispose = inn_metric_graph_dispose;
  object_class->finalize = inn_metric_graph_finalize;
  widget_class->snapshot = inn_metric_graph_snapshot;
  widget_class->measure = inn_metric_graph_measure;

  properties[PROP_PLOT_HEIGHT]
      = g_param_spec_int ("plot-height", NULL, NULL, 12, 10000, 120,
                          G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  signals[VALUES_CHANGED] = g_signal_new ("values-changed", INN_TYPE_METRIC_GRAPH,
                                          G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_css_name (widget_class, "metric-graph");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
inn_metric_graph_init (InnMetricGraph *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *key = gtk_event_controller_key_new ();

  self->lines = g_array_new (FALSE, FALSE, sizeof (Line));
  self->plot_height = 120;
  self->pointer_x = -1;
  inn_graph_scale_init (&self->scale, INN_GRAPH_PERCENT, 1);
  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);

  g_signal_connect_swapped (motion, "enter", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (motion, "motion", G_CALLBACK (on_motion), self);
  g_signal_connect_swapped (motion, "leave", G_CALLBACK (on_leave), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);
  g_signal_connect_swapped (key, "key-pressed", G_CALLBACK (on_key_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), key);
}

static void
update_accessible_name (InnMetricGraph *self)
{
  g_autofree char *name = NULL;
  gint64 seconds;

  if (self->title == NULL || self->time == NULL)
    return;

  seconds = inn_graph_time_get_range (self->time) / G_USEC_PER_SEC;
  if (seconds < 60)
    /* Translators: accessible name of a graph */
    name = g_strdup_printf (ngettext ("%s, last %d second", "%s, last %d seconds", (gulong)seconds),
                            self->title, (int)seconds);
  else
    name = g_strdup_printf (ngettext ("%s, last %d minute", "%s, last %d minutes",
                                      (gulong)seconds / 60),
                            self->title, (int)(seconds / 60));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

void
inn_metric_graph_set_title (InnMetricGraph *self, const char *title)
{
  g_return_if_fail (INN_IS_METRIC_GRAPH (self));

  g_free (self->title);
  self->title = g_strdup (title);
  update_accessible_name (self);
}

void
inn_metric_graph_set_time (InnMetricGraph *self, InnGraphTime *time)
{
  g_return_if_fail (INN_IS_METRIC_GRAPH (self));
  g_return_if_fail (INN_IS_GRAPH_TIME (time));
  g_return_if_fail (self->time == NULL);

  self->time = g_object_ref (time);
  self->time_changed
      = g_signal_connect_swapped (time, "changed", G_CALLBACK (on_time_changed), self);
  g_signal_connect_object (time, "range-changed", G_CALLBACK (update_accessible_name), self,
                           G_CONNECT_SWAPPED);
  update_accessible_name (self);
}

void
inn_metric_graph_set_metrics (InnMetricGraph *self, InnMetrics *metrics)
{
  g_return_if_fail (INN_IS_METRIC_GRAPH (self));

  g_set_object (&self->metrics, metrics);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
inn_metric_graph_set_scale (InnMetricGraph *self, InnGraphUnit unit, double top)
{
  g_return_if_fail (INN_IS_METRIC_GRAPH (self));
  g_return_if_fail (top > 0);

  inn_graph_scale_init (&self->scale, unit, top);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

InnGraphUnit
inn_metric_graph_get_unit (InnMetricGraph *self)
{
  g_return_val_if_fail (INN_IS_METRIC_GRAPH (self), INN_GRAPH_PERCENT);

  return self->scale.unit;
}

void
inn_metric_graph_set_shows_time (InnMetricGraph *self, gboolean shows_time)
{
  g_return_if_fail (INN_IS_METRIC_GRAPH (self));

  self->shows_time = shows_time;
}

void
inn_metric_graph_clear_lines (InnMetricGraph *self)
{
  g_return_if_fail (INN_IS_METRIC_GRAPH (self));

  g_array_set_size (self->lines, 0);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
inn_metric_graph_add_line (InnMetricGraph *self, InnSeries series, guint index, gboolean dashed)
{
  Line line = { series, index, dashed };

  g_return_if_fail (INN_IS_METRIC_GRAPH (self));

  g_array_append_val (self->lines, line);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

gboolean
inn_metric_graph_is_live (InnMetricGraph *self)
{
  g_return_val_if_fail (INN_IS_METRIC_GRAPH (self), FALSE);

  return !inn_graph_time_get_frozen (self->time) && !inn_graph_time_has_cursor (self->time);
}

double
inn_metric_graph_get_series_value (InnMetricGraph *self, InnSeries series, guint index)
{
  const InnSampleRing *ring;
  int nearest;

  g_return_val_if_fail (INN_IS_METRIC_GRAPH (self), NAN);

  ring = self->metrics != NULL ? inn_metrics_get_series (self->metrics, series, index) : NULL;
  nearest
      = ring != NULL ? inn_graph_find_nearest (ring, inn_graph_time_get_cursor (self->time)) : -1;

  return nearest >= 0 ? inn_sample_ring_get (ring, (guint)nearest).value : NAN;
}

double
inn_metric_graph_get_value (InnMetricGraph *self, guint line)
{
  const Line *l;

  g_return_val_if_fail (INN_IS_METRIC_GRAPH (self), NAN);
  g_return_val_if_fail (line < self->lines->len, NAN);

  l = &g_array_index (self->lines, Line, line);
  return inn_metric_graph_get_series_value (self, l->series, l->index);
}
