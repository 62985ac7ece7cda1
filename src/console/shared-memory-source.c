/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSharedMemorySource: the screen page read and told as frames, damage and cursors; input as the
 * events of engine/protocol/input-protocol.h.
 */
#include "console/shared-memory-source.h"

#include <linux/input-event-codes.h>

#include "engine/protocol/input-protocol.h"
#include "engine/protocol/screen-protocol.h"

/* Of a screen that shows nothing and never showed anything. */
#define DARK_WIDTH  640
#define DARK_HEIGHT 480

struct _InnSharedMemorySource
{
  InnConsoleSource parent_instance;

  InnSharedScreen *screen;  /* NULL once closed */
  struct screen_page *page; /* the last copy; too large for a stack */
  gboolean shown;
  guint32 mode_generation; /* of the last frame, if there was one */
  guint32 cursor_generation;
  guint32 damage_seen;

  int x; /* what the guest was told last */
  int y;
  InnPointerButtons buttons;
};

G_DEFINE_FINAL_TYPE (InnSharedMemorySource, inn_shared_memory_source, INN_TYPE_CONSOLE_SOURCE)

/* From the guest. */

/* Black, of the size of the last picture. */
static InnPixelBuffer *
create_dark (InnSharedMemorySource *self)
{
  InnPixelBuffer *before = inn_console_source_get_pixels (INN_CONSOLE_SOURCE (self));

  return before != NULL ? inn_pixel_buffer_new (before->width, before->height)
                        : inn_pixel_buffer_new (DARK_WIDTH, DARK_HEIGHT);
}

static InnPixelBuffer *
create_picture (InnSharedMemorySource *self)
{
  const struct screen_mode *mode = &self->page->mode;

  return inn_pixel_buffer_new_for_bytes (inn_shared_screen_get_pixels (self->screen), mode->offset,
                                         (int)mode->width, (int)mode->height, mode->stride,
                                         mode->format == SCREEN_FORMAT_RGBX ? INN_PIXEL_ORDER_RGBX
                                                                            : INN_PIXEL_ORDER_BGRX);
}

static void
take_mode (InnSharedMemorySource *self)
{
  g_autoptr (InnPixelBuffer) pixels
      = self->page->mode.width > 0 ? create_picture (self) : create_dark (self);

  self->mode_generation = self->page->mode.generation;
  if (pixels != NULL)
    inn_console_source_set_pixels (INN_CONSOLE_SOURCE (self), pixels);
}

static void
take_damage (InnSharedMemorySource *self)
{
  InnConsoleSource *source = INN_CONSOLE_SOURCE (self);
  struct screen_rectangle rectangles[SCREEN_DAMAGE_SLOTS];
  int count = screen_damage_since (self->page, self->damage_seen, rectangles);

  if (count < 0) /* more than can be told */
    inn_console_source_damage (source, 0, 0, (int)self->page->mode.width,
                               (int)self->page->mode.height);
  for (int i = 0; i < count; i++)
    inn_console_source_damage (source, rectangles[i].x, rectangles[i].y, rectangles[i].width,
                               rectangles[i].height);
}

/* A guest that never had a pointer of its own draws one, or none: ours stays visible then. */
static void
take_cursor (InnSharedMemorySource *self)
{
  const struct screen_cursor *cursor = &self->page->cursor;
  g_autoptr (InnPixelBuffer) image = NULL;

  if (cursor->generation == self->cursor_generation)
    return;

  self->cursor_generation = cursor->generation;
  if (cursor->visible)
    {
      image = inn_pixel_buffer_new ((int)cursor->width, (int)cursor->height);
      memcpy (image->data, cursor->image, image->stride * (gsize)image->height);
    }
  inn_console_source_set_cursor (INN_CONSOLE_SOURCE (self), image, (int)cursor->hot_x,
                                 (int)cursor->hot_y);
}

/* Handlers of what is told here may close the source. */
static void
take_page (InnSharedMemorySource *self)
{
  InnConsoleSource *source = INN_CONSOLE_SOURCE (self);

  if (self->screen == NULL || !inn_shared_screen_read (self->screen, self->page))
    return;

  if (inn_console_source_get_pixels (source) == NULL
      || self->page->mode.generation != self->mode_generation)
    take_mode (self);
  else
    take_damage (self);
  self->damage_seen = self->page->damage.count;
  take_cursor (self);
}

static void
on_changed (InnSharedMemorySource *self)
{
  take_page (self);
}

static void
on_ended (InnSharedMemorySource *self, const char *reason)
{
  inn_console_source_end (INN_CONSOLE_SOURCE (self), reason);
}

/* Refreshing. */

