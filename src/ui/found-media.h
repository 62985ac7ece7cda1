/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnFoundMedia: the installation images and disks in the Downloads folder, newest first, as a
 * GListModel of InnMedium. The list fills when all of them have been looked at.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define INN_TYPE_FOUND_MEDIA (inn_found_media_get_type ())
G_DECLARE_FINAL_TYPE (InnFoundMedia, inn_found_media, INN, FOUND_MEDIA, GObject)

InnFoundMedia *inn_found_media_new (void);

/* Looks again; what was found stays until the new list is there. */
void inn_found_media_refresh (InnFoundMedia *self);

G_END_DECLS
