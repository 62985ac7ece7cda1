/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "control-channel-private.h"

#include <errno.h>

#include "base/fd.h"
#include "control-call.h"
#include "control-error.h"

/* The last slots of the input ring are for what is let go of: a VMM that does not look at its
 * input for long may miss some, but no key stays down. */
#define SLOTS_FOR_RELEASES 256

/* One that was cancelled while it waited, and whose turn comes before that is dispatched. */
static gboolean
end_if_cancelled (InnControlCall *call)
{
  g_autoptr (GTask) task = NULL;

  if (call->task == NULL || !g_cancellable_is_cancelled (g_task_get_cancellable (call->task)))
    return FALSE;

  task = inn_control_call_end (call);
  g_task_return_error_if_cancelled (task);
  return TRUE;
}

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

      if (end_if_cancelled (call))
        continue;

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

static GError *
make_error (guint operation, int status)
{
  if (operation == CONTROL_SNAPSHOT)
    return inn_control_error_no_snapshot (status);
  if (operation == CONTROL_CLONE)
    return inn_control_error_no_clone (status);
  return inn_control_error_refused (status);
}

static int
take_reply (InnControlChannel *self, const void *slot, gpointer user_data)
{
  const struct control_reply *reply = slot;
  InnControlCall *call = g_hash_table_lookup (self->calls, &reply->id);
  g_autoptr (GTask) task = NULL;
  guint operation;

  if (call == NULL || !control_status_valid (reply->status))
    return -EPROTO;

  g_hash_table_remove (self->calls, &reply->id);
  operation = call->command.operation;
  task = inn_control_call_end (call);
  if (task == NULL)
    return 0;

  if (reply->status < 0)
    g_task_return_error (task, make_error (operation, reply->status));
  else if (operation == CONTROL_SNAPSHOT || operation == CONTROL_CLONE)
    g_task_return_pointer (task, g_memdup2 (reply, sizeof (*reply)), g_free);
  else
    g_task_return_boolean (task, TRUE);
  return 0;
}

/* What the events of one turn say. */
typedef struct
{
  gboolean state;
  gboolean screen;
  gboolean snapshot;
} Changes;

static int
take_event (InnControlChannel *self, const void *slot, gpointer user_data)
{
  const struct control_event *event = slot;
  Changes *changes = user_data;

  if (event->type == CONTROL_EVENT_STATE)
    changes->state = TRUE;
  else if (event->type == CONTROL_EVENT_SCREEN)
    changes->screen = TRUE;
  else if (event->type == CONTROL_EVENT_SNAPSHOT || event->type == CONTROL_EVENT_CLONE)
    changes->snapshot = TRUE;
  return 0;
}

static int
take_events (InnControlChannel *self, Changes *changes)
{
  struct ring *events = &self->memory->rings.events;
  struct control_event event;
  int r = take_slots (self, events, &event, take_event, changes);
  guint32 dropped = ring_dropped (events);

  if (dropped != self->events_dropped) /* any may have been among what was lost */
    *changes = (Changes){ .state = TRUE, .screen = TRUE, .snapshot = TRUE };
  self->events_dropped = dropped;
  return r;
}

void
inn_control_channel_serve_rings (InnControlChannel *self)
{
  Changes changes = { FALSE };
  struct control_reply reply;
  int r = take_slots (self, &self->memory->rings.replies, &reply, take_reply, NULL);

  if (inn_control_channel_is_closed (self))
    return;
  if (r == 0)
    r = take_events (self, &changes);
  if (r == 0)
    r = send_waiting (self);
  if (r < 0)
    inn_control_channel_lose (self, inn_control_error_protocol (r));
  if (changes.state)
    g_signal_emit_by_name (self, "state-changed");
  if (changes.screen)
    g_signal_emit_by_name (self, "screen-changed");
  if (changes.snapshot)
    inn_control_channel_check_snapshots (self);
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
inn_control_channel_submit (InnControlChannel *self,
                            GTask *task,
                            const struct control_command *command)
{
  InnControlCall *call = inn_control_call_new (++self->last_id, task, &self->waiting);
  int r;

  call->command = *command;
  call->command.id = call->id;
  g_queue_push_tail (&self->waiting, call);

  r = send_waiting (self);
  if (r < 0)
    inn_control_channel_lose (self, inn_control_error_protocol (r));
}

static gboolean
is_release (const struct input_event *event)
{
  return (event->type == INPUT_KEY || event->type == INPUT_BUTTON) && event->x == 0;
}

void
inn_control_channel_send_input (InnControlChannel *self, const struct input_event *event)
{
  struct ring *inputs;
  int r;

  g_return_if_fail (INN_IS_CONTROL_CHANNEL (self));
  g_return_if_fail (input_event_validate (event) == 0);

  if (inn_control_channel_is_closed (self))
    return;

  inputs = &self->memory->rings.inputs;
  if (!is_release (event) && ring_space (inputs) <= SLOTS_FOR_RELEASES)
    return;

  /* At once, not once a turn: a source that is made ready costs a system call too. */
  r = ring_push (inputs, event);
  if (r == 0 && ring_take_wakeup (inputs))
    fd_event_signal (self->memory->fds[CONTROL_ATTACH_VMM_DOORBELL]);
  else if (r < 0 && r != -EAGAIN)
    inn_control_channel_lose (self, inn_control_error_protocol (r));
}
