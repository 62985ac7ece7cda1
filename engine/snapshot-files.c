/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of a machine's snapshots: whether they are sound, and what a killed process has left of
 * a change.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/fd.h"
#include "engine-error.h"
#include "firmware.h"
#include "folder.h"
#include "machine-description-boot.h"
#include "machine-description-snapshots.h"
#include "protocol/memory-file.h"
#include "snapshot-store-private.h"

#define VARIABLES_PREFIX "variables-"
#define VARIABLES_SUFFIX ".fd"

/* ---- what is in them ---- */

static gboolean
refuse (GError **error, const InnSnapshotRecord *record, const char *reason)
{
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The snapshot “%s” cannot be used: %s"), record->name, reason);
  return FALSE;
}

/* The error names the layer that is missing or damaged. */
static gboolean
check_layers (InnSnapshotStore *self,
              const InnMachineDescription *description,
              gboolean (*check) (const InnLayerStore *, const char *, GError **),
              GError **error)
{
  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->path != NULL && inn_layer_store_owns (self->layers, disk->path)
          && !check (self->layers, disk->path, error))
        return FALSE;
    }

  return TRUE;
}

InnMachineDescription *
inn_snapshot_store_load_definition (InnSnapshotStore *self, const char *id, GError **error)
{
  g_autofree char *path = inn_snapshot_store_get_path (self, id, "domain.xml");
  g_autoptr (InnSnapshotRecord) record = inn_snapshot_store_load_record (self, id, error);
  g_autoptr (InnMachineDescription) description = NULL;
  g_autoptr (GError) local_error = NULL;
  g_autofree char *text = NULL;

  if (record == NULL)
    return NULL;

  description = inn_machine_store_load_file (path, self->uuid, &local_error);
  if (description != NULL && g_file_get_contents (path, &text, NULL, NULL)
      && inn_snapshot_record_get_crc (text) != record->definition_crc)
    {
      refuse (error, record, _ ("its definition was changed since it was taken."));
      return NULL;
    }
  if (description == NULL
      || !check_layers (self, description, inn_layer_store_check_chain, &local_error))
    {
      refuse (error, record, local_error->message);
      return NULL;
    }

  return g_steal_pointer (&description);
}

char *
inn_snapshot_store_find_variables (InnSnapshotStore *self, const char *id)
{
  g_autofree char *path = inn_snapshot_store_get_path (self, id, "variables");

  return g_access (path, F_OK) == 0 ? g_steal_pointer (&path) : NULL;
}

static gboolean
check_present (InnSnapshotStore *self, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) description = NULL;

  if (!inn_snapshot_store_lock (self, &locks, error))
    return FALSE;

  fd_close (&locks.store); /* the machine's lock is enough to keep its disks as they are */
  description = inn_machine_store_load (self->machines, self->uuid, NULL, error);
  return description != NULL && check_layers (self, description, inn_layer_store_examine, error);
}

/* All of it, which a machine that goes on from there does not wait for. */
static gboolean
check_memory (InnSnapshotStore *self, const char *id, GError **error)
{
  g_autoptr (InnSnapshotRecord) record = inn_snapshot_store_load_record (self, id, error);
  g_autofree char *path = inn_snapshot_store_get_path (self, id, "memory");
  struct memory_file file = { .problem = NULL };
  int fd, r;

  if (record == NULL)
    return FALSE;
  if (record->memory_bytes == 0)
    return TRUE;

  fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  r = fd < 0 ? -errno : memory_file_read (fd, &file);
  if (r == 0)
    r = memory_file_check (fd, &file, NULL, NULL);
  fd_close (&fd);
  if (r < 0)
    g_set_error (
        error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
        _ ("The memory in the snapshot “%s” cannot be used: %s. Its disks are good: restore "
           "it, discard the saved state, and start the machine from them."),
        record->name, file.problem != NULL ? file.problem : g_strerror (-r));

  return r == 0;
}

gboolean
inn_snapshot_store_check (InnSnapshotStore *self, const char *id, GError **error)
{
  g_autoptr (InnMachineDescription) description = NULL;

  if (id == NULL)
    return check_present (self, error);

  description = inn_snapshot_store_load_definition (self, id, error);
  return description != NULL && check_layers (self, description, inn_layer_store_examine, error)
         && check_memory (self, id, error);
}

/* ---- what a killed process has left ---- */

/* It took effect, so it is a snapshot; of what was not finished nothing is believed. */
static gboolean
publish (InnSnapshotStore *self, const char *name, const char *id, GError **error)
{
  g_autoptr (InnSnapshotRecord) record = inn_snapshot_store_load_record (self, name, NULL);
  g_autofree char *from = g_build_filename (self->folder, name, NULL);
  g_autofree char *to = g_build_filename (self->folder, id, NULL);
  g_autofree char *memory = inn_snapshot_store_get_path (self, name, "memory");

  if (record == NULL || record->memory_bytes == 0)
    g_unlink (memory);
  if (g_rename (from, to) == 0)
    return inn_folder_sync (self->folder, error);

  inn_folder_set_error (error, to, errno);
  return FALSE;
}

static gboolean
finish_folder (InnSnapshotStore *self, const char *name, const char *current, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);

  if (g_str_has_prefix (name, INN_SNAPSHOT_DELETED_PREFIX))
    return inn_folder_remove (path, error);
  if (!g_str_has_prefix (name, INN_SNAPSHOT_NEW_PREFIX))
    return TRUE;
  if (g_strcmp0 (name + strlen (INN_SNAPSHOT_NEW_PREFIX), current) == 0)
    return publish (self, name, current, error);

  return inn_folder_remove (path, error);
}

