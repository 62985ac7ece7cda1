/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/domain-snapshot-list.h"

#include <glib/gi18n.h>
#include <libvirt/virterror.h>

#include "model/libvirt/libvirt-error.h"

/* The first libvirt that goes back to external snapshots. */
#define REVERTS_EXTERNAL 9010000

static void
add_snapshot (InnDomainSnapshotList *self, virDomainSnapshotPtr snapshot)
{
  char *xml = virDomainSnapshotGetXMLDesc (snapshot, /* flags= */ 0);
  InnDomainSnapshot *parsed = xml != NULL ? inn_domain_snapshot_parse (xml, -1, NULL) : NULL;

  free (xml);
  if (parsed != NULL && self->snapshots->len < INN_DOMAIN_MAX_SNAPSHOTS)
    g_ptr_array_add (self->snapshots, parsed);
  else
    inn_domain_snapshot_free (parsed);
}

static char *
get_current (virDomainPtr domain)
{
  g_autoptr (virDomainSnapshot) snapshot = NULL;

  if (virDomainHasCurrentSnapshot (domain, /* flags= */ 0) == 1)
    snapshot = virDomainSnapshotCurrent (domain, /* flags= */ 0);
  return snapshot != NULL ? g_strdup (virDomainSnapshotGetName (snapshot)) : NULL;
}

InnDomainSnapshotList *
inn_domain_snapshot_list_read (virDomainPtr domain)
{
  virDomainSnapshotPtr *snapshots = NULL;
  int n = virDomainListAllSnapshots (domain, &snapshots, /* flags= */ 0);
  InnDomainSnapshotList *self;
  unsigned long version = 0;

  if (n < 0)
    return NULL;
  self = g_new0 (InnDomainSnapshotList, 1);
  self->snapshots = g_ptr_array_new_with_free_func ((GDestroyNotify)inn_domain_snapshot_free);
  for (int i = 0; i < n; i++)
    {
      add_snapshot (self, snapshots[i]);
      virDomainSnapshotFree (snapshots[i]);
    }
  free (snapshots);
  inn_domain_snapshots_repair (self->snapshots);
  if (n > 0)
    {
      self->current = get_current (domain);
      virConnectGetLibVersion (virDomainGetConnect (domain), &version);
      self->reverts_external = version >= REVERTS_EXTERNAL;
    }
  return self;
}

void
inn_domain_snapshot_list_free (InnDomainSnapshotList *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->snapshots);
  g_free (self->current);
  g_free (self);
}

static gboolean
is_taken (const char *id, gpointer domain)
{
  g_autoptr (virDomainSnapshot) snapshot = virDomainSnapshotLookupByName (domain, id, 0);

  return snapshot != NULL;
}

char *
inn_domain_snapshot_take (virDomainPtr domain,
                          const char *name,
                          const char *note,
                          gboolean kept,
                          GError **error)
{
  g_autofree char *chosen
      = g_strdup_printf (_ ("Snapshot %d"), virDomainSnapshotNum (domain, /* flags= */ 0) + 1);
  g_autofree char *id = NULL;
  g_autofree char *xml = NULL;
  g_autoptr (virDomainSnapshot) snapshot = NULL;

  if (name == NULL || *name == '\0')
    name = chosen;
  id = inn_domain_snapshot_choose_id (name, is_taken, domain);
  xml = inn_domain_snapshot_xml_build (id, note);
  snapshot = virDomainSnapshotCreateXML (domain, xml, /* flags= */ 0);
  if (snapshot == NULL)
    {
      inn_libvirt_take_error (error);
      return NULL;
    }
  /* It is taken; without what cannot be noted, it is only less well named. */
  if (kept || !g_str_equal (id, name))
    inn_domain_snapshot_change (domain, id, name, NULL, kept, NULL);
  return g_steal_pointer (&id);
}

gboolean
inn_domain_snapshot_restore (virDomainPtr domain, const char *id, GError **error)
{
  g_autoptr (virDomainSnapshot) snapshot = virDomainSnapshotLookupByName (domain, id, 0);
  int status = -1;

  if (snapshot != NULL)
    status = virDomainRevertToSnapshot (snapshot, /* flags= */ 0);
  /* The machine has been changed since, and QEMU has to be started anew. */
  if (status < 0 && snapshot != NULL && inn_libvirt_last_code () == VIR_ERR_SNAPSHOT_REVERT_RISKY)
    status = virDomainRevertToSnapshot (snapshot, VIR_DOMAIN_SNAPSHOT_REVERT_FORCE);
  if (status < 0)
    inn_libvirt_take_error (error);
  return status >= 0;
}

gboolean
inn_domain_snapshot_delete (virDomainPtr domain, const char *id, GError **error)
{
  g_autoptr (virDomainSnapshot) snapshot = virDomainSnapshotLookupByName (domain, id, 0);

  if (snapshot == NULL && inn_libvirt_last_code () == VIR_ERR_NO_DOMAIN_SNAPSHOT)
    return TRUE;
  if (snapshot != NULL && virDomainSnapshotDelete (snapshot, /* flags= */ 0) == 0)
    return TRUE;
  inn_libvirt_take_error (error);
  return FALSE;
}

static gboolean
redefine (virDomainPtr domain, virDomainSnapshotPtr snapshot, const char *xml)
{
  const unsigned int current = virDomainSnapshotIsCurrent (snapshot, /* flags= */ 0) == 1
                                   ? VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT
                                   : 0;
  g_autoptr (virDomainSnapshot) again
      = virDomainSnapshotCreateXML (domain, xml, VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | current);

  return again != NULL;
}

gboolean
inn_domain_snapshot_change (virDomainPtr domain,
                            const char *id,
                            const char *name,
                            const char *note,
                            gboolean kept,
                            GError **error)
{
  g_autoptr (virDomainSnapshot) snapshot = virDomainSnapshotLookupByName (domain, id, 0);
  g_autofree char *changed = NULL;
  char *xml = NULL;

  if (snapshot != NULL)
    xml = virDomainSnapshotGetXMLDesc (snapshot, VIR_DOMAIN_SNAPSHOT_XML_SECURE);
  if (xml == NULL)
    {
      inn_libvirt_take_error (error);
      return FALSE;
    }
  changed = inn_domain_snapshot_xml_change (xml, name, note, kept, error);
  free (xml);
  if (changed == NULL)
    return FALSE;
  if (redefine (domain, snapshot, changed))
    return TRUE;
  inn_libvirt_take_error (error);
  return FALSE;
}
