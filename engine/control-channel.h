/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnControlChannel: one client's channel to one VMM (protocol/control-protocol.h): rings in
 * shared memory with doorbells, the statistics page, and a socket that passes descriptors and
 * notices death. Lives in the thread-default main context it was opened in.
 *
 * Everything read from the VMM is treated as hostile: copied once, validated, bounded. A VMM that
 * breaks the protocol loses the channel ("closed" with an error), never the client.
 *
 * Signals:
 *   "state-changed": the state in the statistics page may have changed.
 *   "screen-changed": the screen has changed; for InnGuestScreen, which asks for it.
 *   "closed" (GError *error or NULL): the VMM has ended (NULL) or broke the protocol. Emitted
 *   once, at most; outstanding calls finish with an error before. The statistics stay readable.
 */
#pragma once

#include <gio/gio.h>

#include "guest-screen.h"
#include "protocol/input-protocol.h"
#include "protocol/statistics-protocol.h"

G_BEGIN_DECLS

typedef enum
{
  INN_CONTROL_SHUTDOWN,
  INN_CONTROL_POWER_OFF,
  INN_CONTROL_RESET,
  INN_CONTROL_PAUSE,
  INN_CONTROL_RESUME,
  INN_CONTROL_PING,
} InnControlCommand;

#define INN_TYPE_CONTROL_CHANNEL (inn_control_channel_get_type ())
G_DECLARE_FINAL_TYPE (InnControlChannel, inn_control_channel, INN, CONTROL_CHANNEL, GObject)

/* Connects to the VMM's socket at @path and attaches. Errors: G_IO_ERROR_NOT_FOUND or
 * G_IO_ERROR_CONNECTION_REFUSED when no VMM listens there, G_IO_ERROR_NOT_SUPPORTED for another
 * protocol version, G_IO_ERROR_INVALID_DATA for a peer that breaks the protocol. */
