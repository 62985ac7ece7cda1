/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folder of layers.
 */
#include "config.h"

#include "layer-store.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "file-lock.h"
#include "folder.h"
#include "image-sentence.h"
#include "image/qcow2-check.h"
#include "image/qcow2-create.h"
#include "layer-scan.h"
#include "layer-store-private.h"

#define SECTOR       512
#define CLUSTER_BITS 16
#define FROZEN_MODE  0444

InnLayerStore *
inn_layer_store_new (InnMachineStore *machines)
{
  InnLayerStore *self = g_new0 (InnLayerStore, 1);

  self->machines = g_object_ref (machines);
  self->folder = inn_layer_scan_get_folder (machines);

  return self;
}

void
inn_layer_store_free (InnLayerStore *self)
{
  if (self == NULL)
    return;

  g_object_unref (self->machines);
  g_free (self->folder);
  g_free (self);
}

char *
inn_layer_store_get_path (const InnLayerStore *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

const char *
inn_layer_store_get_name (const char *path)
{
  const char *slash = strrchr (path, '/');

  return slash != NULL ? slash + 1 : path;
}

gboolean
inn_layer_store_owns (const InnLayerStore *self, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);

  return g_str_equal (folder, self->folder)
         && inn_layer_scan_is_name (inn_layer_store_get_name (path));
}

const char *
inn_layer_store_get_format (const char *path)
{
  return g_str_has_suffix (path, ".raw") ? "raw" : "qcow2";
}

/* ---- disks that become layers ---- */

static gboolean
refuse_disk (const InnDiskDescription *disk, const char *reason, GError **error)
{
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
               _ ("The disk “%s” (%s) %s. Make a full clone, which has copies of all disks."),
               disk->target, disk->path != NULL ? disk->path : "", reason);
  return FALSE;
}

/* A name that leads elsewhere is no file of the machine. */
static gboolean
is_regular_file (const char *path)
{
  struct stat status;

  return lstat (path, &status) == 0 && S_ISREG (status.st_mode);
}

/* One that builds on others would lose them under its new name. */
static gboolean
stands_alone (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  struct qcow2_header header;
  int r;
  gboolean alone = fd >= 0 && qcow2_image_read_header (fd, &header, &r) == IMAGE_GOOD
                   && header.backing_file[0] == '\0';

  fd_close (&fd);
  return alone;
}

static gboolean
check_own_disk (const InnDiskDescription *disk, GError **error)
{
  const gboolean qcow2 = g_strcmp0 (disk->format, "qcow2") == 0;

  if (!is_regular_file (disk->path))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                   _ ("The disk “%s” is not there, or is no file. Put it back, or remove it from "
                      "the machine."),
                   disk->path);
      return FALSE;
    }
  if (!qcow2 && disk->format != NULL && !g_str_equal (disk->format, "raw"))
    return refuse_disk (disk, _ ("is neither raw nor qcow2, so it cannot be frozen"), error);
  if (qcow2 && !stands_alone (disk->path))
    return refuse_disk (disk, _ ("builds on other files, so it cannot be frozen"), error);

  return TRUE;
}

gboolean
inn_layer_store_check_disk (const InnLayerStore *self,
                            const InnMachineDescription *machine,
                            const InnDiskDescription *disk,
                            GError **error)
{
  const char *uuid = inn_machine_description_get_uuid (machine);
  g_autofree char *own = inn_machine_store_get_folder (self->machines, uuid);
  g_autofree char *folder = NULL;

  if (disk->kind != INN_DISK_DISK)
    return FALSE;
  if (disk->remote || disk->path == NULL)
    return disk->readonly
               ? FALSE
               : refuse_disk (disk, _ ("is on another computer, so it cannot be frozen"), error);

  folder = g_path_get_dirname (disk->path);
  if (inn_layer_store_owns (self, disk->path))
    return inn_layer_store_check_chain (self, disk->path, error);
  if (g_str_equal (folder, own))
    return check_own_disk (disk, error);
  if (disk->readonly)
    return FALSE;

  return refuse_disk (disk, _ ("is outside of Innkeeper’s folder, where others may change it"),
                      error);
}

