/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Folders of their own for everything a test does in qemu:///session, so that a private daemon
 * serves it and the user's machines are out of reach.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sets the XDG variables; before anything asks GLib for a user folder. */
void libvirt_session_begin (void);
/* Ends the daemons and removes the folders. */
void libvirt_session_end (void);

/* The folder all of it is in. */
const char *libvirt_session_get_folder (void);
/* Kills the daemon (SIGKILL), as a crash would. */
void libvirt_session_kill_daemon (void);

G_END_DECLS
