/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnGraphCard: a titled graph with its headline figure and a legend whose entries carry the values
 * now or at the crosshair. Prominent, or compact as one of several graphs in a card.
 */
#pragma once

#include <gtk/gtk.h>

#include "ui/metric-graph.h"

G_BEGIN_DECLS

#define INN_TYPE_GRAPH_CARD (inn_graph_card_get_type ())
G_DECLARE_FINAL_TYPE (InnGraphCard, inn_graph_card, INN, GRAPH_CARD, GtkWidget)

InnMetricGraph *inn_graph_card_get_graph (InnGraphCard *self);
void inn_graph_card_set_subtitle (InnGraphCard *self, const char *subtitle);
/* The series of the headline figure; without it the figure is the sum of the lines. */
void inn_graph_card_set_headline (InnGraphCard *self, InnSeries series);
void inn_graph_card_clear_lines (InnGraphCard *self);
/* @label: the entry in the legend. */
void inn_graph_card_add_line (InnGraphCard *self,
                              const char *label,
                              InnSeries series,
                              guint index,
                              gboolean dashed);
/* Whether the legend leaves out the words and keeps the values; for narrow windows. */
void inn_graph_card_set_terse (InnGraphCard *self, gboolean terse);

G_END_DECLS
