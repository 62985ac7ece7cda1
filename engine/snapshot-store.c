/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The snapshots of one machine: what is in the files of each, and what can be done with them.
 */
#include "config.h"

#include "snapshot-store.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/fd.h"
#include "engine-error.h"
#include "firmware.h"
#include "folder.h"
#include "layer-scan.h"
#include "machine-description-boot.h"
#include "machine-description-snapshots.h"
#include "machine-description-template.h"
#include "machine-lock.h"
#include "snapshot-draft.h"
#include "snapshot-store-private.h"

#define RECORD_NAME "snapshot.ini"

InnSnapshotStore *
inn_snapshot_store_new (InnMachineStore *machines, const char *uuid)
{
  InnSnapshotStore *self = g_new0 (InnSnapshotStore, 1);

  self->machines = g_object_ref (machines);
  self->layers = inn_layer_store_new (machines);
  self->uuid = g_strdup (uuid);
  self->machine_folder = inn_machine_store_get_folder (machines, uuid);
  self->folder = g_build_filename (self->machine_folder, "snapshots", NULL);

  return self;
}

void
inn_snapshot_store_free (InnSnapshotStore *self)
{
  if (self == NULL)
    return;

  g_object_unref (self->machines);
  inn_layer_store_free (self->layers);
  g_free (self->uuid);
  g_free (self->machine_folder);
  g_free (self->folder);
  g_free (self);
}

char *
inn_snapshot_store_get_path (const InnSnapshotStore *self, const char *id, const char *name)
{
  return g_build_filename (self->folder, id, name, NULL);
}

/* ---- locks ---- */

void
inn_snapshot_locks_clear (InnSnapshotLocks *locks)
{
  fd_close (&locks->machine);
  fd_close (&locks->store);
}

/* For messages. */
static char *
get_machine_name (const InnSnapshotStore *self)
{
  char *name = NULL;
  g_autoptr (InnMachineDescription) description
      = inn_machine_store_load (self->machines, self->uuid, &name, NULL);

  return description != NULL ? g_strdup (inn_machine_description_get_name (description)) : name;
}

gboolean
inn_snapshot_store_lock (InnSnapshotStore *self, InnSnapshotLocks *locks, GError **error)
{
  g_autofree char *name = get_machine_name (self);

  locks->store = inn_machine_store_lock (self->machines, error);
  if (locks->store >= 0)
    locks->machine = inn_machine_lock_keep_off (self->machine_folder, name, error);
  if (locks->machine >= 0 && inn_snapshot_store_recover (self, error))
    return TRUE;

  inn_snapshot_locks_clear (locks);
  return FALSE;
}

/* ---- records ---- */

InnSnapshotRecord *
inn_snapshot_store_load_record (const InnSnapshotStore *self, const char *id, GError **error)
{
  g_autofree char *path = inn_snapshot_store_get_path (self, id, RECORD_NAME);
  g_autofree char *text = NULL;
  g_autoptr (GError) local_error = NULL;
  InnSnapshotRecord *record;
  gsize length = 0;

  if (!g_file_get_contents (path, &text, &length, &local_error))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The description of the snapshot, “%s”, cannot be read: %s."), path,
                   g_strerror (inn_engine_errno_from_file_error (local_error)));
      return NULL;
    }

  record = inn_snapshot_record_parse (text, length, error);
  if (record != NULL)
    record->id = g_strdup (id);
  return record;
}

gboolean
inn_snapshot_store_write_record (const InnSnapshotStore *self,
                                 const char *id,
                                 const InnSnapshotRecord *record,
                                 GError **error)
{
  g_autofree char *path = inn_snapshot_store_get_path (self, id, RECORD_NAME);
  g_autofree char *text = inn_snapshot_record_to_text (record);
  g_autoptr (GError) local_error = NULL;

  if (g_file_set_contents_full (path, text, -1,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local_error))
    return TRUE;

  inn_folder_set_error (error, path, inn_engine_errno_from_file_error (local_error));
  return FALSE;
}

