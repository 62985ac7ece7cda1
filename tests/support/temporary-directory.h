/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A folder that lives as long as one test. Its path is short, so that Unix sockets fit in it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns: (transfer full): the path. */
char *temporary_directory_new (void);
/* Removes the folder with everything in it and frees @path. */
void temporary_directory_free (char *path);
/* Writes @length bytes (-1: a string) as @name in the folder. Returns: (transfer full): its path.
 */
char *temporary_directory_add_file (const char *path,
                                    const char *name,
                                    gconstpointer bytes,
                                    gssize length);

G_END_DECLS
