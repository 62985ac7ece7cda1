/* SPDX-License-Identifier: GPL-3.0-or-later */
/* https://libvirt.org/formatstorage.html; a session has no pool until somebody defines one. */
#include "model/libvirt/disk-volume.h"

#include <glib/gi18n.h>
#include <libvirt/virterror.h>

#include "model/error.h"
#include "model/libvirt/libvirt-error.h"
#include "model/libvirt/xml-node.h"

#define POOL          "innkeeper"
#define SYSTEM_POOL   "default"
#define SYSTEM_FOLDER "/var/lib/libvirt/images"

/* Bases of bases. */
#define MAX_DEPTH 64

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

static virStoragePoolPtr
find_pool (virConnectPtr connection, gboolean session)
{
  virStoragePoolPtr pool = NULL;

  if (!session)
    pool = virStoragePoolLookupByName (connection, SYSTEM_POOL);
  if (pool == NULL)
    pool = virStoragePoolLookupByName (connection, POOL);
  return pool;
}

/* The pool of this place, active and up to date; NULL: see the last error. */
static virStoragePoolPtr
open_pool (virConnectPtr connection, gboolean session)
{
  g_autoptr (virStoragePool) pool = find_pool (connection, session);

  if (pool == NULL)
    pool = define_pool (connection, session);
  if (pool == NULL)
    return NULL;
  if (virStoragePoolIsActive (pool) != 1 && virStoragePoolCreate (pool, /* flags= */ 0) < 0)
    return NULL;
  virStoragePoolRefresh (pool, /* flags= */ 0);
  return g_steal_pointer (&pool);
}

/* Takes the last error of libvirt when it is NULL. */
static char *
take_path (virStorageVolPtr volume, GError **error)
{
  char *path = volume != NULL ? virStorageVolGetPath (volume) : NULL;

  if (path == NULL)
    inn_libvirt_take_error (error);
  return path;
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

  xml = g_strdup_printf ("<volume><name>%s.qcow2</name>"
                         "<capacity unit='bytes'>%" G_GUINT64_FORMAT "</capacity>"
                         "<allocation>0</allocation>"
                         "<target><format type='qcow2'/></target></volume>",
                         uuid, size);
  if (pool != NULL)
    volume = virStorageVolCreateXML (pool, xml, /* flags= */ 0);
  return take_path (volume, error);
}

/* ---- other people's files ---- */

/* A pool of the folder of @path, for as long as something in it is needed. */
static virStoragePoolPtr
borrow_folder (virConnectPtr connection, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *xml = g_markup_printf_escaped (
      "<pool type='dir'><name>innkeeper-%s</name><target><path>%s</path></target></pool>", id,
      folder);

  return virStoragePoolCreateXML (connection, xml, /* flags= */ 0);
}

/* What is found, with the pool that was made to find it, or NULL. */
typedef struct
{
  virStorageVolPtr volume;
  virStoragePoolPtr borrowed;
} Found;

static void
found_clear (Found *found)
{
  g_clear_pointer (&found->volume, virStorageVolFree);
  if (found->borrowed != NULL)
    virStoragePoolDestroy (found->borrowed);
  g_clear_pointer (&found->borrowed, virStoragePoolFree);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Found, found_clear)

static gboolean
find_volume (virConnectPtr connection, const char *path, Found *found)
{
  found->volume = virStorageVolLookupByPath (connection, path);
  if (found->volume != NULL)
    return TRUE;
  found->borrowed = borrow_folder (connection, path);
  if (found->borrowed != NULL)
    found->volume = virStorageVolLookupByPath (connection, path);
  return found->volume != NULL;
}

static xmlDoc *
read_volume (virStorageVolPtr volume)
{
  char *xml = virStorageVolGetXMLDesc (volume, /* flags= */ 0);
  xmlDoc *document = xml != NULL ? inn_xml_document_parse (xml, -1, "volume") : NULL;

  free (xml);
  return document;
}

/* What libvirt takes it for, by its contents, and what it would be read as. */
static gboolean
has_format (virStorageVolPtr volume, const char *format)
{
  g_autoptr (xmlDoc) document = read_volume (volume);
  xmlNode *target;

  if (document == NULL)
    return FALSE;
  target = inn_xml_node_get_child (xmlDocGetRootElement (document), "target");
  return inn_xml_node_attribute_is (inn_xml_node_get_child (target, "format"), "type", format);
}

/* The file it stands on, or NULL. */
static char *
get_base (virStorageVolPtr volume)
{
  g_autoptr (xmlDoc) document = read_volume (volume);
  xmlNode *backing;

  if (document == NULL)
    return NULL;
  backing = inn_xml_node_get_child (xmlDocGetRootElement (document), "backingStore");
  return inn_xml_node_get_text (inn_xml_node_get_child (backing, "path"));
}

/* ---- copies ---- */