/* A damaged one is a snapshot all the same: what it holds is told, and it can be deleted. */
static InnSnapshotRecord *
load_any_record (const InnSnapshotStore *self, const char *id)
{
  g_autoptr (GError) error = NULL;
  InnSnapshotRecord *record = inn_snapshot_store_load_record (self, id, &error);

  if (record != NULL)
    return record;

  record = g_new0 (InnSnapshotRecord, 1);
  record->id = g_strdup (id);
  record->name = g_strndup (id, 8);
  record->trouble = g_strdup (error->message);
  return record;
}

static GPtrArray *
load_records (const InnSnapshotStore *self, gboolean with_saved)
{
  GPtrArray *records = g_ptr_array_new_with_free_func ((GDestroyNotify)inn_snapshot_record_free);
  g_autoptr (GDir) folder = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autoptr (InnSnapshotRecord) record = NULL;

      if (!g_uuid_string_is_valid (name))
        continue;
      record = load_any_record (self, name);
      if (with_saved || !record->saved)
        g_ptr_array_add (records, g_steal_pointer (&record));
    }

  return records;
}

static InnSnapshotRecord *
find_record (GPtrArray *records, const char *id)
{
  for (guint i = 0; id != NULL && i < records->len; i++)
    {
      InnSnapshotRecord *record = g_ptr_array_index (records, i);

      if (g_str_equal (record->id, id))
        return record;
    }

  return NULL;
}

gboolean
inn_snapshot_store_check_name (InnSnapshotStore *self,
                               const char *name,
                               const char *id,
                               GError **error)
{
  g_autoptr (GPtrArray) records = load_records (self, /* with_saved= */ FALSE);

  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      if (g_str_equal (record->name, name) && g_strcmp0 (record->id, id) != 0)
        {
          g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS,
                       _ ("There is a snapshot “%s” already. Choose another name."), name);
          return FALSE;
        }
    }

  return TRUE;
}

InnSnapshotRecord *
inn_snapshot_store_require_record (const InnSnapshotStore *self, const char *id, GError **error)
{
  g_autofree char *path = inn_snapshot_store_get_path (self, id, NULL);

  if (g_uuid_string_is_valid (id) && g_file_test (path, G_FILE_TEST_IS_DIR))
    return inn_snapshot_store_load_record (self, id, error);

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
               _ ("There is no such snapshot, or no longer."));
  return NULL;
}

/* ---- list ---- */

static int
compare_records (gconstpointer a, gconstpointer b)
{
  const InnSnapshotRecord *left = *(const InnSnapshotRecord *const *)a;
  const InnSnapshotRecord *right = *(const InnSnapshotRecord *const *)b;

  if (left->time != right->time)
    return left->time < right->time ? -1 : 1;

  return strcmp (left->id, right->id);
}

/* Records come from anywhere: one may name a parent that is not there, or itself. */
static void
mend_parents (GPtrArray *records)
{
  for (guint i = 0; i < records->len; i++)
    {
      InnSnapshotRecord *record = g_ptr_array_index (records, i);
      const InnSnapshotRecord *above = find_record (records, record->parent);
      guint steps = 0;

      if (above == NULL)
        g_clear_pointer (&record->parent, g_free);
      while (above != NULL && above != record && steps++ < records->len)
        above = find_record (records, above->parent);
      if (above != NULL)
        g_clear_pointer (&record->parent, g_free);
    }
}

static guint64
get_allocated (const InnSnapshotStore *self, const char *id, const char *name)
{
  g_autofree char *path = inn_snapshot_store_get_path (self, id, name);
  GStatBuf status;

  return g_stat (path, &status) == 0 ? (guint64)status.st_blocks * 512 : 0;
}