static GStrv
list_folder (const char *path)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    g_strv_builder_add (names, name);

  return g_strv_builder_end (names);
}

/* Whether a restore has made them. */
static gboolean
are_restored_variables (const char *name)
{
  g_autofree char *uuid = NULL;

  if (!g_str_has_prefix (name, VARIABLES_PREFIX) || !g_str_has_suffix (name, VARIABLES_SUFFIX))
    return FALSE;

  uuid = g_strndup (name + strlen (VARIABLES_PREFIX),
                    strlen (name) - strlen (VARIABLES_PREFIX VARIABLES_SUFFIX));
  return g_uuid_string_is_valid (uuid);
}

/* UEFI variables of states that were left; those that the machine was made with only once it has
 * restored ones. */
static void
remove_old_variables (InnSnapshotStore *self, const InnMachineDescription *present)
{
  g_autofree char *used = inn_firmware_get_variables (present, self->machine_folder);
  g_autofree char *used_folder = g_path_get_dirname (used);
  g_autofree char *used_name = g_path_get_basename (used);
  const gboolean restored
      = g_str_equal (used_folder, self->machine_folder) && are_restored_variables (used_name);
  g_auto (GStrv) names = list_folder (self->machine_folder);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (self->machine_folder, names[i], NULL);

      if ((are_restored_variables (names[i])
           || (restored && g_str_equal (names[i], "variables" VARIABLES_SUFFIX)))
          && !g_str_equal (path, used))
        g_unlink (path);
    }
}

/* The snapshot that was saved for a start alone and that no start goes on with, or NULL. */
static InnSnapshotRecord *
find_stray_saved (const InnSnapshotStore *self, const InnMachineDescription *present)
{
  g_autofree char *resume = inn_machine_description_get_resume_snapshot (present);
  g_auto (GStrv) names = list_folder (self->folder);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (InnSnapshotRecord) record = NULL;

      if (!g_uuid_string_is_valid (names[i]) || g_strcmp0 (names[i], resume) == 0)
        continue;
      record = inn_snapshot_store_load_record (self, names[i], NULL);
      if (record != NULL && record->saved)
        return g_steal_pointer (&record);
    }

  return NULL;
}

/* Whether no disk was written to since the layers below it were frozen. */
static gboolean
is_unwritten (const InnSnapshotStore *self, const InnMachineDescription *present)
{
  for (guint i = 0; i < inn_machine_description_get_n_disks (present); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (present, i);
      g_autofree char *base = NULL;

      if (!inn_layer_store_check_disk (self->layers, present, disk, NULL))
        continue;
      base = inn_layer_store_find_base (self->layers, disk->path);
      if (base == NULL)
        return FALSE;
    }

  return TRUE;
}

/* The process was killed between the mark and the start, or the end of what was saved. Where the
 * machine has not run on, it goes on from there after all. */
static gboolean
settle_saved (InnSnapshotStore *self, InnMachineDescription *present, GError **error)
{
  g_autoptr (InnSnapshotRecord) record = find_stray_saved (self, present);
  g_autofree char *current = inn_machine_description_get_current_snapshot (present);
  g_autofree char *resume = inn_machine_description_get_resume_snapshot (present);

  if (record == NULL)
    return TRUE;
  if (resume != NULL || g_strcmp0 (current, record->id) != 0 || !is_unwritten (self, present))
    return inn_snapshot_store_remove_locked (self, record, error);

  inn_machine_description_set_resume_snapshot (present, record->id);
  return inn_machine_store_write (self->machines, present, error);
}

static gboolean
has_leftovers (const InnSnapshotStore *self)
{
  g_autoptr (InnMachineDescription) present = NULL;
  g_autoptr (InnSnapshotRecord) stray = NULL;
  g_auto (GStrv) names = list_folder (self->folder);

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_str_has_prefix (names[i], INN_SNAPSHOT_NEW_PREFIX)
          || g_str_has_prefix (names[i], INN_SNAPSHOT_DELETED_PREFIX))
        return TRUE;
    }

  if (names[0] != NULL)
    present = inn_machine_store_load (self->machines, self->uuid, NULL, NULL);
  if (present != NULL)
    stray = find_stray_saved (self, present);
  return stray != NULL;
}

void
inn_snapshot_store_recover_all (InnMachineStore *machines)
{
  g_auto (GStrv) uuids = inn_machine_store_list (machines);

  for (guint i = 0; uuids[i] != NULL; i++)
    {
      g_autoptr (InnSnapshotStore) self = inn_snapshot_store_new (machines, uuids[i]);
      g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
      g_autoptr (GError) error = NULL;

      if (has_leftovers (self) && !inn_snapshot_store_lock (self, &locks, &error))
        g_debug ("%s: %s", uuids[i], error->message); /* it runs, or is broken */
    }
}

gboolean
inn_snapshot_store_recover (InnSnapshotStore *self, GError **error)
{
  g_autoptr (InnMachineDescription) present
      = inn_machine_store_load (self->machines, self->uuid, NULL, error);
  g_auto (GStrv) names = list_folder (self->folder);
  g_autofree char *current = NULL;

  if (present == NULL)
    return FALSE;

  current = inn_machine_description_get_current_snapshot (present);
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (!finish_folder (self, names[i], current, error))
        return FALSE;
    }
  remove_old_variables (self, present);

  return settle_saved (self, present, error);
}
