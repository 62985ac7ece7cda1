/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "screen-map.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct _InnScreenMap
{
  const struct screen_page *page;
  GBytes *pixels;
};

/* What pixels' bytes are freed with. */
typedef struct
{
  void *memory;
  gsize size;
} Region;

static void
region_free (gpointer data)
{
  Region *region = data;

  munmap (region->memory, region->size);
  g_free (region);
}

/*
 * Sealed like this, a file cannot shrink under its map, so no read can end in SIGBUS, and nobody
 * whom it is passed on to can write to it. 0: it is not sealed so.
 */
static guint64
get_sealed_size (int fd)
{
  const int required = F_SEAL_SHRINK | F_SEAL_GROW;
  const int read_only = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  int seals = fcntl (fd, F_GET_SEALS);
  struct stat status;

  if (seals < 0 || (seals & required) != required || (seals & read_only) == 0
      || fstat (fd, &status) < 0 || status.st_size < 0)
    return 0;

  return (guint64)status.st_size;
}

static void *
map_file (int fd, gsize size, GError **error)
{
  void *memory = mmap (NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  int saved_errno = errno;

  if (memory != MAP_FAILED)
    return memory;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
               _ ("This computer has no room to show the machine’s screen: %s."),
               g_strerror (saved_errno));
  return NULL;
}

static gboolean
map_pixels (InnScreenMap *self, int fd, gsize size, GError **error)
{
  void *memory = map_file (fd, size, error);
  Region *region;

  if (memory == NULL)
    return FALSE;

  region = g_new (Region, 1);
  *region = (Region){ memory, size };
  self->pixels = g_bytes_new_with_free_func (memory, size, region_free, region);
  return TRUE;
}

/* A page that is being written now is fine: the next read will have it. */
static gboolean
check_page (InnScreenMap *self, GError **error)
{
  g_autofree struct screen_page *page = g_new (struct screen_page, 1);
  int r = inn_screen_map_read (self, page);

  if (r == 0 || r == -EAGAIN)
    return TRUE;

  g_set_error (error, G_IO_ERROR,
               r == -EPROTONOSUPPORT ? G_IO_ERROR_NOT_SUPPORTED : G_IO_ERROR_INVALID_DATA,
               _ ("The machine’s process offers a screen of a form that is not known here."));
  return FALSE;
}

InnScreenMap *
inn_screen_map_new (int page_fd, int pixels_fd, GError **error)
{
  g_autoptr (InnScreenMap) self = g_new0 (InnScreenMap, 1);
  const guint64 pixel_bytes = get_sealed_size (pixels_fd);

  if (get_sealed_size (page_fd) != sizeof (struct screen_page) || pixel_bytes == 0
      || pixel_bytes > SCREEN_MAX_PIXEL_BYTES)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("The machine’s process did not offer a usable screen."));
      return NULL;
    }

  self->page = map_file (page_fd, sizeof (struct screen_page), error);
  if (self->page == NULL || !map_pixels (self, pixels_fd, pixel_bytes, error)
      || !check_page (self, error))
    return NULL;

  return g_steal_pointer (&self);
}

void
inn_screen_map_free (InnScreenMap *self)
{
  if (self->page != NULL)
    munmap ((void *)self->page, sizeof (*self->page));
  g_clear_pointer (&self->pixels, g_bytes_unref);
  g_free (self);
}

int
inn_screen_map_read (InnScreenMap *self, struct screen_page *page)
{
  return screen_copy (self->page, g_bytes_get_size (self->pixels), page);
}

GBytes *
inn_screen_map_get_pixels (InnScreenMap *self)
{
  return self->pixels;
}
