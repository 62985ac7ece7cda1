/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's qemu-img, for the formats of other programs. It runs with limits, ends with the thread
 * that waits for it, and what it prints is not trusted. Whoever asks for something holds the lock
 * of the source meanwhile (disk-image.h). These block; any thread.
 */
#pragma once

#include <gio/gio.h>

#include "foreign-image.h"

G_BEGIN_DECLS

/* A file of a disk. A disk is one, or a qcow2 one and those that it builds on, in that order. */
typedef struct
{
  const char *path; /* from the root */
  InnDiskFormat format;
} InnQemuImgLayer;

typedef struct
{
  guint64 virtual_size; /* bytes of the disk */
  guint64 needed;       /* bytes that a file with what is in it takes, at least */
} InnQemuImgInfo;

/* What the disk in one file is, which is of that format by all we can tell. */
gboolean inn_qemu_img_examine (const InnQemuImgLayer *disk,
                               InnQemuImgInfo *ret_info,
                               GCancellable *cancellable,
                               GError **error);

struct image_progress;

/* A copy of one disk as another. */
typedef struct
{
  const InnQemuImgLayer *source;
  guint n_source; /* layers */
  const char *target;
  InnDiskFormat target_format;
  /* The target is there: a raw file of as many bytes, all of them zero. Else it is made. */
  gboolean target_is_there;
  guint64 most;                          /* bytes that its file may have */
  const struct image_progress *progress; /* or NULL; in the thread that waits */
} InnQemuImgCopy;

/* Nothing runs any more when this returns; after an error, also G_IO_ERROR_CANCELLED, the target is
 * anything. */
gboolean inn_qemu_img_copy (const InnQemuImgCopy *copy, GCancellable *cancellable, GError **error);

/* For these and for tests: what it prints. Pure. */

/* "    (34.05/100%)"; FALSE when it is something else. */
gboolean inn_qemu_img_parse_progress (const char *text, double *ret_fraction);
/* The number under that key in a JSON object; FALSE when there is none above 0. */
gboolean
inn_qemu_img_parse_number (const char *json, gsize length, const char *key, guint64 *ret_number);
/* What it says went wrong, on one line of bounded length, valid and printable. Transfer full. */
char *inn_qemu_img_clean_complaint (const char *text);

G_END_DECLS
