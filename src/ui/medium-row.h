/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMediumRow: a medium in a list: its system, its file, its size, and a mark when it is picked.
 */
#pragma once

#include <adwaita.h>

#include "ui/medium.h"

G_BEGIN_DECLS

#define INN_TYPE_MEDIUM_ROW (inn_medium_row_get_type ())
G_DECLARE_FINAL_TYPE (InnMediumRow, inn_medium_row, INN, MEDIUM_ROW, AdwActionRow)

/* @brief: the folder only, without the name of the file. */
GtkWidget *inn_medium_row_new (InnMedium *medium, gboolean brief);
InnMedium *inn_medium_row_get_medium (InnMediumRow *self);
void inn_medium_row_set_picked (InnMediumRow *self, gboolean picked);

G_END_DECLS
