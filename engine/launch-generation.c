/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "launch-generation.h"

#include <string.h>

#include "machine-description-disks.h"

enum
{
  UUID_BYTES = 16,
  VERSION_BYTE = 6,
  VARIANT_BYTE = 8,
};

/* With its end, so that two names are not the same as one. */
static void
add_text (GChecksum *checksum, const char *text)
{
  if (text != NULL)
    g_checksum_update (checksum, (const guchar *)text, (gssize)strlen (text) + 1);
}

char *
inn_launch_generation_new (const InnMachineDescription *description)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 bytes[32];
  gsize length = sizeof (bytes);

  add_text (checksum, "generation");
  add_text (checksum, inn_machine_description_get_uuid (description));
  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->kind == INN_DISK_DISK)
        add_text (checksum, disk->path);
    }
  g_checksum_get_digest (checksum, bytes, &length);

  /* as UUIDs that are made of names are marked (RFC 4122) */
  bytes[VERSION_BYTE] = (guint8)(0x50 | (bytes[VERSION_BYTE] & 0x0f));
  bytes[VARIANT_BYTE] = (guint8)(0x80 | (bytes[VARIANT_BYTE] & 0x3f));
  return g_strdup_printf ("%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                          bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6],
                          bytes[7], bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13],
                          bytes[14], bytes[15]);
}
