/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "control-channel-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd-passing.h"
#include "base/fd.h"
#include "control-call.h"
#include "control-error.h"

/* The id of ATTACH; calls have others. */
enum
{
  ATTACH_ID = 0,
};

static gboolean
send_attach (InnControlChannel *self, GError **error)
{
  struct control_message message = control_message_make (CONTROL_MESSAGE_ATTACH, ATTACH_ID);
  int r;

  self->memory = inn_channel_memory_new (error);
  if (self->memory == NULL)
    return FALSE;

  message.size = self->memory->size;
  r = fd_passing_send (self->socket, &message, sizeof (message), self->memory->fds,
                       CONTROL_ATTACH_FDS);
  if (r < 0)
    {
      g_propagate_error (error, inn_control_error_protocol (-ECONNRESET));
      return FALSE;
    }

  fd_close (&self->memory->fds[CONTROL_ATTACH_MEMORY]);
  return TRUE;
}

static gboolean
check_sender (InnControlChannel *self, const struct ucred *sender, GError **error)
{
  if (sender->uid != geteuid () && sender->uid != 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   _ ("The machine’s process belongs to another user."));
      return FALSE;
    }

  self->pid = sender->pid;
  return TRUE;
}

/* HELLO: the statistics, answered with ATTACH. */
static int
take_hello (InnControlChannel *self,
            const struct control_message *message,
            int statistics_fd,
            const struct ucred *sender)
{
  GError *error = NULL;

  if (self->memory != NULL || message->size < sizeof (struct statistics_page))
    return -EPROTO;

  self->minor = message->minor;
  if (check_sender (self, sender, &error))
    self->statistics = inn_statistics_reader_new (statistics_fd, &error);
  if (error != NULL || !send_attach (self, &error))
    inn_control_channel_lose (self, error);

  return 0;
}

/* The VMM will not have us: in place of HELLO or in answer to ATTACH. */
static int
take_refusal (InnControlChannel *self, int status)
{
  inn_control_channel_lose (self, inn_control_error_refused (status));
  return 0;
}

static int
take_attached (InnControlChannel *self)
{
  g_autoptr (GTask) task = NULL;

  inn_control_channel_open_rings (self);
  if (inn_control_channel_is_closed (self))
    return 0;

  task = g_steal_pointer (&self->open_task);
  inn_control_clear_source (&self->open_cancellation);
  g_task_return_pointer (task, g_object_ref (self), g_object_unref);
  return 0;
}

static void
serial_free (gpointer data)
{
  int *fd = data;

  fd_close (fd);
  g_free (fd);
}

/* Finishes the call for the serial line. */
static void
finish_serial (InnControlCall *call, int status)
{
  g_autoptr (GTask) task = NULL;
  int *fd = g_memdup2 (&call->serial_fd, sizeof (call->serial_fd));

  call->serial_fd = -1;
  task = inn_control_call_end (call);
  if (task != NULL && status == 0)
    {
      g_task_return_pointer (task, fd, serial_free);
      return;
    }

  serial_free (fd);
  if (task != NULL)
    g_task_return_error (task, inn_control_error_refused (status));
}

/* Whether a RESULT of 0 is all there is to say about a message. */
static gboolean
is_answered_by_result (guint message)
{
  return message == CONTROL_MESSAGE_INSERT || message == CONTROL_MESSAGE_STAGE_LAYER
         || message == CONTROL_MESSAGE_STAGE_MEMORY || message == CONTROL_MESSAGE_STAGE_FILE
         || message == CONTROL_MESSAGE_STAGE_ARGUMENTS;
}

static int
take_result (InnControlChannel *self, const struct control_message *message)
{
  InnControlCall *call = g_hash_table_lookup (self->message_calls, &message->id);
  g_autoptr (GTask) task = NULL;
  gboolean done;

  if (call == NULL)
    return -EPROTO;

  g_hash_table_remove (self->message_calls, &message->id);
  if (call->message == CONTROL_MESSAGE_ATTACH_SERIAL)
    {
      finish_serial (call, message->status);
      return 0;
    }

  done = is_answered_by_result (call->message) && message->status == 0;
  task = inn_control_call_end (call);
  if (task != NULL && done)
    g_task_return_boolean (task, TRUE);
  else if (task != NULL)
    g_task_return_error (task, message->status < 0 ? inn_control_error_refused (message->status)
                                                   : inn_control_error_protocol (-EPROTO));
  return message->status < 0 || done ? 0 : -EPROTO; /* a screen comes with SCREEN */
}

