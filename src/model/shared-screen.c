/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnSharedScreen: the interface's calls and signals. */
#include "model/shared-screen.h"

enum
{
  SIGNAL_CHANGED,
  SIGNAL_ENDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_INTERFACE (InnSharedScreen, inn_shared_screen, G_TYPE_OBJECT)

static void
inn_shared_screen_default_init (InnSharedScreenInterface *iface)
{
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", INN_TYPE_SHARED_SCREEN, G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", INN_TYPE_SHARED_SCREEN, G_SIGNAL_RUN_LAST, 0, NULL,
                                        NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

gboolean
inn_shared_screen_read (InnSharedScreen *self, struct screen_page *page)
{
  g_return_val_if_fail (INN_IS_SHARED_SCREEN (self) && page != NULL, FALSE);

  return INN_SHARED_SCREEN_GET_IFACE (self)->read (self, page);
}

GBytes *
inn_shared_screen_get_pixels (InnSharedScreen *self)
{
  g_return_val_if_fail (INN_IS_SHARED_SCREEN (self), NULL);

  return INN_SHARED_SCREEN_GET_IFACE (self)->get_pixels (self);
}

void
inn_shared_screen_set_watched (InnSharedScreen *self, gboolean watched)
{
  g_return_if_fail (INN_IS_SHARED_SCREEN (self));

  INN_SHARED_SCREEN_GET_IFACE (self)->set_watched (self, watched);
}

void
inn_shared_screen_refresh_async (InnSharedScreen *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  g_return_if_fail (INN_IS_SHARED_SCREEN (self));

  INN_SHARED_SCREEN_GET_IFACE (self)->refresh_async (self, cancellable, callback, user_data);
}

gboolean
inn_shared_screen_refresh_finish (InnSharedScreen *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (INN_IS_SHARED_SCREEN (self), FALSE);

  return INN_SHARED_SCREEN_GET_IFACE (self)->refresh_finish (self, result, error);
}

void
inn_shared_screen_resize (InnSharedScreen *self, guint width, guint height)
{
  g_return_if_fail (INN_IS_SHARED_SCREEN (self));

  INN_SHARED_SCREEN_GET_IFACE (self)->resize (self, width, height);
}

void
inn_shared_screen_send_input (InnSharedScreen *self, const struct input_event *event)
{
  g_return_if_fail (INN_IS_SHARED_SCREEN (self) && event != NULL);

  INN_SHARED_SCREEN_GET_IFACE (self)->send_input (self, event);
}

void
inn_shared_screen_changed (InnSharedScreen *self)
{
  g_return_if_fail (INN_IS_SHARED_SCREEN (self));

  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

void
inn_shared_screen_ended (InnSharedScreen *self, const char *reason)
{
  g_return_if_fail (INN_IS_SHARED_SCREEN (self) && reason != NULL);

  g_signal_emit (self, signals[SIGNAL_ENDED], 0, reason);
}
