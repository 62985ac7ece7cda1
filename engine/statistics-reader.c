/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "statistics-reader.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "protocol/statistics-copy.h"

struct _InnStatisticsReader
{
  const struct statistics_page *shared;
  gsize size; /* of the map; a struct statistics_area where the VMM keeps a history */
  struct statistics_page *last;  /* the last good copy, zero before the first */
  struct statistics_page *trial; /* where the next one is made */
};

/* Sealed like this, the file cannot shrink under the map, so no read can end in SIGBUS. */
static gboolean
is_statistics_file (int fd, gsize *ret_size)
{
  const int required = F_SEAL_SHRINK | F_SEAL_GROW;
  int seals = fcntl (fd, F_GET_SEALS);
  struct stat status;

  if (seals < 0 || (seals & required) != required || fstat (fd, &status) < 0
      || status.st_size < (off_t)sizeof (struct statistics_page))
    return FALSE;

  *ret_size = status.st_size >= (off_t)sizeof (struct statistics_area)
                  ? sizeof (struct statistics_area)
                  : sizeof (struct statistics_page);
  return TRUE;
}

/* statistics_copy() has checked all but the encoding of the text. */
static int
read_copy (InnStatisticsReader *self)
{
  int r = statistics_copy (self->shared, self->trial);
  const char *invalid;

  if (r < 0)
    return r;

  while (!g_utf8_validate (self->trial->status.text, -1, &invalid))
    self->trial->status.text[invalid - self->trial->status.text] = '?';

  return 0;
}

static gboolean
update (InnStatisticsReader *self, int *ret_status)
{
  struct statistics_page *good = self->trial;

  *ret_status = read_copy (self);
  if (*ret_status < 0)
    return FALSE;

  self->trial = self->last;
  self->last = good;
  return TRUE;
}

InnStatisticsReader *
inn_statistics_reader_new (int fd, GError **error)
{
  g_autoptr (InnStatisticsReader) self = g_new0 (InnStatisticsReader, 1);
  void *shared = MAP_FAILED;
  gsize size;
  int status;

  if (is_statistics_file (fd, &size))
    shared = mmap (NULL, size, PROT_READ, MAP_SHARED, fd, 0);
  if (shared == MAP_FAILED)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   _ ("The machine’s process did not offer usable statistics."));
      return NULL;
    }

  self->shared = shared;
  self->size = size;
  self->last = g_new0 (struct statistics_page, 1);
  self->trial = g_new0 (struct statistics_page, 1);

  /* a page that is being written now is fine: the next read will have it */
  if (!update (self, &status) && status != -EAGAIN)
    {
      g_set_error (error, G_IO_ERROR,
                   status == -EPROTONOSUPPORT ? G_IO_ERROR_NOT_SUPPORTED : G_IO_ERROR_INVALID_DATA,
                   _ ("The machine’s process offers statistics of a form that is not known here."));
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
inn_statistics_reader_free (InnStatisticsReader *self)
{
  if (self->shared != NULL)
    munmap ((void *)self->shared, self->size);
  g_free (self->last);
  g_free (self->trial);
  g_free (self);
}

gboolean
inn_statistics_reader_read (InnStatisticsReader *self, struct statistics_page *page)
{
  int status;
  gboolean consistent = update (self, &status);

  *page = *self->last;
  return consistent;
}

gboolean
inn_statistics_reader_read_history (InnStatisticsReader *self, struct statistics_history *history)
{
  return self->size >= sizeof (struct statistics_area)
         && statistics_copy_history ((const struct statistics_area *)self->shared, history) == 0;
}
