/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshots: the moments of a machine that can be gone back to, and what can be done with them;
 * cloning too. Back ends subclass it and keep it current. It is a GListModel of InnSnapshot, oldest
 * first; objects stay as long as their snapshot does. Main thread only.
 *
 * An object of the class itself is for machines that have none: see inn_snapshots_new_refusing().
 *
 * Signal "updated": list, facts, current snapshot or space are new. It comes after the signals of
 * snapshots and list.
 * Signal "activity": what is under way is new, or how far a clone is.
 */
#pragma once

#include <gio/gio.h>

#include "model/snapshot.h"

G_BEGIN_DECLS

typedef enum
{
  INN_SNAPSHOT_TAKE,
  INN_SNAPSHOT_RESTORE,
  INN_SNAPSHOT_DELETE,
  INN_SNAPSHOT_CHANGE, /* name and note */
} InnSnapshotOperation;

typedef enum
{
  INN_CLONE_LINKED, /* shares the disks as they are now */
  INN_CLONE_FULL,   /* disks of its own */
  INN_CLONE_LIVE,   /* runs on from this moment */
} InnCloneKind;

#define INN_CLONE_N (INN_CLONE_LIVE + 1)

/* Bytes; 0: not known. */
typedef struct
{
  guint64 used;    /* by all snapshots together */
  guint64 free;    /* where they are kept */
  guint64 present; /* what was written since the current snapshot */
} InnSnapshotSpace;

/* On the main thread; from 0 to 1. */
typedef void (*InnProgressFunc) (double fraction, gpointer user_data);

#define INN_TYPE_SNAPSHOTS (inn_snapshots_get_type ())
G_DECLARE_DERIVABLE_TYPE (InnSnapshots, inn_snapshots, INN, SNAPSHOTS, GObject)

struct _InnSnapshotsClass
{
  GObjectClass parent_class;

  /* As the functions below of the same names. Required. */
  const char *(*get_refusal) (InnSnapshots *self,
                              InnSnapshotOperation operation,
                              InnSnapshot *snapshot);
  const char *(*get_clone_refusal) (InnSnapshots *self, InnCloneKind kind, InnSnapshot *snapshot);

