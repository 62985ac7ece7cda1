/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnScreenPreview: a small picture of a screen in shared memory, for machines that nobody works
 * with. While it is active it is refreshed every two seconds, also while the guest is paused, and
 * more often while a console shows the same screen; else it costs nothing. The last picture stays.
 *
 * Signal "ended" (): the guest has gone.
 */
#pragma once

#include <gdk/gdk.h>

#include "model/shared-screen.h"

G_BEGIN_DECLS

#define INN_TYPE_SCREEN_PREVIEW (inn_screen_preview_get_type ())
G_DECLARE_FINAL_TYPE (InnScreenPreview, inn_screen_preview, INN, SCREEN_PREVIEW, GObject)

InnScreenPreview *inn_screen_preview_new (InnSharedScreen *screen);

void inn_screen_preview_set_active (InnScreenPreview *self, gboolean active);
/* Borrowed. It tells when it changes, and is empty before the first picture. */
GdkPaintable *inn_screen_preview_get_paintable (InnScreenPreview *self);

G_END_DECLS
