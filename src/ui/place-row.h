/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnPlaceRow: the heading of a place in the sidebar, which folds and unfolds its machines.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_PLACE_ROW (inn_place_row_get_type ())
G_DECLARE_FINAL_TYPE (InnPlaceRow, inn_place_row, INN, PLACE_ROW, GtkWidget)

/* @row: one whose item is an InnConnection. */
GtkWidget *inn_place_row_new (GtkTreeListRow *row);

G_END_DECLS