char *
inn_disk_volume_copy (virConnectPtr connection,
                      gboolean session,
                      const char *name,
                      const char *path,
                      const char *format,
                      GError **error)
{
  g_autoptr (virStoragePool) pool = open_pool (connection, session);
  g_autoptr (virStorageVol) volume = NULL;
  g_auto (Found) source = { NULL, NULL };
  g_autofree char *xml = g_markup_printf_escaped (
      "<volume><name>%s</name><capacity>0</capacity><target><format type='qcow2'/></target>"
      "</volume>",
      name);

  if (pool == NULL || !find_volume (connection, path, &source))
    return take_path (NULL, error);
  /* A guest can write the header of another format to a raw disk, with files of this computer in
   * it: what libvirt reads by that is not what the guest has. */
  if (!has_format (source.volume, format))
    {
      g_set_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                   _ ("The disk “%s” does not look like the kind of disk that it is. It cannot be "
                      "copied safely."),
                   path);
      return NULL;
    }
  volume = virStorageVolCreateXMLFrom (pool, xml, source.volume, /* flags= */ 0);
  return take_path (volume, error);
}

guint64
inn_disk_volume_get_allocation (virConnectPtr connection, gboolean session, const char *name)
{
  g_autoptr (virStoragePool) pool = find_pool (connection, session);
  g_autoptr (virStorageVol) volume = NULL;
  virStorageVolInfo info;

  if (pool != NULL)
    volume = virStorageVolLookupByName (pool, name);
  if (volume == NULL || virStorageVolGetInfo (volume, &info) < 0)
    return 0;
  return info.allocation;
}

char *
inn_disk_volume_create_overlay (virConnectPtr connection,
                                gboolean session,
                                const char *name,
                                const char *path,
                                const char *format,
                                guint64 size,
                                GError **error)
{
  g_autoptr (virStoragePool) pool = open_pool (connection, session);
  g_autoptr (virStorageVol) volume = NULL;
  g_autofree char *xml = g_markup_printf_escaped (
      "<volume><name>%s</name><capacity unit='bytes'>%" G_GUINT64_FORMAT "</capacity>"
      "<allocation>0</allocation><target><format type='qcow2'/></target>"
      "<backingStore><path>%s</path><format type='%s'/></backingStore></volume>",
      name, size, path, format);

  if (pool != NULL)
    volume = virStorageVolCreateXML (pool, xml, /* flags= */ 0);
  return take_path (volume, error);
}

gboolean
inn_disk_volume_copy_file (virConnectPtr connection,
                           const char *path,
                           const char *name,
                           char **ret_copy,
                           GError **error)
{
  g_auto (Found) source = { NULL, NULL };
  g_autoptr (virStoragePool) pool = NULL;
  g_autoptr (virStorageVol) copy = NULL;
  g_autofree char *xml = g_markup_printf_escaped (
      "<volume><name>%s</name><capacity>0</capacity><target><format type='raw'/></target></volume>",
      name);

  *ret_copy = NULL;
  if (!find_volume (connection, path, &source))
    {
      /* The folder is made with the first file in it. */
      if (source.borrowed != NULL || inn_libvirt_last_code () == VIR_ERR_SYSTEM_ERROR)
        return TRUE;
      inn_libvirt_take_error (error);
      return FALSE;
    }
  pool = virStoragePoolLookupByVolume (source.volume);
  if (pool != NULL)
    copy = virStorageVolCreateXMLFrom (pool, xml, source.volume, /* flags= */ 0);
  *ret_copy = take_path (copy, error);
  return *ret_copy != NULL;
}

/* ---- deleting ---- */

/* Whether a disk of the pool stands on @path. */
static gboolean
is_base (virStoragePoolPtr pool, const char *path)
{
  virStorageVolPtr *volumes = NULL;
  int n = virStoragePoolListAllVolumes (pool, &volumes, /* flags= */ 0);
  gboolean found = n < 0; /* not known */

  for (int i = 0; i < n; i++)
    {
      g_autofree char *base = get_base (volumes[i]);

      found |= g_strcmp0 (base, path) == 0;
      virStorageVolFree (volumes[i]);
    }
  free (volumes);
  return found;
}

/* *@ret_base: the file it stood on, or NULL. */
static gboolean
delete_volume (virConnectPtr connection, const char *path, char **ret_base, GError **error)
{
  g_autoptr (virStorageVol) volume = virStorageVolLookupByPath (connection, path);

  *ret_base = NULL;
  if (volume == NULL && inn_libvirt_last_code () == VIR_ERR_NO_STORAGE_VOL)
    return TRUE;
  if (volume != NULL)
    *ret_base = get_base (volume);
  if (volume != NULL && virStorageVolDelete (volume, /* flags= */ 0) == 0)
    return TRUE;
  inn_libvirt_take_error (error);
  return FALSE;
}

gboolean
inn_disk_volume_delete (virConnectPtr connection,
                        gboolean session,
                        const char *path,
                        const char *const *bases,
                        GError **error)
{
  g_autoptr (virStoragePool) pool = open_pool (connection, session);
  g_autofree char *next = g_strdup (path);

  if (pool == NULL)
    {
      inn_libvirt_take_error (error);
      return FALSE;
    }
  for (guint depth = 0; depth < MAX_DEPTH; depth++)
    {
      g_autofree char *base = NULL;

      if (!delete_volume (connection, next, &base, error))
        return FALSE;
      if (base == NULL || bases == NULL || !g_strv_contains (bases, base) || is_base (pool, base))
        break;
      g_free (next);
      next = g_steal_pointer (&base);
    }
  return TRUE;
}

void
inn_disk_volume_delete_file (virConnectPtr connection, const char *path)
{
  g_auto (Found) found = { NULL, NULL };

  if (find_volume (connection, path, &found))
    virStorageVolDelete (found.volume, /* flags= */ 0);
}
