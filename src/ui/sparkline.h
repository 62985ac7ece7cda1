/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSparkline: processor use of a machine over the last 36 seconds, in the accent colour.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/metrics.h"

G_BEGIN_DECLS

#define INN_TYPE_SPARKLINE (inn_sparkline_get_type ())
G_DECLARE_FINAL_TYPE (InnSparkline, inn_sparkline, INN, SPARKLINE, GtkWidget)

/* The caller redraws it as often as it should move. */
void inn_sparkline_set_metrics (InnSparkline *self, InnMetrics *metrics);

G_END_DECLS
