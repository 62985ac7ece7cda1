/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The store of a machine's UEFI variables: a file that the firmware sees as a flash chip, made as a
 * copy of the firmware's template at the machine's first start. A guest writes it, so nothing in it
 * is believed. These may block; any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a store begins with is looked at, no more. */
#define INN_VARIABLE_STORE_HEADER_SIZE 4096

/* What changes left behind the store take more than they change. */
#define INN_VARIABLE_STORE_JOURNAL_MARGIN (64 << 10)

/*
 * Whether @header, the first bytes of a file of @size bytes, begins a firmware volume that fills
 * that file (UEFI Platform Initialization, volume 3, EFI_FIRMWARE_VOLUME_HEADER). Pure.
 */
gboolean inn_variable_store_check (const guint8 *header, gsize length, guint64 size);

/*
 * Opens the store at @path for a guest, a copy of @template_path when it is not there yet. Returns
 * a close-on-exec descriptor that holds an exclusive lock, or -1: a store that is damaged or does
 * not fit the firmware is refused with a sentence that says how to reset it.
 */
int inn_variable_store_open (const char *path, const char *template_path, GError **error);

/* The same for a copy in a file without a name, which is in @folder: the store stays as it is, and
 * none is made. */
int inn_variable_store_open_copy (const char *path,
                                  const char *template_path,
                                  const char *folder,
                                  GError **error);

/* Puts the store aside, so that the next start begins with fresh variables. *@ret_kept is its new
 * path, NULL when there was none; transfer full. The machine must be off. */
gboolean inn_variable_store_reset (const char *path, char **ret_kept, GError **error);

G_END_DECLS
