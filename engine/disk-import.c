/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "disk-import.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk-image.h"
#include "engine-error.h"
#include "image-sentence.h"
#include "image/image-chain.h"
#include "image/image-file.h"

#define SECTOR 512

/* The file that is imported from, open and locked. */
typedef struct
{
  const char *path;
  const char *word; /* what a person says that it is, or NULL */
  int fd;
  guint64 size;
} Source;

static gboolean
source_open (Source *source, const char *path, const char *word, GError **error)
{
  int error_number;

  source->path = path;
  source->word = word;
  source->fd = inn_disk_image_open (path, INN_DISK_READ_ONLY, error);
  if (source->fd < 0)
    return FALSE;

  error_number = -image_file_size (source->fd, &source->size);
  if (error_number == 0)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
               _ ("The disk “%s” cannot be opened: %s."), path, g_strerror (error_number));
  return FALSE;
}

static void
source_clear (Source *source)
{
  fd_close (&source->fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Source, source_clear)

/* At most @length bytes. How many there are. */
static gsize
source_read (const Source *source, guint64 offset, guint8 *bytes, gsize length)
{
  const guint64 there = offset < source->size ? source->size - offset : 0;
  const gsize n = (gsize)MIN (there, length);

  return image_file_read (source->fd, bytes, n, offset) == 0 ? n : 0;
}

static gboolean
refuse (const char *path, const char *format, GError **error)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* translations have the same directives */
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, format, path);
#pragma GCC diagnostic pop
  return FALSE;
}

/* ---- what leads to other files ---- */

/* The files of a disk are named after it, as "disk-s001.vmdk" is after "disk.vmdk": others may be
 * those of another machine. */
static gboolean
are_own (const char *path, GStrv files)
{
  g_autofree char *name = g_path_get_basename (path);
  char *dot = strrchr (name, '.');

  if (dot == NULL || g_ascii_strcasecmp (dot, ".vmdk") != 0)
    return FALSE;
  *dot = '\0';
  for (guint i = 0; files[i] != NULL; i++)
    {
      if (!g_str_has_prefix (files[i], name) || g_str_equal (files[i], name))
        return FALSE;
    }

  return TRUE;
}

/* A file of a disk is a plain one, and no way to further files either. */
static gboolean
check_vmdk_file (const char *folder, const char *name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree guint8 *start = g_malloc (INN_VMDK_START);
  g_auto (GStrv) files = NULL;
  g_auto (Source) source = { .fd = -1 };
  struct stat status;
  gsize length;

  if (lstat (path, &status) == 0 && !S_ISREG (status.st_mode))
    return refuse (path, _ ("The disk needs “%s”, which is no ordinary file."), error);
  if (!source_open (&source, path, NULL, error))
    return FALSE;

  length = source_read (&source, 0, start, INN_VMDK_START);
  if (inn_foreign_image_probe (start, length) != INN_DISK_FORMAT_VMDK
      || (inn_foreign_image_judge_vmdk (start, length, &files) == INN_VMDK_GOOD && *files == NULL))
    return TRUE;

  return refuse (path, _ ("The disk needs “%s”, which is damaged. Get the disk again."), error);
}

static gboolean
check_vmdk_files (const Source *source, GStrv files, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (source->path);

  if (*files != NULL && source->word == NULL && !are_own (source->path, files))
    {
      g_set_error (
          error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
          _ ("“%s” says that it is in the file “%s”, which a guest may have written into "
             "a raw disk. Use “innctl import --format vmdk” if that is right, or “--format "
             "raw” if it is not."),
          source->path, *files);
      return FALSE;
    }
  for (guint i = 0; files[i] != NULL; i++)
    {
      if (!check_vmdk_file (folder, files[i], error))
        return FALSE;
    }

  return TRUE;
}

static gboolean
check_vmdk (const Source *source, GError **error)
{
  g_autofree guint8 *data = g_malloc (INN_VMDK_TEXT_SIZE);
  g_auto (GStrv) files = NULL;
  gsize length = source_read (source, 0, data, INN_VMDK_TEXT_SIZE);

  /* No text begins so. */
  if (length > 0 && *data == 'K')
    length = MIN (length, INN_VMDK_START);
  else if (length == INN_VMDK_TEXT_SIZE)
    length = 0;

  switch (inn_foreign_image_judge_vmdk (data, length, &files))
    {
    case INN_VMDK_GOOD:
      return check_vmdk_files (source, files, error);
    case INN_VMDK_HAS_PARENT:
      return refuse (source->path,
                     _ ("“%s” has only what was changed since a snapshot. Remove the snapshots in "
                        "the program that made it, and import the disk then."),
                     error);
    case INN_VMDK_ELSEWHERE:
      return refuse (source->path,
                     _ ("“%s” needs files that are not in its folder. Put all files of the disk "
                        "into one folder."),
                     error);
    case INN_VMDK_DAMAGED:
    default:
      return refuse (
          source->path,
          _ ("“%s” begins like a VMDK disk, but is damaged. Get it again, or use “innctl "
             "import --format raw” if it is a raw disk."),
          error);
    }
}

