/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnEngineScreen: hands everything on to an InnGuestScreen. */
#include "model/engine/engine-screen.h"

#include <glib/gi18n.h>

struct _InnEngineScreen
{
  GObject parent_instance;

  InnGuestScreen *screen;
};

static void shared_screen_iface_init (InnSharedScreenInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (InnEngineScreen,
                               inn_engine_screen,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (INN_TYPE_SHARED_SCREEN,
                                                      shared_screen_iface_init))

static gboolean
inn_engine_screen_read (InnSharedScreen *screen, struct screen_page *page)
{
  return inn_guest_screen_read (INN_ENGINE_SCREEN (screen)->screen, page);
}

static GBytes *
inn_engine_screen_get_pixels (InnSharedScreen *screen)
{
  return inn_guest_screen_get_pixels (INN_ENGINE_SCREEN (screen)->screen);
}

static void
inn_engine_screen_set_watched (InnSharedScreen *screen, gboolean watched)
{
  inn_guest_screen_set_watched (INN_ENGINE_SCREEN (screen)->screen, watched);
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (inn_guest_screen_refresh_finish (INN_GUEST_SCREEN (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
inn_engine_screen_refresh_async (InnSharedScreen *screen,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  inn_guest_screen_refresh_async (INN_ENGINE_SCREEN (screen)->screen, cancellable, on_refreshed,
                                  g_task_new (screen, cancellable, callback, user_data));
}

static gboolean
inn_engine_screen_refresh_finish (InnSharedScreen *screen, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
inn_engine_screen_resize (InnSharedScreen *screen, guint width, guint height)
{
  inn_guest_screen_resize (INN_ENGINE_SCREEN (screen)->screen, width, height);
}

static void
inn_engine_screen_send_input (InnSharedScreen *screen, const struct input_event *event)
{
  inn_guest_screen_send_input (INN_ENGINE_SCREEN (screen)->screen, event);
}

static void
shared_screen_iface_init (InnSharedScreenInterface *iface)
{
  iface->read = inn_engine_screen_read;
  iface->get_pixels = inn_engine_screen_get_pixels;
  iface->set_watched = inn_engine_screen_set_watched;
  iface->refresh_async = inn_engine_screen_refresh_async;
  iface->refresh_finish = inn_engine_screen_refresh_finish;
  iface->resize = inn_engine_screen_resize;
  iface->send_input = inn_engine_screen_send_input;
}

static void
on_closed (InnEngineScreen *self, const GError *error)
{
  inn_shared_screen_ended (INN_SHARED_SCREEN (self),
                           error != NULL ? error->message : _ ("The machine has ended."));
}

static void
inn_engine_screen_dispose (GObject *object)
{
  InnEngineScreen *self = INN_ENGINE_SCREEN (object);

  g_clear_object (&self->screen);

  G_OBJECT_CLASS (inn_engine_screen_parent_class)->dispose (object);
}

static void
inn_engine_screen_class_init (InnEngineScreenClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = inn_engine_screen_dispose;
}

static void
inn_engine_screen_init (InnEngineScreen *self)
{
}

InnSharedScreen *
inn_engine_screen_new (InnGuestScreen *screen)
{
  InnEngineScreen *self = g_object_new (INN_TYPE_ENGINE_SCREEN, NULL);

  self->screen = screen;
  g_signal_connect_object (screen, "changed", G_CALLBACK (inn_shared_screen_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (screen, "closed", G_CALLBACK (on_closed), self, G_CONNECT_SWAPPED);

  return INN_SHARED_SCREEN (self);
}
