/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the disks of a machine build on.
 */
#include "config.h"

#include "disk-chain.h"

#include "layer-store-private.h"

static void
layer_clear (gpointer data)
{
  InnDiskLayer *layer = data;

  g_free (layer->path);
}

static gboolean
read_chain (const char *path, GArray *layers, GError **error)
{
  struct image_chain *chain = inn_layer_store_open_chain (path, "qcow2", IMAGE_READ_ONLY, error);

  if (chain == NULL)
    return FALSE;

  for (guint i = 1; i < image_chain_length (chain); i++)
    {
      const struct image_layer *found = image_chain_layer (chain, i);
      const InnDiskLayer layer = { g_strdup (found->path), found->format == IMAGE_QCOW2 };

      g_array_append_val (layers, layer);
    }
  image_chain_close (chain);
  return TRUE;
}

GPtrArray *
inn_disk_chain_read_all (const InnMachineDescription *description, GError **error)
{
  g_autoptr (GPtrArray) chains = g_ptr_array_new_with_free_func ((GDestroyNotify)g_array_unref);

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);
      GArray *layers = g_array_new (FALSE, FALSE, sizeof (InnDiskLayer));

      g_array_set_clear_func (layers, layer_clear);
      g_ptr_array_add (chains, layers);
      if (g_strcmp0 (disk->format, "qcow2") == 0 && disk->path != NULL
          && !read_chain (disk->path, layers, error))
        return NULL;
    }

  return g_steal_pointer (&chains);
}

gboolean
inn_disk_chain_has (const char *path, const char *other)
{
  struct image_chain *chain;
  gboolean found = FALSE;

  if (g_str_equal (path, other))
    return TRUE;
  chain = inn_layer_store_open_chain (path, "qcow2", IMAGE_READ_ONLY, NULL);
  for (guint i = 1; chain != NULL && !found && i < image_chain_length (chain); i++)
    found = g_str_equal (image_chain_layer (chain, i)->path, other);
  image_chain_close (chain);
  return found;
}