static gboolean
ensure_folder (const InnLayerStore *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->folder);

  if (g_mkdir (self->folder, 0700) == 0)
    return inn_folder_sync (parent, error);
  if (errno == EEXIST)
    return TRUE;

  inn_folder_set_error (error, self->folder, errno);
  return FALSE;
}

static char *
new_path (const InnLayerStore *self, const char *format)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *name = g_strconcat (uuid, ".", format, NULL);

  return inn_layer_store_get_path (self, name);
}

static gboolean
names_path (const InnMachineDescription *description, const char *path)
{
  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      if (g_strcmp0 (inn_machine_description_get_disk (description, i)->path, path) == 0)
        return TRUE;
    }

  return FALSE;
}

/* What another machine uses under its old name would be frozen, and then gone, for that one. */
static gboolean
check_sole_user (InnLayerStore *self, const char *path, GError **error)
{
  g_auto (GStrv) uuids = inn_machine_store_list (self->machines);

  for (guint i = 0; uuids[i] != NULL; i++)
    {
      g_autofree char *folder = inn_machine_store_get_folder (self->machines, uuids[i]);
      g_autoptr (InnMachineDescription) other
          = inn_machine_store_load (self->machines, uuids[i], NULL, NULL);

      if (other == NULL || g_str_has_prefix (path, folder) || !names_path (other, path))
        continue;
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                   _ ("The disk “%s” cannot be frozen: “%s” uses it, too. Detach it there first."),
                   path, inn_machine_description_get_name (other));
      return FALSE;
    }

  return TRUE;
}

char *
inn_layer_store_adopt (InnLayerStore *self, const InnDiskDescription *disk, GError **error)
{
  g_autofree char *path = NULL;

  if (inn_layer_store_owns (self, disk->path))
    return g_strdup (disk->path);
  if (!check_sole_user (self, disk->path, error) || !ensure_folder (self, error))
    return NULL;

  path = new_path (self, disk->format != NULL ? disk->format : "raw");
  if (link (disk->path, path) == 0)
    return g_steal_pointer (&path);

  if (errno == EXDEV || errno == EPERM)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                 _ ("The disk “%s” cannot be frozen: it is on another file system than “%s”, or "
                    "that has no hard links."),
                 disk->path, self->folder);
  else
    inn_folder_set_error (error, path, errno);
  return NULL;
}

/* ---- overlays ---- */

/* The layer that the one at @path builds on, transfer full: its path. NULL: none, or an error. */
static char *
find_backing (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  struct qcow2_header header;
  gboolean known;
  int r;

  known = fd >= 0 && qcow2_image_read_header (fd, &header, &r) == IMAGE_GOOD;
  fd_close (&fd);
  if (!known || header.backing_file[0] == '\0') /* what is wrong is told by who opens it */
    return NULL;
  if (inn_layer_scan_is_name (header.backing_file)
      && g_str_equal (header.backing_format, inn_layer_store_get_format (header.backing_file)))
    return g_build_filename (folder, header.backing_file, NULL);

  g_set_error (
      error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
      _ ("The layer “%s” says that it builds on “%s”, which is no layer. It was damaged, or "
         "changed by somebody else; use a snapshot from before."),
      path, header.backing_file);
  return NULL;
}

