/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who needs which layers.
 */
#include "config.h"

#include "layer-scan.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "engine-error.h"
#include "image-sentence.h"
#include "image/image-chain.h"
#include "image/qcow2-header.h"
#include "image/qcow2-image.h"
#include "machine-description-disks.h"
#include "machine-lock.h"
#include "run-record.h"

#define UUID_LENGTH 36

/* A machine or a snapshot. */
typedef struct
{
  char *machine;
  char *snapshot;     /* or NULL */
  GHashTable *named;  /* of names: the layers its disks show */
  GHashTable *needed; /* of InnLayer: these and what they build on */
  guint64 allocated;  /* of disks in the machine's own folder */
} Item;

struct _InnLayerScan
{
  InnMachineStore *machines;
  char *folder;
  GPtrArray *layers;   /* of InnLayer */
  GHashTable *by_name; /* the same */
  GPtrArray *items;
  char *obstacle; /* a sentence: what an item needs is not known */
};

static void
layer_free (InnLayer *layer)
{
  g_free (layer->name);
  g_free (layer->backing);
  g_free (layer->trouble);
  g_free (layer->writer);
  g_free (layer);
}

static void
item_free (Item *item)
{
  g_free (item->machine);
  g_free (item->snapshot);
  g_hash_table_unref (item->named);
  g_hash_table_unref (item->needed);
  g_free (item);
}

char *
inn_layer_scan_get_folder (InnMachineStore *machines)
{
  g_autofree char *data_dir = g_path_get_dirname (inn_machine_store_get_path (machines));

  return g_build_filename (data_dir, "layers", NULL);
}

gboolean
inn_layer_scan_is_name (const char *name)
{
  g_autofree char *uuid = g_strndup (name, UUID_LENGTH);

  return g_uuid_string_is_valid (uuid)
         && (g_str_equal (name + UUID_LENGTH, ".raw")
             || g_str_equal (name + UUID_LENGTH, ".qcow2"));
}

/* ---- layers ---- */

static void
set_backing (InnLayer *layer, const struct qcow2_header *header)
{
  const char *format = strrchr (header->backing_file, '.');

  if (header->backing_file[0] == '\0')
    return;
  if (inn_layer_scan_is_name (header->backing_file)
      && g_str_equal (header->backing_format, format + 1))
    layer->backing = g_strdup (header->backing_file);
  else
    layer->trouble = g_strdup_printf (_ ("The layer “%s” does not build on a layer of this folder. "
                                         "Use a copy of it."),
                                      layer->name);
}

static void
read_header (InnLayer *layer, const char *path)
{
  enum image_problem problem = IMAGE_SYSTEM_ERROR;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  struct qcow2_header header;
  int r = -errno;

  if (fd >= 0)
    problem = qcow2_image_read_header (fd, &header, &r);
  fd_close (&fd);
  if (problem == IMAGE_GOOD)
    set_backing (layer, &header);
  else
    layer->trouble = inn_image_sentence (problem, -r, path);
}

static InnLayer *
add_layer (InnLayerScan *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  InnLayer *layer = g_new0 (InnLayer, 1);
  struct stat status;

  layer->name = g_strdup (name);
  if (lstat (path, &status) < 0)
    {
      layer->trouble
          = g_strdup_printf (_ ("The layer “%s” cannot be used: %s."), path, g_strerror (errno));
    }
  else
    {
      layer->allocated = (guint64)status.st_blocks * 512;
      layer->device = status.st_dev;
      layer->inode = status.st_ino;
      if (g_str_has_suffix (name, ".qcow2"))
        read_header (layer, path);
    }
  g_ptr_array_add (self->layers, layer);
  g_hash_table_insert (self->by_name, layer->name, layer);

  return layer;
}

static void
read_layers (InnLayerScan *self)
{
  g_autoptr (GDir) folder = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      if (inn_layer_scan_is_name (name))
        add_layer (self, name);
    }
}

/* ---- items ---- */

