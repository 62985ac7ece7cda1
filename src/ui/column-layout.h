/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnColumnLayout: lays the visible children out beside each other in columns of equal width, or,
 * where there is less than "threshold" pixels of width, below each other.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_COLUMN_LAYOUT (inn_column_layout_get_type ())
G_DECLARE_FINAL_TYPE (InnColumnLayout, inn_column_layout, INN, COLUMN_LAYOUT, GtkLayoutManager)

G_END_DECLS
