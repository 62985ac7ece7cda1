/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSystemTile: a coloured tile with the first letter of a system's name.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_SYSTEM_TILE (inn_system_tile_get_type ())
G_DECLARE_FINAL_TYPE (InnSystemTile, inn_system_tile, INN, SYSTEM_TILE, GtkWidget)

GtkWidget *inn_system_tile_new (void);
void inn_system_tile_set_name (InnSystemTile *self, const char *name);

G_END_DECLS
