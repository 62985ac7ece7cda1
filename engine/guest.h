/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnGuest: one machine of the engine, running or not. What it says is read from the machine's
 * files and from its VMM; nothing is remembered that another process could have changed.
 * Main thread only.
 *
 * Properties, readable and notifying: "uuid" (constant), "name", "state" (InnGuestState), "text"
 * (a translated sentence for a person about that state, or NULL), "memory" (bytes), "vcpus",
 * "changed" (g_get_real_time() of the last start or end, 0 when unknown), "settled" (FALSE while it
 * is still being found out whether and how the guest runs), "disposable" (it runs, and what it
 * writes is thrown away when it ends), "template" (it is never started itself).
 *
 * Signals "deleted": this guest has just removed the machine; "definition-changed": what
 * inn_guest_get_description() says is new; "snapshots-changed": what guest-snapshots.h lists is.
 */
#pragma once

#include <gio/gio.h>

#include "control-channel.h"
#include "machine-description.h"
#include "protocol/statistics-protocol.h"
#include "run-record.h"

G_BEGIN_DECLS

typedef enum
{
  INN_GUEST_OFF,
  INN_GUEST_STARTING,
  INN_GUEST_RUNNING,
  INN_GUEST_PAUSED,
  INN_GUEST_NO_SPACE, /* paused by its VMM: a write could not be stored */
  INN_GUEST_SHUTTING_DOWN,
  INN_GUEST_CRASHED,     /* off, and nobody asked for it */
  INN_GUEST_UNREACHABLE, /* it runs, but its VMM does not answer; it can be powered off */
  INN_GUEST_BROKEN,      /* off, and its definition cannot be used */
  INN_GUEST_SAVED,       /* off; its next start goes on where it was */
} InnGuestState;

#define INN_TYPE_GUEST (inn_guest_get_type ())
G_DECLARE_FINAL_TYPE (InnGuest, inn_guest, INN, GUEST, GObject)

const char *inn_guest_get_uuid (InnGuest *self);
const char *inn_guest_get_name (InnGuest *self);
InnGuestState inn_guest_get_state (InnGuest *self);
const char *inn_guest_get_text (InnGuest *self);
guint64 inn_guest_get_memory (InnGuest *self);
guint inn_guest_get_vcpus (InnGuest *self);
gint64 inn_guest_get_changed (InnGuest *self);
/* How its last run ended. */
InnRunEnd inn_guest_get_last_end (InnGuest *self);
/* Borrowed until the main context runs again; NULL when it cannot be used. */
const InnMachineDescription *inn_guest_get_description (InnGuest *self);
/* What the guest that runs was started with, and the discs it has got since, or NULL: it does not
 * run, or that is not known. Reads a file. Transfer full. */
InnMachineDescription *inn_guest_load_running_description (InnGuest *self);
/* The definition's text as it is on the disk, even one that cannot be used. */
char *inn_guest_read_definition (InnGuest *self, GError **error);
/* The files that deleting it would remove: its disks first. Transfer full. */
GStrv inn_guest_list_storage (InnGuest *self);

/* Whether there is a guest in memory. */
gboolean inn_guest_is_active (InnGuest *self);
gboolean inn_guest_is_settled (InnGuest *self);
gboolean inn_guest_is_disposable (InnGuest *self);
gboolean inn_guest_is_template (InnGuest *self);
/* A word for scripts. */
const char *inn_guest_state_to_word (InnGuestState state);

