/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Magic numbers; and of VMDK (VMware, "Virtual Disk Format 5.0") and VHD (Microsoft, "Virtual Hard
 * Disk Image Format") what leads out of the file.
 */
#include "config.h"

#include "foreign-image.h"

#include <string.h>

#include "base/byte-order.h"

#define VMDK_TEXT_START "# Disk Descriptor"
#define VMDK_PARENT     "parentFileNameHint"
#define VHD_COOKIE      "conectix"

enum
{
  TAR_MAGIC = 257,
  VMDK_CAPACITY = 12, /* in sectors */
  VHD_TYPE = 60,      /* big-endian */
  VHD_DIFFERENCING = 4,
};

static const char *const words[INN_DISK_FORMAT_N] = {
  [INN_DISK_FORMAT_RAW] = "raw", [INN_DISK_FORMAT_QCOW2] = "qcow2", [INN_DISK_FORMAT_VMDK] = "vmdk",
  [INN_DISK_FORMAT_VDI] = "vdi", [INN_DISK_FORMAT_VHD] = "vhd",     [INN_DISK_FORMAT_VHDX] = "vhdx",
};

const char *
inn_disk_format_to_word (InnDiskFormat format)
{
  g_return_val_if_fail (format < INN_DISK_FORMAT_N, NULL);

  return words[format];
}

const char *
inn_disk_format_to_qemu_word (InnDiskFormat format)
{
  return format == INN_DISK_FORMAT_VHD ? "vpc" : inn_disk_format_to_word (format);
}

gboolean
inn_disk_format_from_word (const char *word, InnDiskFormat *ret_format)
{
  for (guint i = 0; i < INN_DISK_FORMAT_N; i++)
    {
      if (g_ascii_strcasecmp (word, words[i]) == 0)
        {
          *ret_format = (InnDiskFormat)i;
          return TRUE;
        }
    }

  return FALSE;
}

gboolean
inn_disk_format_from_name (const char *name, InnDiskFormat *ret_format)
{
  const char *dot = strrchr (name, '.');

  return dot != NULL && inn_disk_format_from_word (dot + 1, ret_format);
}

static gboolean
has (const guint8 *data, gsize length, gsize at, const char *text)
{
  const gsize n = strlen (text);

  return at <= length && n <= length - at && memcmp (data + at, text, n) == 0;
}

InnDiskFormat
inn_foreign_image_probe (const guint8 *start, gsize length)
{
  static const struct
  {
    const char *magic;
    gsize at;
    InnDiskFormat format;
  } known[] = {
    { "QFI\xfb", 0, INN_DISK_FORMAT_QCOW2 },      { "KDMV", 0, INN_DISK_FORMAT_VMDK },
    { VMDK_TEXT_START, 0, INN_DISK_FORMAT_VMDK }, { "\x7f\x10\xda\xbe", 64, INN_DISK_FORMAT_VDI },
    { VHD_COOKIE, 0, INN_DISK_FORMAT_VHD },       { "vhdxfile", 0, INN_DISK_FORMAT_VHDX },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    {
      if (has (start, length, known[i].at, known[i].magic))
        return known[i].format;
    }

  return INN_DISK_FORMAT_RAW;
}

gboolean
inn_foreign_image_is_archive (const guint8 *start, gsize length)
{
  return has (start, length, TAR_MAGIC, "ustar");
}

gboolean
inn_foreign_image_is_vhd_footer (const guint8 *sector, gsize length)
{
  return has (sector, length, 0, VHD_COOKIE);
}

gboolean
inn_foreign_image_vhd_has_parent (const guint8 *sector, gsize length)
{
  return length >= VHD_TYPE + 4 && load_be32 (sector + VHD_TYPE) == VHD_DIFFERENCING;
}

/* ---- VMDK ---- */

static InnVmdkVerdict
judge_name (const char *name)
{
  if (*name == '\0')
    return INN_VMDK_DAMAGED;
  /* A colon makes it an address for QEMU. */
  return strpbrk (name, "/:") != NULL || g_str_equal (name, ".") || g_str_equal (name, "..")
             ? INN_VMDK_ELSEWHERE
             : INN_VMDK_GOOD;
}

/* RW 4192256 SPARSE "disk-s001.vmdk", or FLAT with an offset behind. */
static InnVmdkVerdict
judge_extent (const char *line, GStrvBuilder *files)
{
  const char *open = strchr (line, '"');
  const char *close = open != NULL ? strchr (open + 1, '"') : NULL;
  g_autofree char *start = NULL;
  g_autofree char *name = NULL;
  g_auto (GStrv) parts = NULL;
  InnVmdkVerdict verdict;

  if (close == NULL || strchr (close + 1, '"') != NULL)
    return INN_VMDK_DAMAGED;
  start = g_strndup (line, (gsize)(open - line));
  parts = g_strsplit_set (g_strchomp (start), " \t", -1);
  if (g_strv_length (parts) != 3 || !g_ascii_isdigit (*parts[1]))
    return INN_VMDK_DAMAGED;

  name = g_strndup (open + 1, (gsize)(close - open - 1));
  verdict = judge_name (name);
  if (verdict == INN_VMDK_GOOD)
    g_strv_builder_add (files, name);
  return verdict;
}

static gboolean
is_extent (const char *line)
{
  g_autofree char *access = g_strndup (line, strcspn (line, " \t\v\f"));

  return g_str_equal (access, "RW") || g_str_equal (access, "RDONLY")
         || g_str_equal (access, "NOACCESS");
}

/* A line is empty, a comment, an extent, or a key with a value; nothing else is let through to
 * a reader that may take it for something. */
static InnVmdkVerdict
judge_line (const char *line, GStrvBuilder *files)
{
  const char *equals = strchr (line, '=');
  const char *quote = strchr (line, '"');

  if (*line == '\0' || *line == '#')
    return INN_VMDK_GOOD;
  if (is_extent (line))
    return judge_extent (line, files);

  return equals != NULL && (quote == NULL || equals < quote) ? INN_VMDK_GOOD : INN_VMDK_DAMAGED;
}

static InnVmdkVerdict
judge_text (const char *text, GStrv *ret_files)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) lines = g_strsplit_set (text, "\r\n", -1);
  g_auto (GStrv) files = NULL;
  InnVmdkVerdict verdict = INN_VMDK_GOOD;

  for (guint i = 0; lines[i] != NULL && verdict == INN_VMDK_GOOD; i++)
    verdict = judge_line (g_strstrip (lines[i]), builder);
  files = g_strv_builder_end (builder);
  if (verdict == INN_VMDK_GOOD && *files == NULL)
    verdict = INN_VMDK_DAMAGED;
  if (verdict == INN_VMDK_GOOD)
    *ret_files = g_steal_pointer (&files);

  return verdict;
}

InnVmdkVerdict
inn_foreign_image_judge_vmdk (const guint8 *data, gsize length, GStrv *ret_files)
{
  static const char *const none[] = { NULL };
  g_autofree char *text = g_strndup ((const char *)data, length); /* up to a NUL */

  if (has (data, length, 0, VMDK_TEXT_START))
    return strstr (text, VMDK_PARENT) != NULL ? INN_VMDK_HAS_PARENT : judge_text (text, ret_files);

  if (memmem (data, length, VMDK_PARENT, strlen (VMDK_PARENT)) != NULL)
    return INN_VMDK_HAS_PARENT;
  /* Without a size it is but a wrapper around such a text. */
  if (length < VMDK_CAPACITY + 8 || load_le64 (data + VMDK_CAPACITY) == 0)
    return INN_VMDK_DAMAGED;

  *ret_files = g_strdupv ((char **)none);
  return INN_VMDK_GOOD;
}
