/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What this computer has to give: memory and processors. Any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes; 0 when unknown. */
guint64 inn_host_memory_get_total (void);
/* What could be used now without swapping. */
guint64 inn_host_memory_get_available (void);
/* Whether a guest called @name can be given @memory bytes at all. */
gboolean inn_host_memory_check (const char *name, guint64 memory, GError **error);

G_END_DECLS
