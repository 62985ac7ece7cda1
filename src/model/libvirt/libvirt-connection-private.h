/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the machines of a libvirt connection need of it.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "model/libvirt/libvirt-connection.h"
#include "model/libvirt/libvirt-serial.h"
#include "model/libvirt/libvirt-worker.h"

G_BEGIN_DECLS

/* A new reference (virConnectClose), or NULL with INN_ERROR_UNAVAILABLE while it is not open. */
virConnectPtr inn_libvirt_connection_ref_handle (InnLibvirtConnection *self, GError **error);
InnLibvirtWorker *inn_libvirt_connection_get_worker (InnLibvirtConnection *self);
/* The daemon runs as this user and keeps its files in this user's folders. */
gboolean inn_libvirt_connection_is_session (InnLibvirtConnection *self);
/* Descriptors can be passed: it is reached by a Unix socket of this computer. */
gboolean inn_libvirt_connection_is_local (InnLibvirtConnection *self);
/* Keeps @serial until it is closed, and closes it with the connection. */
void inn_libvirt_connection_keep_serial (InnLibvirtConnection *self, InnLibvirtSerial *serial);
/* Its domain is gone: it leaves, and no earlier reading brings it back. */
void inn_libvirt_connection_remove (InnLibvirtConnection *self, InnMachine *machine);
/* Reads one domain anew. */
void inn_libvirt_connection_refresh (InnLibvirtConnection *self, const char *uuid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virConnect, virConnectClose)

G_END_DECLS
