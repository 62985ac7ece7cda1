/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "control-channel-private.h"

#include <errno.h>

#include "base/fd.h"
#include "control-call.h"
#include "control-error.h"

/* Moves waiting commands into the ring, as many as there are reply slots for. */
static int
send_waiting (InnControlChannel *self)
{
  struct control_rings *rings = &self->memory->rings;

  while (!g_queue_is_empty (&self->waiting)
         && g_hash_table_size (self->calls) < rings->replies.slot_count)
    {
      InnControlCall *call = g_queue_pop_head (&self->waiting);
      int r;

      g_hash_table_insert (self->calls, &call->id, call);
      r = ring_push (&rings->commands, &call->command);
      if (r < 0)
        return r; /* a full ring is a lie too: the VMM has answered what it did not take */
      g_source_set_ready_time (self->ring_source, 0);
    }

  return 0;
}

/* Dispatched when its ready time has come: once after any number of pushes. */
static gboolean
dispatch_ring (GSource *source, GSourceFunc callback, gpointer user_data)
{
  InnControlChannel *self = user_data;

  g_source_set_ready_time (source, -1);
  if (ring_take_wakeup (&self->memory->rings.commands))
    fd_event_signal (self->memory->fds[CONTROL_ATTACH_VMM_DOORBELL]);

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs ring_source_funcs = { .dispatch = dispatch_ring };

/* Calls @take with a copy of each slot; -errno from the ring or from @take ends it. */
typedef int (*SlotFunc) (InnControlChannel *self, const void *slot, gpointer user_data);

static int
take_slots (InnControlChannel *self, struct ring *ring, void *slot, SlotFunc take, gpointer data)
{
  const guint32 slots_per_turn = ring->slot_count;

  for (guint32 i = 0; i < slots_per_turn; i++)
    {
      int r = ring_pop (ring, slot);

      if (r == 1)
        r = take (self, slot, data);
      else if (r == 0 && (r = ring_prepare_sleep (ring)) == 0)
        return 0;
      /* a callback may have closed the channel, and the ring with it */
      if (r < 0 || inn_control_channel_is_closed (self))
        return r;
    }

  fd_event_signal (self->memory->fds[CONTROL_ATTACH_CLIENT_DOORBELL]); /* go on next turn */
  return 0;
}

static int
take_reply (InnControlChannel *self, const void *slot, gpointer user_data)
{
  const struct control_reply *reply = slot;
  InnControlCall *call = g_hash_table_lookup (self->calls, &reply->id);
  g_autoptr (GTask) task = NULL;

  if (call == NULL || !control_status_valid (reply->status))
    return -EPROTO;

  g_hash_table_remove (self->calls, &reply->id);
  task = inn_control_call_end (call);
  if (task == NULL)
    return 0;

  if (reply->status < 0)
    g_task_return_error (task, inn_control_error_refused (reply->status));
  else
    g_task_return_boolean (task, TRUE);
  return 0;
}

static int
take_event (InnControlChannel *self, const void *slot, gpointer user_data)
{
  const struct control_event *event = slot;
  gboolean *state_changed = user_data;

  if (event->type == CONTROL_EVENT_STATE)
    *state_changed = TRUE;
  return 0;
}

static int
take_events (InnControlChannel *self, gboolean *state_changed)
{
  struct ring *events = &self->memory->rings.events;
  struct control_event event;
  int r = take_slots (self, events, &event, take_event, state_changed);
  guint32 dropped = ring_dropped (events);

  if (dropped != self->events_dropped)
    *state_changed = TRUE; /* it may have been among what was lost */
  self->events_dropped = dropped;
  return r;
}

void
inn_control_channel_serve_rings (InnControlChannel *self)
{
  gboolean state_changed = FALSE;
  struct control_reply reply;
  int r = take_slots (self, &self->memory->rings.replies, &reply, take_reply, NULL);

  if (inn_control_channel_is_closed (self))
    return;
  if (r == 0)
    r = take_events (self, &state_changed);
  if (r == 0)
    r = send_waiting (self);
  if (r < 0)
    inn_control_channel_lose (self, inn_control_error_protocol (r));
  if (state_changed)
    g_signal_emit_by_name (self, "state-changed");
}

static gboolean
on_doorbell (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (InnControlChannel) self = g_object_ref (user_data);

  (void)fd_event_drain (fd);
  inn_control_channel_serve_rings (self);
  return G_SOURCE_CONTINUE;
}

void
inn_control_channel_open_rings (InnControlChannel *self)
{
  self->ring_source = g_source_new (&ring_source_funcs, sizeof (GSource));
  g_source_set_callback (self->ring_source, NULL, self, NULL);
  g_source_attach (self->ring_source, self->context);
  self->doorbell_source
      = inn_control_channel_watch_fd (self, self->memory->fds[CONTROL_ATTACH_CLIENT_DOORBELL],
                                      on_doorbell);

  inn_control_channel_serve_rings (self); /* so that the first event rings */
}

void
inn_control_channel_submit_pair (InnControlChannel *self,
                                 GTask *task,
                                 enum control_operation operation,
                                 guint64 first,
                                 guint64 second)
{
  InnControlCall *call = inn_control_call_new (++self->last_id, task, &self->waiting);
  int r;

  call->command.id = call->id;
  call->command.operation = operation;
  call->command.arguments[0] = first;
  call->command.arguments[1] = second;
  g_queue_push_tail (&self->waiting, call);

  r = send_waiting (self);
  if (r < 0)
    inn_control_channel_lose (self, inn_control_error_protocol (r));
}

void
inn_control_channel_submit (InnControlChannel *self,
                            GTask *task,
                            enum control_operation operation,
                            guint64 argument)
{
  inn_control_channel_submit_pair (self, task, operation, argument, 0);
}
