/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDisplay: the widget that paints a guest's screen and takes input for it. It knows no
 * protocol; an InnConsoleSource does. It asks the guest for a screen of its own size once it has
 * kept that size for a moment.
 */
#pragma once

#include <gtk/gtk.h>

#include "console/console-source.h"

G_BEGIN_DECLS

#define INN_TYPE_DISPLAY (inn_display_get_type ())
G_DECLARE_FINAL_TYPE (InnDisplay, inn_display, INN, DISPLAY, GtkWidget)

GtkWidget *inn_display_new (void);

/* Shows @source and sends it input. NULL: lets go; the last picture stays. */
void inn_display_set_source (InnDisplay *self, InnConsoleSource *source);
/* Forgets the last picture. */
void inn_display_clear (InnDisplay *self);
/* Whether keys that are otherwise the application's are the guest's, see InnKeyboardGrab. */
void inn_display_set_grabbed (InnDisplay *self, gboolean grabbed);
/* Presses the keys (evdev codes, zero-terminated) in order, releases them in reverse. */
void inn_display_send_keys (InnDisplay *self, const guint *evdev_codes);
/* A small live picture of the screen, or NULL before the first one. Borrowed. */
GdkPaintable *inn_display_get_thumbnail (InnDisplay *self);

G_END_DECLS
