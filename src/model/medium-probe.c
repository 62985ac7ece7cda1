/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Magic numbers and the few fields around them that tell a real one from a chance hit. */
#include "model/medium-probe.h"

#include <string.h>

#include <glib/gi18n.h>

#include "model/error.h"

/* ECMA-119 section 8: volume descriptors start at sector 16 and end with type 255. */
#define ISO_SECTOR           2048
#define ISO_FIRST_DESCRIPTOR 16
#define ISO_BOOT_RECORD      0
#define ISO_TERMINATOR       255
/* Section 8.4, of the primary descriptor: little-endian first, then the same big-endian. */
#define ISO_PRIMARY    1
#define ISO_SPACE_SIZE 80
#define ISO_BLOCK_SIZE 128

/* Linux x86 boot protocol, "The Real-Mode Kernel Header". */
#define LINUX_BOOT_FLAG   0x1fe
#define LINUX_MAGIC       0x202
#define LINUX_VERSION     0x206
#define LINUX_LOADFLAGS   0x211
#define LINUX_LOADED_HIGH 0x01

#define TAR_MAGIC 257

#define MBR_TABLE     446
#define MBR_ENTRY     16
#define MBR_SIGNATURE 510

static gboolean
has_bytes (const guint8 *data, gsize length, gsize at, const char *bytes, gsize n)
{
  return at <= length && n <= length - at && memcmp (data + at, bytes, n) == 0;
}

#define HAS(at, literal) has_bytes (data, length, (at), literal, sizeof (literal) - 1)

static gboolean
is_iso (const guint8 *data, gsize length)
{
  return HAS (ISO_FIRST_DESCRIPTOR * ISO_SECTOR + 1, "CD001");
}

guint64
inn_medium_probe_iso_size (const guint8 *data, gsize length)
{
  const gsize at = (gsize)ISO_FIRST_DESCRIPTOR * ISO_SECTOR;
  const guint8 *descriptor;
  guint32 blocks;
  guint16 block_size;

  if (length < at + ISO_SECTOR || !is_iso (data, length) || data[at] != ISO_PRIMARY)
    return 0;

  descriptor = data + at;
  memcpy (&blocks, descriptor + ISO_SPACE_SIZE, sizeof blocks);
  memcpy (&block_size, descriptor + ISO_BLOCK_SIZE, sizeof block_size);
  return (guint64)GUINT32_FROM_LE (blocks) * GUINT16_FROM_LE (block_size);
}

/* El Torito section 2.0: a boot record whose boot system identifier names the specification. */
static gboolean
is_bootable_iso (const guint8 *data, gsize length)
{
  for (gsize at = ISO_FIRST_DESCRIPTOR * ISO_SECTOR; HAS (at + 1, "CD001"); at += ISO_SECTOR)
    {
      if (data[at] == ISO_TERMINATOR)
        return FALSE;
      if (data[at] == ISO_BOOT_RECORD && HAS (at + 7, "EL TORITO SPECIFICATION"))
        return TRUE;
    }
  return FALSE;
}

/* Version 2.00 is the first with this header; only a bzImage loads high. */
static gboolean
is_kernel (const guint8 *data, gsize length)
{
  return length > LINUX_LOADFLAGS && HAS (LINUX_BOOT_FLAG, "\x55\xaa") && HAS (LINUX_MAGIC, "HdrS")
         && data[LINUX_VERSION + 1] >= 2 && (data[LINUX_LOADFLAGS] & LINUX_LOADED_HIGH) != 0;
}

/* The GPT header is in the second block; a disk has blocks of 512 or 4096 bytes. */
static gboolean
has_gpt (const guint8 *data, gsize length)
{
  return HAS (512, "EFI PART") || HAS (4096, "EFI PART");
}

/* A boot sector has the same signature: the four entries must make sense, and one be in use. */
static gboolean
has_mbr (const guint8 *data, gsize length)
{
  guint used = 0;

  if (!HAS (MBR_SIGNATURE, "\x55\xaa"))
    return FALSE;
  for (guint i = 0; i < 4; i++)
    {
      const guint8 *entry = data + MBR_TABLE + i * MBR_ENTRY;
      const guint8 status = entry[0], type = entry[4];

      if ((status & 0x7f) != 0)
        return FALSE;
      used += type != 0;
    }
  return used > 0;
}

static gboolean
is_foreign (const guint8 *data, gsize length)
{
  return HAS (0, "KDMV") || HAS (0, "# Disk DescriptorFile") || HAS (0, "vhdxfile")
         || HAS (0, "conectix") || HAS (0x40, "\x7f\x10\xda\xbe");
}

InnMediumKind
inn_medium_probe (const guint8 *data, gsize length, GError **error)
{
  g_return_val_if_fail (data != NULL || length == 0, INN_MEDIUM_NONE);

  if (is_iso (data, length))
    {
      if (is_bootable_iso (data, length))
        return INN_MEDIUM_ISO;
      g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                           _ ("This CD image has nothing to boot from. Choose an installation or "
                              "live image."));
      return INN_MEDIUM_NONE;
    }
  if (is_kernel (data, length))
    return INN_MEDIUM_KERNEL;
  if (HAS (0, "QFI\xfb"))
    return INN_MEDIUM_QCOW2;
  if (has_gpt (data, length) || has_mbr (data, length))
    return INN_MEDIUM_DISK;

  if (is_foreign (data, length))
    return INN_MEDIUM_FOREIGN;

  if (HAS (TAR_MAGIC, "ustar"))
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                           _ ("This is an archive, perhaps an OVA. Unpack it with tar, and choose "
                              "the disk that is in it."));
      return INN_MEDIUM_NONE;
    }

  g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                       _ ("This file is no bootable CD image, Linux kernel or disk. Choose "
                          "another one."));
  return INN_MEDIUM_NONE;
}
