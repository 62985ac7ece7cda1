/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/libvirt/libvirt-handle.h"

#include <glib/gi18n.h>

#include "model/error.h"
#include "model/libvirt/domain-reading.h"
#include "model/libvirt/domain-xml.h"
#include "model/libvirt/libvirt-connection.h"
#include "model/libvirt/libvirt-error.h"
#include "model/libvirt/libvirt-uri.h"
#include "model/libvirt/own-daemon.h"

#define KEEPALIVE_INTERVAL_SECONDS 5
#define KEEPALIVE_COUNT            3

/* Reference counted: libvirt and the owner may let go of it in any order. */
struct _InnLibvirtLink
{
  GWeakRef owner;
  const InnLibvirtListener *listener;
  gboolean is_cut; /* main thread only */
};

InnLibvirtLink *
inn_libvirt_link_new (GObject *owner, const InnLibvirtListener *listener)
{
  InnLibvirtLink *self = g_atomic_rc_box_new0 (InnLibvirtLink);

  g_weak_ref_init (&self->owner, owner);
  self->listener = listener;
  return self;
}

InnLibvirtLink *
inn_libvirt_link_ref (InnLibvirtLink *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
link_clear (gpointer data)
{
  g_weak_ref_clear (&((InnLibvirtLink *)data)->owner);
}

void
inn_libvirt_link_unref (InnLibvirtLink *self)
{
  g_atomic_rc_box_release_full (self, link_clear);
}

void
inn_libvirt_link_cut (InnLibvirtLink *self)
{
  self->is_cut = TRUE;
}

gboolean
inn_libvirt_link_is_cut (InnLibvirtLink *self)
{
  return self->is_cut;
}

/* Something libvirt reported. */
typedef struct
{
  InnLibvirtLink *link;
  char *uuid; /* of the domain that changed; NULL: the connection has been lost */
} Report;

static void
report_free (gpointer data)
{
  Report *report = data;

  inn_libvirt_link_unref (report->link);
  g_free (report->uuid);
  g_free (report);
}

static gboolean
on_report (gpointer data)
{
  const Report *report = data;
  g_autoptr (GObject) owner = g_weak_ref_get (&report->link->owner);

  if (owner == NULL || report->link->is_cut)
    return G_SOURCE_REMOVE;
  if (report->uuid != NULL)
    report->link->listener->domain_changed (owner, report->uuid);
  else
    report->link->listener->lost (owner);
  return G_SOURCE_REMOVE;
}

/* The owner is looked up only in the main thread: here its last reference could be dropped. */
static void
send_report (InnLibvirtLink *link, const char *uuid)
{
  Report *report = g_new (Report, 1);

  report->link = inn_libvirt_link_ref (link);
  report->uuid = g_strdup (uuid);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_report, report, report_free);
}

static int
on_lifecycle_event (virConnectPtr connection,
                    virDomainPtr domain,
                    int event,
                    int detail,
                    void *user_data)
{
  char uuid[VIR_UUID_STRING_BUFLEN];

  if (virDomainGetUUIDString (domain, uuid) == 0)
    send_report (user_data, uuid);
  return 0;
}

static void
on_closed (virConnectPtr connection, int reason, void *user_data)
{
  if (reason != VIR_CONNECT_CLOSE_REASON_CLIENT)
    send_report (user_data, NULL);
}

static void
release_link (void *link)
{
  inn_libvirt_link_unref (link);
}

/* A driver may know neither keep-alive messages nor events nor the end of a connection. */
static void
listen_to (InnLibvirtHandle *self)
{
  virConnectSetKeepAlive (self->connection, KEEPALIVE_INTERVAL_SECONDS, KEEPALIVE_COUNT);
  /* Not every driver that accepts this callback releases its data: that is left to the handle. */
  virConnectRegisterCloseCallback (self->connection, on_closed, self->link, NULL);
  self->event_id
      = virConnectDomainEventRegisterAny (self->connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                          VIR_DOMAIN_EVENT_CALLBACK (on_lifecycle_event),
                                          inn_libvirt_link_ref (self->link), release_link);
  if (self->event_id < 0)
    inn_libvirt_link_unref (self->link);
}

