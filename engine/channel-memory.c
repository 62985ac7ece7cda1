/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "channel-memory.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

static gboolean
create_descriptors (InnChannelMemory *self)
{
  int *fds = self->fds;

  fds[CONTROL_ATTACH_MEMORY] = memfd_create ("innkeeper-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  fds[CONTROL_ATTACH_VMM_DOORBELL] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  fds[CONTROL_ATTACH_CLIENT_DOORBELL] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  return fds[CONTROL_ATTACH_MEMORY] >= 0 && fds[CONTROL_ATTACH_VMM_DOORBELL] >= 0
         && fds[CONTROL_ATTACH_CLIENT_DOORBELL] >= 0;
}

static gboolean
create_memory (InnChannelMemory *self)
{
  int fd = self->fds[CONTROL_ATTACH_MEMORY];
  void *memory;

  if (ftruncate (fd, self->size) < 0
      || fcntl (fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
    return FALSE;

  memory = mmap (NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED)
    return FALSE;

  self->memory = memory;
  return TRUE;
}

InnChannelMemory *
inn_channel_memory_new (GError **error)
{
  g_autoptr (InnChannelMemory) self = g_new0 (InnChannelMemory, 1);
  const struct control_layout layout = control_layout_make ();

  self->size = layout.size;
  for (guint i = 0; i < CONTROL_ATTACH_FDS; i++)
    self->fds[i] = -1;

  if (!create_descriptors (self) || !create_memory (self))
    {
      int saved_errno = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                   _ ("This computer has no room for another connection to a machine: %s."),
                   g_strerror (saved_errno));
      return NULL;
    }

  memcpy (self->memory, &layout, sizeof (layout));
  control_rings_init (&self->rings, self->memory, &layout);

  return g_steal_pointer (&self);
}

void
inn_channel_memory_free (InnChannelMemory *self)
{
  if (self->memory != NULL)
    munmap (self->memory, self->size);
  for (guint i = 0; i < CONTROL_ATTACH_FDS; i++)
    fd_close (&self->fds[i]);
  g_free (self);
}
