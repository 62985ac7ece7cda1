/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtClone: one clone of a QEMU machine that is off, carried out in a worker thread. Its
 * disks are made first and removed again when something after that fails.
 */
#pragma once

#include <gio/gio.h>

#include "model/libvirt/domain-reading.h"

G_BEGIN_DECLS

typedef struct _InnLibvirtClone InnLibvirtClone;

/* Of the machine @uuid. Takes over the reference @connection. @linked: the disks become bases that
 * never change, and both machines go on with disks of what differs from them. */
InnLibvirtClone *inn_libvirt_clone_new (virConnectPtr connection,
                                        gboolean session,
                                        const char *uuid,
                                        const char *name,
                                        gboolean linked,
                                        GCancellable *cancellable);
InnLibvirtClone *inn_libvirt_clone_ref (InnLibvirtClone *self);
void inn_libvirt_clone_unref (InnLibvirtClone *self);

/* Blocks. Returns the new domain. libvirt cannot stop the copying of a disk: what is cancelled ends
 * when that is done. */
InnDomainReading *inn_libvirt_clone_run (InnLibvirtClone *self, GError **error);
/* How far it is, from 0 to 1. Blocks; in another thread. */
double inn_libvirt_clone_get_progress (InnLibvirtClone *self);

G_END_DECLS
