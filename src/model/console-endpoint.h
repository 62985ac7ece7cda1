/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kind of console a machine offers, and an opened one. Pure values: whoever shows a console
 * asks the machine for an endpoint (inn_machine_open_console_async()) and gives it to a console
 * source.
 */
#pragma once

#include "model/shared-screen.h"

G_BEGIN_DECLS

typedef enum
{
  INN_CONSOLE_SERIAL, /* bytes of a serial line, both ways */
  INN_CONSOLE_VNC,    /* an RFB stream */
  INN_CONSOLE_SCREEN, /* a screen in shared memory */
} InnConsoleKind;

typedef struct
{
  InnConsoleKind kind;
  int fd;                  /* a connected, non-blocking stream socket; -1 for a screen */
  InnSharedScreen *screen; /* NULL for streams */
} InnConsoleEndpoint;

/* Takes over @fd. */
InnConsoleEndpoint *inn_console_endpoint_new_stream (InnConsoleKind kind, int fd);
/* Takes over @screen. */
InnConsoleEndpoint *inn_console_endpoint_new_screen (InnSharedScreen *screen);
/* Closes what nobody has taken. */
void inn_console_endpoint_free (InnConsoleEndpoint *self);

/* The socket, which is the caller's from now on. */
int inn_console_endpoint_steal_fd (InnConsoleEndpoint *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnConsoleEndpoint, inn_console_endpoint_free)

G_END_DECLS
