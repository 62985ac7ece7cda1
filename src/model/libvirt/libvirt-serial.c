/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two one-way pipes of one piece each. What goes to the guest is paced like a line of 115200 baud:
 * the daemon takes any amount, but while it has too much that the guest does not fetch, it answers
 * no other call on the connection. libvirt's event "writable" tells nothing about that.
 */
#include "model/libvirt/libvirt-serial.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "model/error.h"

#define FROM_GUEST_SIZE (16 * 1024)
#define FROM_USER_SIZE  230 /* 11.5 kB/s */
#define PACE_MS         20

/* What has been read and not yet been written. */
typedef struct
{
  const char *data;
  gsize length;
} Pending;

struct _InnLibvirtSerial
{
  GObject parent_instance;

  virStreamPtr stream;
  InnLibvirtWorker *worker;
  int fd;
  guint source;
  GIOCondition condition; /* that the source waits for; 0: no source */
  int stream_events;
  guint pace; /* runs while the guest is not to be given more */

  GBytes *history;
  Pending to_user, to_guest;
  char from_guest[FROM_GUEST_SIZE];
  char from_user[FROM_USER_SIZE];
};

G_DEFINE_FINAL_TYPE (InnLibvirtSerial, inn_libvirt_serial, G_TYPE_OBJECT)

