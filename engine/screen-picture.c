/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From shared memory to PNG. The guest may go on drawing meanwhile.
 */
#include "config.h"

#include "screen-picture.h"

#include <glib/gi18n-lib.h>
#include <png.h>

#include "engine-error.h"

enum
{
  READING_INTERVAL_MS = 1,
  MAX_READINGS = 100, /* of a page that the guest changes all the time */
  SOURCE_BYTES_PER_PIXEL = 4,
  BYTES_PER_PIXEL = 3,
  BITS_PER_SAMPLE = 8,
  FAST = 1, /* zlib's level: a screen packs well at any */
};

static void
on_write (png_structp png, png_bytep data, size_t length)
{
  g_byte_array_append (png_get_io_ptr (png), data, (guint)length);
}

static void
on_flush (png_structp png)
{
}

/* Each byte is read once, for the guest may change it. */
static void
convert_row (const guint8 *source, enum screen_format format, guint width, guint8 *row)
{
  const guint red = format == SCREEN_FORMAT_RGBX ? 0 : 2;

  for (guint i = 0; i < width; i++, source += SOURCE_BYTES_PER_PIXEL, row += BYTES_PER_PIXEL)
    {
      row[0] = source[red];
      row[1] = source[1];
      row[2] = source[2 - red];
    }
}

/* FALSE: libpng has given up, which it does by jumping here. */
static gboolean
write_image (png_structp png,
             png_infop info,
             const struct screen_mode *mode,
             const guint8 *first,
             guint8 *row)
{
  if (setjmp (png_jmpbuf (png)))
    return FALSE;

  png_set_compression_level (png, FAST);
  png_set_IHDR (png, info, mode->width, mode->height, BITS_PER_SAMPLE, PNG_COLOR_TYPE_RGB,
                PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info (png, info);
  for (guint y = 0; y < mode->height; y++)
    {
      convert_row (first + (gsize)y * mode->stride, mode->format, mode->width, row);
      png_write_row (png, row);
    }
  png_write_end (png, info);
  return TRUE;
}

/* NULL: there is no memory for it. */
static GBytes *
pack (const struct screen_mode *mode, GBytes *pixels)
{
  const guint8 *first = (const guint8 *)g_bytes_get_data (pixels, NULL) + mode->offset;
  g_autofree guint8 *row = g_malloc_n (mode->width, BYTES_PER_PIXEL);
  GByteArray *packed = g_byte_array_new ();
  png_structp png = png_create_write_struct (PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
  png_infop info = png != NULL ? png_create_info_struct (png) : NULL;
  gboolean done = FALSE;

  if (info != NULL)
    {
      png_set_write_fn (png, packed, on_write, on_flush);
      done = write_image (png, info, mode, first, row);
    }
  png_destroy_write_struct (&png, &info);
  if (done)
    return g_byte_array_free_to_bytes (packed);

  g_byte_array_unref (packed);
  return NULL;
}

/* One picture that is asked for: the data of its task. */
typedef struct
{
  struct screen_page page;
  GBytes *pixels;
  guint readings;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;

  g_bytes_unref (request->pixels);
  g_free (request);
}

static void
pack_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Request *request = task_data;
  GBytes *picture = pack (&request->page.mode, request->pixels);

  if (picture != NULL)
    g_task_return_pointer (task, picture, (GDestroyNotify)g_bytes_unref);
  else
    g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED,
                             _ ("There is no memory for a picture of the screen."));
}

/* In a moment when the guest does not change the page. */
static gboolean
read_page (gpointer user_data)
{
  GTask *task = user_data;
  Request *request = g_task_get_task_data (task);

  if (!inn_guest_screen_read (g_task_get_source_object (task), &request->page))
    {
      if (++request->readings < MAX_READINGS)
        return G_SOURCE_CONTINUE;
      g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                               _ ("The screen cannot be read now. Try again."));
    }
  else if (request->page.mode.width == 0)
    g_task_return_new_error (task, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                             _ ("There is nothing on the screen now."));
  else
    g_task_run_in_thread (task, pack_in_thread);
  return G_SOURCE_REMOVE;
}

static void
on_refreshed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (!inn_guest_screen_refresh_finish (INN_GUEST_SCREEN (source), result, &error))
    g_task_return_error (task, error);
  else if (read_page (task) == G_SOURCE_CONTINUE)
    g_timeout_add_full (G_PRIORITY_DEFAULT, READING_INTERVAL_MS, read_page, g_object_ref (task),
                        g_object_unref);
}

void
inn_screen_picture_take_async (InnGuestScreen *screen,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  GTask *task;
  Request *request;

  g_return_if_fail (INN_IS_GUEST_SCREEN (screen));

  task = g_task_new (screen, cancellable, callback, user_data);
  request = g_new0 (Request, 1);
  request->pixels = g_bytes_ref (inn_guest_screen_get_pixels (screen));
  g_task_set_task_data (task, request, request_free);
  inn_guest_screen_refresh_async (screen, cancellable, on_refreshed, task);
}

GBytes *
inn_screen_picture_take_finish (InnGuestScreen *screen,
                                GAsyncResult *result,
                                guint *ret_width,
                                guint *ret_height,
                                GError **error)
{
  GTask *task = G_TASK (result);
  const Request *request = g_task_get_task_data (task);

  g_return_val_if_fail (g_task_is_valid (result, screen), NULL);

  if (ret_width != NULL)
    *ret_width = request->page.mode.width;
  if (ret_height != NULL)
    *ret_height = request->page.mode.height;
  return g_task_propagate_pointer (task, error);
}