static void
add_findings (const InnSnapshotStore *self, const InnLayerScan *scan, InnSnapshotRecord *record)
{
  static const char *const files[]
      = { RECORD_NAME, "domain.xml", "variables", "memory", "screenshot.png" };
  g_autofree char *picture = inn_snapshot_store_get_path (self, record->id, "screenshot.png");
  const InnLayerSizes sizes = inn_layer_scan_get_sizes (scan, self->uuid, record->id);

  record->size = sizes.own;
  record->shared = sizes.shared;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    record->size += get_allocated (self, record->id, files[i]);
  if (g_file_test (picture, G_FILE_TEST_IS_REGULAR))
    record->picture = g_steal_pointer (&picture);
}

GPtrArray *
inn_snapshot_store_list (InnSnapshotStore *self, gboolean with_saved)
{
  GPtrArray *records = load_records (self, with_saved);
  g_autoptr (InnLayerScan) scan = NULL;

  if (records->len == 0)
    return records;

  scan = inn_layer_scan_new (self->machines);
  for (guint i = 0; i < records->len; i++)
    add_findings (self, scan, g_ptr_array_index (records, i));
  g_ptr_array_sort (records, compare_records);
  mend_parents (records);

  return records;
}

/* With the locks: whether what the machine is may be kept, or become something else. */
static gboolean
check_no_template (const InnSnapshotStore *self, GError **error)
{
  g_autoptr (InnMachineDescription) present
      = inn_machine_store_load (self->machines, self->uuid, NULL, error);

  return present != NULL && inn_machine_description_check_no_template (present, error);
}

/* ---- take ---- */

static gboolean
take_locked (InnSnapshotStore *self,
             const char *name,
             const char *note,
             gboolean kept,
             InnSnapshotRecord **ret_record,
             GError **error)
{
  g_autoptr (InnSnapshotDraft) draft
      = inn_snapshot_draft_new (self, INN_LAYER_OF_STOPPED, name, note, error);

  if (draft == NULL)
    return FALSE;

  inn_snapshot_draft_get_record (draft)->kept = kept;
  if (!inn_snapshot_draft_prepare (draft, error) || !inn_snapshot_draft_commit (draft, error)
      || !inn_snapshot_draft_publish (draft, error))
    return FALSE;

  if (ret_record != NULL)
    *ret_record = inn_snapshot_record_copy (inn_snapshot_draft_get_record (draft));
  return TRUE;
}

InnSnapshotRecord *
inn_snapshot_store_take (InnSnapshotStore *self, const char *name, const char *note, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  InnSnapshotRecord *record = NULL;

  if (!inn_snapshot_store_lock (self, &locks, error) || !check_no_template (self, error)
      || !take_locked (self, name, note, /* kept= */ FALSE, &record, error))
    return NULL;

  inn_layer_store_collect (self->layers, NULL); /* or the next change does */
  return record;
}

/* ---- restore ---- */

void
inn_snapshot_store_keep_identity (InnMachineDescription *restored,
                                  const InnMachineDescription *present)
{
  inn_machine_description_set_name (restored, inn_machine_description_get_name (present));
  inn_machine_description_set_title (restored, inn_machine_description_get_title (present));
  inn_machine_description_set_description (restored,
                                           inn_machine_description_get_description (present));
}

/* Disks that only the present has are given up as layers, which go once nothing names them. */
static gboolean
give_up_disks (InnSnapshotStore *self, const InnMachineDescription *present, GError **error)
{
  for (guint i = 0; i < inn_machine_description_get_n_disks (present); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (present, i);
      g_autofree char *layer = NULL;

      if (!inn_layer_store_check_disk (self->layers, present, disk, NULL))
        continue;
      layer = inn_layer_store_adopt (self->layers, disk, error);
      if (layer == NULL)
        return FALSE;
    }

  return TRUE;
}

