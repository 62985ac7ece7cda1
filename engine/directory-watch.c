/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tells when the files of some folders change (inotify(7)).
 */
#include "config.h"

#include "directory-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fd.h"

enum
{
  EVENT_BUFFER_SIZE = 16384,
  MASK = IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR,
};

struct _InnDirectoryWatch
{
  int fd;
  GSource *source;
  GHashTable *folders; /* watch descriptor -> path */
  InnDirectoryWatchFunc func;
  gpointer user_data;
};

static void
dispatch_event (InnDirectoryWatch *self, const struct inotify_event *event)
{
  const char *folder;

  if (event->mask & IN_Q_OVERFLOW)
    {
      self->func (NULL, NULL, self->user_data);
      return;
    }
  if (event->mask & IN_IGNORED)
    {
      g_hash_table_remove (self->folders, GINT_TO_POINTER (event->wd));
      return;
    }

  folder = g_hash_table_lookup (self->folders, GINT_TO_POINTER (event->wd));
  if (folder != NULL && event->len > 0)
    {
      g_autofree char *kept = g_strdup (folder);

      self->func (kept, event->name, self->user_data);
    }
}

static void
watch_clear (gpointer data)
{
  InnDirectoryWatch *self = data;

  g_hash_table_unref (self->folders);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  InnDirectoryWatch *self = user_data;
  _Alignas(struct inotify_event) char buffer[EVENT_BUFFER_SIZE];
  const ssize_t length = read (fd, buffer, sizeof (buffer));

  g_rc_box_acquire (self); /* the function may free the watch */
  for (ssize_t at = 0; at < length && self->fd >= 0;)
    {
      const struct inotify_event *event = (gconstpointer)(buffer + at);

      at += (ssize_t)(sizeof (*event) + event->len);
      dispatch_event (self, event);
    }
  g_rc_box_release_full (self, watch_clear);

  return G_SOURCE_CONTINUE;
}

InnDirectoryWatch *
inn_directory_watch_new (InnDirectoryWatchFunc func, gpointer user_data)
{
  InnDirectoryWatch *self;
  int fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);

  if (fd < 0)
    return NULL;

  self = g_rc_box_new0 (InnDirectoryWatch);
  self->fd = fd;
  self->folders = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->func = func;
  self->user_data = user_data;
  self->source = g_unix_fd_source_new (fd, G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());

  return self;
}

void
inn_directory_watch_free (InnDirectoryWatch *self)
{
  if (self == NULL)
    return;

  g_source_destroy (self->source);
  g_source_unref (self->source);
  fd_close (&self->fd);
  g_rc_box_release_full (self, watch_clear);
}

gboolean
inn_directory_watch_add (InnDirectoryWatch *self, const char *folder)
{
  int descriptor = inotify_add_watch (self->fd, folder, MASK);

  if (descriptor < 0)
    return FALSE;

  g_hash_table_replace (self->folders, GINT_TO_POINTER (descriptor), g_strdup (folder));
  return TRUE;
}
