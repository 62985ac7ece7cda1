/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Others may change the store while the disk is copied, under a name among the layers that they
 * leave alone; then the copy is moved into the new machine's folder.
 */
#include "config.h"

#include "machine-import.h"

#include <errno.h>
#include <glib/gstdio.h>

#include "base/fd.h"
#include "disk-copy.h"
#include "disk-image.h"
#include "folder.h"
#include "layer-store-private.h"
#include "machine-description-disks.h"

typedef struct
{
  const InnMachineImport *import;
  char *copy; /* or NULL */
  int fd;     /* keeps it from being collected */
} Import;

static void
import_clear (Import *self)
{
  if (self->copy != NULL)
    g_unlink (self->copy); /* gone already when the machine has it */
  g_free (self->copy);
  fd_close (&self->fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Import, import_clear)

/* With the store's lock: sees that the machine can be made, and makes the file to copy into. */
static gboolean
prepare (Import *self,
         InnMachineStore *machines,
         const InnMachineDescription *description,
         GError **error)
{
  g_autoptr (InnLayerStore) layers = inn_layer_store_new (machines);

  if (!inn_machine_store_check_name (machines, description, error))
    return FALSE;

  self->copy = inn_layer_store_add_file (layers, &self->fd, error);
  return self->copy != NULL;
}

static gboolean
copy_disk (const Import *self, GCancellable *cancellable, GError **error)
{
  const InnDiskCopy copy = {
    .source = self->import->path,
    .source_format = self->import->format,
    .target = self->copy,
    .target_format = INN_DISK_FORMAT_RAW,
    .progress = self->import->progress,
  };

  return inn_disk_copy (&copy, cancellable, error);
}

/* The copy, or for 0 a new disk of that size. */
static gboolean
add_disk (const Import *self, const char *path, guint64 size, GError **error)
{
  if (size > 0)
    return inn_disk_image_create (path, size, error);
  if (g_rename (self->copy, path) == 0)
    return TRUE;

  inn_folder_set_error (error, path, errno);
  return FALSE;
}

static gboolean
fill_folder (const char *folder,
             const char *final_folder,
             InnMachineDescription *description,
             gpointer data,
             GError **error)
{
  const Import *self = data;

  for (guint i = 0; i <= self->import->n_disks; i++)
    {
      g_autofree char *name = g_strdup_printf ("disk-%u.raw", i + 1);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *final_path = g_build_filename (final_folder, name, NULL);

      if (!add_disk (self, path, i > 0 ? self->import->disk_sizes[i - 1] : 0, error))
        return FALSE;
      inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO,
                                        final_path);
    }

  return TRUE;
}

gboolean
inn_machine_import (InnMachineStore *machines,
                    InnMachineDescription *description,
                    const InnMachineImport *import,
                    GCancellable *cancellable,
                    GError **error)
{
  g_auto (Import) self = { .import = import, .fd = -1 };
  int lock = inn_machine_store_lock (machines, error);
  gboolean done = lock >= 0 && prepare (&self, machines, description, error);

  fd_close (&lock);
  if (!done || !copy_disk (&self, cancellable, error))
    return FALSE;

  lock = inn_machine_store_lock (machines, error);
  done = lock >= 0 && inn_machine_store_add (machines, description, fill_folder, &self, error);
  fd_close (&lock);
  return done;
}
