/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnConsoleSource: what all sources share: the picture, the lights, the end. */
#include "console/console-source.h"

#include "console/keymap.h"

typedef struct
{
  InnPixelBuffer *pixels;
  InnLeds leds;
  gboolean leds_known;
  gboolean ended;
} InnConsoleSourcePrivate;

enum
{
  SIGNAL_FRAME,
  SIGNAL_DAMAGE,
  SIGNAL_CURSOR,
  SIGNAL_ENDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (InnConsoleSource, inn_console_source, G_TYPE_OBJECT)

static void
inn_console_source_dispose (GObject *object)
{
  inn_console_source_close (INN_CONSOLE_SOURCE (object));

  G_OBJECT_CLASS (inn_console_source_parent_class)->dispose (object);
}

static void
inn_console_source_finalize (GObject *object)
{
  InnConsoleSourcePrivate *priv
      = inn_console_source_get_instance_private (INN_CONSOLE_SOURCE (object));

  g_clear_pointer (&priv->pixels, inn_pixel_buffer_unref);

  G_OBJECT_CLASS (inn_console_source_parent_class)->finalize (object);
}

static void
inn_console_source_class_init (InnConsoleSourceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GType type = G_TYPE_FROM_CLASS (klass);

  object_class->dispose = inn_console_source_dispose;
  object_class->finalize = inn_console_source_finalize;

  signals[SIGNAL_FRAME]
      = g_signal_new ("frame", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_DAMAGE]
      = g_signal_new ("damage", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4,
                      G_TYPE_INT, G_TYPE_INT, G_TYPE_INT, G_TYPE_INT);
  signals[SIGNAL_CURSOR] = g_signal_new ("cursor", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 3, G_TYPE_POINTER, G_TYPE_INT, G_TYPE_INT);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
inn_console_source_init (InnConsoleSource *self)
{
}

static gboolean
is_live (InnConsoleSource *self)
{
  InnConsoleSourcePrivate *priv = inn_console_source_get_instance_private (self);

  return !priv->ended;
}

InnPixelBuffer *
inn_console_source_get_pixels (InnConsoleSource *self)
{
  InnConsoleSourcePrivate *priv = inn_console_source_get_instance_private (self);

  g_return_val_if_fail (INN_IS_CONSOLE_SOURCE (self), NULL);

  return priv->pixels;
}

gboolean
inn_console_source_get_leds (InnConsoleSource *self, InnLeds *leds)
{
  InnConsoleSourcePrivate *priv = inn_console_source_get_instance_private (self);

  g_return_val_if_fail (INN_IS_CONSOLE_SOURCE (self), FALSE);

  *leds = priv->leds;
  return priv->leds_known;
}

void
inn_console_source_close (InnConsoleSource *self)
{
  InnConsoleSourcePrivate *priv = inn_console_source_get_instance_private (self);

  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (priv->ended)
    return;

  priv->ended = TRUE;
  INN_CONSOLE_SOURCE_GET_CLASS (self)->close (self);
}

void
inn_console_source_send_key (InnConsoleSource *self, guint evdev, guint keysym, gboolean pressed)
{
  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (keysym == 0)
    keysym = inn_keymap_keysym_from_evdev (evdev);
  if (is_live (self))
    INN_CONSOLE_SOURCE_GET_CLASS (self)->send_key (self, evdev, keysym, pressed);
}

void
inn_console_source_send_pointer (InnConsoleSource *self, int x, int y, InnPointerButtons buttons)
{
  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (is_live (self))
    INN_CONSOLE_SOURCE_GET_CLASS (self)->send_pointer (self, x, y, buttons);
}

void
inn_console_source_send_scroll (InnConsoleSource *self,
                                int x,
                                int y,
                                InnPointerButtons buttons,
                                InnScrollDirection to)
{
  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (is_live (self))
    INN_CONSOLE_SOURCE_GET_CLASS (self)->send_scroll (self, x, y, buttons, to);
}

void
inn_console_source_request_size (InnConsoleSource *self, int width, int height)
{
  InnConsoleSourceClass *klass = INN_CONSOLE_SOURCE_GET_CLASS (self);

  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (is_live (self) && klass->request_size != NULL)
    klass->request_size (self, width, height);
}

void
inn_console_source_set_shown (InnConsoleSource *self, gboolean shown)
{
  InnConsoleSourceClass *klass = INN_CONSOLE_SOURCE_GET_CLASS (self);

  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (is_live (self) && klass->set_shown != NULL)
    klass->set_shown (self, shown);
}

void
inn_console_source_refresh_async (InnConsoleSource *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
  InnConsoleSourceClass *klass = INN_CONSOLE_SOURCE_GET_CLASS (self);
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (is_live (self) && klass->refresh_async != NULL)
    {
      klass->refresh_async (self, cancellable, callback, user_data);
      return;
    }

  /* It is always current, or nothing more will come. */
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_return_boolean (task, TRUE);
}

gboolean
inn_console_source_refresh_finish (InnConsoleSource *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

void
inn_console_source_set_pixels (InnConsoleSource *self, InnPixelBuffer *pixels)
{
  InnConsoleSourcePrivate *priv = inn_console_source_get_instance_private (self);

  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self) && pixels != NULL);

  if (!is_live (self))
    return;

  inn_pixel_buffer_ref (pixels);
  g_clear_pointer (&priv->pixels, inn_pixel_buffer_unref);
  priv->pixels = pixels;
  g_signal_emit (self, signals[SIGNAL_FRAME], 0);
}

void
inn_console_source_set_leds (InnConsoleSource *self, InnLeds leds)
{
  InnConsoleSourcePrivate *priv = inn_console_source_get_instance_private (self);

  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  priv->leds = leds;
  priv->leds_known = TRUE;
}

void
inn_console_source_damage (InnConsoleSource *self, int x, int y, int width, int height)
{
  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (is_live (self))
    g_signal_emit (self, signals[SIGNAL_DAMAGE], 0, x, y, width, height);
}

void
inn_console_source_set_cursor (InnConsoleSource *self, InnPixelBuffer *image, int hot_x, int hot_y)
{
  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self));

  if (is_live (self))
    g_signal_emit (self, signals[SIGNAL_CURSOR], 0, image, hot_x, hot_y);
}

void
inn_console_source_end (InnConsoleSource *self, const char *reason)
{
  g_return_if_fail (INN_IS_CONSOLE_SOURCE (self) && reason != NULL);

  if (!is_live (self))
    return;

  inn_console_source_close (self);
  g_signal_emit (self, signals[SIGNAL_ENDED], 0, reason);
}
