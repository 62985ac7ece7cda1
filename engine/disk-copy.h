/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copies what a disk shows into one new file, of the same or another format. These block; any
 * thread.
 */
#pragma once

#include <gio/gio.h>

#include "foreign-image.h"

G_BEGIN_DECLS

struct image_progress;

typedef struct
{
  const char *source; /* its references have been checked: see disk-import.h */
  InnDiskFormat source_format;
  const char *target; /* not there yet, or an empty file */
  InnDiskFormat target_format;
  const struct image_progress *progress; /* or NULL; in the thread that waits */
} InnDiskCopy;

/*
 * Copies when there is room for it, and makes the copy durable. No machine writes the disk
 * meanwhile. After an error, also G_IO_ERROR_CANCELLED, what was there of the target is gone.
 */
gboolean inn_disk_copy (const InnDiskCopy *copy, GCancellable *cancellable, GError **error);

G_END_DECLS
