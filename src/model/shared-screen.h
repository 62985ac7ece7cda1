/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSharedScreen: a guest's screen in memory that it draws into and we look at, and the way its
 * keyboard and pointer are reached. An interface: a back end implements it, a console source uses
 * it, and neither knows the other. What is in the memory is said in
 * engine/protocol/screen-protocol.h, what input is in engine/protocol/input-protocol.h.
 *
 * Signals:
 *  "changed" ():                  the page or the pixels have changed; only while it is watched
 *  "ended" (const char *reason):  the guest has gone; the reason is a translated sentence
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

struct input_event;
struct screen_page;

#define INN_TYPE_SHARED_SCREEN (inn_shared_screen_get_type ())
G_DECLARE_INTERFACE (InnSharedScreen, inn_shared_screen, INN, SHARED_SCREEN, GObject)

struct _InnSharedScreenInterface
{
  GTypeInterface parent_interface;

  /* All required. */
  gboolean (*read) (InnSharedScreen *self, struct screen_page *page);
  GBytes *(*get_pixels) (InnSharedScreen *self);
  void (*set_watched) (InnSharedScreen *self, gboolean watched);
  void (*refresh_async) (InnSharedScreen *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
  gboolean (*refresh_finish) (InnSharedScreen *self, GAsyncResult *result, GError **error);
  void (*resize) (InnSharedScreen *self, guint width, guint height);
  void (*send_input) (InnSharedScreen *self, const struct input_event *event);
};

/* A consistent copy of the page whose numbers are within their bounds. FALSE: none can be had now,
 * and @page has no meaning. */
gboolean inn_shared_screen_read (InnSharedScreen *self, struct screen_page *page);
/* The memory that the page's mode is about; borrowed. The guest writes to it at any time. It stays
 * while it is referenced. */
GBytes *inn_shared_screen_get_pixels (InnSharedScreen *self);
/* Whether "changed" is wanted. Counted: every TRUE needs a FALSE. */
void inn_shared_screen_set_watched (InnSharedScreen *self, gboolean watched);
/* Finishes when the picture is current, also that of a paused guest. */
void inn_shared_screen_refresh_async (InnSharedScreen *self,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean
inn_shared_screen_refresh_finish (InnSharedScreen *self, GAsyncResult *result, GError **error);
/* Asks the guest for another size in pixels. It may ignore that. */
void inn_shared_screen_resize (InnSharedScreen *self, guint width, guint height);
/* @event is valid. */
void inn_shared_screen_send_input (InnSharedScreen *self, const struct input_event *event);

/* For implementations. */
void inn_shared_screen_changed (InnSharedScreen *self);
void inn_shared_screen_ended (InnSharedScreen *self, const char *reason);

G_END_DECLS
