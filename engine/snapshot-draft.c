/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A snapshot that is being taken.
 */
#include "config.h"

#include "snapshot-draft.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "engine-error.h"
#include "firmware.h"
#include "folder.h"
#include "machine-description-boot.h"
#include "machine-description-snapshots.h"
#include "snapshot-store-private.h"

struct _InnSnapshotDraft
{
  InnSnapshotStore *store;
  InnLayerSource source;
  InnMachineDescription *present; /* the machine's definition, as it shall be */
  InnMachineDescription *frozen;  /* the snapshot's */
  InnSnapshotRecord *record;
  GPtrArray *disks; /* of InnFrozenDisk */
  char *name;       /* of the folder, until it is published */
  char *folder;
  gboolean committed;
};

/* "Snapshot 1", "Snapshot 2", ... */
static char *
choose_name (InnSnapshotStore *store)
{
  for (guint i = 1;; i++)
    {
      g_autofree char *name = g_strdup_printf (_ ("Snapshot %u"), i);

      if (inn_snapshot_store_check_name (store, name, NULL, NULL))
        return g_steal_pointer (&name);
    }
}

static gboolean
check_words (InnSnapshotStore *store, const char *name, const char *note, GError **error)
{
  return (name == NULL
          || (inn_snapshot_record_check_name (name, error)
              && inn_snapshot_store_check_name (store, name, NULL, error)))
         && inn_snapshot_record_check_note (note, error);
}

/* Its memory is elsewhere, and disks alone would be half of what it is. */
static gboolean
check_not_saved (const InnMachineDescription *present, GError **error)
{
  g_autofree char *resume = inn_machine_description_get_resume_snapshot (present);

  if (resume == NULL)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("“%s” has memory that its next start goes on with. Start it first."),
               inn_machine_description_get_name (present));
  return FALSE;
}

InnSnapshotDraft *
inn_snapshot_draft_new (InnSnapshotStore *store,
                        InnLayerSource source,
                        const char *name,
                        const char *note,
                        GError **error)
{
  g_autoptr (InnSnapshotDraft) self = NULL;

  if (!check_words (store, name, note, error))
    return NULL;

  self = g_new0 (InnSnapshotDraft, 1);
  self->store = store;
  self->source = source;
  self->present = inn_machine_store_load (store->machines, store->uuid, NULL, error);
  if (self->present != NULL && check_not_saved (self->present, error))
    self->disks = inn_frozen_disks_list (store->layers, self->present, error);
  if (self->disks == NULL)
    return NULL;

  self->frozen = inn_machine_description_copy (self->present);
  self->record = g_new0 (InnSnapshotRecord, 1);
  self->record->id = g_uuid_string_random ();
  self->record->name = name != NULL ? g_strdup (name) : choose_name (store);
  self->record->note = note != NULL && *note != '\0' ? g_strdup (note) : NULL;
  self->record->parent = inn_machine_description_get_current_snapshot (self->present);
  self->record->time = g_get_real_time ();
  self->name = g_strconcat (INN_SNAPSHOT_NEW_PREFIX, self->record->id, NULL);
  self->folder = g_build_filename (store->folder, self->name, NULL);

  return g_steal_pointer (&self);
}

void
inn_snapshot_draft_free (InnSnapshotDraft *self)
{
  if (self == NULL)
    return;

  if (!self->committed && self->folder != NULL)
    {
      inn_folder_remove (self->folder, NULL);
      inn_layer_store_collect (self->store->layers, NULL); /* or the next change does */
    }
  inn_machine_description_free (self->present);
  inn_machine_description_free (self->frozen);
  inn_snapshot_record_free (self->record);
  g_clear_pointer (&self->disks, g_ptr_array_unref);
  g_free (self->name);
  g_free (self->folder);
  g_free (self);
}

/* ---- prepare ---- */

static gboolean
make_folder (InnSnapshotDraft *self, GError **error)
{
  if (g_mkdir (self->store->folder, 0700) < 0 && errno != EEXIST)
    inn_folder_set_error (error, self->store->folder, errno);
  else if (g_mkdir (self->folder, 0700) < 0)
    inn_folder_set_error (error, self->folder, errno);
  else
    return inn_folder_sync (self->store->machine_folder, error);

  return FALSE;
}

