/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a file is, by its first bytes: ISO 9660 (ECMA-119) that can be booted (El Torito 1.0), a
 * Linux bzImage (Linux boot protocol), a disk image of some format, a raw disk with an MBR or GPT.
 * Pure; the bytes are hostile.
 */
#pragma once

#include <glib.h>

#include "model/new-machine.h"

G_BEGIN_DECLS

/* How much of a file is looked at: the system area and the volume descriptors of an ISO. */
#define INN_MEDIUM_PROBE_SIZE (64 * 1024)

/* The kind of a file that begins with @data (fewer bytes than INN_MEDIUM_PROBE_SIZE: the whole
 * file), or INN_MEDIUM_NONE and INN_ERROR_INVALID with a sentence that says why not. */
InnMediumKind inn_medium_probe (const guint8 *data, gsize length, GError **error);

/* How many bytes an ISO that begins with @data says it has (ECMA-119 section 8.4); 0: it is none.
 */
guint64 inn_medium_probe_iso_size (const guint8 *data, gsize length);

G_END_DECLS