static gboolean
add_overlays (InnSnapshotStore *self, InnMachineDescription *restored, GError **error)
{
  const guint n_disks = inn_machine_description_get_n_disks (restored);

  for (guint i = 0; i < n_disks; i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (restored, i);
      g_autofree char *target = g_strdup (disk->target);
      g_autofree char *overlay = NULL;

      if (disk->path == NULL || !inn_layer_store_owns (self->layers, disk->path))
        continue;
      overlay = inn_layer_store_add_overlay (self->layers, disk->path, error);
      if (overlay == NULL)
        return FALSE;
      inn_machine_description_set_disk_layer (restored, target, overlay, "qcow2");
    }

  return inn_layer_store_sync (self->layers, error);
}

static gboolean
restore_variables (InnSnapshotStore *self,
                   const char *id,
                   InnMachineDescription *restored,
                   GError **error)
{
  g_autofree char *from = inn_snapshot_store_find_variables (self, id);
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *name = g_strconcat ("variables-", uuid, ".fd", NULL);
  g_autofree char *to = g_build_filename (self->machine_folder, name, NULL);

  if (inn_machine_description_get_firmware (restored) != INN_FIRMWARE_UEFI)
    return TRUE;

  /* Also when there are none: it shall start with fresh ones. */
  inn_machine_description_set_variables (restored, to);
  return from == NULL
         || (inn_folder_copy_file (from, to, error)
             && inn_folder_sync (self->machine_folder, error));
}

gboolean
inn_snapshot_store_go_back (InnSnapshotStore *self,
                            const InnSnapshotRecord *record,
                            gboolean resume,
                            GError **error)
{
  g_autoptr (InnMachineDescription) restored
      = inn_snapshot_store_load_definition (self, record->id, error);
  g_autoptr (InnMachineDescription) present = NULL;

  if (restored == NULL)
    return FALSE;
  present = inn_machine_store_load (self->machines, self->uuid, NULL, error);
  if (present == NULL)
    return FALSE;

  inn_snapshot_store_keep_identity (restored, present);
  inn_machine_description_set_current_snapshot (restored, record->id);
  inn_machine_description_set_resume_snapshot (restored, resume ? record->id : NULL);
  return give_up_disks (self, present, error) && add_overlays (self, restored, error)
         && restore_variables (self, record->id, restored, error)
         && inn_machine_store_write (self->machines, restored, error);
}

/* "Before “update”", as long as a name may be, and free. */
char *
inn_snapshot_store_choose_kept_name (InnSnapshotStore *self, const char *name)
{
  g_autofree char *short_name = g_utf8_substring (name, 0, MIN (g_utf8_strlen (name, -1), 40));
  char *chosen = g_strdup_printf (_ ("Before restoring “%s”"), short_name);

  for (guint i = 2; !inn_snapshot_store_check_name (self, chosen, NULL, NULL); i++)
    {
      g_free (chosen);
      chosen = g_strdup_printf (_ ("Before restoring “%s” (%u)"), short_name, i);
    }

  return chosen;
}

/* The definition as its snapshot has it, when nothing was written to its disks since; or NULL. */
static char *
describe_base (InnSnapshotStore *self,
               const InnMachineDescription *present,
               const InnMachineDescription *current)
{
  g_autoptr (InnMachineDescription) base = inn_machine_description_copy (present);
  g_autofree char *variables = inn_machine_description_get_variables (current);
  const guint n_disks = inn_machine_description_get_n_disks (present);

  for (guint i = 0; i < n_disks; i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (present, i);
      g_autofree char *layer = NULL;

      if (!inn_layer_store_check_disk (self->layers, present, disk, NULL))
        continue;
      layer = inn_layer_store_find_base (self->layers, disk->path);
      if (layer == NULL)
        return NULL;
      inn_machine_description_set_disk_layer (base, disk->target, layer,
                                              inn_layer_store_get_format (layer));
    }
  inn_machine_description_set_current_snapshot (base, NULL);
  inn_machine_description_set_resume_snapshot (base, NULL);
  inn_machine_description_set_variables (base, variables);

  return inn_machine_description_to_xml (base);
}

