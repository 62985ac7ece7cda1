/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks that a person brings along. These block; any thread.
 */
#pragma once

#include "foreign-image.h"

G_BEGIN_DECLS

/*
 * The format of the disk at @path, which a person has just chosen: @word (see
 * inn_disk_format_from_word()), or what the file says. What a guest may have written into a raw
 * disk is not believed without a word where it leads to another file. An error also for what no
 * disk can be imported from.
 */
gboolean inn_disk_import_find_format (const char *path,
                                      const char *word,
                                      InnDiskFormat *ret_format,
                                      GError **error);

G_END_DECLS
