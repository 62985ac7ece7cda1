/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going on where a machine was.
 */
#include "config.h"

#include "snapshot-resume.h"

#include <glib/gi18n-lib.h>

#include "engine-error.h"
#include "machine-description-boot.h"
#include "machine-description-snapshots.h"
#include "machine-description-template.h"
#include "machine-lock.h"
#include "snapshot-store-private.h"

void
inn_resume_free (InnResume *self)
{
  if (self == NULL)
    return;

  g_free (self->snapshot);
  g_free (self->memory);
  inn_machine_description_free (self->description);
  inn_machine_description_free (self->defined);
  g_free (self);
}

/* The definition, and the snapshot it goes on with, which a template keeps for its clones. Locks
 * the machine's snapshots before. */
static InnMachineDescription *
lock_marked (InnSnapshotStore *store, InnSnapshotLocks *locks, char **ret_id, GError **error)
{
  g_autoptr (InnMachineDescription) present = NULL;

  if (!inn_snapshot_store_lock (store, locks, error))
    return NULL;
  present = inn_machine_store_load (store->machines, store->uuid, NULL, error);
  if (present == NULL || !inn_machine_description_check_no_template (present, error))
    return NULL;
  *ret_id = inn_machine_description_get_resume_snapshot (present);
  if (*ret_id != NULL)
    return g_steal_pointer (&present);

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
               _ ("“%s” has no saved state to go on with, or no longer."),
               inn_machine_description_get_name (present));
  return NULL;
}

static InnResume *
resume_new (InnSnapshotStore *store, const char *id)
{
  InnResume *self = g_new0 (InnResume, 1);

  self->snapshot = g_strdup (id);
  self->memory = inn_snapshot_store_get_path (store, id, "memory");
  return self;
}

InnResume *
inn_resume_begin (InnSnapshotStore *store, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) present = NULL;
  g_autoptr (InnSnapshotRecord) record = NULL;
  g_autofree char *id = NULL;
  g_autoptr (InnResume) self = NULL;

  present = lock_marked (store, &locks, &id, error);
  if (present == NULL)
    return NULL;
  record = inn_snapshot_store_require_record (store, id, error);
  if (record == NULL || !inn_snapshot_store_go_back (store, record, /* resume= */ FALSE, error))
    return NULL;

  self = resume_new (store, id);
  self->description = inn_machine_store_load (store->machines, store->uuid, NULL, error);
  return self->description != NULL ? g_steal_pointer (&self) : NULL;
}

InnResume *
inn_resume_look (InnSnapshotStore *store, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) present = NULL;
  g_autoptr (InnMachineDescription) saved = NULL;
  g_autofree char *variables = NULL;
  g_autofree char *id = NULL;
  InnResume *self;

  present = lock_marked (store, &locks, &id, error);
  if (present == NULL)
    return NULL;
  saved = inn_snapshot_store_load_definition (store, id, error);
  if (saved == NULL)
    return NULL;

  variables = inn_snapshot_store_get_path (store, id, "variables");
  inn_snapshot_store_keep_identity (saved, present);
  inn_machine_description_set_variables (saved, variables);
  self = resume_new (store, id);
  self->description = g_steal_pointer (&saved);
  self->defined = g_steal_pointer (&present);
  return self;
}

void
inn_resume_undo (InnSnapshotStore *store, const InnResume *self)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) present = NULL;
  g_autofree char *current = NULL;
  g_autoptr (GError) error = NULL;

  locks.store = inn_machine_store_lock (store->machines, &error);
  if (locks.store >= 0)
    locks.machine = inn_machine_lock_acquire (store->machine_folder, "", &error);
  if (locks.machine >= 0)
    present = inn_machine_store_load (store->machines, store->uuid, NULL, &error);
  if (present != NULL)
    {
      /* Somebody else may have made something else of it. */
      current = inn_machine_description_get_current_snapshot (present);
      if (g_strcmp0 (current, self->snapshot) != 0)
        return;
      inn_machine_description_set_resume_snapshot (present, self->snapshot);
      inn_machine_store_write (store->machines, present, &error);
    }
  if (error != NULL)
    g_warning ("%s", error->message);
}

void
inn_resume_end (InnSnapshotStore *store, const InnResume *self)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnSnapshotRecord) record = NULL;
  g_autoptr (GError) error = NULL;

  locks.store = inn_machine_store_lock (store->machines, &error);
  if (locks.store >= 0)
    record = inn_snapshot_store_load_record (store, self->snapshot, &error);
  if (record != NULL && record->saved)
    inn_snapshot_store_remove_locked (store, record, &error);
  if (error != NULL)
    g_warning ("%s", error->message);
}

gboolean
inn_resume_mark (InnSnapshotStore *store, const char *snapshot, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) present = NULL;

  locks.store = inn_machine_store_lock (store->machines, error);
  if (locks.store >= 0)
    present = inn_machine_store_load (store->machines, store->uuid, NULL, error);
  if (present == NULL)
    return FALSE;

  inn_machine_description_set_resume_snapshot (present, snapshot);
  return inn_machine_store_write (store->machines, present, error);
}

gboolean
inn_resume_discard (InnSnapshotStore *store, GError **error)
{
  g_auto (InnSnapshotLocks) locks = { .store = -1, .machine = -1 };
  g_autoptr (InnMachineDescription) present = NULL;
  g_autoptr (InnSnapshotRecord) record = NULL;
  g_autofree char *id = NULL;

  present = lock_marked (store, &locks, &id, error);
  if (present == NULL)
    return FALSE;

  inn_machine_description_set_resume_snapshot (present, NULL);
  if (!inn_machine_store_write (store->machines, present, error))
    return FALSE;

  /* The disks go on from where they are; a record that cannot be read stays for people to delete.
   */
  record = inn_snapshot_store_load_record (store, id, NULL);
  return record == NULL || !record->saved
         || inn_snapshot_store_remove_locked (store, record, error);
}
