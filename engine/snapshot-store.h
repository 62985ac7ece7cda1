/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnSnapshotStore: the snapshots of one machine, a folder each in "snapshots" in the machine's
 * own: "snapshot.ini" (snapshot-record.h), "domain.xml" whose disks are frozen layers, and where
 * there are any "variables" (a copy of the UEFI variables), "memory" and "screenshot.png".
 *
 * A machine's definition is the one place where a change takes effect. Every file that it will name
 * is durable before it is replaced, and nothing that the old one names is removed before; so a
 * change that is cut off has happened or has not. What it left behind goes with the next change.
 *
 * These wait for others that change the store, and may block on the disk. Any thread.
 */
#pragma once

#include "layer-store.h"
#include "machine-store.h"
#include "snapshot-record.h"

G_BEGIN_DECLS

typedef struct _InnSnapshotStore InnSnapshotStore;

InnSnapshotStore *inn_snapshot_store_new (InnMachineStore *machines, const char *uuid);
void inn_snapshot_store_free (InnSnapshotStore *self);

/* Of InnSnapshotRecord, the oldest first, those with a trouble too; the saved state only when it is
 * asked for. Their parents make a forest. Waits for nobody. Transfer full. */
GPtrArray *inn_snapshot_store_list (InnSnapshotStore *self, gboolean with_saved);

/* Of the machine, which is off. @name NULL: one is chosen. Transfer full. */
InnSnapshotRecord *inn_snapshot_store_take (InnSnapshotStore *self,
                                            const char *name,
                                            const char *note,
                                            GError **error);
/*
 * Makes the machine, which is off, what it was. @keep_present: what it is now becomes a snapshot
 * before. A snapshot with memory marks the machine as one to go on with at its next start.
 */
gboolean inn_snapshot_store_restore (InnSnapshotStore *self,
                                     const char *id,
                                     gboolean keep_present,
                                     GError **error);
/* Those that derive from it then derive from what it derives from. The machine may run. */
gboolean inn_snapshot_store_remove (InnSnapshotStore *self, const char *id, GError **error);
/* NULL leaves the name or the note as it is; an empty note removes it. The machine may run. */
gboolean inn_snapshot_store_change (InnSnapshotStore *self,
                                    const char *id,
                                    const char *name,
                                    const char *note,
                                    GError **error);
/* Whether everything of a snapshot, or for NULL of the machine, which is off, can be read. */
gboolean inn_snapshot_store_check (InnSnapshotStore *self, const char *id, GError **error);

/* The definition of a snapshot, checked against its record. Transfer full, NULL on error. */
InnMachineDescription *
inn_snapshot_store_load_definition (InnSnapshotStore *self, const char *id, GError **error);
/* Its copy of the UEFI variables, transfer full; NULL when it has none. */
char *inn_snapshot_store_find_variables (InnSnapshotStore *self, const char *id);

/* Finishes, for all machines that are off, what a killed process has left of a change. */
void inn_snapshot_store_recover_all (InnMachineStore *machines);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnSnapshotStore, inn_snapshot_store_free)

G_END_DECLS
