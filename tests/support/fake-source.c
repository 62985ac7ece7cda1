/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FakeSource: a test pattern that records its input. */
#include "fake-source.h"

#define BYTES_PER_PIXEL 4

struct _FakeSource
{
  InnConsoleSource parent_instance;

  GString *log;
};

G_DEFINE_FINAL_TYPE (FakeSource, fake_source, INN_TYPE_CONSOLE_SOURCE)

static G_GNUC_PRINTF (2, 3) void write_down (InnConsoleSource *source, const char *format, ...)
{
  FakeSource *self = FAKE_SOURCE (source);
  va_list arguments;

  if (self->log->len > 0)
    g_string_append_c (self->log, '\n');
  va_start (arguments, format);
  g_string_append_vprintf (self->log, format, arguments);
  va_end (arguments);
}

static void
fake_source_close (InnConsoleSource *source)
{
}

static void
fake_source_send_key (InnConsoleSource *source, guint evdev, guint keysym, gboolean pressed)
{
  write_down (source, "key %u %s", evdev, pressed ? "down" : "up");
}

static void
fake_source_send_pointer (InnConsoleSource *source, int x, int y, InnPointerButtons buttons)
{
  write_down (source, "pointer %d %d buttons %u", x, y, (guint)buttons);
}

static void
fake_source_send_scroll (InnConsoleSource *source,
                         int x,
                         int y,
                         InnPointerButtons buttons,
                         InnScrollDirection to)
{
  static const char *const names[] = { "up", "down", "left", "right" };

  write_down (source, "scroll %d %d %s", x, y, names[to]);
}

static void
fake_source_request_size (InnConsoleSource *source, int width, int height)
{
  write_down (source, "size %dx%d", width, height);
}

static void
fake_source_finalize (GObject *object)
{
  g_string_free (FAKE_SOURCE (object)->log, TRUE);

  G_OBJECT_CLASS (fake_source_parent_class)->finalize (object);
}

static void
fake_source_class_init (FakeSourceClass *klass)
{
  InnConsoleSourceClass *source_class = INN_CONSOLE_SOURCE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_source_finalize;
  source_class->close = fake_source_close;
  source_class->send_key = fake_source_send_key;
  source_class->send_pointer = fake_source_send_pointer;
  source_class->send_scroll = fake_source_send_scroll;
  source_class->request_size = fake_source_request_size;
}

static void
fake_source_init (FakeSource *self)
{
  self->log = g_string_new (NULL);
}

FakeSource *
fake_source_new (void)
{
  return g_object_new (FAKE_TYPE_SOURCE, NULL);
}

guint32
fake_source_pattern (int x, int y)
{
  guint32 shade = ((guint32)x + (guint32)y) % 2 ? 0xff : 0x40;

  return shade << 16 | ((guint32)x & 0xff) << 8 | ((guint32)y & 0xff);
}

static void
put_pixel (InnPixelBuffer *pixels, int x, int y, guint32 rgb)
{
  guint8 *pixel = pixels->data + (gsize)y * pixels->stride + (gsize)x * BYTES_PER_PIXEL;

  pixel[0] = (guint8)rgb;
  pixel[1] = (guint8)(rgb >> 8);
  pixel[2] = (guint8)(rgb >> 16);
  pixel[3] = (guint8)x; /* means nothing; must not be seen */
}

void
fake_source_set_size (FakeSource *self, int width, int height)
{
  g_autoptr (InnPixelBuffer) pixels = inn_pixel_buffer_new (width, height);

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      put_pixel (pixels, x, y, fake_source_pattern (x, y));
  inn_console_source_set_pixels (INN_CONSOLE_SOURCE (self), pixels);
}

void
fake_source_fill (FakeSource *self, int x, int y, int width, int height, guint32 rgb)
{
  InnPixelBuffer *pixels = inn_console_source_get_pixels (INN_CONSOLE_SOURCE (self));

  for (int row = y; row < y + height; row++)
    for (int column = x; column < x + width; column++)
      put_pixel (pixels, column, row, rgb);
  inn_console_source_damage (INN_CONSOLE_SOURCE (self), x, y, width, height);
}

char *
fake_source_take_log (FakeSource *self)
{
  char *log = g_strdup (self->log->str);

  g_string_truncate (self->log, 0);
  return log;
}
