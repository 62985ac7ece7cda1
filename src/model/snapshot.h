/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshot: one moment of a machine that can be gone back to. Back ends make them anew whenever
 * something changes; InnSnapshots keeps the objects that others hold and gives them the new facts.
 * Main thread only.
 *
 * Signal "changed": it says something else than before.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a back end says of it. Sizes are bytes; what is not known is 0 or NULL. */
typedef struct
{
  const char *name;
  const char *note;
  gint64 time;        /* g_get_real_time() when it was taken */
  const char *parent; /* id of the snapshot it derives from; NULL: none */
  gboolean running;   /* with the memory of a running guest */
  gboolean kept;      /* made by a restore, of what was there before */
  gboolean size_known;
  guint64 size;        /* what deleting it frees */
  guint64 memory_size; /* what the guest's memory takes */
  guint64 disk_size;   /* what its disks hold alone */
  guint64 pause_us;    /* how long the guest stood still for it */
  const char *trouble; /* a sentence: why it cannot be gone back to; NULL when it can */
  const char *picture; /* path of a PNG: what was on its screen */
} InnSnapshotFacts;

#define INN_TYPE_SNAPSHOT (inn_snapshot_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshot, inn_snapshot, INN, SNAPSHOT, GObject)

/* @id: names it among the snapshots of its machine for as long as it is there. */
InnSnapshot *inn_snapshot_new (const char *id, const InnSnapshotFacts *facts);

const char *inn_snapshot_get_id (InnSnapshot *self);
/* All of it; borrowed until it changes. Name and note are never NULL. */
const InnSnapshotFacts *inn_snapshot_get_facts (InnSnapshot *self);
const char *inn_snapshot_get_name (InnSnapshot *self);
const char *inn_snapshot_get_parent (InnSnapshot *self);

/* For InnSnapshots: takes the facts of @other. */
void inn_snapshot_update (InnSnapshot *self, InnSnapshot *other);

G_END_DECLS
