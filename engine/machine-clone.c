/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a machine of another one.
 */
#include "config.h"

#include "machine-clone.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk-image.h"
#include "engine-error.h"
#include "firmware.h"
#include "folder.h"
#include "machine-description-boot.h"
#include "machine-description-identity.h"
#include "machine-description-snapshots.h"
#include "machine-description-template.h"
#include "snapshot-store-private.h"

#define WHOLE ((uint64_t)1 << 20) /* of the progress of one disk */

/* A copy of a disk that no machine has yet. */
typedef struct
{
  char *target;
  char *path;
  int fd; /* keeps it from being collected */
} DiskCopy;

typedef struct
{
  const InnCloneRequest *request;
  InnMachineStore *machines;
  InnSnapshotStore *snapshots;        /* of the machine that is cloned */
  char *snapshot;                     /* what it is made of, also where that was saved; or NULL */
  InnMachineDescription *description; /* of the clone */
  InnMachineDescription *frozen;      /* the same with the disks of the snapshot; NULL: no memory */
  guint64 memory_bytes;
  char *variables;   /* a file to copy, or NULL */
  GPtrArray *copies; /* of DiskCopy */
} Clone;

/* The progress of all disks, made of that of each. */
typedef struct
{
  const struct image_progress *progress;
  guint done, count;
} Overall;

static void
disk_copy_free (DiskCopy *copy)
{
  g_unlink (copy->path); /* gone already when a machine has it */
  fd_close (&copy->fd);
  g_free (copy->target);
  g_free (copy->path);
  g_free (copy);
}

static void
clone_clear (Clone *self)
{
  inn_snapshot_store_free (self->snapshots);
  g_free (self->snapshot);
  inn_machine_description_free (self->description);
  inn_machine_description_free (self->frozen);
  g_free (self->variables);
  g_ptr_array_unref (self->copies);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Clone, clone_clear)

/* ---- the new machine ---- */

static gboolean
move_disks (Clone *self,
            const char *folder,
            const char *final_folder,
            InnMachineDescription *description,
            GError **error)
{
  for (guint i = 0; i < self->copies->len; i++)
    {
      const DiskCopy *copy = g_ptr_array_index (self->copies, i);
      g_autofree char *name = g_strdup_printf ("disk-%u.raw", i + 1);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *final_path = g_build_filename (final_folder, name, NULL);

      if (g_rename (copy->path, path) < 0)
        {
          inn_folder_set_error (error, path, errno);
          return FALSE;
        }
      inn_machine_description_set_disk_layer (description, copy->target, final_path, "raw");
    }

  return TRUE;
}

/* ---- memory ---- */

/* The file is never changed, so all who go on from it can have the same. */
static gboolean
link_memory (const Clone *self, const char *folder, GError **error)
{
  g_autofree char *from = inn_snapshot_store_get_path (self->snapshots, self->snapshot, "memory");
  g_autofree char *to = g_build_filename (folder, "memory", NULL);

  if (link (from, to) == 0)
    return TRUE;

  inn_folder_set_error (error, to, errno);
  return FALSE;
}

static gboolean
write_text (const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GError) local_error = NULL;

  if (g_file_set_contents_full (path, text, -1,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local_error))
    return TRUE;

  inn_folder_set_error (error, path, inn_engine_errno_from_file_error (local_error));
  return FALSE;
}

/* A saved state of the clone's own, as if it had been the clone that was saved. */
static gboolean
fill_saved (const Clone *self, const char *id, const char *folder, GError **error)
{
  g_autofree char *xml = inn_machine_description_to_xml (self->frozen);
  g_autofree char *text = NULL;
  InnSnapshotRecord record = {
    .name = (char *)inn_machine_description_get_name (self->frozen),
    .time = g_get_real_time (),
    .saved = TRUE,
    .memory_bytes = self->memory_bytes,
    .definition_crc = inn_snapshot_record_get_crc (xml),
  };

  text = inn_snapshot_record_to_text (&record);
  return link_memory (self, folder, error) && write_text (folder, "domain.xml", xml, error)
         && write_text (folder, "snapshot.ini", text, error) && inn_folder_sync (folder, error);
}

static gboolean
add_saved (Clone *self, const char *folder, InnMachineDescription *description, GError **error)
{
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *path = g_build_filename (folder, "snapshots", id, NULL);

  if (self->frozen == NULL)
    return TRUE;
  if (g_mkdir_with_parents (path, 0700) < 0)
    {
      inn_folder_set_error (error, path, errno);
      return FALSE;
    }

  for (guint i = 0; i < self->copies->len; i++)
    {
      const DiskCopy *copy = g_ptr_array_index (self->copies, i);
      const InnDiskDescription *disk
          = inn_machine_description_find_disk (description, copy->target);

      inn_machine_description_set_disk_layer (self->frozen, copy->target, disk->path, "raw");
    }
  inn_machine_description_set_current_snapshot (description, id);
  inn_machine_description_set_resume_snapshot (description, id);
  return fill_saved (self, id, path, error);
}

