/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CD images (ISO 9660, ECMA-119 section 8.4, the primary volume descriptor).
 */
#include "config.h"

#include "cd-image.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"

enum
{
  IDENTIFIER = 1,
  VOLUME_SPACE_SIZE = 80, /* in blocks; little-endian, then big-endian */
  LOGICAL_BLOCK_SIZE = 128,
};

InnCdImageVerdict
inn_cd_image_judge (const guint8 *descriptor, gsize length, guint64 size, guint64 *ret_expected)
{
  *ret_expected = 0;
  if (length < LOGICAL_BLOCK_SIZE + 2 || memcmp (descriptor + IDENTIFIER, "CD001", 5) != 0)
    return INN_CD_IMAGE_FOREIGN;

  *ret_expected = (guint64)load_le32 (descriptor + VOLUME_SPACE_SIZE)
                  * load_le16 (descriptor + LOGICAL_BLOCK_SIZE);
  return size < *ret_expected ? INN_CD_IMAGE_TRUNCATED : INN_CD_IMAGE_WHOLE;
}

/* As much of the descriptor as there is. Of a drive the size is where reading ends, too. */
static gsize
read_descriptor (int fd, guint8 *descriptor, guint64 *ret_size)
{
  const off_t end = lseek (fd, 0, SEEK_END);
  gsize length = 0;

  *ret_size = end > 0 ? (guint64)end : 0;
  if (*ret_size > INN_CD_IMAGE_DESCRIPTOR_OFFSET)
    length = (gsize)MIN (*ret_size - INN_CD_IMAGE_DESCRIPTOR_OFFSET,
                         (guint64)INN_CD_IMAGE_DESCRIPTOR_SIZE);

  return length > 0 && fd_read_at (fd, descriptor, length, INN_CD_IMAGE_DESCRIPTOR_OFFSET) == 0
             ? length
             : 0;
}

char *
inn_cd_image_get_warning (const char *path)
{
  guint8 descriptor[INN_CD_IMAGE_DESCRIPTOR_SIZE];
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  g_autofree char *has = NULL;
  g_autofree char *wanted = NULL;
  guint64 size, expected;
  gsize length;

  if (fd < 0)
    return NULL;

  length = read_descriptor (fd, descriptor, &size);
  fd_close (&fd);
  switch (inn_cd_image_judge (descriptor, length, size, &expected))
    {
    case INN_CD_IMAGE_FOREIGN:
      return g_strdup_printf (_ ("“%s” does not look like a CD image; the machine may find nothing "
                                 "to start on it."),
                              path);
    case INN_CD_IMAGE_TRUNCATED:
      has = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);
      wanted = g_format_size_full (expected, G_FORMAT_SIZE_IEC_UNITS);
      return g_strdup_printf (_ ("The CD image “%s” is cut off: it has %s of %s. Download or copy "
                                 "it again."),
                              path, has, wanted);
    case INN_CD_IMAGE_WHOLE:
    default:
      return NULL;
    }
}