static gboolean
is_supported (virConnectPtr connection, const char *architecture, const char *type)
{
  char *capabilities = virConnectGetDomainCapabilities (connection, NULL, architecture, "q35", type,
                                                        /* flags= */ 0);
  gboolean supported = capabilities != NULL;

  free (capabilities);
  return supported;
}

/* FALSE with an error when it is a place for QEMU that has no QEMU. */
static gboolean
probe_facts (virConnectPtr connection, const char *uri, InnLibvirtFacts *facts, GError **error)
{
  char *capabilities;
  g_autofree char *architecture = NULL;

  if (!inn_libvirt_uri_has_scheme (uri, "qemu"))
    return TRUE;
  capabilities = virConnectGetCapabilities (connection);
  if (capabilities != NULL)
    architecture = inn_capabilities_parse_architecture (capabilities);
  free (capabilities);
  if (g_strcmp0 (architecture, "x86_64") != 0)
    return TRUE;

  facts->qemu = is_supported (connection, architecture, "qemu");
  if (!facts->qemu)
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE,
                           _ ("QEMU is not installed. Install the package “qemu-system-x86”."));
      return FALSE;
    }
  facts->kvm = is_supported (connection, architecture, "kvm");
  return TRUE;
}

static virConnectPtr
connect_to (const char *uri, gboolean *own_daemon, GError **error)
{
  gboolean session = g_str_equal (uri, INN_LIBVIRT_SESSION_URI);
  g_autofree char *own_uri = NULL;
  virConnectPtr connection;

  if (session && !inn_own_daemon_is_installed ())
    {
      g_set_error_literal (error, INN_ERROR, INN_ERROR_UNAVAILABLE,
                           _ ("libvirt is not installed. Install the packages “libvirt-daemon” and "
                              "“libvirt-daemon-driver-qemu”."));
      return NULL;
    }
  *own_daemon = session && inn_own_daemon_is_needed ();
  if (*own_daemon)
    {
      own_uri = inn_own_daemon_ensure (error);
      if (own_uri == NULL)
        return NULL;
      uri = own_uri;
    }
  connection = virConnectOpen (uri);
  if (connection == NULL)
    inn_libvirt_take_error (error);
  return connection;
}

InnLibvirtHandle *
inn_libvirt_handle_open (const char *uri, InnLibvirtLink *link, GError **error)
{
  InnLibvirtHandle *self;
  gboolean own_daemon;
  virConnectPtr connection = connect_to (uri, &own_daemon, error);

  if (connection == NULL)
    return NULL;

  self = g_new0 (InnLibvirtHandle, 1);
  self->connection = connection;
  self->link = inn_libvirt_link_ref (link);
  self->event_id = -1;
  self->own_daemon = own_daemon;
  if (probe_facts (connection, uri, &self->facts, error))
    {
      /* Listen first: what happens while the list is made must not be missed. */
      listen_to (self);
      self->stamp = inn_domain_reading_next_stamp ();
      self->readings = inn_domain_reading_list (connection, error);
    }
  if (self->readings == NULL)
    g_clear_pointer (&self, inn_libvirt_handle_close);
  return self;
}

/* The callbacks hold references on the connection: it would stay open with them. */
void
inn_libvirt_handle_close (InnLibvirtHandle *self)
{
  if (self->event_id >= 0)
    virConnectDomainEventDeregisterAny (self->connection, self->event_id);
  virConnectUnregisterCloseCallback (self->connection, on_closed);
  virConnectClose (self->connection);
  inn_libvirt_link_unref (self->link);
  g_clear_pointer (&self->readings, g_ptr_array_unref);
  g_free (self);
}
