/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMetricGraph: a graph of some series of a machine over the time of an InnGraphTime, with a
 * crosshair under the pointer or moved by keys (Left, Right: one sample; Page Up, Page Down: one
 * tenth; Home, End; Escape). It owns no data. Emits "values-changed" when
 * inn_metric_graph_get_value() may give something else.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/metrics.h"
#include "ui/graph-scale.h"
#include "ui/graph-time.h"

G_BEGIN_DECLS

#define INN_TYPE_METRIC_GRAPH (inn_metric_graph_get_type ())
G_DECLARE_FINAL_TYPE (InnMetricGraph, inn_metric_graph, INN, METRIC_GRAPH, GtkWidget)

/* @title: for its accessible name. @time may be shared by several graphs. */
void inn_metric_graph_set_title (InnMetricGraph *self, const char *title);
void inn_metric_graph_set_time (InnMetricGraph *self, InnGraphTime *time);
void inn_metric_graph_set_metrics (InnMetricGraph *self, InnMetrics *metrics);
/* @top: the fixed end of the value axis, or the least one where it follows the data. */
void inn_metric_graph_set_scale (InnMetricGraph *self, InnGraphUnit unit, double top);
InnGraphUnit inn_metric_graph_get_unit (InnMetricGraph *self);
/* Whether the crosshair carries the time; for wide graphs. */
void inn_metric_graph_set_shows_time (InnMetricGraph *self, gboolean shows_time);

void inn_metric_graph_clear_lines (InnMetricGraph *self);
void
inn_metric_graph_add_line (InnMetricGraph *self, InnSeries series, guint index, gboolean dashed);
/* Whether the values are those of now, which change all the time. */
gboolean inn_metric_graph_is_live (InnMetricGraph *self);
/* At the crosshair, or now; NAN when unknown. */
double inn_metric_graph_get_value (InnMetricGraph *self, guint line);
double inn_metric_graph_get_series_value (InnMetricGraph *self, InnSeries series, guint index);

G_END_DECLS
