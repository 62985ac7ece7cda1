/* SPDX-License-Identifier: GPL-3.0-or-later */
/* https://libvirt.org/formatstorage.html; a session has no pool until somebody defines one. */
#include "model/libvirt/disk-volume.h"

#include <libvirt/virterror.h>

#include "model/libvirt/libvirt-error.h"

#define POOL          "innkeeper"
#define SYSTEM_POOL   "default"
#define SYSTEM_FOLDER "/var/lib/libvirt/images"

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virStoragePool, virStoragePoolFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virStorageVol, virStorageVolFree)

static virStoragePoolPtr
define_pool (virConnectPtr connection, gboolean session)
{
  g_autofree char *folder
      = session ? g_build_filename (g_get_user_data_dir (), "innkeeper", "libvirt", "images", NULL)
                : g_strdup (SYSTEM_FOLDER);
  g_autofree char *xml = g_markup_printf_escaped (
      "<pool type='dir'><name>%s</name><target><path>%s</path></target></pool>", POOL, folder);
  virStoragePoolPtr pool = virStoragePoolDefineXML (connection, xml, /* flags= */ 0);

  if (pool != NULL && virStoragePoolBuild (pool, VIR_STORAGE_POOL_BUILD_NEW) == 0)
    virStoragePoolSetAutostart (pool, 1);
  return pool;
}

/* The pool of this place, active and up to date; NULL: see the last error. */
static virStoragePoolPtr
open_pool (virConnectPtr connection, gboolean session)
{
  g_autoptr (virStoragePool) pool = NULL;

  if (!session)
    pool = virStoragePoolLookupByName (connection, SYSTEM_POOL);
  if (pool == NULL)
    pool = virStoragePoolLookupByName (connection, POOL);
  if (pool == NULL)
    pool = define_pool (connection, session);
  if (pool == NULL)
    return NULL;
  if (virStoragePoolIsActive (pool) != 1 && virStoragePoolCreate (pool, /* flags= */ 0) < 0)
    return NULL;
  virStoragePoolRefresh (pool, /* flags= */ 0);
  return g_steal_pointer (&pool);
}

char *
inn_disk_volume_create (virConnectPtr connection,
                        gboolean session,
                        const char *uuid,
                        guint64 size,
                        GError **error)
{
  g_autoptr (virStoragePool) pool = open_pool (connection, session);
  g_autoptr (virStorageVol) volume = NULL;
  g_autofree char *xml = NULL;
  char *path = NULL;

  xml = g_strdup_printf ("<volume><name>%s.qcow2</name>"
                         "<capacity unit='bytes'>%" G_GUINT64_FORMAT "</capacity>"
                         "<allocation>0</allocation>"
                         "<target><format type='qcow2'/></target></volume>",
                         uuid, size);
  if (pool != NULL)
    volume = virStorageVolCreateXML (pool, xml, /* flags= */ 0);
  if (volume != NULL)
    path = virStorageVolGetPath (volume);
  if (path == NULL)
    inn_libvirt_take_error (error);
  return path;
}

gboolean
inn_disk_volume_delete (virConnectPtr connection,
                        gboolean session,
                        const char *path,
                        GError **error)
{
  g_autoptr (virStoragePool) pool = open_pool (connection, session);
  g_autoptr (virStorageVol) volume = virStorageVolLookupByPath (connection, path);

  if (volume == NULL && pool != NULL && inn_libvirt_last_code () == VIR_ERR_NO_STORAGE_VOL)
    return TRUE;
  if (volume != NULL && virStorageVolDelete (volume, /* flags= */ 0) == 0)
    return TRUE;
  inn_libvirt_take_error (error);
  return FALSE;
}
