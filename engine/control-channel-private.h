/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parts of InnControlChannel: control-channel.c opens, closes and is the public side,
 * control-channel-socket.c speaks the messages, control-channel-rings.c the commands, replies,
 * events and input, control-channel-snapshot.c has the steps of snapshots and clones. The channel's
 * context only.
 */
#pragma once

#include <gio/gio.h>
#include <glib-unix.h>

#include "channel-memory.h"
#include "control-channel.h"
#include "screen-map.h"
#include "statistics-reader.h"

G_BEGIN_DECLS

struct _InnControlChannel
{
  GObject parent_instance;

  GMainContext *context;
  int socket;
  GPid pid;
  guint16 minor;              /* of the VMM's protocol */
  GTask *open_task;           /* until attached; holds a reference to us */
  GSource *open_cancellation; /* NULL if it cannot be cancelled */

  GSource *socket_source;
  GSource *doorbell_source; /* NULL until attached */
  GSource *ring_source;     /* rings the VMM once for all commands of one turn */
  GSource *closed_source;   /* emits "closed" */
  InnChannelMemory *memory; /* from ATTACH until closed */
  InnStatisticsReader *statistics;
  guint32 events_dropped;

  guint64 last_id;
  GQueue waiting;            /* of InnControlCall: commands for which there is no reply slot yet */
  GHashTable *calls;         /* id -> InnControlCall: commands in the ring */
  GHashTable *message_calls; /* id -> InnControlCall: messages to be answered */
  guint screen_watchers;
  gboolean is_staging;  /* for a snapshot or clone whose command has not been answered */
  GPtrArray *snapshots; /* of tasks whose memory is being written, or whose clone begins; owned */
};

gboolean inn_control_channel_is_closed (InnControlChannel *self);
/* Disconnects because the VMM has ended (@error is NULL) or cannot be believed any more; @error is
 * taken. May drop the last reference of a channel that is being opened: hold one. */
void inn_control_channel_lose (InnControlChannel *self, GError *error);
/* A source that calls back while @fd can be read or has been hung up. */
GSource *inn_control_channel_watch_fd (InnControlChannel *self, int fd, GUnixFDSourceFunc callback);
/* Destroys *source, if there is one, and sets it to NULL. */
void inn_control_clear_source (GSource **source);

/* The socket can be read; user_data is the channel. */
gboolean inn_control_channel_on_socket (int fd, GIOCondition condition, gpointer user_data);
/* Asks for the screen. 0 or negative errno. */
int inn_control_channel_send_open_screen (InnControlChannel *self, guint64 id);
/* Gives a medium to a drive. 0 or negative errno. */
int inn_control_channel_send_insert (InnControlChannel *self,
                                     guint64 id,
                                     guint drive,
                                     int fd,
                                     gboolean force);
/* Has what @fd is open for wait for the next snapshot or clone. @type: CONTROL_MESSAGE_STAGE_*;
 * @number: of the disk or the descriptor, else 0. 0 or negative errno. */
int inn_control_channel_send_stage (InnControlChannel *self,
                                    guint64 id,
                                    guint type,
                                    guint number,
                                    int fd);
/* Asks for the serial line, or the console port of a name; *ret_fd is our end of it. 0 or negative
 * errno. */
int inn_control_channel_send_serial (InnControlChannel *self,
                                     guint64 id,
                                     const char *port,
                                     int *ret_fd);

/* Begins to use the rings; the VMM has just attached. May call back. */
void inn_control_channel_open_rings (InnControlChannel *self);
/* Takes what the VMM has put in its rings, and goes on sending. May call back. */
void inn_control_channel_serve_rings (InnControlChannel *self);
/* Whether @task can still be begun; else it has been given its error. */
gboolean inn_control_channel_can_begin (InnControlChannel *self, GTask *task);
/* @task: NULL when nobody waits for the outcome. The command's id is chosen here. */
void inn_control_channel_submit (InnControlChannel *self,
                                 GTask *task,
                                 const struct control_command *command);

/* Finishes with inn_control_channel_call_finish(). As inn_control_channel_send_stage(). */
void inn_control_channel_stage_async (InnControlChannel *self,
                                      guint type,
                                      guint number,
                                      int fd,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
/* The statistics page may say more about snapshots and clones now. May call back. */
void inn_control_channel_check_snapshots (InnControlChannel *self);
/* Those that wait for their memory to be written, or for their clone, end with @error. */
void inn_control_channel_fail_snapshots (InnControlChannel *self, const GError *error);

/* Asks for "screen-changed". Counted: every TRUE needs a FALSE. */
void inn_control_channel_watch_screen (InnControlChannel *self, gboolean watched);
/* Takes over @map, whose screen the channel's VMM shows. */
InnGuestScreen *inn_guest_screen_new (InnControlChannel *channel, InnScreenMap *map);

G_END_DECLS