/* Before anything is opened that is none of its business. */
static gboolean
check_names (const char *path, GError **error)
{
  g_autofree char *layer = g_strdup (path);
  g_autoptr (GError) local_error = NULL;

  for (guint i = 0; layer != NULL && i < IMAGE_CHAIN_MAX_LAYERS; i++)
    {
      g_autofree char *upper = g_steal_pointer (&layer);

      if (g_str_equal (inn_layer_store_get_format (upper), "qcow2"))
        layer = find_backing (upper, &local_error);
    }
  if (local_error == NULL)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

struct image_chain *
inn_layer_store_open_chain (const char *path,
                            const char *format,
                            enum image_access access,
                            GError **error)
{
  const enum image_format image_format = g_str_equal (format, "qcow2") ? IMAGE_QCOW2 : IMAGE_RAW;
  struct image_chain_problem problem;
  struct image_chain *chain = NULL;
  g_autofree char *sentence = NULL;

  if (inn_layer_scan_is_name (inn_layer_store_get_name (path)) && !check_names (path, error))
    return NULL;
  if (image_chain_open (path, image_format, access, &chain, &problem) == 0)
    return chain;

  sentence = inn_image_sentence (problem.problem, -problem.error,
                                 problem.path != NULL ? problem.path : path);
  g_set_error_literal (error, INN_ENGINE_ERROR,
                       problem.problem == IMAGE_SYSTEM_ERROR
                           ? inn_engine_error_from_errno (-problem.error)
                           : INN_ENGINE_ERROR_INVALID,
                       sentence);
  free (problem.path);
  return NULL;
}

gboolean
inn_layer_store_check_chain (const InnLayerStore *self, const char *layer, GError **error)
{
  struct image_chain *chain = inn_layer_store_open_chain (layer, inn_layer_store_get_format (layer),
                                                          IMAGE_READ_ONLY, error);
  const gboolean good = chain != NULL;

  image_chain_close (chain);
  return good;
}

static gboolean
create_overlay (const char *path, const struct qcow2_create_options *options, GError **error)
{
  int fd = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  int r = fd < 0 ? -errno : qcow2_create (fd, options);

  if (fd >= 0 && r < 0)
    g_unlink (path);
  fd_close (&fd);
  if (r < 0)
    inn_folder_set_error (error, path, -r);

  return r == 0;
}

char *
inn_layer_store_add_overlay (InnLayerStore *self, const char *layer, GError **error)
{
  const char *format = inn_layer_store_get_format (layer);
  struct qcow2_create_options options = {
    .version = 3,
    .cluster_bits = CLUSTER_BITS,
    .backing_file = inn_layer_store_get_name (layer),
    .backing_format = format,
  };
  g_autofree char *path = new_path (self, "qcow2");
  struct image_chain *chain = inn_layer_store_open_chain (layer, format, IMAGE_READ_ONLY, error);

  if (chain == NULL)
    return NULL;

  options.virtual_size = (image_chain_layer (chain, 0)->size + SECTOR - 1) / SECTOR * SECTOR;
  if (image_chain_length (chain) == IMAGE_CHAIN_MAX_LAYERS)
    {
      image_chain_close (chain);
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
                   _ ("The disk “%s” has %d layers already. Delete a snapshot that is no longer "
                      "needed, or make a full clone."),
                   layer, (int)IMAGE_CHAIN_MAX_LAYERS);
      return NULL;
    }
  image_chain_close (chain);

  return create_overlay (path, &options, error) ? g_steal_pointer (&path) : NULL;
}

char *
inn_layer_store_find_base (const InnLayerStore *self, const char *layer)
{
  struct image_chain *chain;
  char *base = NULL;

  if (!inn_layer_store_owns (self, layer)
      || !g_str_equal (inn_layer_store_get_format (layer), "qcow2"))
    return NULL;

  chain = inn_layer_store_open_chain (layer, "qcow2", IMAGE_READ_ONLY, NULL);
  if (chain != NULL && image_chain_length (chain) > 1
      && image_chain_layer (chain, 0)->size == image_chain_layer (chain, 1)->size
      && qcow2_image_is_empty (image_chain_image (chain)))
    base = g_strdup (image_chain_layer (chain, 1)->path);
  image_chain_close (chain);

  return base;
}

