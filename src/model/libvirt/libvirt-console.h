/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening the consoles of a domain. All but freeing blocks; not in the main thread.
 */
#pragma once

#include <gio/gio.h>
#include <libvirt/libvirt.h>

G_BEGIN_DECLS

/* What was opened: one of the first two. */
typedef struct
{
  int fd;              /* a screen: a connected non-blocking socket; else -1 */
  virStreamPtr stream; /* a serial line: an open non-blocking stream; else NULL */
  GBytes *history;     /* what the serial line has said before, or NULL */
} InnLibvirtConsole;

/* @session: the log is in this user's folder. Somebody else's console is taken over. */
InnLibvirtConsole *
inn_libvirt_console_open_serial (virDomainPtr domain, gboolean session, GError **error);
/* @local: the daemon is reached by a Unix socket. */
InnLibvirtConsole *
inn_libvirt_console_open_screen (virDomainPtr domain, gboolean local, GError **error);
void inn_libvirt_console_free (InnLibvirtConsole *self);

/* Where the serial line of a machine of a session is logged (transfer full). */
char *inn_libvirt_console_log_path (const char *uuid);
void inn_libvirt_console_make_log_folder (void);

G_END_DECLS
