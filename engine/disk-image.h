/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks: create one, raw or qcow2, or open one for a guest so that no two guests write it. These
 * may block; any thread.
 */
#pragma once

#include <glib.h>

#include "foreign-image.h"

G_BEGIN_DECLS

typedef enum
{
  INN_DISK_READ_WRITE,
  INN_DISK_READ_ONLY,
  INN_DISK_READ_UNLOCKED, /* what the opener knows that nobody will write any more */
} InnDiskAccess;

/* Creates a sparse disk of @size bytes, rounded up to whole MiB, and makes it durable. @path must
 * not exist yet; nothing is left there on error. */
gboolean inn_disk_image_create (const char *path, guint64 size, GError **error);

struct qcow2_create_options;

/* Creates a qcow2 disk, its size rounded up to whole MiB, as inn_disk_image_create() does. */
gboolean inn_disk_image_create_qcow2 (const char *path,
                                      const struct qcow2_create_options *options,
                                      GError **error);

/*
 * Opens a file or block device for a guest. Returns a close-on-exec descriptor that holds a lock
 * on it (exclusive, shared, or none), for the VMM to inherit; or -1. QEMU respects that lock too.
 */
int inn_disk_image_open (const char *path, InnDiskAccess access, GError **error);
/* The same, but waits some seconds for a machine that has just ended. Not for the main thread. */
int inn_disk_image_open_patiently (const char *path, InnDiskAccess access, GError **error);

/*
 * Makes a file larger: *@size is rounded up to whole MiB, and the new part reads as zeros. @locked:
 * a VMM of the caller's holds the lock already; else the lock is taken meanwhile. What was there
 * stays as it was, also on error; the size it has already is no error.
 */
gboolean inn_disk_image_grow (const char *path, guint64 *size, gboolean locked, GError **error);

/* The same for a qcow2 disk that no VMM has open. @check: only says whether that size would do,
 * also when one has. */
gboolean
inn_disk_image_grow_qcow2 (const char *path, guint64 *size, gboolean check, GError **error);

/*
 * Whether the file at @path can become a disk of a machine where it is: it can be opened as one,
 * nobody uses it now, and it is raw or qcow2 by all we can tell: *@ret_format (NULL is accepted).
 * Only for a choice that a person has just made: what a raw disk begins with is the guest's to say.
 */
gboolean inn_disk_image_check_import (const char *path, InnDiskFormat *ret_format, GError **error);
/* Whether the file at @path can be put into a CD drive. */
gboolean inn_disk_image_check_medium (const char *path, GError **error);

/* A translated warning when disks of @size bytes altogether could not be filled in @folder, or
 * NULL. */
char *inn_disk_image_get_space_warning (const char *folder, guint64 size);

G_END_DECLS
