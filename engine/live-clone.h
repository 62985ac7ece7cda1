/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnLiveClone: a clone of a running machine that is being made, in steps, so that the machine's
 * VMM can play its part between them:
 *
 *   new      nothing is on the disk yet
 *   prepare  layers for both, and the clone's folder under a temporary name
 *   commit   the original's definition names its new layers
 *   publish  the clone's folder under its name
 *
 * The clone runs before it is published, on layers that no machine names; so it is never there with
 * disks that the original still writes. A process that is killed has made no clone, or one that
 * runs, which whoever comes next publishes. The store's lock is held in each step. Any thread.
 */
#pragma once

#include "snapshot-store.h"
#include "vmm-process.h"

G_BEGIN_DECLS

typedef struct _InnLiveClone InnLiveClone;

/* Errors: the name is taken, a disk cannot be frozen, such a machine cannot be cloned. */
InnLiveClone *inn_live_clone_new (InnSnapshotStore *store, const char *name, GError **error);
/* What is not published is removed, unless it runs. */
void inn_live_clone_free (InnLiveClone *self);

gboolean inn_live_clone_prepare (InnLiveClone *self, GError **error);
/* After prepare: all that the clone's VMM needs, which is locked. */
gboolean inn_live_clone_stage (InnLiveClone *self,
                               const char *log_path,
                               InnRuntimeDirectory *runtime,
                               InnVmmStaging *ret_staging,
                               GError **error);
gboolean inn_live_clone_commit (InnLiveClone *self, GError **error);
/* The clone runs. */
gboolean inn_live_clone_publish (InnLiveClone *self, GError **error);

/* After commit: there is no clone. @switched: the original writes its new layers already. */
gboolean inn_live_clone_revoke (InnLiveClone *self, gboolean switched, GError **error);

const char *inn_live_clone_get_uuid (const InnLiveClone *self);
/* Of the original: of InnFrozenDisk. */
const GPtrArray *inn_live_clone_get_disks (const InnLiveClone *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnLiveClone, inn_live_clone_free)

G_END_DECLS
