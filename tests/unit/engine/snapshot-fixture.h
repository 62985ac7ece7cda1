/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A store with one machine that is off and has a disk, and what is on the disks of machines.
 */
#pragma once

#include "engine-fixture.h"
#include "layer-store.h"
#include "snapshot-store.h"

G_BEGIN_DECLS

#define SNAPSHOT_FIXTURE_DISK_SIZE (1 << 20) /* bytes */

typedef struct _SnapshotFixture SnapshotFixture;

struct _SnapshotFixture
{
  gboolean (*on_set_up) (SnapshotFixture *fixture); /* of the folder, or NULL */
  EngineFixture base;
  InnMachineStore *machines;
  InnLayerStore *layers;
  InnSnapshotStore *snapshots; /* of the machine */
  char *uuid;
  char *folder; /* of layers */
};

/* For g_test_add(). */
void snapshot_fixture_set_up (SnapshotFixture *fixture, gconstpointer data);
void snapshot_fixture_tear_down (SnapshotFixture *fixture, gconstpointer data);

/* Transfer full. */
InnMachineDescription *snapshot_fixture_load (SnapshotFixture *fixture, const char *uuid);
/* Fills a cluster of a machine's first disk with a byte. */
void snapshot_fixture_write (SnapshotFixture *fixture, const char *uuid, guint cluster, char byte);
/* What the disk shows there, the same in all of the cluster. */
char snapshot_fixture_read (SnapshotFixture *fixture, const char *uuid, guint cluster);
/* All of what the first disk of a description, or of a machine, shows. */
GBytes *snapshot_fixture_read_description (const InnMachineDescription *description);
GBytes *snapshot_fixture_read_disk (SnapshotFixture *fixture, const char *uuid);

/* As if the machine had been running when the snapshot was taken, or @saved. */
void
snapshot_fixture_add_memory (SnapshotFixture *fixture, InnSnapshotRecord *record, gboolean saved);
/* Takes, restores or removes; it must be done. The id, transfer full. */
char *snapshot_fixture_take (SnapshotFixture *fixture, const char *name);
void snapshot_fixture_restore (SnapshotFixture *fixture, const char *id, gboolean keep_present);
void snapshot_fixture_remove (SnapshotFixture *fixture, const char *id);

/* Every definition loads and every layer of every machine and snapshot is sound. */
void snapshot_fixture_check (SnapshotFixture *fixture);
/* Removes what nobody needs; then nothing is left that nobody needs. */
void snapshot_fixture_collect (SnapshotFixture *fixture);
/* Files in the folder of layers. */
guint snapshot_fixture_count_layers (SnapshotFixture *fixture);

G_END_DECLS
