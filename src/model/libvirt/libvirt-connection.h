/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtConnection: a place that libvirt reaches by a URI (https://libvirt.org/uri.html).
 *
 * "qemu:///session" is this computer: for an ordinary user the session daemon that libvirt starts
 * by itself, for root a daemon of Innkeeper's own (own-daemon.h), and the message says so. A
 * connection that breaks is opened again after 1, 2, 5, 10 and then every 30 seconds; its machines
 * stay in the list as they were last seen.
 *
 * Property "kvm-works" (gboolean, writable at any time): whether this computer's KVM really runs
 * guests. libvirt only knows that there is a device for it.
 */
#pragma once

#include "model/connection.h"

G_BEGIN_DECLS

#define INN_LIBVIRT_SESSION_URI "qemu:///session"
#define INN_LIBVIRT_SYSTEM_URI  "qemu:///system"

#define INN_TYPE_LIBVIRT_CONNECTION (inn_libvirt_connection_get_type ())
G_DECLARE_FINAL_TYPE (InnLibvirtConnection,
                      inn_libvirt_connection,
                      INN,
                      LIBVIRT_CONNECTION,
                      InnConnection)

InnConnection *inn_libvirt_connection_new (const char *uri, const char *title, gboolean kvm_works);

/* Whether a system daemon runs on this computer that this user may talk to: then there is a place
 * INN_LIBVIRT_SYSTEM_URI worth showing. */
gboolean inn_libvirt_has_system (void);

G_END_DECLS