/* A screen that is not what it should be is a lie like any other. */
static int
take_screen (InnControlChannel *self, const struct control_message *message, const int *fds)
{
  InnControlCall *call = g_hash_table_lookup (self->message_calls, &message->id);
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  InnScreenMap *map;
  int r;

  if (call == NULL || call->message != CONTROL_MESSAGE_OPEN_SCREEN)
    return -EPROTO;

  g_hash_table_remove (self->message_calls, &message->id);
  task = inn_control_call_end (call);
  map = inn_screen_map_new (fds[CONTROL_SCREEN_PAGE], fds[CONTROL_SCREEN_PIXELS], &error);
  r = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA) ? -EPROTO : 0;
  if (task == NULL) /* cancelled */
    g_clear_pointer (&map, inn_screen_map_free);
  else if (map != NULL)
    g_task_return_pointer (task, inn_guest_screen_new (self, map), g_object_unref);
  else
    g_task_return_error (task, g_steal_pointer (&error));
  return r;
}

static int
take_message (InnControlChannel *self,
              const struct control_message *message,
              const int *fds,
              gsize fd_count,
              const struct ucred *sender)
{
  gboolean attached = self->doorbell_source != NULL;
  int r = control_message_validate (message, fd_count, CONTROL_SIDE_VMM);

  if (r < 0)
    return r;
  if (message->type == CONTROL_MESSAGE_HELLO)
    return take_hello (self, message, fds[0], sender);
  if (message->type == CONTROL_MESSAGE_SCREEN)
    return attached ? take_screen (self, message, fds) : -EPROTO;
  if (attached)
    return take_result (self, message);
  if (message->status < 0)
    return take_refusal (self, message->status);

  return self->memory != NULL && message->id == ATTACH_ID ? take_attached (self) : -EPROTO;
}

gboolean
inn_control_channel_on_socket (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (InnControlChannel) self = g_object_ref (user_data);
  struct control_message message;
  struct ucred sender;
  int fds[CONTROL_MAX_FDS];
  gsize fd_count;
  int r;

  r = fd_passing_receive (fd, &message, sizeof (message), fds, CONTROL_MAX_FDS, &fd_count, &sender);
  if (r == -EAGAIN)
    return G_SOURCE_CONTINUE;

  if (r == 0)
    {
      r = take_message (self, &message, fds, fd_count, &sender);
      for (gsize i = 0; i < fd_count; i++)
        fd_close (&fds[i]);
    }
  else if (r == -ECONNRESET && self->open_task == NULL)
    {
      inn_control_channel_serve_rings (self); /* what it said before it ended */
      if (!inn_control_channel_is_closed (self))
        inn_control_channel_lose (self, NULL);
    }
  if (r < 0 && !inn_control_channel_is_closed (self))
    inn_control_channel_lose (self, inn_control_error_protocol (r));

  return G_SOURCE_CONTINUE;
}

int
inn_control_channel_send_serial (InnControlChannel *self, guint64 id, const char *port, int *ret_fd)
{
  struct control_message message
      = control_message_make (port != NULL ? CONTROL_MESSAGE_ATTACH_PORT
                                           : CONTROL_MESSAGE_ATTACH_SERIAL,
                              id);
  int ends[2];
  int r;

  if (port != NULL
      && g_strlcpy (message.name, port, sizeof (message.name)) >= sizeof (message.name))
    return -ENODEV;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
    return -errno;

  r = fd_passing_send (self->socket, &message, sizeof (message), &ends[1], 1);
  fd_close (&ends[1]);
  if (r < 0)
    fd_close (&ends[0]);
  else
    *ret_fd = ends[0];
  return r;
}

int
inn_control_channel_send_open_screen (InnControlChannel *self, guint64 id)
{
  struct control_message message = control_message_make (CONTROL_MESSAGE_OPEN_SCREEN, id);

  return fd_passing_send (self->socket, &message, sizeof (message), NULL, 0);
}

int
inn_control_channel_send_insert (InnControlChannel *self,
                                 guint64 id,
                                 guint drive,
                                 int fd,
                                 gboolean force)
{
  struct control_message message = control_message_make (CONTROL_MESSAGE_INSERT, id);

  message.drive = drive | (force ? CONTROL_FORCED : 0);
  return fd_passing_send (self->socket, &message, sizeof (message), &fd, 1);
}

int
inn_control_channel_send_stage (InnControlChannel *self,
                                guint64 id,
                                guint type,
                                guint number,
                                int fd)
{
  struct control_message message = control_message_make (type, id);

  message.drive = number;
  return fd_passing_send (self->socket, &message, sizeof (message), &fd, 1);
}
