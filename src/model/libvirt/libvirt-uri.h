/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a connection URI says (https://libvirt.org/uri.html). Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether it is of the driver @scheme, whatever its transport. */
gboolean inn_libvirt_uri_has_scheme (const char *uri, const char *scheme);
/* One word for the driver. */
const char *inn_libvirt_uri_get_technique (const char *uri);
/* Whether the daemon is on this computer and reached by a Unix socket, or there is none. */
gboolean inn_libvirt_uri_is_local (const char *uri);
/* Whether the daemon is a local one that runs as this user. */
gboolean inn_libvirt_uri_is_session (const char *uri);

G_END_DECLS
