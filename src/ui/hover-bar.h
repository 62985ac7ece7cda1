/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnHoverBar: the bar over a guest in fullscreen, with the machine's name and the way out. It
 * shows itself for two seconds at first, then whenever the pointer rests at the top edge; pinned,
 * it stays.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_HOVER_BAR (inn_hover_bar_get_type ())
G_DECLARE_FINAL_TYPE (InnHoverBar, inn_hover_bar, INN, HOVER_BAR, GtkWidget)

void inn_hover_bar_set_title (InnHoverBar *self, const char *title);
/* Whether it is wanted at all. */
void inn_hover_bar_set_active (InnHoverBar *self, gboolean active);
/* The pointer is @y pixels below the top edge of the screen. */
void inn_hover_bar_track_pointer (InnHoverBar *self, double y);

G_END_DECLS
