/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/domain-reading.h"

#include <string.h>

#include <glib/gi18n.h>
#include <libvirt/virterror.h>

#include "model/error.h"
#include "model/libvirt/libvirt-error.h"

#define MAX_DISK_ERRORS 64

G_LOCK_DEFINE_STATIC (last_stamp);
static guint64 last_stamp; /* protected by its lock */

guint64
inn_domain_reading_next_stamp (void)
{
  guint64 stamp;

  G_LOCK (last_stamp);
  stamp = ++last_stamp;
  G_UNLOCK (last_stamp);
  return stamp;
}

static InnMachineState
get_off_state (int reason, const char **status_text)
{
  switch (reason)
    {
    case VIR_DOMAIN_SHUTOFF_CRASHED:
      *status_text = _ ("The guest has crashed.");
      return INN_MACHINE_CRASHED;
    case VIR_DOMAIN_SHUTOFF_FAILED:
      *status_text = _ ("It could not be started.");
      return INN_MACHINE_OFF;
    default:
      return INN_MACHINE_OFF;
    }
}

static InnMachineState
get_paused_state (int reason, gboolean no_space, const char **status_text)
{
  switch (reason)
    {
    case VIR_DOMAIN_PAUSED_STARTING_UP:
      return INN_MACHINE_STARTING;
    case VIR_DOMAIN_PAUSED_SHUTTING_DOWN:
      return INN_MACHINE_SHUTTING_DOWN;
    case VIR_DOMAIN_PAUSED_CRASHED:
      *status_text = _ ("The guest has crashed.");
      return INN_MACHINE_PAUSED;
    case VIR_DOMAIN_PAUSED_IOERROR:
      if (no_space)
        {
          *status_text = _ ("The guest is paused: the disk of this computer is full. Nothing is "
                            "lost. Free some space, then press Resume.");
          return INN_MACHINE_NO_SPACE;
        }
      *status_text = _ ("The guest is paused: a disk could not be read or written. Look after the "
                        "disk, then press Resume.");
      return INN_MACHINE_PAUSED;
    default:
      return INN_MACHINE_PAUSED;
    }
}

InnMachineState
inn_domain_state (int state, int reason, gboolean no_space, const char **status_text)
{
  *status_text = NULL;
  switch (state)
    {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
      return INN_MACHINE_RUNNING;
    case VIR_DOMAIN_PAUSED:
    case VIR_DOMAIN_PMSUSPENDED:
      return get_paused_state (state == VIR_DOMAIN_PAUSED ? reason : 0, no_space, status_text);
    case VIR_DOMAIN_SHUTDOWN:
      return INN_MACHINE_SHUTTING_DOWN;
    case VIR_DOMAIN_CRASHED:
      *status_text = _ ("The guest has crashed.");
      return INN_MACHINE_CRASHED;
    case VIR_DOMAIN_SHUTOFF:
    default:
      return get_off_state (reason, status_text);
    }
}

static gboolean
has_no_space (virDomainPtr domain)
{
  virDomainDiskError errors[MAX_DISK_ERRORS];
  int n = virDomainGetDiskErrors (domain, errors, G_N_ELEMENTS (errors), /* flags= */ 0);
  gboolean no_space = FALSE;

  for (int i = 0; i < n; i++)
    {
      no_space |= errors[i].error == VIR_DOMAIN_DISK_ERROR_NO_SPACE;
      free (errors[i].disk);
    }
  return no_space;
}

/* A domain that is off goes on with the memory that libvirt keeps of it. */
static void
read_saved (InnDomainReading *self, virDomainPtr domain)
{
  const int saved = virDomainHasManagedSaveImage (domain, /* flags= */ 0);

  self->can_save = saved >= 0;
  if (saved == 1 && !inn_machine_state_is_active (self->state))
    {
      self->state = INN_MACHINE_SAVED;
      self->status_text = NULL;
    }
}

InnDomainReading *
inn_domain_reading_new (virDomainPtr domain, GError **error)
{
  g_autoptr (InnDomainReading) self = g_new0 (InnDomainReading, 1);
  int state, reason;
  gboolean no_space;
  char *xml;

  self->stamp = inn_domain_reading_next_stamp ();
  xml = virDomainGetXMLDesc (domain, /* flags= */ 0);
  if (xml == NULL || virDomainGetState (domain, &state, &reason, /* flags= */ 0) < 0)
    {
      inn_libvirt_take_error (error);
      free (xml);
      return NULL;
    }
  self->description = inn_domain_description_parse (xml, -1, error);
  free (xml);
  if (self->description == NULL)
    return NULL;

  no_space
      = state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_IOERROR && has_no_space (domain);
  self->state = inn_domain_state (state, reason, no_space, &self->status_text);
  read_saved (self, domain);
  self->snapshots = inn_domain_snapshot_list_read (domain);
  return g_steal_pointer (&self);
}

InnDomainReading *
inn_domain_reading_lookup (virConnectPtr connection,
                           const char *uuid,
                           gboolean *gone,
                           GError **error)
{
  g_autoptr (virDomain) domain = virDomainLookupByUUIDString (connection, uuid);
  InnDomainReading *reading = NULL;

  if (domain != NULL)
    reading = inn_domain_reading_new (domain, error);
  else
    inn_libvirt_take_error (error);
  *gone = reading == NULL && inn_libvirt_last_code () == VIR_ERR_NO_DOMAIN;
  return reading;
}

GPtrArray *
inn_domain_reading_list (virConnectPtr connection, GError **error)
{
  virDomainPtr *domains = NULL;
  int n = virConnectListAllDomains (connection, &domains, /* flags= */ 0);
  GPtrArray *readings;

  if (n < 0)
    {
      inn_libvirt_take_error (error);
      return NULL;
    }
  readings = g_ptr_array_new_with_free_func ((GDestroyNotify)inn_domain_reading_free);
  for (int i = 0; i < n; i++)
    {
      g_autoptr (GError) problem = NULL;
      InnDomainReading *reading = inn_domain_reading_new (domains[i], &problem);

      if (reading != NULL)
        g_ptr_array_add (readings, reading);
      else
        g_debug ("domain left out: %s", problem->message);
      virDomainFree (domains[i]);
    }
  free (domains);
  return readings;
}

void
inn_domain_reading_free (InnDomainReading *self)
{
  if (self == NULL)
    return;
  inn_domain_description_free (self->description);
  inn_domain_snapshot_list_free (self->snapshots);
  g_free (self);
}
