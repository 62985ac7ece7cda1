/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnGuestScreen: a running guest's screen in memory shared with its VMM
 * (protocol/screen-protocol.h). Lives in the context of its channel. What was seen last stays
 * readable when the VMM has ended.
 *
 * Signals:
 *   "changed": the page or the pixels have changed; only while this or another screen of the same
 *   channel is watched, at most some 60 times a second.
 *   "closed" (GError *error or NULL): as that of InnControlChannel.
 */
#pragma once

#include <gio/gio.h>

#include "protocol/input-protocol.h"
#include "protocol/screen-protocol.h"

G_BEGIN_DECLS

#define INN_TYPE_GUEST_SCREEN (inn_guest_screen_get_type ())
G_DECLARE_FINAL_TYPE (InnGuestScreen, inn_guest_screen, INN, GUEST_SCREEN, GObject)

/* A consistent, validated copy of the page. No system call. FALSE when none can be had now: then
 * @page has no meaning. @page is large: do not put it on the stack. */
gboolean inn_guest_screen_read (InnGuestScreen *self, struct screen_page *page);
/* The pixel file, in which the page's mode says where the picture is; borrowed. The guest draws
 * into it at any time. It stays mapped while it is referenced. */
GBytes *inn_guest_screen_get_pixels (InnGuestScreen *self);

/* Keeps the picture current and emits "changed". Counted: every TRUE needs a FALSE. */
void inn_guest_screen_set_watched (InnGuestScreen *self, gboolean watched);
/* Finishes when the picture is current, also of a paused guest, whoever watches. */
void inn_guest_screen_refresh_async (InnGuestScreen *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean
inn_guest_screen_refresh_finish (InnGuestScreen *self, GAsyncResult *result, GError **error);
/* Asks the guest for another size in pixels, moved to the nearest one allowed. It may ignore it. */
void inn_guest_screen_resize (InnGuestScreen *self, guint width, guint height);
/* As inn_control_channel_send_input(). */
void inn_guest_screen_send_input (InnGuestScreen *self, const struct input_event *event);

G_END_DECLS
