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

/* Makes a disk of the name @name with what the one at @path (of @format) holds, alone and as qcow2.
 * Returns its path. Takes as long as copying it. */
char *inn_disk_volume_copy (virConnectPtr connection,
                            gboolean session,
                            const char *name,
                            const char *path,
                            const char *format,
                            GError **error);
/* The bytes that the disk of that name takes by now; 0 when it is not there. */
guint64
inn_disk_volume_get_allocation (virConnectPtr connection, gboolean session, const char *name);

/* Makes a qcow2 disk of the name @name and @size bytes that holds what differs from the one at
 * @path (of @format), which must not change any more. Returns its path. */
char *inn_disk_volume_create_overlay (virConnectPtr connection,
                                      gboolean session,
                                      const char *name,
                                      const char *path,
                                      const char *format,
                                      guint64 size,
                                      GError **error);

/* Copies the file at @path to one of the name @name in its folder. *@ret_copy is NULL when there is
 * no such file. */
gboolean inn_disk_volume_copy_file (virConnectPtr connection,
                                    const char *path,
                                    const char *name,
                                    char **ret_copy,
                                    GError **error);

/* Deletes the disk, and those of @bases that it alone stood on. One that is gone already is no
 * error. */
gboolean inn_disk_volume_delete (virConnectPtr connection,
                                 gboolean session,
                                 const char *path,
                                 const char *const *bases,
                                 GError **error);
/* Deletes what inn_disk_volume_copy_file() made. */
void inn_disk_volume_delete_file (virConnectPtr connection, const char *path);

G_END_DECLS
