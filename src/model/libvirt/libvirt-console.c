/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/libvirt-console.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "model/error.h"
#include "model/libvirt/domain-reading.h"
#include "model/libvirt/libvirt-error.h"

#define HISTORY_SIZE (64 * 1024)

static char *
get_log_folder (void)
{
  return g_build_filename (g_get_user_state_dir (), "innkeeper", NULL);
}

char *
inn_libvirt_console_log_path (const char *uuid)
{
  g_autofree char *folder = get_log_folder ();
  g_autofree char *name = g_strconcat (uuid, ".log", NULL);

  return g_build_filename (folder, name, NULL);
}

void
inn_libvirt_console_make_log_folder (void)
{
  g_autofree char *folder = get_log_folder ();

  g_mkdir_with_parents (folder, 0700);
}

static InnLibvirtConsole *
console_new (void)
{
  InnLibvirtConsole *self = g_new0 (InnLibvirtConsole, 1);

  self->fd = -1;
  return self;
}

void
inn_libvirt_console_free (InnLibvirtConsole *self)
{
  if (self->fd >= 0)
    close (self->fd);
  if (self->stream != NULL)
    virStreamFree (self->stream);
  g_clear_pointer (&self->history, g_bytes_unref);
  g_free (self);
}

/* The end of what the machine has written to its serial line since it started. */
static GBytes *
read_history (const char *uuid)
{
  g_autofree char *path = inn_libvirt_console_log_path (uuid);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat status;
  GBytes *bytes = NULL;

  if (fd < 0)
    return NULL;
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode) && status.st_size > 0)
    {
      gsize size = (gsize)MIN (status.st_size, HISTORY_SIZE);
      char *buffer = g_malloc (size);
      gssize n = pread (fd, buffer, size, status.st_size - (off_t)size);

      bytes = g_bytes_new_take (buffer, (gsize)MAX (n, 0));
    }
  close (fd);
  return bytes;
}

InnLibvirtConsole *
inn_libvirt_console_open_serial (virDomainPtr domain, gboolean session, GError **error)
{
  InnLibvirtConsole *self = console_new ();
  char uuid[VIR_UUID_STRING_BUFLEN];

  self->stream = virStreamNew (virDomainGetConnect (domain), VIR_STREAM_NONBLOCK);
  if (self->stream == NULL || virDomainGetUUIDString (domain, uuid) < 0
      || virDomainOpenConsole (domain, NULL, self->stream, VIR_DOMAIN_CONSOLE_FORCE) < 0)
    {
      inn_libvirt_take_error (error);
      inn_libvirt_console_free (self);
      return NULL;
    }
  if (session)
    self->history = read_history (uuid);
  return self;
}

static int
open_graphics (virDomainPtr domain, GError **error)
{
  g_autoptr (InnDomainReading) reading = inn_domain_reading_new (domain, error);
  int fd;

  if (reading == NULL)
    return -1;
  if (reading->description->vnc_index < 0)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                           _ ("This machine has no VNC display."));
      return -1;
    }
  fd = virDomainOpenGraphicsFD (domain, (unsigned int)reading->description->vnc_index,
                                VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH);
  if (fd < 0)
    inn_libvirt_take_error (error);
  else
    g_unix_set_fd_nonblocking (fd, TRUE, NULL);
  return fd;
}

/* On a remote connection the call would not only be refused but break the connection. */
InnLibvirtConsole *
inn_libvirt_console_open_screen (virDomainPtr domain, gboolean local, GError **error)
{
  InnLibvirtConsole *self;
  int fd;

  if (!local)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                           _ ("Screens of machines on other computers cannot be shown here."));
      return NULL;
    }
  fd = open_graphics (domain, error);
  if (fd < 0)
    return NULL;
  self = console_new ();
  self->fd = fd;
  return self;
}