  /* Each updates the list before it finishes, and is called only where there is no refusal. Take,
   * restore and delete come one at a time; changes and one clone do not wait for them. Required
   * where get_refusal() or get_clone_refusal() may say NULL. */
  void (*take_async) (InnSnapshots *self,
                      const char *name,
                      const char *note,
                      GCancellable *cancellable,
                      GAsyncReadyCallback callback,
                      gpointer user_data);
  InnSnapshot *(*take_finish) (InnSnapshots *self,
                               GAsyncResult *result,
                               guint64 *ret_pause_us,
                               GError **error);
  void (*restore_async) (InnSnapshots *self,
                         InnSnapshot *snapshot,
                         gboolean keep_present,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
  void (*delete_async) (InnSnapshots *self,
                        InnSnapshot *snapshot,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
  void (*change_async) (InnSnapshots *self,
                        InnSnapshot *snapshot,
                        const char *name,
                        const char *note,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
  /* Of restore, delete and change. */
  gboolean (*finish) (InnSnapshots *self, GAsyncResult *result, GError **error);

  void (*clone_async) (InnSnapshots *self,
                       InnCloneKind kind,
                       const char *name,
                       InnSnapshot *snapshot,
                       InnProgressFunc progress,
                       gpointer progress_data,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
  char *(*clone_finish) (InnSnapshots *self,
                         GAsyncResult *result,
                         guint64 *ret_pause_us,
                         GError **error);

  /* As inn_snapshots_get_clone_size(). Optional: what it does not know. */
  guint64 (*get_clone_size) (InnSnapshots *self, InnCloneKind kind, InnSnapshot *snapshot);

  gpointer padding[8];
};

/* For a machine of which there are no snapshots and no clones: @reason (translated, at most 45
 * characters) is the refusal of everything. */
InnSnapshots *inn_snapshots_new_refusing (const char *reason);

/* Borrowed, or NULL. */
InnSnapshot *inn_snapshots_find (InnSnapshots *self, const char *id);
/* Id of the one that the present derives from, or NULL. */
const char *inn_snapshots_get_current (InnSnapshots *self);
const InnSnapshotSpace *inn_snapshots_get_space (InnSnapshots *self);

/* Why @operation is not possible now: translated, at most 45 characters; NULL: it is. @snapshot:
 * the one it is about; NULL for TAKE. */
const char *inn_snapshots_get_refusal (InnSnapshots *self,
                                       InnSnapshotOperation operation,
                                       InnSnapshot *snapshot);
/* The same of a clone; @snapshot NULL: of the present. */
const char *
inn_snapshots_get_clone_refusal (InnSnapshots *self, InnCloneKind kind, InnSnapshot *snapshot);
/* Bytes that a clone takes at first; FALSE: not known. */
gboolean inn_snapshots_get_clone_size (InnSnapshots *self,
                                       InnCloneKind kind,
                                       InnSnapshot *snapshot,
                                       guint64 *ret_size);

/* What is refused finishes with that reason; what cannot be done leaves all as it was and ends with
 * one sentence. */

/* @name NULL: the back end chooses one; @note may be NULL. */
void inn_snapshots_take_async (InnSnapshots *self,
                               const char *name,
                               const char *note,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
/* Transfer full. *@ret_pause_us (may be NULL): how long the guest stood still; 0: not known. */
InnSnapshot *inn_snapshots_take_finish (InnSnapshots *self,
                                        GAsyncResult *result,
                                        guint64 *ret_pause_us,
                                        GError **error);
/* @keep_present: what is there now becomes a snapshot of its own first. */
void inn_snapshots_restore_async (InnSnapshots *self,
                                  InnSnapshot *snapshot,
                                  gboolean keep_present,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean inn_snapshots_restore_finish (InnSnapshots *self, GAsyncResult *result, GError **error);
/* Those that derive from it stay; they derive from its parent then. */
void inn_snapshots_delete_async (InnSnapshots *self,
                                 InnSnapshot *snapshot,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean inn_snapshots_delete_finish (InnSnapshots *self, GAsyncResult *result, GError **error);
/* @name, @note: NULL: stays as it is. */
void inn_snapshots_change_async (InnSnapshots *self,
                                 InnSnapshot *snapshot,
                                 const char *name,
                                 const char *note,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean inn_snapshots_change_finish (InnSnapshots *self, GAsyncResult *result, GError **error);

/* @snapshot: what it is made from; NULL: the present. @progress may be NULL; @destroy frees
 * @progress_data in any case. */
void inn_snapshots_clone_async (InnSnapshots *self,
                                InnCloneKind kind,
                                const char *name,
                                InnSnapshot *snapshot,
                                InnProgressFunc progress,
                                gpointer progress_data,
                                GDestroyNotify destroy,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* Transfer full: the id of the new machine, which its connection may tell of only later.
 * *@ret_pause_us as in inn_snapshots_take_finish(), of a live clone. */
char *inn_snapshots_clone_finish (InnSnapshots *self,
                                  GAsyncResult *result,
                                  guint64 *ret_pause_us,
                                  GError **error);

/* Whether one of take, restore and delete is under way, and which and of what (borrowed; NULL for
 * TAKE). Both returns may be NULL. */
gboolean inn_snapshots_get_activity (InnSnapshots *self,
                                     InnSnapshotOperation *ret_operation,
                                     InnSnapshot **ret_snapshot);
/* Cancels it. */
void inn_snapshots_cancel (InnSnapshots *self);
/* How far the clone is that is under way, 0 to 1; less than 0: none is. */
double inn_snapshots_get_clone_progress (InnSnapshots *self);
void inn_snapshots_cancel_clone (InnSnapshots *self);

/* For back ends: what is there now. @snapshots: of InnSnapshot in any order, taken over. @space
 * NULL: nothing is known. */
void inn_snapshots_update (InnSnapshots *self,
                           GPtrArray *snapshots,
                           const char *current,
                           const InnSnapshotSpace *space);

G_END_DECLS