static gboolean
freeze_disks (InnSnapshotDraft *self, GError **error)
{
  if (!inn_frozen_disks_freeze (self->disks, self->store->layers, self->source, self->present,
                                error))
    return FALSE;

  for (guint i = 0; i < self->disks->len; i++)
    {
      const InnFrozenDisk *disk = g_ptr_array_index (self->disks, i);
      struct stat status;

      if (disk->fresh && stat (disk->layer, &status) == 0)
        self->record->disk_bytes += (guint64)status.st_blocks * 512;
      inn_machine_description_set_disk_layer (self->frozen, disk->target, disk->layer,
                                              inn_layer_store_get_format (disk->layer));
    }

  return TRUE;
}

static gboolean
copy_variables (InnSnapshotDraft *self, GError **error)
{
  g_autofree char *from = inn_firmware_get_variables (self->frozen, self->store->machine_folder);
  g_autofree char *to = g_build_filename (self->folder, "variables", NULL);

  return inn_machine_description_get_firmware (self->frozen) != INN_FIRMWARE_UEFI
         || g_access (from, F_OK) < 0 || inn_folder_copy_file (from, to, error);
}

static gboolean
write_definition (InnSnapshotDraft *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, "domain.xml", NULL);
  g_autofree char *xml = NULL;
  g_autoptr (GError) local_error = NULL;

  inn_machine_description_set_current_snapshot (self->frozen, NULL);
  inn_machine_description_set_resume_snapshot (self->frozen, NULL);
  xml = inn_machine_description_to_xml (self->frozen);
  if (!g_file_set_contents_full (path, xml, -1,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &local_error))
    {
      inn_folder_set_error (error, path, inn_engine_errno_from_file_error (local_error));
      return FALSE;
    }

  self->record->definition_crc = inn_snapshot_record_get_crc (xml);
  return TRUE;
}

gboolean
inn_snapshot_draft_prepare (InnSnapshotDraft *self, GError **error)
{
  return make_folder (self, error) && freeze_disks (self, error) && copy_variables (self, error)
         && write_definition (self, error)
         && inn_snapshot_store_write_record (self->store, self->name, self->record, error)
         && inn_folder_sync (self->folder, error) && inn_folder_sync (self->store->folder, error);
}

/* ---- commit and publish ---- */

gboolean
inn_snapshot_draft_commit (InnSnapshotDraft *self, GError **error)
{
  inn_machine_description_set_current_snapshot (self->present, self->record->id);
  self->committed = inn_machine_store_write (self->store->machines, self->present, error);

  return self->committed;
}

gboolean
inn_snapshot_draft_publish (InnSnapshotDraft *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->store->folder, self->record->id, NULL);

  if (!inn_snapshot_store_write_record (self->store, self->name, self->record, error))
    return FALSE;
  if (g_rename (self->folder, path) < 0)
    {
      inn_folder_set_error (error, path, errno);
      return FALSE;
    }

  return inn_folder_sync (self->store->folder, error);
}

gboolean
inn_snapshot_draft_revoke (InnSnapshotDraft *self, gboolean switched, GError **error)
{
  g_autoptr (InnMachineDescription) present
      = inn_machine_store_load (self->store->machines, self->store->uuid, NULL, error);
  g_autofree char *current = NULL;

  if (present == NULL)
    return FALSE;
  current = inn_machine_description_get_current_snapshot (present);
  if (g_strcmp0 (current, self->record->id) == 0)
    {
      if (!switched)
        inn_frozen_disks_give_back (self->disks, present);
      inn_machine_description_set_current_snapshot (present, self->record->parent);
      if (!inn_machine_store_write (self->store->machines, present, error))
        return FALSE;
    }

  self->committed = FALSE; /* and so all else goes with the draft */
  return TRUE;
}

InnSnapshotRecord *
inn_snapshot_draft_get_record (InnSnapshotDraft *self)
{
  return self->record;
}

const GPtrArray *
inn_snapshot_draft_get_disks (const InnSnapshotDraft *self)
{
  return self->disks;
}

const char *
inn_snapshot_draft_get_folder (const InnSnapshotDraft *self)
{
  return self->folder;
}
