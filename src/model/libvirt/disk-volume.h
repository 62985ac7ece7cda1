/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disks Innkeeper makes at a libvirt place, as volumes of a storage pool. All calls block.
 */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

G_BEGIN_DECLS

/* Makes an empty qcow2 disk of @size bytes for the machine @uuid. Returns its path. In a session it
 * is in Innkeeper's own folder, elsewhere in the default pool. */
char *inn_disk_volume_create (virConnectPtr connection,
                              gboolean session,
                              const char *uuid,
                              guint64 size,
                              GError **error);

/* Deletes the disk. One that is gone already is no error. */
gboolean inn_disk_volume_delete (virConnectPtr connection,
                                 gboolean session,
                                 const char *path,
                                 GError **error);

G_END_DECLS
