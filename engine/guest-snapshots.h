/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The snapshots of an InnGuest. Main thread only; files are changed in another one. Whoever changes
 * them, in this process or not, the guest emits "snapshots-changed".
 */
#pragma once

#include "guest.h"
#include "machine-clone.h"
#include "snapshot-record.h"
#include "thread-progress.h"

G_BEGIN_DECLS

/* Of InnSnapshotRecord, the oldest first. Reads files. Transfer full. */
GPtrArray *inn_guest_list_snapshots (InnGuest *self);
/* The same; another thread reads. */
void inn_guest_list_snapshots_async (InnGuest *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
/* Transfer full; empty where nothing is left to read. */
GPtrArray *inn_guest_list_snapshots_finish (InnGuest *self, GAsyncResult *result);
/* The id of the snapshot that the disks derive from, borrowed until the main context runs again; or
 * NULL. */
const char *inn_guest_get_current_snapshot (InnGuest *self);

/* Of a machine that is off or runs; then its memory is in it too. @name NULL: one is chosen. */
void inn_guest_take_snapshot_async (InnGuest *self,
                                    const char *name,
                                    const char *note,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
/* Transfer full. */
InnSnapshotRecord *
inn_guest_take_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* @keep_present: what the machine is now becomes a snapshot before. A machine that runs is ended
 * and started again for it. */
void inn_guest_restore_snapshot_async (InnGuest *self,
                                       const char *id,
                                       gboolean keep_present,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
gboolean inn_guest_restore_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Layers that are then too many are merged in the background. */
void inn_guest_delete_snapshot_async (InnGuest *self,
                                      const char *id,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean inn_guest_delete_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Ends what runs, in a way that the next start goes on where it was. */
void inn_guest_save_async (InnGuest *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
gboolean inn_guest_save_finish (InnGuest *self, GAsyncResult *result, GError **error);
/* Lets the next start of a saved machine be an ordinary one. */
void inn_guest_discard_saved_async (InnGuest *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
gboolean inn_guest_discard_saved_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* NULL leaves the name or the note as it is. */
void inn_guest_change_snapshot_async (InnGuest *self,
                                      const char *id,
                                      const char *name,
                                      const char *note,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean inn_guest_change_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Whether everything of it, or for NULL of the machine, can be read. */
void inn_guest_check_snapshot_async (InnGuest *self,
                                     const char *id,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean inn_guest_check_snapshot_finish (InnGuest *self, GAsyncResult *result, GError **error);

/*
 * Makes the chains of layers shorter that deleting has left, or waits until that is done where it
 * is under way. @progress may be NULL. The number of layers less, or -1.
 */
void inn_guest_merge_layers_async (InnGuest *self,
                                   InnGuestProgress progress,
                                   gpointer progress_data,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
gssize inn_guest_merge_layers_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Of a snapshot, or for NULL of the machine as it is; a live clone is of one that runs, all others
 * of one that is off. @progress may be NULL; it is called until the clone is finished. */
void inn_guest_clone_async (InnGuest *self,
                            const char *name,
                            InnGuestCloneKind kind,
                            const char *snapshot,
                            InnGuestProgress progress,
                            gpointer progress_data,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
/* Whether a network card of it is on an interface of this computer, which rules out live clones. */
gboolean inn_guest_is_on_interface (InnGuest *self);
/* The new machine's UUID, transfer full. *@ret_pause_us (may be NULL): how long the guest stood
 * still for it, 0 when it did not. */
char *inn_guest_clone_finish (InnGuest *self,
                              GAsyncResult *result,
                              guint64 *ret_pause_us,
                              GError **error);

G_END_DECLS
