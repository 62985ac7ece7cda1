/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CD images (ISO 9660, ECMA-119): whether a file looks like a whole one. It warns and never
 * refuses: a guest may find sense in what we do not know.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define INN_CD_IMAGE_DESCRIPTOR_OFFSET ((gsize)16 * 2048)
#define INN_CD_IMAGE_DESCRIPTOR_SIZE   2048

typedef enum
{
  INN_CD_IMAGE_WHOLE,
  INN_CD_IMAGE_FOREIGN, /* no ISO 9660 */
  INN_CD_IMAGE_TRUNCATED,
} InnCdImageVerdict;

/*
 * @descriptor: the bytes from INN_CD_IMAGE_DESCRIPTOR_OFFSET on, as far as the file of @size bytes
 * has them. *@ret_expected is the size it says it has, 0 when foreign. Pure.
 */
InnCdImageVerdict
inn_cd_image_judge (const guint8 *descriptor, gsize length, guint64 size, guint64 *ret_expected);

/* A translated warning about what a guest will not like, or NULL. Blocks; any thread. */
char *inn_cd_image_get_warning (const char *path);

G_END_DECLS