static gboolean
has_same_variables (InnSnapshotStore *self, const InnMachineDescription *present, const char *id)
{
  g_autofree char *path = inn_firmware_get_variables (present, self->machine_folder);
  g_autofree char *kept_path = inn_snapshot_store_find_variables (self, id);
  g_autofree char *bytes = NULL;
  g_autofree char *kept = NULL;
  gsize length = 0, kept_length = 0;

  g_file_get_contents (path, &bytes, &length, NULL);
  if (kept_path != NULL)
    g_file_get_contents (kept_path, &kept, &kept_length, NULL);

  return length == kept_length && (length == 0 || memcmp (bytes, kept, length) == 0);
}

/* Whether the present is what its snapshot is, so that there is nothing to keep. */
static gboolean
is_current_snapshot (InnSnapshotStore *self, const InnMachineDescription *present)
{
  g_autofree char *id = inn_machine_description_get_current_snapshot (present);
  g_autoptr (InnMachineDescription) current = NULL;
  g_autofree char *base = NULL;
  g_autofree char *xml = NULL;

  if (id != NULL)
    current = inn_snapshot_store_load_definition (self, id, NULL);
  if (current == NULL || !has_same_variables (self, present, id))
    return FALSE;

  base = describe_base (self, present, current);
  inn_snapshot_store_keep_identity (current, present);
  xml = inn_machine_description_to_xml (current);
  return g_strcmp0 (base, xml) == 0;
}

/* What was saved to go on with would go with the mark; it becomes a snapshot like others. */
static gboolean
keep_saved (InnSnapshotStore *self,
            const InnMachineDescription *present,
            const char *name,
            GError **error)
{
  g_autofree char *id = inn_machine_description_get_current_snapshot (present);
  g_autoptr (InnSnapshotRecord) record = inn_snapshot_store_load_record (self, id, error);

  if (record == NULL)
    return FALSE;
  if (!record->saved)
    return TRUE;

  g_free (record->name);
  record->name = g_strdup (name);
  record->saved = FALSE;
  record->kept = TRUE;
  return inn_snapshot_store_write_record (self, id, record, error);
}

/* As a snapshot of its own, in which nothing is special; the overlays go unused. */
static gboolean
keep_present_state (InnSnapshotStore *self, const InnSnapshotRecord *record, GError **error)
{
  g_autofree char *name = inn_snapshot_store_choose_kept_name (self, record->name);
  g_autoptr (InnMachineDescription) present
      = inn_machine_store_load (self->machines, self->uuid, NULL, error);

  if (present == NULL)
    return FALSE;
  if (is_current_snapshot (self, present))
    return keep_saved (self, present, name, error);

  return take_locked (self, name, NULL, /* kept= */ TRUE, NULL, error);
}

gboolean
inn_snapshot_store_restore (InnSnapshotStore *self,
                            const char *id,
                            gboolean keep_present,
                            GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) usable = NULL;
  g_autoptr (InnSnapshotRecord) record = NULL;
  gboolean done;

  if (!inn_snapshot_store_lock (self, &locks, error) || !check_no_template (self, error))
    return FALSE;
  record = inn_snapshot_store_require_record (self, id, error);
  if (record == NULL)
    return FALSE;
  usable = inn_snapshot_store_load_definition (self, id, error);
  if (usable == NULL || (keep_present && !keep_present_state (self, record, error)))
    return FALSE;

  done = inn_snapshot_store_go_back (self, record, record->memory_bytes > 0, error);
  inn_snapshot_store_recover (self, NULL); /* the variables that it no longer has */
  inn_layer_store_collect (self->layers, NULL);
  return done;
}

/* ---- delete ---- */

static gboolean
move_children (InnSnapshotStore *self, const InnSnapshotRecord *record, GError **error)
{
  g_autoptr (GPtrArray) records = load_records (self, /* with_saved= */ TRUE);

  for (guint i = 0; i < records->len; i++)
    {
      InnSnapshotRecord *child = g_ptr_array_index (records, i);

      if (child->trouble != NULL || g_strcmp0 (child->parent, record->id) != 0)
        continue;
      g_free (child->parent);
      child->parent = g_strdup (record->parent);
      if (!inn_snapshot_store_write_record (self, child->id, child, error))
        return FALSE;
    }

  return TRUE;
}

