/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call of a client to its VMM that is under way: a command, or a message for which the VMM
 * opens something: the serial line, the screen.
 */
#pragma once

#include <gio/gio.h>

#include "protocol/control-protocol.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 id;
  struct control_command command; /* commands only */
  guint message;                  /* messages only: which, enum control_message_type */
  int serial_fd;                  /* our end of the serial line, or -1 */
  GTask *task;                    /* NULL: nobody waits (any more) */
  GQueue *waiting;                /* unowned: where the call is until it is sent */
  GSource *cancellation;          /* NULL if it cannot be cancelled */
} InnControlCall;

/* @task: NULL when nobody waits. Cancelling it ends the task at once; the call itself goes away if
 * it is still in @waiting, and else stays until it is answered. */
InnControlCall *inn_control_call_new (guint64 id, GTask *task, GQueue *waiting);
void inn_control_call_free (InnControlCall *call);

/* Frees @call and returns who waits for it (transfer full), or NULL. */
GTask *inn_control_call_end (InnControlCall *call);

G_END_DECLS
