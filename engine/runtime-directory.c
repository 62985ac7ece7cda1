/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the sockets of running VMMs are.
 */
#include "config.h"

#include "runtime-directory.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"

#define CONTROL_SUFFIX "sock"
#define VSOCK_SUFFIX   "vsock"

enum
{
  SOCKET_BACKLOG = 16
};

struct _InnRuntimeDirectory
{
  char *path;
  int fd; /* O_PATH */
};

char *
inn_runtime_directory_get_default_path (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");

  if (runtime != NULL && g_path_is_absolute (runtime))
    return g_build_filename (runtime, "innkeeper", NULL);

  return g_build_filename (g_get_user_cache_dir (), "innkeeper", "run", NULL);
}

/* A folder that others can write would let them pose as a VMM. */
static gboolean
make_private (const char *path, int fd, GError **error)
{
  struct stat status;

  if (fstat (fd, &status) == 0 && status.st_uid == geteuid ()
      && ((status.st_mode & 077) == 0 || g_chmod (path, 0700) == 0))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_PERMISSION,
               _ ("The folder “%s” for running machines belongs to somebody else. Remove it, then "
                  "start again."),
               path);
  return FALSE;
}

InnRuntimeDirectory *
inn_runtime_directory_open (const char *path, GError **error)
{
  g_autoptr (InnRuntimeDirectory) self = g_atomic_rc_box_new0 (InnRuntimeDirectory);

  self->path = g_strdup (path);
  self->fd = -1;
  if (g_mkdir_with_parents (path, 0700) == 0)
    self->fd = g_open (path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
  if (self->fd < 0)
    {
      g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
                   _ ("The folder “%s” for running machines cannot be made: %s."), path,
                   g_strerror (errno));
      return NULL;
    }
  if (!make_private (path, self->fd, error))
    return NULL;

  return g_steal_pointer (&self);
}

InnRuntimeDirectory *
inn_runtime_directory_ref (InnRuntimeDirectory *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
runtime_directory_clear (gpointer data)
{
  InnRuntimeDirectory *self = data;

  fd_close (&self->fd);
  g_free (self->path);
}

void
inn_runtime_directory_unref (InnRuntimeDirectory *self)
{
  g_atomic_rc_box_release_full (self, runtime_directory_clear);
}

const char *
inn_runtime_directory_get_path (const InnRuntimeDirectory *self)
{
  return self->path;
}

static char *
get_path (const InnRuntimeDirectory *self, const char *uuid, const char *suffix)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.%s", self->path, uuid, suffix);

  if (strlen (path) < sizeof (((struct sockaddr_un *)0)->sun_path))
    return g_steal_pointer (&path);

  return g_strdup_printf ("/proc/self/fd/%d/%s.%s", self->fd, uuid, suffix);
}

char *
inn_runtime_directory_get_socket (const InnRuntimeDirectory *self, const char *uuid)
{
  return get_path (self, uuid, CONTROL_SUFFIX);
}

static int
bind_and_listen (int fd, const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, path, sizeof (address.sun_path));
  if (g_unlink (path) < 0 && errno != ENOENT)
    return errno;
  if (bind (fd, (struct sockaddr *)&address, sizeof (address)) < 0
      || listen (fd, SOCKET_BACKLOG) < 0)
    return errno;

  return 0;
}

/* Not blocking, as a VMM wants it: that of a clone may not change a descriptor any more. */
static int
listen_at (const InnRuntimeDirectory *self,
           const char *uuid,
           const char *suffix,
           int type,
           GError **error)
{
  g_autofree char *path = get_path (self, uuid, suffix);
  int fd = socket (AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int error_number = fd < 0 ? errno : bind_and_listen (fd, path);

  if (error_number != 0)
    {
      fd_close (&fd);
      g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
                   _ ("The machine's control socket cannot be made in “%s”: %s."), self->path,
                   g_strerror (error_number));
    }

  return fd;
}

int
inn_runtime_directory_listen (const InnRuntimeDirectory *self, const char *uuid, GError **error)
{
  return listen_at (self, uuid, CONTROL_SUFFIX, SOCK_SEQPACKET, error);
}

int
inn_runtime_directory_listen_vsock (const InnRuntimeDirectory *self,
                                    const char *uuid,
                                    GError **error)
{
  return listen_at (self, uuid, VSOCK_SUFFIX, SOCK_STREAM, error);
}

void
inn_runtime_directory_forget (const InnRuntimeDirectory *self, const char *uuid)
{
  g_autofree char *control = get_path (self, uuid, CONTROL_SUFFIX);
  g_autofree char *vsock = get_path (self, uuid, VSOCK_SUFFIX);

  g_unlink (control);
  g_unlink (vsock);
}