void inn_control_channel_open_async (const char *path,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
/* Returns: (transfer full). */
InnControlChannel *inn_control_channel_open_finish (GAsyncResult *result, GError **error);

/* Sends a command; finishes when the VMM has carried it out. A refusal is the errno it gave, as a
 * GIOError. Any number may be under way; they are carried out in order. */
void inn_control_channel_call_async (InnControlChannel *self,
                                     InnControlCommand command,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean
inn_control_channel_call_finish (InnControlChannel *self, GAsyncResult *result, GError **error);

/* Puts the cable of a network card (from 0) in or takes it out. Finish with call_finish(). */
void inn_control_channel_set_link_async (InnControlChannel *self,
                                         guint nic,
                                         gboolean up,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
/* Asks the guest to give up @bytes, a multiple of 4096 and at most its memory; finishes when it has
 * been asked, with inn_control_channel_call_finish(). G_IO_ERROR_NO_SUCH_DEVICE: no balloon. */
void inn_control_channel_set_balloon_async (InnControlChannel *self,
                                            guint64 bytes,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);

/* Makes a qcow2 disk, from 0, so large, or tells the guest that the file of a raw one has grown.
 * Finish with call_finish(). G_IO_ERROR_NOT_SUPPORTED: the guest finds that out at its next start
 * only, so a qcow2 disk was left as it is. */
void inn_control_channel_grow_disk_async (InnControlChannel *self,
                                          guint disk,
                                          guint64 bytes,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);

/* The empty qcow2 layer that a disk, from 0, goes on in; open for reading and writing. */
typedef struct
{
  guint disk;
  int fd;
} InnControlLayer;

/*
 * A snapshot of the running machine: the disks go on in @layers, and the guest's memory is written
 * to the empty file @memory_fd (-1: it is not). All descriptors stay the caller's, who keeps them
 * open meanwhile. @hold: the machine stays paused afterwards. Finishes when the memory has been
 * written and synced; the guest runs on long before. What of the disks is not on the disk yet is
 * put there while the guest waits, so call fdatasync() for the files they are in first. Can be
 * cancelled until the VMM has been told.
 */
void inn_control_channel_snapshot_async (InnControlChannel *self,
                                         const InnControlLayer *layers,
                                         guint layer_count,
                                         int memory_fd,
                                         gboolean hold,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
/* *ret_pause_us: how long the guest stood still. *ret_switched: whether the disks are in their new
 * layers, which they can be also when this fails: the memory may be what could not be written. Both
 * may be NULL. */
gboolean inn_control_channel_snapshot_finish (InnControlChannel *self,
                                              GAsyncResult *result,
                                              guint64 *ret_pause_us,
                                              gboolean *ret_switched,
                                              GError **error);

/* What a clone finds open under a number. */
typedef struct
{
  guint number;
  int fd;
} InnControlFile;

/*
 * A clone of the running machine, which goes on in a process of its own: the disks go on in
 * @layers, as for a snapshot, and the clone has @files and the command line in @arguments_fd. All
 * descriptors stay the caller's, who keeps them open meanwhile. Finishes when the clone runs.
 */
void inn_control_channel_clone_async (InnControlChannel *self,
                                      const InnControlLayer *layers,
                                      guint layer_count,
                                      const InnControlFile *files,
                                      guint file_count,
                                      int arguments_fd,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
/* As inn_control_channel_snapshot_finish(): the disks can be in their new layers also when the
 * clone could not begin to run. */
gboolean inn_control_channel_clone_finish (InnControlChannel *self,
                                           GAsyncResult *result,
                                           guint64 *ret_pause_us,
                                           gboolean *ret_switched,
                                           GError **error);

/* Puts what @fd (kept by the caller) is open for into a CD drive, from 0, in place of what is in
 * it. Finish both with inn_control_channel_call_finish(). G_IO_ERROR_BUSY: the guest holds what is
 * in it and was asked to let go; not when @force. G_IO_ERROR_NO_SUCH_DEVICE: no such drive. */
void inn_control_channel_insert_async (InnControlChannel *self,
                                       guint drive,
                                       int fd,
                                       gboolean force,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
void inn_control_channel_eject_async (InnControlChannel *self,
                                      guint drive,
                                      gboolean force,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);

/* The serial line: finishes with a connected non-blocking stream socket the caller owns (recent
 * output comes first), or -1. */
void inn_control_channel_open_serial_async (InnControlChannel *self,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
int inn_control_channel_open_serial_finish (InnControlChannel *self,
                                            GAsyncResult *result,
                                            GError **error);

/* The screen: finishes with a new one (transfer full), or NULL: G_IO_ERROR_NOT_FOUND where the
 * machine has none. */
void inn_control_channel_open_screen_async (InnControlChannel *self,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
InnGuestScreen *inn_control_channel_open_screen_finish (InnControlChannel *self,
                                                        GAsyncResult *result,
                                                        GError **error);

/*
 * Sends a valid input event: one system call, or none while the VMM is at work on earlier ones.
 * A VMM that does not take its input for long misses some, but nothing that is let go of. What is
 * still held down when the channel closes is released by the VMM.
 */
void inn_control_channel_send_input (InnControlChannel *self, const struct input_event *event);
/* The same for the console port of a name, such as org.qemu.guest_agent.0, which has one client at
 * a time; the same finish. G_IO_ERROR_NO_SUCH_DEVICE: there is no such port. */
void inn_control_channel_open_port_async (InnControlChannel *self,
                                          const char *port,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);

/* Asks the VMM to sample what only the kernel knows every @interval_ms (10 to 60000), 0: stop. */
void inn_control_channel_watch (InnControlChannel *self, guint interval_ms);

/*
 * A consistent, validated copy of the statistics page: counts are bounded, texts terminated and
 * valid UTF-8. No system call. FALSE when no consistent copy could be had now (the last good one,
 * if any, is in @page then). @page is large: keep it, do not put it on the stack.
 */
gboolean inn_control_channel_read_statistics (InnControlChannel *self,
                                              struct statistics_page *page);

/*
 * The past hour, a sample a minute: times rise and are not later than the page's last sample. No
 * system call. FALSE, and nothing useful in @history, when the VMM keeps none or it cannot be had
 * now. @history is larger than the page.
 */
gboolean inn_control_channel_read_history (InnControlChannel *self,
                                           struct statistics_history *history);

/* Closes now; "closed" is not emitted. The guest runs on. */
void inn_control_channel_close (InnControlChannel *self);

/* The pid of the VMM as the kernel vouches for it (SO_PEERCRED). */
GPid inn_control_channel_get_pid (InnControlChannel *self);

G_END_DECLS