/* ---- the new machine's folder ---- */

static gboolean
fill_folder (const char *folder,
             const char *final_folder,
             InnMachineDescription *description,
             gpointer data,
             GError **error)
{
  Clone *self = data;
  g_autofree char *variables = g_build_filename (folder, "variables.fd", NULL);

  inn_machine_description_set_variables (description, NULL);
  return move_disks (self, folder, final_folder, description, error)
         && (self->variables == NULL || inn_folder_copy_file (self->variables, variables, error))
         && add_saved (self, folder, description, error);
}

/* With the store's lock. */
static gboolean
add_machine (Clone *self, GError **error)
{
  return inn_machine_store_add (self->machines, self->description, fill_folder, self, error);
}

/* ---- what is cloned ---- */

static void
find_variables (Clone *self, const InnMachineDescription *source)
{
  const InnSnapshotStore *snapshots = self->snapshots;
  g_autofree char *path = inn_firmware_get_variables (source, snapshots->machine_folder);

  if (inn_machine_description_get_firmware (source) != INN_FIRMWARE_UEFI)
    return;
  if (self->snapshot != NULL)
    self->variables = inn_snapshot_store_find_variables (self->snapshots, self->snapshot);
  else if (g_access (path, F_OK) == 0)
    self->variables = g_steal_pointer (&path);
}

/* What ran when the snapshot was taken goes on in the clone. */
static void
find_memory (Clone *self)
{
  g_autoptr (InnSnapshotRecord) record
      = self->snapshot != NULL
            ? inn_snapshot_store_load_record (self->snapshots, self->snapshot, NULL)
            : NULL;

  if (record == NULL || record->memory_bytes == 0)
    return;
  self->memory_bytes = record->memory_bytes;
  self->frozen = inn_machine_description_copy (self->description);
  inn_machine_description_set_current_snapshot (self->frozen, NULL);
  inn_machine_description_set_variables (self->frozen, NULL);
}

/* Of a machine that is saved its clone goes on from there, as its own next start would. NULL on
 * error. */
static InnMachineDescription *
load_present (Clone *self, GError **error)
{
  InnMachineDescription *present
      = inn_machine_store_load (self->machines, self->request->uuid, NULL, error);

  if (present == NULL)
    return NULL;
  self->snapshot = inn_machine_description_get_resume_snapshot (present);
  if (self->snapshot == NULL)
    return present;

  inn_machine_description_free (present);
  return inn_snapshot_store_load_definition (self->snapshots, self->snapshot, error);
}

/* With the locks that the source wants. Transfer full. */
static InnMachineDescription *
load_source (Clone *self, GError **error)
{
  const InnCloneRequest *request = self->request;
  g_autoptr (InnMachineDescription) source = NULL;

  self->snapshot = g_strdup (request->snapshot);
  if (self->snapshot != NULL)
    source = inn_snapshot_store_load_definition (self->snapshots, self->snapshot, error);
  else
    source = load_present (self, error);
  if (source == NULL)
    return NULL;

  find_variables (self, source);
  self->description = inn_machine_description_copy (source);
  inn_machine_description_set_new_identity (self->description, request->name);
  inn_machine_description_set_template (self->description, FALSE);
  find_memory (self);
  return g_steal_pointer (&source);
}

/* A snapshot stays what it is; a machine must be off. */
static gboolean
lock_source (Clone *self, InnSnapshotLocks *locks, GError **error)
{
  if (self->request->snapshot == NULL)
    return inn_snapshot_store_lock (self->snapshots, locks, error);

  locks->store = inn_machine_store_lock (self->machines, error);
  return locks->store >= 0;
}

/* ---- linked ---- */

/* @source is changed where it has to write elsewhere from now on. */
static gboolean
link_disk (Clone *self, InnMachineDescription *source, const char *target, GError **error)
{
  InnLayerStore *layers = self->snapshots->layers;
  g_autofree char *layer = NULL;
  g_autofree char *overlay = NULL;

  if (self->snapshot != NULL)
    layer = g_strdup (inn_machine_description_find_disk (source, target)->path);
  else
    layer = inn_layer_store_freeze (layers, INN_LAYER_OF_STOPPED, source, target, error);
  if (layer != NULL)
    overlay = inn_layer_store_add_overlay (layers, layer, error);
  if (overlay == NULL)
    return FALSE;

  inn_machine_description_set_disk_layer (self->description, target, overlay, "qcow2");
  return TRUE;
}

