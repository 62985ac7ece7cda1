/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnByteStream: one GSource that reads, writes and rests. */
#include "console/byte-stream.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE (64 * 1024)

/* A pasted file fits; a guest that never reads cannot make us hold more. */
#define MAX_UNSENT (1024 * 1024)

/* Below GDK's frame clock (GDK_PRIORITY_REDRAW, 120): pictures are drawn between two reads. */
#define READ_PRIORITY G_PRIORITY_DEFAULT_IDLE

struct _InnByteStream
{
  GObject parent_instance;

  const InnByteStreamEvents *events;
  gpointer user_data;

  int fd;
  GSource *source;
  gpointer fd_tag;
  guint rest_ms;
  gint64 rest_until; /* monotonic time; 0: not resting */

  guint8 *input; /* READ_SIZE bytes */
  gsize input_start;
  gsize input_end;
  GByteArray *unsent;
};

typedef struct
{
  GSource source;
  InnByteStream *stream; /* borrowed: the stream destroys the source */
} StreamSource;

G_DEFINE_FINAL_TYPE (InnByteStream, inn_byte_stream, G_TYPE_OBJECT)

static gboolean
has_input (InnByteStream *self)
{
  return self->input_start < self->input_end;
}

/* Tells the main loop what to wake us for. */
static void
arm (InnByteStream *self)
{
  GIOCondition condition = 0;
  gint64 ready_time = -1;

  if (self->unsent->len > 0)
    condition |= G_IO_OUT;
  if (self->rest_until != 0)
    ready_time = self->rest_until;
  else if (has_input (self))
    ready_time = 0;
  else
    condition |= G_IO_IN;
  g_source_modify_unix_fd (self->source, self->fd_tag, condition);
  g_source_set_ready_time (self->source, ready_time);
}

static void
end_stream (InnByteStream *self, int error)
{
  const InnByteStreamEvents *events = self->events;
  gpointer user_data = self->user_data;

  inn_byte_stream_close (self);
  events->ended (error, user_data);
}

static gboolean
is_temporary (int error)
{
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void
flush_unsent (InnByteStream *self)
{
  ssize_t n = send (self->fd, self->unsent->data, self->unsent->len, MSG_NOSIGNAL);

  /* A broken pipe is seen by the next read, after what the peer said last. */
  if (n > 0)
    g_byte_array_remove_range (self->unsent, 0, (guint)n);
  else if (n < 0 && !is_temporary (errno))
    g_byte_array_set_size (self->unsent, 0);
}

/* FALSE: the stream has ended. */
static gboolean
fill_input (InnByteStream *self)
{
  ssize_t n = recv (self->fd, self->input, READ_SIZE, 0);

  if (n > 0)
    {
      self->input_start = 0;
      self->input_end = (gsize)n;
    }
  else if (n == 0 || !is_temporary (errno))
    {
      end_stream (self, n == 0 ? 0 : errno);
      return FALSE;
    }
  return TRUE;
}

/* FALSE: the stream has ended or was closed. */
static gboolean
read_some (InnByteStream *self)
{
  if (!has_input (self) && !fill_input (self))
    return FALSE;
  if (!has_input (self))
    return TRUE;

  self->input_start
      += self->events->received (self->input + self->input_start,
                                 self->input_end - self->input_start, self->user_data);
  if (self->source == NULL)
    return FALSE;

  if (self->rest_ms > 0)
    self->rest_until = g_get_monotonic_time () + (gint64)self->rest_ms * G_TIME_SPAN_MILLISECOND;
  return TRUE;
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  g_autoptr (InnByteStream) self = g_object_ref (((StreamSource *)source)->stream);
  GIOCondition condition = g_source_query_unix_fd (source, self->fd_tag);

  if (condition & G_IO_OUT)
    flush_unsent (self);

  /* A hang-up cannot be left unpolled; what is still in the socket is little. */
  if ((condition & (G_IO_HUP | G_IO_ERR)) || self->rest_until <= g_source_get_time (source))
    self->rest_until = 0;
  if (self->rest_until == 0 && !read_some (self))
    return G_SOURCE_REMOVE;

  arm (self);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
  .dispatch = source_dispatch,
};

static void
inn_byte_stream_finalize (GObject *object)
{
  InnByteStream *self = INN_BYTE_STREAM (object);

  inn_byte_stream_close (self);
  g_free (self->input);
  g_byte_array_unref (self->unsent);

  G_OBJECT_CLASS (inn_byte_stream_parent_class)->finalize (object);
}

static void
inn_byte_stream_class_init (InnByteStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_byte_stream_finalize;
}

static void
inn_byte_stream_init (InnByteStream *self)
{
  self->fd = -1;
  self->input = g_malloc (READ_SIZE);
  self->unsent = g_byte_array_new ();
}

InnByteStream *
inn_byte_stream_new (int fd, guint rest_ms, const InnByteStreamEvents *events, gpointer user_data)
{
  InnByteStream *self = g_object_new (INN_TYPE_BYTE_STREAM, NULL);

  self->events = events;
  self->user_data = user_data;
  self->fd = fd;
  self->rest_ms = rest_ms;
  g_unix_set_fd_nonblocking (fd, TRUE, NULL);

  self->source = g_source_new (&source_funcs, sizeof (StreamSource));
  ((StreamSource *)self->source)->stream = self;
  g_source_set_static_name (self->source, "InnByteStream");
  g_source_set_priority (self->source, READ_PRIORITY);
  self->fd_tag = g_source_add_unix_fd (self->source, fd, G_IO_IN);
  g_source_attach (self->source, NULL);
  return self;
}

gboolean
inn_byte_stream_send (InnByteStream *self, const guint8 *data, gsize length)
{
  g_return_val_if_fail (INN_IS_BYTE_STREAM (self), FALSE);

  if (self->source == NULL || length > MAX_UNSENT - self->unsent->len)
    return FALSE;

  g_byte_array_append (self->unsent, data, (guint)length);
  flush_unsent (self);
  arm (self);
  return TRUE;
}

void
inn_byte_stream_close (InnByteStream *self)
{
  g_return_if_fail (INN_IS_BYTE_STREAM (self));

  if (self->source == NULL)
    return;

  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  close (self->fd);
  self->fd = -1;
}
