/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders on the disk. These may block; any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The error for what could not be written at @path. */
void inn_folder_set_error (GError **error, const char *path, int error_number);

/* Makes durable which names are in the folder. */
gboolean inn_folder_sync (const char *path, GError **error);
/* Removes the folder with everything in it. */
gboolean inn_folder_remove (const char *path, GError **error);
/* Makes a file durable that holds what another one holds now, which may have 64 MiB at most. */
gboolean inn_folder_copy_file (const char *from, const char *to, GError **error);

G_END_DECLS
