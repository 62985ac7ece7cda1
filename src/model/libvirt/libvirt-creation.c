/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/libvirt-creation.h"

#include <string.h>

#include <glib/gi18n.h>

#include "model/error.h"
#include "model/libvirt/disk-volume.h"
#include "model/libvirt/libvirt-console.h"
#include "model/libvirt/libvirt-error.h"

struct _InnLibvirtCreation
{
  virConnectPtr connection;
  gboolean session;
  gboolean kvm;
  InnNewMachine *machine;
};

InnLibvirtCreation *
inn_libvirt_creation_new (virConnectPtr connection,
                          gboolean session,
                          gboolean kvm,
                          const InnNewMachine *machine)
{
  InnLibvirtCreation *self = g_new (InnLibvirtCreation, 1);

  self->connection = connection;
  self->session = session;
  self->kvm = kvm;
  self->machine = inn_new_machine_copy (machine);
  return self;
}

void
inn_libvirt_creation_free (InnLibvirtCreation *self)
{
  virConnectClose (self->connection);
  inn_new_machine_free (self->machine);
  g_free (self);
}

gboolean
inn_libvirt_creation_check_name (virConnectPtr connection, const char *name, GError **error)
{
  g_autoptr (virDomain) domain = NULL;

  if (strchr (name, '/') != NULL || strchr (name, '\n') != NULL)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID,
                           _ ("A name cannot have “/” in it here. Choose another name."));
      return FALSE;
    }
  domain = virDomainLookupByName (connection, name);
  if (domain == NULL)
    return TRUE;
  g_set_error (error, INN_ERROR, INN_ERROR_EXISTS,
               _ ("There is a machine “%s” already. Choose another name."), name);
  return FALSE;
}

static virDomainPtr
define_domain (InnLibvirtCreation *self, const char *uuid, const char *disk, GError **error)
{
  g_autofree char *log = inn_libvirt_console_log_path (uuid);
  InnDomainPlan plan = {
    .uuid = uuid,
    .kvm = self->kvm,
    .disk_path = disk,
    .serial_log = self->session ? log : NULL,
  };
  g_autofree char *xml = inn_domain_xml_build (self->machine, &plan, error);
  virDomainPtr domain;

  if (xml == NULL)
    return NULL;
  domain = virDomainDefineXMLFlags (self->connection, xml, /* flags= */ 0);
  if (domain == NULL)
    inn_libvirt_take_error (error);
  return domain;
}

InnDomainReading *
inn_libvirt_creation_run (InnLibvirtCreation *self, GError **error)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *disk = NULL;
  g_autoptr (virDomain) domain = NULL;

  if (!inn_libvirt_creation_check_name (self->connection, self->machine->name, error))
    return NULL;
  if (self->machine->disk_size > 0)
    {
      disk = inn_disk_volume_create (self->connection, self->session, uuid,
                                     self->machine->disk_size, error);
      if (disk == NULL)
        return NULL;
    }
  domain = define_domain (self, uuid, disk, error);
  if (domain != NULL)
    return inn_domain_reading_new (domain, error);
  if (disk != NULL)
    inn_disk_volume_delete (self->connection, self->session, disk, NULL, NULL);
  return NULL;
}