char *
inn_layer_store_freeze (InnLayerStore *self,
                        InnLayerSource source,
                        InnMachineDescription *machine,
                        const char *target,
                        GError **error)
{
  const InnDiskDescription *disk = inn_machine_description_find_disk (machine, target);
  g_autofree char *layer = NULL;
  g_autofree char *overlay = NULL;

  if (source == INN_LAYER_OF_STOPPED)
    layer = inn_layer_store_find_base (self, disk->path);
  if (layer != NULL)
    return g_steal_pointer (&layer);

  layer = inn_layer_store_adopt (self, disk, error);
  if (layer != NULL)
    overlay = inn_layer_store_add_overlay (self, layer, error);
  if (overlay == NULL)
    return NULL;

  inn_machine_description_set_disk_layer (machine, target, overlay, "qcow2");
  return g_steal_pointer (&layer);
}

gboolean
inn_layer_store_sync (const InnLayerStore *self, GError **error)
{
  return ensure_folder (self, error) && inn_folder_sync (self->folder, error);
}

static gboolean
examine_layer (const struct image_layer *layer, GError **error)
{
  g_autofree char *sentence = NULL;
  struct qcow2_check_report report = { 0 };
  enum image_problem problem = IMAGE_SYSTEM_ERROR;
  int fd = g_open (layer->path, O_RDONLY | O_CLOEXEC, 0);
  int r = -errno;

  if (fd >= 0)
    problem = qcow2_check (fd, &report, &r);
  fd_close (&fd);
  if (problem == IMAGE_GOOD && report.corruptions > 0)
    problem = IMAGE_BAD_TABLES;
  if (problem == IMAGE_GOOD)
    return TRUE;

  sentence = inn_image_sentence (problem, -r, layer->path);
  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, sentence);
  return FALSE;
}

gboolean
inn_layer_store_examine (const InnLayerStore *self, const char *layer, GError **error)
{
  struct image_chain *chain = inn_layer_store_open_chain (layer, inn_layer_store_get_format (layer),
                                                          IMAGE_READ_ONLY, error);
  gboolean good = chain != NULL;

  for (unsigned int i = 0; good && i < image_chain_length (chain); i++)
    {
      if (image_chain_layer (chain, i)->format == IMAGE_QCOW2)
        good = examine_layer (image_chain_layer (chain, i), error);
    }
  image_chain_close (chain);

  return good;
}

/* ---- collecting ---- */

static gboolean
is_in_use (const char *path)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  const gboolean used = fd >= 0 && inn_file_lock_is_held (fd);

  fd_close (&fd);
  return used;
}

static void
deny_writing (const char *path)
{
  struct stat status;

  if (lstat (path, &status) == 0 && S_ISREG (status.st_mode)
      && (status.st_mode & 0777) != FROZEN_MODE)
    g_chmod (path, FROZEN_MODE);
}

static const InnLayer *
find_same_file (const InnLayerScan *scan, const struct stat *status)
{
  const GPtrArray *layers = inn_layer_scan_get_layers (scan);

  for (guint i = 0; i < layers->len; i++)
    {
      const InnLayer *layer = g_ptr_array_index (layers, i);

      if (layer->inode == status->st_ino && layer->device == status->st_dev)
        return layer;
    }

  return NULL;
}

/* Names that a disk had in the machine's folder before it became a layer. Before the layer goes,
 * for nothing tells afterwards what they are. */
static gboolean
remove_old_names (InnLayerStore *self, const InnLayerScan *scan, const char *uuid, GError **error)
{
  g_autofree char *path = inn_machine_store_get_folder (self->machines, uuid);
  g_autoptr (InnMachineDescription) description
      = inn_machine_store_load (self->machines, uuid, NULL, NULL);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && description != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *file = g_build_filename (path, name, NULL);
      struct stat status;

      if (lstat (file, &status) == 0 && S_ISREG (status.st_mode) && status.st_nlink > 1
          && find_same_file (scan, &status) != NULL && !names_path (description, file)
          && g_unlink (file) < 0)
        {
          inn_folder_set_error (error, file, errno);
          return FALSE;
        }
    }

  return TRUE;
}

