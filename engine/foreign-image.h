/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of other programs' disks say about themselves. Pure; the bytes are hostile.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  INN_DISK_FORMAT_RAW,
  INN_DISK_FORMAT_QCOW2,
  INN_DISK_FORMAT_VMDK,
  INN_DISK_FORMAT_VDI,
  INN_DISK_FORMAT_VHD,
  INN_DISK_FORMAT_VHDX,
} InnDiskFormat;

#define INN_DISK_FORMAT_N (INN_DISK_FORMAT_VHDX + 1)

/* As much of a file's start as tells its format. */
#define INN_FOREIGN_IMAGE_START 512

/* "raw", "qcow2", "vmdk", "vdi", "vhd", "vhdx". */
const char *inn_disk_format_to_word (InnDiskFormat format);
/* The same as QEMU's tools have it. */
const char *inn_disk_format_to_qemu_word (InnDiskFormat format);
gboolean inn_disk_format_from_word (const char *word, InnDiskFormat *ret_format);
/* The format that a file's name ends in; FALSE: in none of them. */
gboolean inn_disk_format_from_name (const char *name, InnDiskFormat *ret_format);

/* By the file's first bytes; raw when they are no other's. A VHD of fixed size begins with the
 * guest's own bytes, so it is not found. */
InnDiskFormat inn_foreign_image_probe (const guint8 *start, gsize length);

/* Whether it is an archive (tar), which is what an OVA with disks in it is. */
gboolean inn_foreign_image_is_archive (const guint8 *start, gsize length);

/* Whether that is the last sector of a VHD, or the first of one that grows. */
gboolean inn_foreign_image_is_vhd_footer (const guint8 *sector, gsize length);
/* Whether such a sector says that what is missing is in another file. */
gboolean inn_foreign_image_vhd_has_parent (const guint8 *sector, gsize length);

/* A VMDK is one file, or a text that names the files that the disk is in. */
#define INN_VMDK_TEXT_SIZE (1 << 20) /* it has fewer bytes */

typedef enum
{
  INN_VMDK_GOOD,
  INN_VMDK_DAMAGED,
  INN_VMDK_HAS_PARENT, /* what is missing is in another file */
  INN_VMDK_ELSEWHERE,  /* it names a file that is not in its folder */
} InnVmdkVerdict;

/*
 * Judges one that begins with @data, or all of the text. *@ret_files, of a good one: names of the
 * other files, in its folder; transfer full, with no names when it is one file.
 */
InnVmdkVerdict inn_foreign_image_judge_vmdk (const guint8 *data, gsize length, GStrv *ret_files);

/* How much of a file that is one VMDK is looked at. */
#define INN_VMDK_START (512 + 20 * 512)

G_END_DECLS
