/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a disposable run writes: files without a name, which are gone with the last process that
 * has them open, however that ends. They are in a folder all the same, for it says on which file
 * system they take space. These block; any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An empty file to read and write: a close-on-exec descriptor, or -1. */
int inn_disposable_file_new (const char *folder, GError **error);

/* A qcow2 image that shows what the disk at @path does, and takes what is written instead of it.
 * @format: of the disk, "raw" or "qcow2". */
int inn_disposable_file_new_overlay (const char *folder,
                                     const char *path,
                                     const char *format,
                                     GError **error);

G_END_DECLS