static void
remove_leftovers (InnLayerStore *self)
{
  g_autoptr (GDir) folder = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = inn_layer_store_get_path (self, name);

      if (g_str_has_prefix (name, INN_LAYER_NEW_PREFIX) && !is_in_use (path))
        g_unlink (path);
    }
}

gboolean
inn_layer_store_collect (InnLayerStore *self, GError **error)
{
  g_autoptr (InnLayerScan) scan = NULL;
  g_auto (GStrv) uuids = inn_machine_store_list (self->machines);
  const GPtrArray *layers;

  remove_leftovers (self);
  scan = inn_layer_scan_new (self->machines);
  if (!inn_layer_scan_check_complete (scan, error))
    return FALSE;

  for (guint i = 0; uuids[i] != NULL; i++)
    {
      if (!remove_old_names (self, scan, uuids[i], error))
        return FALSE;
    }
  layers = inn_layer_scan_get_layers (scan);
  for (guint i = 0; i < layers->len; i++)
    {
      const InnLayer *layer = g_ptr_array_index (layers, i);
      g_autofree char *path = inn_layer_store_get_path (self, layer->name);

      if (layer->n_items == 0 && !is_in_use (path))
        g_unlink (path);
      else if (layer->n_items > 0 && layer->writer == NULL)
        deny_writing (path);
    }

  return TRUE;
}

/* ---- copies ---- */

char *
inn_layer_store_add_file (InnLayerStore *self, int *ret_fd, GError **error)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *name = g_strconcat (INN_LAYER_NEW_PREFIX, uuid, NULL);
  g_autofree char *path = inn_layer_store_get_path (self, name);
  int error_number = 0;
  int fd;

  if (!ensure_folder (self, error))
    return NULL;

  fd = g_open (path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  error_number = fd < 0 ? errno : inn_file_lock (fd, INN_FILE_LOCK_EXCLUSIVE);
  if (error_number == 0)
    {
      *ret_fd = fd;
      return g_steal_pointer (&path);
    }

  if (fd >= 0)
    g_unlink (path);
  fd_close (&fd);
  inn_folder_set_error (error, path, error_number);
  return NULL;
}

void
inn_layer_store_set_copy_error (GError **error, const char *path, int r)
{
  g_autofree char *sentence = NULL;

  if (r == -ECANCELED)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("It was cancelled."));
      return;
    }

  sentence = r == -EUCLEAN ? inn_image_sentence (IMAGE_BAD_TABLES, 0, path)
                           : g_strdup_printf (_ ("The disk “%s” was not copied: %s. It is as it "
                                                 "was."),
                                              path, g_strerror (-r));
  g_set_error_literal (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (-r), sentence);
}

static gboolean
fill_copy (const char *path,
           const char *format,
           int fd,
           const struct image_progress *progress,
           GError **error)
{
  struct image_chain *source = inn_layer_store_open_chain (path, format, IMAGE_READ_ONLY, error);
  int r;

  if (source == NULL)
    return FALSE;

  r = ftruncate (fd, (off_t)image_chain_layer (source, 0)->size) < 0 ? -errno : 0;
  if (r == 0)
    r = image_copy (source, image_chain_length (source), NULL, fd, progress);
  image_chain_close (source);
  if (r < 0)
    inn_layer_store_set_copy_error (error, path, r);

  return r == 0;
}

char *
inn_layer_store_copy (InnLayerStore *self,
                      const char *path,
                      const char *format,
                      const struct image_progress *progress,
                      int *ret_fd,
                      GError **error)
{
  int lock = inn_machine_store_lock (self->machines, error);
  g_autofree char *copy = NULL;
  int fd = -1;

  if (lock < 0)
    return NULL;

  copy = inn_layer_store_add_file (self, &fd, error);
  fd_close (&lock);
  if (copy == NULL)
    return NULL;
  if (!fill_copy (path, format, fd, progress, error))
    {
      g_unlink (copy);
      fd_close (&fd);
      return NULL;
    }

  *ret_fd = fd;
  return g_steal_pointer (&copy);
}