static Item *
add_item (InnLayerScan *self, const char *machine, const char *snapshot)
{
  Item *item = g_new0 (Item, 1);

  item->machine = g_strdup (machine);
  item->snapshot = g_strdup (snapshot);
  item->named = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  item->needed = g_hash_table_new (NULL, NULL);
  g_ptr_array_add (self->items, item);

  return item;
}

static InnLayer *
ensure_layer (InnLayerScan *self, const char *name)
{
  InnLayer *layer = g_hash_table_lookup (self->by_name, name);

  return layer != NULL ? layer : add_layer (self, name);
}

static void
add_own_disk (Item *item, const char *path)
{
  struct stat status;

  if (stat (path, &status) == 0)
    item->allocated += (guint64)status.st_blocks * 512;
}

static void
add_disk (InnLayerScan *self, Item *item, const InnDiskDescription *disk)
{
  g_autofree char *folder = g_path_get_dirname (disk->path);
  g_autofree char *name = g_path_get_basename (disk->path);
  g_autofree char *own = inn_machine_store_get_folder (self->machines, item->machine);
  InnLayer *layer;

  if (g_str_equal (folder, own))
    add_own_disk (item, disk->path);
  if (!g_str_equal (folder, self->folder) || !inn_layer_scan_is_name (name))
    return;

  layer = ensure_layer (self, name);
  if (item->snapshot == NULL && !disk->readonly && layer->writer == NULL)
    layer->writer = g_strdup (item->machine);
  g_hash_table_add (item->named, g_steal_pointer (&name));
}

static void
add_disks (InnLayerScan *self, Item *item, const InnMachineDescription *description)
{
  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->path != NULL)
        add_disk (self, item, disk);
    }
}

static void
set_obstacle (InnLayerScan *self, const char *sentence)
{
  if (self->obstacle == NULL)
    self->obstacle = g_strdup (sentence);
}

static void
read_snapshot (InnLayerScan *self, const char *machine, const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, "domain.xml", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMachineDescription) description = NULL;

  if (g_access (path, F_OK) < 0) /* it never was one */
    return;

  description = inn_machine_store_load_file (path, machine, &error);
  if (description != NULL)
    add_disks (self, add_item (self, machine, name), description);
  else
    set_obstacle (self, error->message);
}

/* One that is just being made needs its layers too; one that was deleted does not. */
static void
read_snapshots (InnLayerScan *self, const char *machine, const char *machine_folder)
{
  g_autofree char *folder = g_build_filename (machine_folder, "snapshots", NULL);
  g_autoptr (GDir) snapshots = g_dir_open (folder, 0, NULL);
  const char *name;

  while (snapshots != NULL && (name = g_dir_read_name (snapshots)) != NULL)
    {
      if (!g_str_has_prefix (name, ".deleted-"))
        read_snapshot (self, machine, folder, name);
    }
}

static void
read_run (InnLayerScan *self, Item *item, const char *folder)
{
  g_autofree char *xml = NULL;
  g_autoptr (InnMachineDescription) description = NULL;

  if (!inn_machine_lock_is_held (folder))
    return;

  xml = inn_run_record_load_definition (folder);
  if (xml != NULL)
    description = inn_machine_description_parse (xml, strlen (xml), NULL);
  if (description != NULL)
    add_disks (self, item, description);
}

static void
read_machine (InnLayerScan *self, const char *uuid)
{
  g_autofree char *folder = inn_machine_store_get_folder (self->machines, uuid);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnMachineDescription) description
      = inn_machine_store_load (self->machines, uuid, NULL, &error);
  Item *item = add_item (self, uuid, NULL);

  if (description != NULL)
    add_disks (self, item, description);
  else
    set_obstacle (self, error->message);
  read_run (self, item, folder);
  read_snapshots (self, uuid, folder);
}

/* ---- what needs what ---- */

