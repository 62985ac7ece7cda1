/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnScreen: the picture of one machine's screen as it was last seen, for whoever shows it small.
 * Notifies "paintable" when it is another one; the paintable itself tells when it changes.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_SCREEN (inn_screen_get_type ())
G_DECLARE_FINAL_TYPE (InnScreen, inn_screen, INN, SCREEN, GObject)

/* The screen of @machine, made when first asked for; it lives as long as the machine. Borrowed. */
InnScreen *inn_screen_of (InnMachine *machine);

void inn_screen_set_paintable (InnScreen *self, GdkPaintable *paintable);
/* Borrowed; NULL when nothing was seen yet. */
GdkPaintable *inn_screen_get_paintable (InnScreen *self);

G_END_DECLS
