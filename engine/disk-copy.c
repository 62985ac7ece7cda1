/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Raw and qcow2 are copied here, everything else with qemu-img.
 */
#include "config.h"

#include "disk-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk-image.h"
#include "engine-error.h"
#include "image-sentence.h"
#include "image/image-copy.h"
#include "image/qcow2-create.h"
#include "qemu-img.h"

enum
{
  SECTOR = 512,
  CLUSTER_BITS = 16,
};

typedef struct
{
  const InnDiskCopy *copy;
  GCancellable *cancellable;
  int source_fd; /* holds the lock */
  int target_fd;
} Run;

static void
run_clear (Run *run)
{
  fd_close (&run->source_fd);
  fd_close (&run->target_fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static gboolean
is_own_format (InnDiskFormat format)
{
  return format == INN_DISK_FORMAT_RAW || format == INN_DISK_FORMAT_QCOW2;
}

static gboolean
fail_target (const Run *run, int error_number, GError **error)
{
  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
               _ ("The disk “%s” was not created: %s."), run->copy->target,
               g_strerror (error_number));
  return FALSE;
}

static gboolean
fail_source (const Run *run, int r, const char *path, GError **error)
{
  g_autofree char *sentence = NULL;

  if (r == -ECANCELED)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("It was cancelled."));
      return FALSE;
    }

  sentence = r == -EUCLEAN
                 ? inn_image_sentence (IMAGE_BAD_TABLES, 0, path)
                 : g_strdup_printf (_ ("The disk “%s” was not copied: %s."), path, g_strerror (-r));
  g_set_error_literal (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (-r), sentence);
  return FALSE;
}

static gboolean
check_space (const Run *run, guint64 needed, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (run->copy->target);
  g_autofree char *wanted = g_format_size_full (needed, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *available = NULL;
  struct statvfs file_system;
  guint64 free_bytes;

  if (fstatvfs (run->target_fd, &file_system) < 0)
    return fail_target (run, errno, error);
  free_bytes = (guint64)file_system.f_bavail * file_system.f_frsize;
  if (free_bytes >= needed)
    return TRUE;

  available = g_format_size_full (free_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NO_SPACE,
               _ ("A copy of the disk “%s” takes %s, but only %s are free in “%s”. Make room there "
                  "first."),
               run->copy->source, wanted, available, folder);
  return FALSE;
}

static gboolean
store (const Run *run, GError **error)
{
  return fsync (run->target_fd) == 0 || fail_target (run, errno, error);
}

/* ---- raw and qcow2 ---- */

static struct image_chain *
open_chain (const char *path, InnDiskFormat format, enum image_access access, GError **error)
{
  struct image_chain_problem problem;
  struct image_chain *chain = NULL;
  g_autofree char *sentence = NULL;

  if (image_chain_open (path, format == INN_DISK_FORMAT_QCOW2 ? IMAGE_QCOW2 : IMAGE_RAW, access,
                        &chain, &problem)
      == 0)
    return chain;

  sentence = inn_image_sentence (problem.problem, -problem.error,
                                 problem.path != NULL ? problem.path : path);
  free (problem.path);
  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, sentence);
  return NULL;
}

/* What its files take, which is no less than what a copy of them does. */
static guint64
get_allocated (const struct image_chain *chain)
{
  guint64 allocated = 0;

  for (guint i = 0; i < image_chain_length (chain); i++)
    {
      struct stat status;

      if (stat (image_chain_layer (chain, i)->path, &status) == 0)
        allocated += (guint64)status.st_blocks * 512;
    }

  return MIN (allocated, image_chain_layer (chain, 0)->size);
}

static bool
on_moved (void *data, uint64_t done, uint64_t total)
{
  const Run *run = data;
  const struct image_progress *progress = run->copy->progress;

  return !g_cancellable_is_cancelled (run->cancellable)
         && (progress == NULL || progress->moved (progress->data, done, total));
}

static gboolean
copy_into_raw (const Run *run, struct image_chain *source, GError **error)
{
  const struct image_progress progress = { .moved = on_moved, .data = (void *)run };
  int r = image_copy (source, image_chain_length (source), NULL, run->target_fd, &progress);

  return r == 0 || fail_source (run, r, run->copy->source, error);
}

static gboolean
copy_into_qcow2 (const Run *run, struct image_chain *source, GError **error)
{
  const struct image_progress progress = { .moved = on_moved, .data = (void *)run };
  struct image_chain *target
      = open_chain (run->copy->target, INN_DISK_FORMAT_QCOW2, IMAGE_READ_WRITE, error);
  int r;

  if (target == NULL)
    return FALSE;

  r = image_copy (source, image_chain_length (source), image_chain_image (target), -1, &progress);
  image_chain_close (target);
  return r == 0 || fail_source (run, r, run->copy->source, error);
}