static void
count_needed (InnLayerScan *self, Item *item)
{
  GHashTableIter names;
  gpointer name;

  g_hash_table_iter_init (&names, item->named);
  while (g_hash_table_iter_next (&names, &name, NULL))
    {
      InnLayer *layer = ensure_layer (self, name);

      layer->n_named++;
      while (layer != NULL && g_hash_table_add (item->needed, layer))
        {
          layer->n_items++;
          if (layer->trouble != NULL)
            set_obstacle (self, layer->trouble);
          layer = layer->backing != NULL ? ensure_layer (self, layer->backing) : NULL;
        }
    }
}

static void
count_children (InnLayerScan *self)
{
  const guint n_layers = self->layers->len;

  for (guint i = 0; i < n_layers; i++)
    {
      const InnLayer *layer = g_ptr_array_index (self->layers, i);

      if (layer->backing != NULL)
        ensure_layer (self, layer->backing)->n_children++;
    }
}

InnLayerScan *
inn_layer_scan_new (InnMachineStore *machines)
{
  InnLayerScan *self = g_new0 (InnLayerScan, 1);
  g_auto (GStrv) uuids = inn_machine_store_list (machines);

  self->machines = g_object_ref (machines);
  self->folder = inn_layer_scan_get_folder (machines);
  self->layers = g_ptr_array_new_with_free_func ((GDestroyNotify)layer_free);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  self->items = g_ptr_array_new_with_free_func ((GDestroyNotify)item_free);
  read_layers (self);
  for (guint i = 0; uuids[i] != NULL; i++)
    read_machine (self, uuids[i]);
  for (guint i = 0; i < self->items->len; i++)
    count_needed (self, g_ptr_array_index (self->items, i));
  count_children (self);

  return self;
}

void
inn_layer_scan_free (InnLayerScan *self)
{
  if (self == NULL)
    return;

  g_object_unref (self->machines);
  g_free (self->folder);
  g_ptr_array_unref (self->items);
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->layers);
  g_free (self->obstacle);
  g_free (self);
}

gboolean
inn_layer_scan_check_complete (const InnLayerScan *self, GError **error)
{
  if (self->obstacle == NULL)
    return TRUE;

  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, self->obstacle);
  return FALSE;
}

const GPtrArray *
inn_layer_scan_get_layers (const InnLayerScan *self)
{
  return self->layers;
}

const InnLayer *
inn_layer_scan_find (const InnLayerScan *self, const char *name)
{
  return g_hash_table_lookup (self->by_name, name);
}

static guint
count_items_of (const InnLayerScan *self, const char *machine, InnLayer *layer)
{
  guint count = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = g_ptr_array_index (self->items, i);

      count += g_str_equal (item->machine, machine) && g_hash_table_contains (item->needed, layer);
    }

  return count;
}

GStrv
inn_layer_scan_list_own (const InnLayerScan *self, const char *machine)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();

  for (guint i = 0; i < self->layers->len; i++)
    {
      InnLayer *layer = g_ptr_array_index (self->layers, i);
      g_autofree char *path = g_build_filename (self->folder, layer->name, NULL);

      if (layer->n_items > 0 && layer->n_items == count_items_of (self, machine, layer))
        g_strv_builder_add (paths, path);
    }

  return g_strv_builder_end (paths);
}

static InnLayerSizes
add_up (const Item *item)
{
  InnLayerSizes sizes = { .own = item->allocated };
  GHashTableIter layers;
  gpointer key;

  g_hash_table_iter_init (&layers, item->needed);
  while (g_hash_table_iter_next (&layers, &key, NULL))
    {
      const InnLayer *layer = key;

      if (layer->n_items == 1)
        sizes.own += layer->allocated;
      else
        sizes.shared += layer->allocated;
    }

  return sizes;
}

InnLayerSizes
inn_layer_scan_get_sizes (const InnLayerScan *self, const char *machine, const char *snapshot)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      const Item *item = g_ptr_array_index (self->items, i);

      if (g_str_equal (item->machine, machine) && g_strcmp0 (item->snapshot, snapshot) == 0)
        return add_up (item);
    }

  return (InnLayerSizes){ 0 };
}
