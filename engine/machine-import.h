/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a machine around a copy of a disk that a person brings along. It is there with everything
 * or not at all. Blocks; any thread.
 */
#pragma once

#include <gio/gio.h>

#include "foreign-image.h"
#include "machine-store.h"

G_BEGIN_DECLS

struct image_progress;

typedef struct
{
  const char *path; /* from the root; see inn_disk_import_find_format() */
  InnDiskFormat format;
  const guint64 *disk_sizes; /* of new, empty disks besides */
  guint n_disks;
  const struct image_progress *progress; /* or NULL */
} InnMachineImport;

/* Adds the disks to @description. Errors as those of inn_disk_copy(), too. */
gboolean inn_machine_import (InnMachineStore *machines,
                             InnMachineDescription *description,
                             const InnMachineImport *import,
                             GCancellable *cancellable,
                             GError **error);

G_END_DECLS
