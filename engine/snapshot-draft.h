/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnSnapshotDraft: a snapshot that is being taken, in steps, so that a running machine's VMM can
 * play its part between them:
 *
 *   new      nothing is on the disk yet
 *   prepare  the snapshot's folder under a temporary name, and an empty overlay on each disk
 *   commit   the definition names the overlays and the snapshot
 *   publish  the record as it is now, and the folder under its name
 *
 * A process that is killed before commit has taken no snapshot, and afterwards it has taken one,
 * which whoever comes next publishes. The caller holds the store's lock from new to commit, and
 * that of a machine that is off, or knows that its VMM does. Any thread.
 */
#pragma once

#include "frozen-disks.h"
#include "snapshot-store.h"

G_BEGIN_DECLS

typedef struct _InnSnapshotDraft InnSnapshotDraft;

/* @name NULL: one is chosen. Errors: the name is taken, a disk cannot be frozen. */
InnSnapshotDraft *inn_snapshot_draft_new (InnSnapshotStore *store,
                                          InnLayerSource source,
                                          const char *name,
                                          const char *note,
                                          GError **error);
/* What is not committed yet is removed again. */
void inn_snapshot_draft_free (InnSnapshotDraft *self);

gboolean inn_snapshot_draft_prepare (InnSnapshotDraft *self, GError **error);
gboolean inn_snapshot_draft_commit (InnSnapshotDraft *self, GError **error);
gboolean inn_snapshot_draft_publish (InnSnapshotDraft *self, GError **error);

/*
 * With the store's lock, after commit: takes it back, as if no snapshot had been taken. @switched:
 * the VMM writes the overlays already, so they stay.
 */
gboolean inn_snapshot_draft_revoke (InnSnapshotDraft *self, gboolean switched, GError **error);

/* What publish writes; may be changed until then. Borrowed. */
InnSnapshotRecord *inn_snapshot_draft_get_record (InnSnapshotDraft *self);
/* Of InnFrozenDisk, in the order of the definition; the paths are there once it is prepared. */
const GPtrArray *inn_snapshot_draft_get_disks (const InnSnapshotDraft *self);
/* Where "memory" and "screenshot.png" go until it is published. */
const char *inn_snapshot_draft_get_folder (const InnSnapshotDraft *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnSnapshotDraft, inn_snapshot_draft_free)

G_END_DECLS
