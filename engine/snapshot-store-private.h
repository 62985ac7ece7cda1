/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the snapshot-*.c files share of InnSnapshotStore.
 */
#pragma once

#include "snapshot-store.h"

G_BEGIN_DECLS

#define INN_SNAPSHOT_NEW_PREFIX     ".new-"
#define INN_SNAPSHOT_DELETED_PREFIX ".deleted-"

struct _InnSnapshotStore
{
  InnMachineStore *machines;
  InnLayerStore *layers;
  char *uuid;
  char *machine_folder;
  char *folder;
};

/* A file of a snapshot, transfer full. @id may have a prefix. */
char *inn_snapshot_store_get_path (const InnSnapshotStore *self, const char *id, const char *name);
/* Reads a record; the error says what is wrong with it. */
InnSnapshotRecord *
inn_snapshot_store_load_record (const InnSnapshotStore *self, const char *id, GError **error);
/* Replaces a record, or adds one to a folder that is there; @id may have a prefix. */
gboolean inn_snapshot_store_write_record (const InnSnapshotStore *self,
                                          const char *id,
                                          const InnSnapshotRecord *record,
                                          GError **error);
/* As inn_snapshot_store_load_record(), for an id that may be none. */
InnSnapshotRecord *
inn_snapshot_store_require_record (const InnSnapshotStore *self, const char *id, GError **error);
/* Whether no other snapshot has the name. @id: this one may; NULL: none may. */
gboolean inn_snapshot_store_check_name (InnSnapshotStore *self,
                                        const char *name,
                                        const char *id,
                                        GError **error);
/* A name for what is there before the snapshot of @name is restored, transfer full. */
char *inn_snapshot_store_choose_kept_name (InnSnapshotStore *self, const char *name);
/* With the store's and the machine's lock: finishes, or removes, what a killed process has left. */
gboolean inn_snapshot_store_recover (InnSnapshotStore *self, GError **error);

/* With the locks: makes the machine what it was. @resume: its next start goes on with the memory.
 */
gboolean inn_snapshot_store_go_back (InnSnapshotStore *self,
                                     const InnSnapshotRecord *record,
                                     gboolean resume,
                                     GError **error);
/* With the store's lock: as inn_snapshot_store_remove(). */
gboolean inn_snapshot_store_remove_locked (InnSnapshotStore *self,
                                           const InnSnapshotRecord *record,
                                           GError **error);

/* What of the machine stays when all else becomes what it was: its name and what is said of it. */
void inn_snapshot_store_keep_identity (InnMachineDescription *restored,
                                       const InnMachineDescription *present);

/* The locks of a change; both are -1 before and after. */
typedef struct
{
  int store;
  int machine;
} InnSnapshotLocks;

/* With the machine's lock, which only one that is off has free; and whatever was cut off is
 * finished. On error nothing is locked. */
gboolean inn_snapshot_store_lock (InnSnapshotStore *self, InnSnapshotLocks *locks, GError **error);
void inn_snapshot_locks_clear (InnSnapshotLocks *locks);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (InnSnapshotLocks, inn_snapshot_locks_clear)

G_END_DECLS
