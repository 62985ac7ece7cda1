/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of snapshots and clones. Pure; every char * is transfer full.
 */
#pragma once

#include "model/machine-state.h"
#include "model/snapshots.h"

G_BEGIN_DECLS

/* "Today 14:02 · memory and disk"; @brief: "Today 14:02 · 1.1 GiB". */
char *inn_snapshot_text_get_subtitle (const InnSnapshotFacts *facts, gint64 now_us, gboolean brief);
/* "1.1 GiB"; NULL when it is not known. */
char *inn_snapshot_text_get_size (const InnSnapshotFacts *facts);
/* "Before update, today 14:02, 1.1 GiB, kept for you, parent Toolchain installed". @parent may be
 * NULL. */
char *
inn_snapshot_text_get_accessible (const InnSnapshotFacts *facts, const char *parent, gint64 now_us);
/* "Running · changed since “Before update”"; @current: a name, or NULL. */
char *inn_snapshot_text_get_present (InnMachineState state, const char *current);
/* "Snapshot taken. The guest paused for 3.1 ms."; 0: it is not known. */
char *inn_snapshot_text_get_taken (guint64 pause_us);
/* "“Twin” runs. The guest paused for 3.1 ms."; 0: it did not. */
char *inn_snapshot_text_get_cloned (const char *name, guint64 pause_us);
/* What is under way: "Restoring “Before update”…"; @name may be NULL for TAKE. */
char *inn_snapshot_text_get_activity (InnSnapshotOperation operation, const char *name);
/* What did not happen: "“Before update” Was Not Deleted". */
char *inn_snapshot_text_get_trouble (InnSnapshotOperation operation, const char *name);

const char *inn_snapshot_text_get_clone_kind (InnCloneKind kind);
/* One line that says what it is. @snapshot: what it is made of, NULL: this moment; then @saved: the
 * machine is saved now. */
const char *
inn_snapshot_text_get_clone_description (InnCloneKind kind, InnSnapshot *snapshot, gboolean saved);
/* When it is ready. */
const char *inn_snapshot_text_get_clone_time (InnCloneKind kind);
/* The name that is offered for a clone: "Debian 13 (2)", or the next number that no text of @taken
 * is. */
char *inn_snapshot_text_suggest_name (const char *name, const char *const *taken);
/* "40 % · about 2 min left"; @seconds: since it began. */
char *inn_snapshot_text_get_clone_progress (double fraction, double seconds);

G_END_DECLS
