/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtCreation: making one new machine: its disk, then its domain; all or nothing.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "model/libvirt/domain-reading.h"
#include "model/new-machine.h"

G_BEGIN_DECLS

typedef struct _InnLibvirtCreation InnLibvirtCreation;

/* Takes over the reference on @connection. @session: its files belong to this user. @kvm: or
 * software emulation. */
InnLibvirtCreation *inn_libvirt_creation_new (virConnectPtr connection,
                                              gboolean session,
                                              gboolean kvm,
                                              const InnNewMachine *machine);
void inn_libvirt_creation_free (InnLibvirtCreation *self);

/* Blocks; not in the main thread. What was made, or NULL with an error and nothing left behind. */
InnDomainReading *inn_libvirt_creation_run (InnLibvirtCreation *self, GError **error);

/* FALSE with INN_ERROR_EXISTS when a machine of that name is there, INN_ERROR_INVALID when it is
 * none for libvirt. Blocks. */
gboolean
inn_libvirt_creation_check_name (virConnectPtr connection, const char *name, GError **error);

G_END_DECLS