/* The machine may have a definition that cannot be used; then it says nothing of snapshots. */
static gboolean
move_present (InnSnapshotStore *self, const InnSnapshotRecord *record, GError **error)
{
  g_autoptr (InnMachineDescription) present
      = inn_machine_store_load (self->machines, self->uuid, NULL, NULL);
  g_autofree char *current = NULL;
  g_autofree char *resume = NULL;

  if (present == NULL)
    return TRUE;
  current = inn_machine_description_get_current_snapshot (present);
  resume = inn_machine_description_get_resume_snapshot (present);
  if (g_strcmp0 (resume, record->id) == 0)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
                   _ ("“%s” goes on with this snapshot at its next start. Start it first."),
                   inn_machine_description_get_name (present));
      return FALSE;
    }
  if (g_strcmp0 (current, record->id) != 0)
    return TRUE;

  inn_machine_description_set_current_snapshot (present, record->parent);
  return inn_machine_store_write (self->machines, present, error);
}

static gboolean
remove_folder (InnSnapshotStore *self, const char *id, GError **error)
{
  g_autofree char *name = g_strconcat (INN_SNAPSHOT_DELETED_PREFIX, id, NULL);
  g_autofree char *path = g_build_filename (self->folder, id, NULL);
  g_autofree char *away = g_build_filename (self->folder, name, NULL);

  if (g_rename (path, away) < 0)
    {
      inn_folder_set_error (error, path, errno);
      return FALSE;
    }

  return inn_folder_sync (self->folder, error) && inn_folder_remove (away, error);
}

gboolean
inn_snapshot_store_remove_locked (InnSnapshotStore *self,
                                  const InnSnapshotRecord *record,
                                  GError **error)
{
  if (!move_present (self, record, error) || !move_children (self, record, error)
      || !remove_folder (self, record->id, error))
    return FALSE;

  inn_layer_store_collect (self->layers, NULL); /* or the next change does */
  return TRUE;
}

gboolean
inn_snapshot_store_remove (InnSnapshotStore *self, const char *id, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autofree char *path = inn_snapshot_store_get_path (self, id, NULL);
  g_autoptr (InnSnapshotRecord) record = NULL;

  locks.store = inn_machine_store_lock (self->machines, error);
  if (locks.store < 0)
    return FALSE;
  locks.machine = inn_machine_lock_keep_off (self->machine_folder, "", NULL);
  if (locks.machine >= 0)
    inn_snapshot_store_recover (self, NULL);
  if (!g_uuid_string_is_valid (id) || !g_file_test (path, G_FILE_TEST_IS_DIR))
    return inn_snapshot_store_require_record (self, id, error) != NULL;

  record = load_any_record (self, id);
  return inn_snapshot_store_remove_locked (self, record, error);
}

/* ---- change ---- */

gboolean
inn_snapshot_store_change (InnSnapshotStore *self,
                           const char *id,
                           const char *name,
                           const char *note,
                           GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnSnapshotRecord) record = NULL;

  if ((name != NULL && !inn_snapshot_record_check_name (name, error))
      || !inn_snapshot_record_check_note (note, error))
    return FALSE;
  locks.store = inn_machine_store_lock (self->machines, error);
  if (locks.store >= 0)
    record = inn_snapshot_store_require_record (self, id, error);
  if (record == NULL || (name != NULL && !inn_snapshot_store_check_name (self, name, id, error)))
    return FALSE;

  if (name != NULL)
    {
      g_free (record->name);
      record->name = g_strdup (name);
    }
  if (note != NULL)
    {
      g_free (record->note);
      record->note = *note != '\0' ? g_strdup (note) : NULL;
    }
  return inn_snapshot_store_write_record (self, id, record, error);
}