static void
on_refreshed (GObject *screen, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (!inn_shared_screen_refresh_finish (INN_SHARED_SCREEN (screen), result, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  take_page (g_task_get_source_object (task));
  g_task_return_boolean (task, TRUE);
}

static void
inn_shared_memory_source_refresh_async (InnConsoleSource *source,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data)
{
  InnSharedMemorySource *self = INN_SHARED_MEMORY_SOURCE (source);

  inn_shared_screen_refresh_async (self->screen, cancellable, on_refreshed,
                                   g_task_new (self, cancellable, callback, user_data));
}

/* Whoever is not shown asks for nothing; whoever is again asks for what it missed. */
static void
inn_shared_memory_source_set_shown (InnConsoleSource *source, gboolean shown)
{
  InnSharedMemorySource *self = INN_SHARED_MEMORY_SOURCE (source);

  if (self->shown == shown)
    return;

  self->shown = shown;
  inn_shared_screen_set_watched (self->screen, shown);
  if (shown)
    inn_console_source_refresh_async (source, NULL, NULL, NULL);
}

static void
inn_shared_memory_source_close (InnConsoleSource *source)
{
  InnSharedMemorySource *self = INN_SHARED_MEMORY_SOURCE (source);

  g_signal_handlers_disconnect_by_data (self->screen, self);
  if (self->shown)
    inn_shared_screen_set_watched (self->screen, FALSE);
  self->shown = FALSE;
  g_clear_object (&self->screen);
}

/* To the guest. */

static void
send (InnSharedMemorySource *self, enum input_type type, guint code, int x, int y)
{
  const struct input_event event = { .type = (guint16)type, .code = (guint16)code, .x = x, .y = y };

  /* Some keyboards have keys beyond what a PC has. */
  if (code <= G_MAXUINT16 && input_event_validate (&event) == 0)
    inn_shared_screen_send_input (self->screen, &event);
}

static void
inn_shared_memory_source_send_key (InnConsoleSource *source,
                                   guint evdev,
                                   guint keysym,
                                   gboolean pressed)
{
  send (INN_SHARED_MEMORY_SOURCE (source), INPUT_KEY, evdev, pressed ? 1 : 0, 0);
}

/* From the first to the last pixel of @length is from one edge of the screen to the other. */
static int
scale_position (int position, int length)
{
  int last = MAX (length - 1, 1);

  return (int)(((gint64)CLAMP (position, 0, last) * INPUT_POSITION_MAX + last / 2) / last);
}

static void
send_position (InnSharedMemorySource *self, int x, int y)
{
  InnPixelBuffer *pixels = inn_console_source_get_pixels (INN_CONSOLE_SOURCE (self));

  if (pixels == NULL || (x == self->x && y == self->y))
    return;

  self->x = x;
  self->y = y;
  send (self, INPUT_POSITION, 0, scale_position (x, pixels->width),
        scale_position (y, pixels->height));
}

static void
inn_shared_memory_source_send_pointer (InnConsoleSource *source,
                                       int x,
                                       int y,
                                       InnPointerButtons buttons)
{
  static const struct
  {
    InnPointerButtons bit;
    guint code;
  } codes[] = {
    { INN_POINTER_LEFT, BTN_LEFT },
    { INN_POINTER_MIDDLE, BTN_MIDDLE },
    { INN_POINTER_RIGHT, BTN_RIGHT },
  };
  InnSharedMemorySource *self = INN_SHARED_MEMORY_SOURCE (source);
  InnPointerButtons changed = buttons ^ self->buttons;

  send_position (self, x, y);
  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if (changed & codes[i].bit)
      send (self, INPUT_BUTTON, codes[i].code, (buttons & codes[i].bit) ? 1 : 0, 0);
  self->buttons = buttons;
}

static void
inn_shared_memory_source_send_scroll (InnConsoleSource *source,
                                      int x,
                                      int y,
                                      InnPointerButtons buttons,
                                      InnScrollDirection to)
{
  static const struct
  {
    int right;
    int away;
  } steps[] = {
    [INN_SCROLL_UP] = { 0, 1 },
    [INN_SCROLL_DOWN] = { 0, -1 },
    [INN_SCROLL_LEFT] = { -1, 0 },
    [INN_SCROLL_RIGHT] = { 1, 0 },
  };

  inn_shared_memory_source_send_pointer (source, x, y, buttons);
  send (INN_SHARED_MEMORY_SOURCE (source), INPUT_WHEEL, 0, steps[to].right, steps[to].away);
}

static void
inn_shared_memory_source_request_size (InnConsoleSource *source, int width, int height)
{
  inn_shared_screen_resize (INN_SHARED_MEMORY_SOURCE (source)->screen, (guint)width, (guint)height);
}

static void
inn_shared_memory_source_finalize (GObject *object)
{
  g_free (INN_SHARED_MEMORY_SOURCE (object)->page);

  G_OBJECT_CLASS (inn_shared_memory_source_parent_class)->finalize (object);
}

static void
inn_shared_memory_source_class_init (InnSharedMemorySourceClass *klass)
{
  InnConsoleSourceClass *source_class = INN_CONSOLE_SOURCE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = inn_shared_memory_source_finalize;

  source_class->close = inn_shared_memory_source_close;
  source_class->send_key = inn_shared_memory_source_send_key;
  source_class->send_pointer = inn_shared_memory_source_send_pointer;
  source_class->send_scroll = inn_shared_memory_source_send_scroll;
  source_class->request_size = inn_shared_memory_source_request_size;
  source_class->set_shown = inn_shared_memory_source_set_shown;
  source_class->refresh_async = inn_shared_memory_source_refresh_async;
}

static void
inn_shared_memory_source_init (InnSharedMemorySource *self)
{
  self->page = g_new0 (struct screen_page, 1);
  self->x = self->y = -1;
}

InnConsoleSource *
inn_shared_memory_source_new (InnSharedScreen *screen)
{
  InnSharedMemorySource *self = g_object_new (INN_TYPE_SHARED_MEMORY_SOURCE, NULL);
  InnConsoleSource *source = INN_CONSOLE_SOURCE (self);

  self->screen = g_object_ref (screen);
  g_signal_connect_object (screen, "changed", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (screen, "ended", G_CALLBACK (on_ended), self, G_CONNECT_SWAPPED);
  inn_console_source_refresh_async (source, NULL, NULL, NULL);

  return source;
}
