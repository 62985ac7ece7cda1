/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the disks of a machine build on, as their images say. These block; any thread.
 */
#pragma once

#include <glib.h>

#include "machine-description-disks.h"

G_BEGIN_DECLS

/* A file below a disk. */
typedef struct
{
  char *path;
  gboolean qcow2; /* else raw */
} InnDiskLayer;

/* For each disk of the description a GArray of InnDiskLayer, from the top down; with none for what
 * builds on nothing. Transfer full; NULL on error, which names the file that is not right. */
GPtrArray *inn_disk_chain_read_all (const InnMachineDescription *description, GError **error);

/* Whether the qcow2 image at @path is @other, or builds on it. */
gboolean inn_disk_chain_has (const char *path, const char *other);

G_END_DECLS
