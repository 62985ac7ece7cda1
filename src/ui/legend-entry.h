/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLegendEntry: the swatch, the name and the present value of one series.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_LEGEND_ENTRY (inn_legend_entry_get_type ())
G_DECLARE_FINAL_TYPE (InnLegendEntry, inn_legend_entry, INN, LEGEND_ENTRY, GtkWidget)

/* @index: of the series, for its colour. */
GtkWidget *inn_legend_entry_new (const char *label, guint index, gboolean dashed);
void inn_legend_entry_set_value (InnLegendEntry *self, const char *value);
void inn_legend_entry_set_terse (InnLegendEntry *self, gboolean terse);

G_END_DECLS
