/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A clone of a running machine that is being made.
 */
#include "config.h"

#include "live-clone.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"
#include "firmware.h"
#include "folder.h"
#include "frozen-disks.h"
#include "machine-description-boot.h"
#include "machine-description-identity.h"
#include "machine-description-network.h"
#include "machine-lock.h"
#include "snapshot-store-private.h"

struct _InnLiveClone
{
  InnSnapshotStore *store;        /* of the original */
  InnMachineDescription *present; /* the original's definition, as it shall be */
  InnMachineDescription *description;
  GPtrArray *disks; /* of InnFrozenDisk, the original's */
  char *folder;     /* until it is published; NULL: there is none */
  int maker_fd;     /* says that we are at it */
  int lock_fd;      /* of the clone */
  gboolean published;
};

/* ---- what can be cloned ---- */

/* Two machines would be one to whom the interface leads. */
static gboolean
check_nics (const InnMachineDescription *machine, GError **error)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (machine);

  for (guint i = 0; i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);

      if (nic->kind != INN_NIC_TAP)
        continue;
      g_set_error (
          error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_SUPPORTED,
          _ ("“%s” cannot be cloned while it runs: a network card of it is on “%s” of this "
             "computer. Clone a snapshot of it, or shut it down."),
          inn_machine_description_get_name (machine), nic->interface);
      return FALSE;
    }

  return TRUE;
}

/* ---- steps ---- */

InnLiveClone *
inn_live_clone_new (InnSnapshotStore *store, const char *name, GError **error)
{
  g_autoptr (InnLiveClone) self = g_new0 (InnLiveClone, 1);

  self->store = store;
  self->maker_fd = -1;
  self->lock_fd = -1;
  if (!inn_machine_description_check_name (name, error))
    return NULL;

  self->present = inn_machine_store_load (store->machines, store->uuid, NULL, error);
  if (self->present == NULL || !check_nics (self->present, error))
    return NULL;

  self->description = inn_machine_description_copy (self->present);
  inn_machine_description_set_new_identity (self->description, name);
  if (inn_machine_store_check_name (store->machines, self->description, error))
    self->disks = inn_frozen_disks_list (store->layers, self->present, error);

  return self->disks != NULL ? g_steal_pointer (&self) : NULL;
}

/* A VMM that has the lock runs, and who comes next gives it its name. */
void
inn_live_clone_free (InnLiveClone *self)
{
  if (self == NULL)
    return;

  fd_close (&self->lock_fd);
  if (self->folder != NULL && !self->published && !inn_machine_lock_is_held (self->folder))
    inn_folder_remove (self->folder, NULL);
  fd_close (&self->maker_fd);
  inn_machine_description_free (self->present);
  inn_machine_description_free (self->description);
  g_clear_pointer (&self->disks, g_ptr_array_unref);
  g_free (self->folder);
  g_free (self);
}

static gboolean
add_overlays (InnLiveClone *self, GError **error)
{
  InnLayerStore *layers = self->store->layers;

  for (guint i = 0; i < self->disks->len; i++)
    {
      const InnFrozenDisk *disk = g_ptr_array_index (self->disks, i);
      g_autofree char *overlay = inn_layer_store_add_overlay (layers, disk->layer, error);

      if (overlay == NULL)
        return FALSE;
      inn_machine_description_set_disk_layer (self->description, disk->target, overlay, "qcow2");
    }

  return inn_layer_store_sync (layers, error);
}

static gboolean
fill_folder (const char *folder,
             const char *final_folder,
             InnMachineDescription *description,
             gpointer data,
             GError **error)
{
  const InnLiveClone *self = data;
  g_autofree char *from = inn_firmware_get_variables (self->present, self->store->machine_folder);
  g_autofree char *to = g_build_filename (folder, "variables.fd", NULL);

  inn_machine_description_set_variables (description, NULL);
  return inn_machine_description_get_firmware (description) != INN_FIRMWARE_UEFI
         || g_access (from, F_OK) < 0 || inn_folder_copy_file (from, to, error);
}

gboolean
inn_live_clone_prepare (InnLiveClone *self, GError **error)
{
  if (!inn_frozen_disks_freeze (self->disks, self->store->layers, INN_LAYER_OF_RUNNING,
                                self->present, error)
      || !add_overlays (self, error))
    return FALSE;

  self->folder = inn_machine_store_prepare (self->store->machines, self->description, fill_folder,
                                            self, &self->maker_fd, error);
  return self->folder != NULL;
}

gboolean
inn_live_clone_stage (InnLiveClone *self,
                      const char *log_path,
                      InnRuntimeDirectory *runtime,
                      InnVmmStaging *ret_staging,
                      GError **error)
{
  const char *name = inn_machine_description_get_name (self->description);
  const InnVmmRequest request = {
    .description = self->description,
    .folder = self->folder,
    .log_path = log_path,
    .runtime = runtime,
  };

  self->lock_fd = inn_machine_lock_acquire (self->folder, name, error);
  return self->lock_fd >= 0 && inn_vmm_process_stage (&request, self->lock_fd, ret_staging, error);
}

gboolean
inn_live_clone_commit (InnLiveClone *self, GError **error)
{
  return inn_machine_store_write (self->store->machines, self->present, error);
}

gboolean
inn_live_clone_publish (InnLiveClone *self, GError **error)
{
  self->published
      = inn_machine_store_publish (self->store->machines, inn_live_clone_get_uuid (self), error);
  inn_layer_store_collect (self->store->layers, NULL); /* or the next change does */
  return self->published;
}

gboolean
inn_live_clone_revoke (InnLiveClone *self, gboolean switched, GError **error)
{
  g_autoptr (InnMachineDescription) present
      = inn_machine_store_load (self->store->machines, self->store->uuid, NULL, error);

  if (present == NULL)
    return FALSE;

  inn_frozen_disks_give_back (self->disks, present);
  return switched || inn_machine_store_write (self->store->machines, present, error);
}

const char *
inn_live_clone_get_uuid (const InnLiveClone *self)
{
  return inn_machine_description_get_uuid (self->description);
}

const GPtrArray *
inn_live_clone_get_disks (const InnLiveClone *self)
{
  return self->disks;
}
