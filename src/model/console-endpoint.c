/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnConsoleEndpoint: who owns what. */
#include "model/console-endpoint.h"

#include <unistd.h>

static InnConsoleEndpoint *
endpoint_new (InnConsoleKind kind, int fd, InnSharedScreen *screen)
{
  InnConsoleEndpoint *self = g_new (InnConsoleEndpoint, 1);

  *self = (InnConsoleEndpoint){ .kind = kind, .fd = fd, .screen = screen };
  return self;
}

InnConsoleEndpoint *
inn_console_endpoint_new_stream (InnConsoleKind kind, int fd)
{
  g_return_val_if_fail (kind != INN_CONSOLE_SCREEN && fd >= 0, NULL);

  return endpoint_new (kind, fd, NULL);
}

InnConsoleEndpoint *
inn_console_endpoint_new_screen (InnSharedScreen *screen)
{
  g_return_val_if_fail (INN_IS_SHARED_SCREEN (screen), NULL);

  return endpoint_new (INN_CONSOLE_SCREEN, -1, screen);
}

void
inn_console_endpoint_free (InnConsoleEndpoint *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_clear_object (&self->screen);
  g_free (self);
}

int
inn_console_endpoint_steal_fd (InnConsoleEndpoint *self)
{
  int fd = self->fd;

  self->fd = -1;
  return fd;
}