enum
{
  CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void set_interest (InnLibvirtSerial *self);
static gboolean on_pace (gpointer user_data);

/* Waits for the daemon, so it is not for the main thread. */
static gpointer
end_stream (gpointer task_data, GError **error)
{
  virStreamAbort (task_data);
  return NULL;
}

static void
free_stream (gpointer stream)
{
  virStreamFree (stream);
}

void
inn_libvirt_serial_close (InnLibvirtSerial *self)
{
  GTask *task;

  g_return_if_fail (INN_IS_LIBVIRT_SERIAL (self));

  if (self->stream == NULL)
    return;

  g_object_ref (self);
  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_handle_id (&self->pace, g_source_remove);
  close (self->fd);
  self->fd = -1;
  virStreamEventRemoveCallback (self->stream);
  task = g_task_new (NULL, NULL, NULL, NULL);
  g_task_set_task_data (task, g_steal_pointer (&self->stream), free_stream);
  inn_libvirt_worker_push (self->worker, task, end_stream, NULL);
  g_signal_emit (self, signals[CLOSED], 0);
  g_object_unref (self);
}

/* FALSE when the other side of the socket has gone. */
static gboolean
write_to_user (InnLibvirtSerial *self)
{
  while (self->to_user.length > 0)
    {
      gssize n = send (self->fd, self->to_user.data, self->to_user.length, MSG_NOSIGNAL);

      if (n < 0)
        return errno == EAGAIN || errno == EINTR;
      self->to_user.data += n;
      self->to_user.length -= (gsize)n;
    }
  return TRUE;
}

static gboolean
read_from_user (InnLibvirtSerial *self)
{
  gssize n = recv (self->fd, self->from_user, sizeof self->from_user, 0);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  self->to_guest = (Pending){ self->from_user, (gsize)n };
  return n > 0;
}

static gboolean
write_to_guest (InnLibvirtSerial *self)
{
  while (self->to_guest.length > 0)
    {
      int n = virStreamSend (self->stream, self->to_guest.data, self->to_guest.length);

      if (n < 0)
        return n == -2; /* would block */
      self->to_guest.data += n;
      self->to_guest.length -= (gsize)n;
    }
  return TRUE;
}

/* FALSE when the guest or the daemon has gone. */
static gboolean
read_from_guest (InnLibvirtSerial *self)
{
  int n = virStreamRecv (self->stream, self->from_guest, sizeof self->from_guest);

  if (n < 0)
    return n == -2;
  self->to_user = (Pending){ self->from_guest, (gsize)n };
  return n > 0;
}

/* FALSE when either side has gone. */
static gboolean
serve_guest (InnLibvirtSerial *self)
{
  if (self->to_guest.length == 0 && !read_from_user (self))
    return FALSE;
  if (!write_to_guest (self))
    return FALSE;
  self->pace = g_timeout_add (PACE_MS, on_pace, self);
  return TRUE;
}

static gboolean
on_pace (gpointer user_data)
{
  InnLibvirtSerial *self = user_data;

  self->pace = 0;
  if (self->to_guest.length > 0 && !serve_guest (self))
    inn_libvirt_serial_close (self);
  else
    set_interest (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_socket_ready (int fd, GIOCondition condition, gpointer user_data)
{
  InnLibvirtSerial *self = user_data;
  gboolean alive = TRUE;

  if ((condition & G_IO_OUT) != 0)
    alive = write_to_user (self);
  if (alive && (condition & ~G_IO_OUT) != 0 && self->pace == 0)
    alive = serve_guest (self);
  if (alive)
    set_interest (self);
  else
    inn_libvirt_serial_close (self);
  return G_SOURCE_CONTINUE;
}

static void
on_stream_event (virStreamPtr stream, int events, gpointer user_data)
{
  InnLibvirtSerial *self = user_data;
  gboolean alive = TRUE;

  if (self->stream == NULL)
    return;
  if ((events & VIR_STREAM_EVENT_READABLE) != 0 && self->to_user.length == 0)
    alive = read_from_guest (self) && write_to_user (self);
  if (alive && (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP)) == 0)
    set_interest (self);
  else
    inn_libvirt_serial_close (self);
}

static void
set_interest (InnLibvirtSerial *self)
{
  GIOCondition condition = 0;
  int events = 0;

  if (self->to_user.length > 0)
    condition |= G_IO_OUT;
  else
    events |= VIR_STREAM_EVENT_READABLE;
  if (self->pace == 0)
    condition |= G_IO_IN;

  if (events != self->stream_events)
    virStreamEventUpdateCallback (self->stream, events);
  self->stream_events = events;
  if (condition == self->condition)
    return;
  self->condition = condition;
  g_clear_handle_id (&self->source, g_source_remove);
  /* A source without a condition would still report the end of the socket, again and again, while
   * there is something in it for the guest. */
  if (condition != 0)
    self->source = g_unix_fd_add (self->fd, condition, on_socket_ready, self);
}

static void
inn_libvirt_serial_dispose (GObject *object)
{
  inn_libvirt_serial_close (INN_LIBVIRT_SERIAL (object));

  G_OBJECT_CLASS (inn_libvirt_serial_parent_class)->dispose (object);
}

static void
inn_libvirt_serial_finalize (GObject *object)
{
  g_clear_pointer (&INN_LIBVIRT_SERIAL (object)->history, g_bytes_unref);

  G_OBJECT_CLASS (inn_libvirt_serial_parent_class)->finalize (object);
}

static void
inn_libvirt_serial_class_init (InnLibvirtSerialClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = inn_libvirt_serial_dispose;
  object_class->finalize = inn_libvirt_serial_finalize;

  signals[CLOSED] = g_signal_new ("closed", INN_TYPE_LIBVIRT_SERIAL, G_SIGNAL_RUN_LAST, 0, NULL,
                                  NULL, NULL, G_TYPE_NONE, 0);
}

static void
inn_libvirt_serial_init (InnLibvirtSerial *self)
{
  self->fd = -1;
}

InnLibvirtSerial *
inn_libvirt_serial_new (virStreamPtr stream,
                        GBytes *history,
                        InnLibvirtWorker *worker,
                        int *fd,
                        GError **error)
{
  g_autoptr (InnLibvirtSerial) self = g_object_new (INN_TYPE_LIBVIRT_SERIAL, NULL);
  int ends[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
    {
      g_set_error (error, INN_ERROR, INN_ERROR_FAILED, _ ("The console cannot be opened: %s."),
                   g_strerror (errno));
      virStreamFree (stream);
      return NULL;
    }
  self->stream = stream;
  self->worker = worker;
  self->fd = ends[0];
  *fd = ends[1];
  if (history != NULL)
    {
      self->history = g_bytes_ref (history);
      self->to_user.data = g_bytes_get_data (history, &self->to_user.length);
    }
  virStreamEventAddCallback (stream, 0, on_stream_event, self, NULL);
  set_interest (self);
  return g_steal_pointer (&self);
}
