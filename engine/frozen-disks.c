/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "frozen-disks.h"

#include <glib/gstdio.h>

#define ACTIVE_MODE 0600

static void
disk_free (InnFrozenDisk *disk)
{
  g_free (disk->target);
  g_free (disk->layer);
  g_free (disk->active);
  g_free (disk);
}

GPtrArray *
inn_frozen_disks_list (const InnLayerStore *layers,
                       const InnMachineDescription *machine,
                       GError **error)
{
  g_autoptr (GPtrArray) disks = g_ptr_array_new_with_free_func ((GDestroyNotify)disk_free);

  for (guint i = 0; i < inn_machine_description_get_n_disks (machine); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (machine, i);
      g_autoptr (GError) local_error = NULL;
      InnFrozenDisk *item;

      if (!inn_layer_store_check_disk (layers, machine, disk, &local_error))
        {
          if (local_error == NULL)
            continue;
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      item = g_new0 (InnFrozenDisk, 1);
      item->target = g_strdup (disk->target);
      g_ptr_array_add (disks, item);
    }

  return g_steal_pointer (&disks);
}

static gboolean
freeze (InnFrozenDisk *item,
        InnLayerStore *layers,
        InnLayerSource source,
        InnMachineDescription *machine,
        GError **error)
{
  g_autofree char *before
      = g_strdup (inn_machine_description_find_disk (machine, item->target)->path);

  item->layer = inn_layer_store_freeze (layers, source, machine, item->target, error);
  if (item->layer == NULL)
    return FALSE;

  item->active = g_strdup (inn_machine_description_find_disk (machine, item->target)->path);
  item->fresh = !g_str_equal (item->active, before);
  return TRUE;
}

gboolean
inn_frozen_disks_freeze (GPtrArray *disks,
                         InnLayerStore *layers,
                         InnLayerSource source,
                         InnMachineDescription *machine,
                         GError **error)
{
  for (guint i = 0; i < disks->len; i++)
    {
      if (!freeze (g_ptr_array_index (disks, i), layers, source, machine, error))
        return FALSE;
    }

  return disks->len == 0 || inn_layer_store_sync (layers, error);
}

void
inn_frozen_disks_give_back (const GPtrArray *disks, InnMachineDescription *machine)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const InnFrozenDisk *item = g_ptr_array_index (disks, i);
      const InnDiskDescription *disk = inn_machine_description_find_disk (machine, item->target);

      if (!item->fresh || disk == NULL || g_strcmp0 (disk->path, item->active) != 0)
        continue;
      g_chmod (item->layer, ACTIVE_MODE);
      inn_machine_description_set_disk_layer (machine, item->target, item->layer,
                                              inn_layer_store_get_format (item->layer));
    }
}