static gboolean
check_vhd (const Source *source, GError **error)
{
  guint8 first[SECTOR], last[SECTOR];
  const gsize n_first = source_read (source, 0, first, SECTOR);
  const gsize n_last
      = source->size >= SECTOR ? source_read (source, source->size - SECTOR, last, SECTOR) : 0;

  if (!inn_foreign_image_vhd_has_parent (last, n_last)
      && !(inn_foreign_image_is_vhd_footer (first, n_first)
           && inn_foreign_image_vhd_has_parent (first, n_first)))
    return TRUE;

  return refuse (source->path,
                 _ ("“%s” has only what was changed since a checkpoint. Merge the checkpoints in "
                    "the program that made it, and import the disk then."),
                 error);
}

static struct image_chain *
open_chain (const char *path, GError **error)
{
  struct image_chain_problem problem;
  struct image_chain *chain = NULL;
  g_autofree char *sentence = NULL;

  if (image_chain_open (path, IMAGE_QCOW2, IMAGE_READ_ONLY, &chain, &problem) == 0)
    return chain;

  sentence = inn_image_sentence (problem.problem, -problem.error,
                                 problem.path != NULL ? problem.path : path);
  free (problem.path);
  g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID, sentence);
  return NULL;
}

static gboolean
check_qcow2 (const Source *source, GError **error)
{
  struct image_chain *chain = open_chain (source->path, error);
  gboolean good;

  if (chain == NULL)
    return FALSE;

  good = source->word != NULL || image_chain_length (chain) == 1;
  if (!good)
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                 _ ("“%s” says that it builds on “%s”, which a guest may have written into a raw "
                    "disk. Use “innctl import --format qcow2” if that is right, or “--format raw” "
                    "if it is not."),
                 source->path, image_chain_layer (chain, 1)->path);
  image_chain_close (chain);
  return good;
}

/* ---- the format ---- */

static gboolean
is_fixed_vhd (const Source *source)
{
  guint8 last[SECTOR];

  return source->size >= SECTOR
         && source_read (source, source->size - SECTOR, last, SECTOR) == SECTOR
         && inn_foreign_image_is_vhd_footer (last, SECTOR);
}

/* What the file says, when its name does not say something else. */
static gboolean
probe (const Source *source, InnDiskFormat *ret_format, GError **error)
{
  guint8 start[INN_FOREIGN_IMAGE_START];
  const gsize length = source_read (source, 0, start, sizeof start);
  const InnDiskFormat found = inn_foreign_image_probe (start, length);
  InnDiskFormat named = INN_DISK_FORMAT_RAW;

  *ret_format = found;
  if (inn_foreign_image_is_archive (start, length))
    return refuse (source->path,
                   _ ("“%s” is an archive, perhaps an OVA, and no disk. Unpack it with tar, and "
                      "import the disk that is in it."),
                   error);
  if (!inn_disk_format_from_name (source->path, &named) || named == found)
    return TRUE;
  if (named == INN_DISK_FORMAT_VHD && is_fixed_vhd (source))
    {
      *ret_format = INN_DISK_FORMAT_VHD;
      return TRUE;
    }

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("“%s” is named like a %s disk, but begins like a %s one. Use “innctl import "
                  "--format %s” if it is that."),
               source->path, inn_disk_format_to_word (named), inn_disk_format_to_word (found),
               inn_disk_format_to_word (found));
  return FALSE;
}

static gboolean
check_references (const Source *source, InnDiskFormat format, GError **error)
{
  switch (format)
    {
    case INN_DISK_FORMAT_QCOW2:
      return check_qcow2 (source, error);
    case INN_DISK_FORMAT_VMDK:
      return check_vmdk (source, error);
    case INN_DISK_FORMAT_VHD:
      return check_vhd (source, error);
    case INN_DISK_FORMAT_RAW:
    case INN_DISK_FORMAT_VDI:  /* QEMU reads none */
    case INN_DISK_FORMAT_VHDX: /* that have a parent */
    default:
      return TRUE;
    }
}

gboolean
inn_disk_import_find_format (const char *path,
                             const char *word,
                             InnDiskFormat *ret_format,
                             GError **error)
{
  g_auto (Source) source = { .fd = -1 };

  if (word != NULL && !inn_disk_format_from_word (word, ret_format))
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("“%s” is no format; write raw, qcow2, vmdk, vdi, vhd or vhdx."), word);
      return FALSE;
    }

  return source_open (&source, path, word, error)
         && (word != NULL || probe (&source, ret_format, error))
         && check_references (&source, *ret_format, error);
}
