/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going on where a machine was: its definition names the snapshot whose memory its next start loads
 * (machine-description-snapshots.h). The memory belongs to the disks as they were at that moment,
 * so a start first puts fresh layers on those, and takes the mark away in the same instant: memory
 * and disks can never be of two different times, wherever this is cut off.
 *
 * These wait for others that change the store, and may block on the disk. Any thread.
 */
#pragma once

#include "snapshot-store.h"

G_BEGIN_DECLS

/* What a start goes on with. */
typedef struct
{
  char *snapshot;                     /* its id */
  char *memory;                       /* a file */
  InnMachineDescription *description; /* the machine as it then is */
  InnMachineDescription *defined;     /* as its definition is, where that stays as it is; or NULL */
} InnResume;

/* Before a start of the machine, which is off and has the mark. NULL on error: nothing changed. */
InnResume *inn_resume_begin (InnSnapshotStore *store, GError **error);
void inn_resume_free (InnResume *self);

/* The same for a run that changes nothing: the mark and what was saved stay. Its disks are those of
 * the snapshot, which nobody writes. */
InnResume *inn_resume_look (InnSnapshotStore *store, GError **error);

/* It did not start: it is as before. What stands in the way is only logged. */
void inn_resume_undo (InnSnapshotStore *store, const InnResume *self);
/* It runs: what was saved for this alone goes. */
void inn_resume_end (InnSnapshotStore *store, const InnResume *self);

/* Has the next start of a machine go on with the snapshot, which its VMM has just taken and waits.
 */
gboolean inn_resume_mark (InnSnapshotStore *store, const char *snapshot, GError **error);
/* Lets the next start be an ordinary one, from the disks as they were at that moment. */
gboolean inn_resume_discard (InnSnapshotStore *store, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnResume, inn_resume_free)

G_END_DECLS