static gboolean
link_disks (Clone *self, InnMachineDescription *source, GError **error)
{
  for (guint i = 0; i < inn_machine_description_get_n_disks (source); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (source, i);
      g_autofree char *target = g_strdup (disk->target);
      g_autoptr (GError) local_error = NULL;

      if (inn_layer_store_check_disk (self->snapshots->layers, source, disk, &local_error))
        link_disk (self, source, target, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }

  return inn_layer_store_sync (self->snapshots->layers, error);
}

/* The source first: once another machine builds on its layers, it must not write them. */
static gboolean
clone_linked (Clone *self, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) source = NULL;
  gboolean done;

  if (!lock_source (self, &locks, error))
    return FALSE;

  source = load_source (self, error);
  done = source != NULL && inn_machine_store_check_name (self->machines, self->description, error)
         && link_disks (self, source, error)
         && (self->snapshot != NULL || inn_machine_store_write (self->machines, source, error))
         && add_machine (self, error);
  inn_layer_store_collect (self->snapshots->layers, NULL); /* or the next change does */

  return done;
}

/* ---- full ---- */

/* Whether the clone needs a copy of its own. */
static gboolean
is_copied (const Clone *self, const InnDiskDescription *disk)
{
  g_autofree char *folder = NULL;

  if (disk->kind != INN_DISK_DISK || disk->remote || disk->path == NULL)
    return FALSE;

  folder = g_path_get_dirname (disk->path);
  return !disk->readonly || inn_layer_store_owns (self->snapshots->layers, disk->path)
         || g_str_equal (folder, self->snapshots->machine_folder);
}

static bool
on_moved (void *data, uint64_t done, uint64_t total)
{
  const Overall *overall = data;
  const uint64_t part = total > 0 ? (uint64_t)((double)done / (double)total * WHOLE) : 0;

  return overall->progress == NULL
         || overall->progress->moved (overall->progress->data, overall->done * WHOLE + part,
                                      overall->count * WHOLE);
}

/* Nobody writes the disk meanwhile, wherever it is. */
static gboolean
copy_disk (Clone *self, const InnDiskDescription *disk, Overall *overall, GError **error)
{
  const struct image_progress progress = { .moved = on_moved, .data = overall };
  int source_fd = inn_disk_image_open_patiently (disk->path, INN_DISK_READ_ONLY, error);
  DiskCopy *copy;
  char *path;
  int fd = -1;

  if (source_fd < 0)
    return FALSE;

  path = inn_layer_store_copy (self->snapshots->layers, disk->path,
                               disk->format != NULL ? disk->format : "raw", &progress, &fd, error);
  fd_close (&source_fd);
  if (path == NULL)
    return FALSE;

  copy = g_new0 (DiskCopy, 1);
  copy->target = g_strdup (disk->target);
  copy->path = path;
  copy->fd = fd;
  g_ptr_array_add (self->copies, copy);
  return TRUE;
}

static gboolean
copy_disks (Clone *self,
            const InnMachineDescription *source,
            const struct image_progress *progress,
            GError **error)
{
  const guint n_disks = inn_machine_description_get_n_disks (source);
  Overall overall = { .progress = progress };

  for (guint i = 0; i < n_disks; i++)
    overall.count += is_copied (self, inn_machine_description_get_disk (source, i));
  for (guint i = 0; i < n_disks; i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (source, i);

      if (!is_copied (self, disk))
        continue;
      if (!copy_disk (self, disk, &overall, error))
        return FALSE;
      overall.done++;
    }

  return TRUE;
}

/* Others may change the store while the disks are copied; the machine is not started meanwhile. */
static gboolean
clone_full (Clone *self, const struct image_progress *progress, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) source = NULL;

  if (!lock_source (self, &locks, error))
    return FALSE;

  source = load_source (self, error);
  if (source == NULL || !inn_machine_store_check_name (self->machines, self->description, error))
    return FALSE;
  fd_close (&locks.store);
  if (!copy_disks (self, source, progress, error))
    return FALSE;
  locks.store = inn_machine_store_lock (self->machines, error);

  return locks.store >= 0 && add_machine (self, error);
}

char *
inn_machine_clone (InnMachineStore *machines,
                   const InnCloneRequest *request,
                   const struct image_progress *progress,
                   GError **error)
{
  g_auto (Clone) clone = {
    .request = request,
    .machines = machines,
    .snapshots = inn_snapshot_store_new (machines, request->uuid),
    .copies = g_ptr_array_new_with_free_func ((GDestroyNotify)disk_copy_free),
  };
  gboolean done;

  if (!inn_machine_description_check_name (request->name, error))
    return NULL;

  done = request->kind == INN_GUEST_CLONE_LINKED ? clone_linked (&clone, error)
                                                 : clone_full (&clone, progress, error);
  return done ? g_strdup (inn_machine_description_get_uuid (clone.description)) : NULL;
}
