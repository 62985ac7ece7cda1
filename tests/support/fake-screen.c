/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FakeScreen: a page, pixels, and a notebook. */
#include "fake-screen.h"

#include "engine/protocol/input-protocol.h"

#define BYTES_PER_PIXEL 4

struct _FakeScreen
{
  GObject parent_instance;

  struct screen_page *page;
  guint8 *memory;
  GBytes *pixels;
  GString *log;
  guint watchers;
  gboolean busy;
};

static void shared_screen_iface_init (InnSharedScreenInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FakeScreen,
                               fake_screen,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (INN_TYPE_SHARED_SCREEN,
                                                      shared_screen_iface_init))

static G_GNUC_PRINTF (2, 3) void write_down (FakeScreen *self, const char *format, ...)
{
  va_list arguments;

  if (self->log->len > 0)
    g_string_append_c (self->log, '\n');
  va_start (arguments, format);
  g_string_append_vprintf (self->log, format, arguments);
  va_end (arguments);
}

static gboolean
fake_screen_read (InnSharedScreen *screen, struct screen_page *page)
{
  FakeScreen *self = FAKE_SCREEN (screen);

  return !self->busy && screen_copy (self->page, g_bytes_get_size (self->pixels), page) == 0;
}

static GBytes *
fake_screen_get_bytes (InnSharedScreen *screen)
{
  return FAKE_SCREEN (screen)->pixels;
}

static void
fake_screen_set_watched (InnSharedScreen *screen, gboolean watched)
{
  FakeScreen *self = FAKE_SCREEN (screen);

  g_assert_true (watched || self->watchers > 0);
  self->watchers += watched ? 1 : -1u;
  write_down (self, watched ? "watch" : "unwatch");
}

static void
fake_screen_refresh_async (InnSharedScreen *screen,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (screen, cancellable, callback, user_data);

  write_down (FAKE_SCREEN (screen), "refresh");
  g_task_return_boolean (task, TRUE);
}

static gboolean
fake_screen_refresh_finish (InnSharedScreen *screen, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
fake_screen_resize (InnSharedScreen *screen, guint width, guint height)
{
  write_down (FAKE_SCREEN (screen), "size %ux%u", width, height);
}

static void
fake_screen_send_input (InnSharedScreen *screen, const struct input_event *event)
{
  FakeScreen *self = FAKE_SCREEN (screen);

  g_assert_cmpint (input_event_validate (event), ==, 0);
  switch ((enum input_type)event->type)
    {
    case INPUT_KEY:
      write_down (self, "key %u %d", event->code, event->x);
      break;
    case INPUT_BUTTON:
      write_down (self, "button %u %d", event->code, event->x);
      break;
    case INPUT_POSITION:
      write_down (self, "position %d %d", event->x, event->y);
      break;
    case INPUT_WHEEL:
      write_down (self, "wheel %d %d", event->x, event->y);
      break;
    case INPUT_MOTION:
      write_down (self, "motion %d %d", event->x, event->y);
      break;
    }
}

static void
shared_screen_iface_init (InnSharedScreenInterface *iface)
{
  iface->read = fake_screen_read;
  iface->get_pixels = fake_screen_get_bytes;
  iface->set_watched = fake_screen_set_watched;
  iface->refresh_async = fake_screen_refresh_async;
  iface->refresh_finish = fake_screen_refresh_finish;
  iface->resize = fake_screen_resize;
  iface->send_input = fake_screen_send_input;
}

static void
fake_screen_finalize (GObject *object)
{
  FakeScreen *self = FAKE_SCREEN (object);

  g_free (self->page);
  g_bytes_unref (self->pixels);
  g_string_free (self->log, TRUE);

  G_OBJECT_CLASS (fake_screen_parent_class)->finalize (object);
}

static void
fake_screen_class_init (FakeScreenClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_screen_finalize;
}

static void
fake_screen_init (FakeScreen *self)
{
  self->log = g_string_new (NULL);
}

FakeScreen *
fake_screen_new (gsize pixel_bytes)
{
  FakeScreen *self = g_object_new (FAKE_TYPE_SCREEN, NULL);

  self->page = g_new0 (struct screen_page, 1);
  self->page->header = (struct screen_header){
    .magic = SCREEN_MAGIC,
    .major = SCREEN_MAJOR,
    .size = sizeof (struct screen_page),
    .pixel_bytes = pixel_bytes,
  };
  self->memory = g_malloc0 (pixel_bytes);
  self->pixels = g_bytes_new_take (self->memory, pixel_bytes);
  return self;
}

struct screen_page *
fake_screen_get_page (FakeScreen *self)
{
  return self->page;
}

guint8 *
fake_screen_get_pixels (FakeScreen *self)
{
  return self->memory;
}

void
fake_screen_set_size (FakeScreen *self, guint width, guint height)
{
  self->page->mode = (struct screen_mode){
    .generation = self->page->mode.generation + 1,
    .width = width,
    .height = height,
    .stride = width * BYTES_PER_PIXEL,
    .format = SCREEN_FORMAT_BGRX,
  };
}

void
fake_screen_fill (FakeScreen *self, guint x, guint y, guint width, guint height, guint32 rgb)
{
  const struct screen_mode *mode = &self->page->mode;
  struct screen_damage *damage = &self->page->damage;

  for (guint row = y; row < y + height; row++)
    for (guint column = x; column < x + width; column++)
      {
        guint8 *pixel = self->memory + mode->offset + (gsize)row * mode->stride
                        + (gsize)column * BYTES_PER_PIXEL;

        pixel[0] = (guint8)rgb;
        pixel[1] = (guint8)(rgb >> 8);
        pixel[2] = (guint8)(rgb >> 16);
      }
  damage->slots[damage->count % SCREEN_DAMAGE_SLOTS] = (struct screen_rectangle){
    .x = (guint16)x,
    .y = (guint16)y,
    .width = (guint16)width,
    .height = (guint16)height,
  };
  damage->count++;
}

void
fake_screen_set_busy (FakeScreen *self, gboolean busy)
{
  self->busy = busy;
}

void
fake_screen_tell (FakeScreen *self)
{
  if (self->watchers > 0)
    inn_shared_screen_changed (INN_SHARED_SCREEN (self));
}

void
fake_screen_end (FakeScreen *self, const char *reason)
{
  inn_shared_screen_ended (INN_SHARED_SCREEN (self), reason);
}

char *
fake_screen_take_log (FakeScreen *self)
{
  char *log = g_strdup (self->log->str);

  g_string_truncate (self->log, 0);
  return log;
}
