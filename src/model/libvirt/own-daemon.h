/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A libvirt daemon of Innkeeper's own, for the administrator (root).
 *
 * libvirt has no session for root: it sends root to the system's daemon, which need not be there
 * (a container, a rescue system) and which keeps its machines in system folders. So Innkeeper
 * starts a session daemon in a user namespace in which root looks like an ordinary user. All of its
 * folders are Innkeeper's own. It outlives the application as long as a machine runs, and is found
 * again by its socket.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether this user has to have one. */
gboolean inn_own_daemon_is_needed (void);

/* Starts it unless it runs, and waits until it answers. Blocks for seconds. Returns the URI to
 * connect to, or NULL with INN_ERROR_UNAVAILABLE. */
char *inn_own_daemon_ensure (GError **error);

/* Whether a libvirt daemon that can be started for this user is installed. */
gboolean inn_own_daemon_is_installed (void);

G_END_DECLS