/* Makes an empty disk of the empty file. */
static gboolean
make_disk (const Run *run, guint64 size, GError **error)
{
  const struct qcow2_create_options options
      = { .version = 3,
          .cluster_bits = CLUSTER_BITS,
          .virtual_size = (size + SECTOR - 1) / SECTOR * SECTOR };
  int r;

  if (run->copy->target_format == INN_DISK_FORMAT_QCOW2)
    r = qcow2_create (run->target_fd, &options);
  else
    r = ftruncate (run->target_fd, (off_t)options.virtual_size) < 0 ? -errno : 0;

  return r == 0 || fail_target (run, -r, error);
}

static gboolean
copy_chain (const Run *run, struct image_chain *source, GError **error)
{
  if (!check_space (run, get_allocated (source), error)
      || !make_disk (run, image_chain_layer (source, 0)->size, error))
    return FALSE;

  return run->copy->target_format == INN_DISK_FORMAT_QCOW2 ? copy_into_qcow2 (run, source, error)
                                                           : copy_into_raw (run, source, error);
}

/* ---- other programs' ---- */

static gboolean
copy_with_qemu (const Run *run, InnQemuImgCopy *what, GError **error)
{
  what->target = run->copy->target;
  what->target_format = run->copy->target_format;
  what->progress = run->copy->progress;
  return inn_qemu_img_copy (what, run->cancellable, error) && store (run, error);
}

static gboolean
copy_out (const Run *run, struct image_chain *source, GError **error)
{
  const guint length = image_chain_length (source);
  g_autofree InnQemuImgLayer *layers = g_new0 (InnQemuImgLayer, length);
  InnQemuImgCopy what = { .source = layers, .n_source = length };

  for (guint i = 0; i < length; i++)
    {
      const struct image_layer *layer = image_chain_layer (source, i);

      layers[i].path = layer->path;
      layers[i].format = layer->format == IMAGE_QCOW2 ? INN_DISK_FORMAT_QCOW2 : INN_DISK_FORMAT_RAW;
    }

  return check_space (run, get_allocated (source), error) && copy_with_qemu (run, &what, error);
}

static gboolean
copy_in (const Run *run, GError **error)
{
  const InnQemuImgLayer disk = { .path = run->copy->source, .format = run->copy->source_format };
  InnQemuImgCopy what = { .source = &disk, .n_source = 1 };
  InnQemuImgInfo info;

  if (!inn_qemu_img_examine (&disk, &info, run->cancellable, error)
      || !check_space (run, MIN (info.needed, info.virtual_size), error))
    return FALSE;

  if (run->copy->target_format == INN_DISK_FORMAT_RAW)
    {
      what.target_is_there = TRUE;
      what.most = (info.virtual_size + SECTOR - 1) / SECTOR * SECTOR;
      if (!make_disk (run, info.virtual_size, error))
        return FALSE;
    }
  return copy_with_qemu (run, &what, error);
}

/* ---- both ---- */

static gboolean
copy_opened (const Run *run, GError **error)
{
  struct image_chain *chain;
  gboolean done;

  if (!is_own_format (run->copy->source_format))
    return copy_in (run, error);

  chain = open_chain (run->copy->source, run->copy->source_format, IMAGE_READ_ONLY, error);
  if (chain == NULL)
    return FALSE;
  done = is_own_format (run->copy->target_format) ? copy_chain (run, chain, error)
                                                  : copy_out (run, chain, error);
  image_chain_close (chain);
  return done;
}

static gboolean
open_target (Run *run, GError **error)
{
  struct stat status;

  run->target_fd = g_open (run->copy->target, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (run->target_fd < 0 || fstat (run->target_fd, &status) < 0)
    return fail_target (run, errno, error);
  if (S_ISREG (status.st_mode) && status.st_size == 0)
    return TRUE;

  return fail_target (run, EEXIST, error);
}

gboolean
inn_disk_copy (const InnDiskCopy *copy, GCancellable *cancellable, GError **error)
{
  g_auto (Run) run = { .copy = copy, .cancellable = cancellable, .source_fd = -1, .target_fd = -1 };

  run.source_fd = inn_disk_image_open_patiently (copy->source, INN_DISK_READ_ONLY, error);
  if (run.source_fd < 0 || !open_target (&run, error))
    return FALSE;
  if (copy_opened (&run, error))
    return TRUE;

  g_unlink (copy->target);
  return FALSE;
}
