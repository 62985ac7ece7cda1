/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "guest-screen.h"

#include <errno.h>

#include "control-channel-private.h"
#include "control-error.h"

struct _InnGuestScreen
{
  GObject parent_instance;

  InnControlChannel *channel;
  InnScreenMap *map;
  guint watchers;
};

enum
{
  SIGNAL_CHANGED,
  SIGNAL_CLOSED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (InnGuestScreen, inn_guest_screen, G_TYPE_OBJECT)

static void
on_screen_changed (InnGuestScreen *self)
{
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static void
on_closed (InnGuestScreen *self, const GError *error)
{
  g_signal_emit (self, signals[SIGNAL_CLOSED], 0, error);
}

static void
inn_guest_screen_dispose (GObject *object)
{
  InnGuestScreen *self = INN_GUEST_SCREEN (object);

  if (self->watchers > 0)
    inn_control_channel_watch_screen (self->channel, FALSE);
  self->watchers = 0;
  g_clear_object (&self->channel);

  G_OBJECT_CLASS (inn_guest_screen_parent_class)->dispose (object);
}

static void
inn_guest_screen_finalize (GObject *object)
{
  inn_screen_map_free (INN_GUEST_SCREEN (object)->map);

  G_OBJECT_CLASS (inn_guest_screen_parent_class)->finalize (object);
}

static void
inn_guest_screen_class_init (InnGuestScreenClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = inn_guest_screen_dispose;
  object_class->finalize = inn_guest_screen_finalize;

  signals[SIGNAL_CHANGED] = g_signal_new ("changed", INN_TYPE_GUEST_SCREEN, G_SIGNAL_RUN_LAST, 0,
                                          NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_CLOSED] = g_signal_new ("closed", INN_TYPE_GUEST_SCREEN, G_SIGNAL_RUN_LAST, 0,
                                         NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
}

static void
inn_guest_screen_init (InnGuestScreen *self)
{
}

InnGuestScreen *
inn_guest_screen_new (InnControlChannel *channel, InnScreenMap *map)
{
  InnGuestScreen *self = g_object_new (INN_TYPE_GUEST_SCREEN, NULL);

  self->channel = g_object_ref (channel);
  self->map = map;
  g_signal_connect_object (channel, "screen-changed", G_CALLBACK (on_screen_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (channel, "closed", G_CALLBACK (on_closed), self, G_CONNECT_SWAPPED);

  return self;
}

gboolean
inn_guest_screen_read (InnGuestScreen *self, struct screen_page *page)
{
  int r;

  g_return_val_if_fail (INN_IS_GUEST_SCREEN (self), FALSE);
  g_return_val_if_fail (page != NULL, FALSE);

  r = inn_screen_map_read (self->map, page);
  /* -EAGAIN: somebody writes just now, and will tell again */
  if (r < 0 && r != -EAGAIN && !inn_control_channel_is_closed (self->channel))
    inn_control_channel_lose (self->channel, inn_control_error_protocol (r));

  return r == 0;
}

GBytes *
inn_guest_screen_get_pixels (InnGuestScreen *self)
{
  g_return_val_if_fail (INN_IS_GUEST_SCREEN (self), NULL);

  return inn_screen_map_get_pixels (self->map);
}

void
inn_guest_screen_set_watched (InnGuestScreen *self, gboolean watched)
{
  gboolean before;

  g_return_if_fail (INN_IS_GUEST_SCREEN (self));
  g_return_if_fail (watched || self->watchers > 0);

  before = self->watchers > 0;
  self->watchers = watched ? self->watchers + 1 : self->watchers - 1;
  if (before != (self->watchers > 0))
    inn_control_channel_watch_screen (self->channel, watched);
}

void
inn_guest_screen_refresh_async (InnGuestScreen *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  const struct control_command command = { .operation = CONTROL_REFRESH_SCREEN };

  g_return_if_fail (INN_IS_GUEST_SCREEN (self));

  if (inn_control_channel_can_begin (self->channel, task))
    inn_control_channel_submit (self->channel, task, &command);
}

gboolean
inn_guest_screen_refresh_finish (InnGuestScreen *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_guest_screen_resize (InnGuestScreen *self, guint width, guint height)
{
  const struct control_command command = {
    .operation = CONTROL_RESIZE_SCREEN,
    .arguments = { CLAMP (width, CONTROL_MIN_SCREEN_SIDE, SCREEN_MAX_WIDTH),
                   CLAMP (height, CONTROL_MIN_SCREEN_SIDE, SCREEN_MAX_HEIGHT) },
  };

  g_return_if_fail (INN_IS_GUEST_SCREEN (self));

  if (!inn_control_channel_is_closed (self->channel))
    inn_control_channel_submit (self->channel, NULL, &command);
}

void
inn_guest_screen_send_input (InnGuestScreen *self, const struct input_event *event)
{
  g_return_if_fail (INN_IS_GUEST_SCREEN (self));

  inn_control_channel_send_input (self->channel, event);
}
