/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's screen as a PNG image (ISO/IEC 15948).
 */
#pragma once

#include "guest-screen.h"

G_BEGIN_DECLS

/* What @screen shows now, also of a paused guest, whoever watches. */
void inn_screen_picture_take_async (InnGuestScreen *screen,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* The image, transfer full; its size in pixels if asked for. Or NULL: the guest shows nothing, or
 * has gone. */
GBytes *inn_screen_picture_take_finish (InnGuestScreen *screen,
                                        GAsyncResult *result,
                                        guint *ret_width,
                                        guint *ret_height,
                                        GError **error);

G_END_DECLS