/* Finishes when the guest runs. */
void inn_guest_start_async (InnGuest *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
/* The same, but what the guest writes is thrown away when it ends: its disks, its UEFI variables,
 * and what was saved stay as they are. */
void inn_guest_start_disposable_async (InnGuest *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
/* Of both. */
gboolean inn_guest_start_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Finishes when the guest has been asked (shutdown), is off and can be started again (power off),
 * or it is done (the rest). */
void inn_guest_call_async (InnGuest *self,
                           InnControlCommand command,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data);
gboolean inn_guest_call_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Changes the definition as it is now, by nobody else meanwhile; @change runs in another thread. A
 * machine that runs keeps what it started with until its next start. */
void inn_guest_change_async (InnGuest *self,
                             InnMachineChange change,
                             gpointer data,
                             GDestroyNotify destroy,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean inn_guest_change_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Makes a new, empty disk of @size bytes among the machine's files; a change is to add it to the
 * definition then. Its path, transfer full. */
void inn_guest_create_disk_async (InnGuest *self,
                                  guint64 size,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
char *inn_guest_create_disk_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Lets the next start begin with fresh UEFI variables. The old ones are kept in a file that is
 * returned (transfer full), NULL when there were none. */
void inn_guest_reset_firmware_async (InnGuest *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
gboolean inn_guest_reset_firmware_finish (InnGuest *self,
                                          GAsyncResult *result,
                                          char **ret_kept,
                                          GError **error);

/* Puts the image at @path into a CD drive, named as in the definition, or takes out what is in it:
 * at once, where the machine runs and has the drive, and in the definition. A guest that holds what
 * is in the drive is asked to let go of it, for some seconds, unless @force; then the error is
 * INN_ENGINE_ERROR_BUSY. */
void inn_guest_insert_async (InnGuest *self,
                             const char *drive,
                             const char *path,
                             gboolean force,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
void inn_guest_eject_async (InnGuest *self,
                            const char *drive,
                            gboolean force,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
/* Of both. *@ret_waits: the running machine was started without the drive, and has what was stored
 * from its next start on. */
gboolean
inn_guest_insert_finish (InnGuest *self, GAsyncResult *result, gboolean *ret_waits, GError **error);

/*
 * Makes a disk, named as in the definition, larger, to @bytes rounded up to whole MiB. A running
 * guest is told at once; what it makes of the room is its own business.
 */
void inn_guest_grow_disk_async (InnGuest *self,
                                const char *target,
                                guint64 bytes,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
/* *@ret_waits: the running guest finds it at its next start only. */
gboolean inn_guest_grow_disk_finish (InnGuest *self,
                                     GAsyncResult *result,
                                     gboolean *ret_waits,
                                     GError **error);

/* The number that the card of an address has in the running machine, or -1. Reads a file. */
int inn_guest_find_running_nic (InnGuest *self, const char *mac);
/* As inn_control_channel_set_link_async(); until the guest is off. */
void inn_guest_set_link_async (InnGuest *self,
                               guint nic,
                               gboolean up,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean inn_guest_set_link_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Removes the machine and what was made for it. It leaves the engine's list by itself. */
void inn_guest_delete_async (InnGuest *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data);
gboolean inn_guest_delete_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* As inn_control_channel_set_balloon_async(). */
void inn_guest_set_balloon_async (InnGuest *self,
                                  guint64 bytes,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean inn_guest_set_balloon_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* As inn_control_channel_open_serial_async(). */
void inn_guest_open_serial_async (InnGuest *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
/* As inn_control_channel_open_port_async(); the same finish. */
void inn_guest_open_port_async (InnGuest *self,
                                const char *port,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
int inn_guest_open_serial_finish (InnGuest *self, GAsyncResult *result, GError **error);

/* Whether the machine, as it is defined, has a screen. */
gboolean inn_guest_has_screen (InnGuest *self);
/* As inn_control_channel_open_screen_async(). */
void inn_guest_open_screen_async (InnGuest *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
/* Transfer full. */
InnGuestScreen *inn_guest_open_screen_finish (InnGuest *self, GAsyncResult *result, GError **error);
/* As inn_control_channel_send_input(); nothing happens when it does not run. */
void inn_guest_send_input (InnGuest *self, const struct input_event *event);

/* As inn_control_channel_read_statistics(); FALSE, and @page untouched, when it does not run. */
gboolean inn_guest_read_statistics (InnGuest *self, struct statistics_page *page);
/* As inn_control_channel_read_history(); FALSE also when it does not run. */
gboolean inn_guest_read_history (InnGuest *self, struct statistics_history *history);
/* As inn_control_channel_watch(); holds for later runs too. */
void inn_guest_watch (InnGuest *self, guint interval_ms);

G_END_DECLS
