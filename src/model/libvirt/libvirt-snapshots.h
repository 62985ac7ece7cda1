/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtSnapshots: the snapshots of a machine of libvirt, and its clones. Snapshots are kept
 * inside of the disks. Its machine keeps it current.
 */
#pragma once

#include "model/libvirt/libvirt-machine.h"
#include "model/snapshots.h"

G_BEGIN_DECLS

#define INN_TYPE_LIBVIRT_SNAPSHOTS (inn_libvirt_snapshots_get_type ())
G_DECLARE_FINAL_TYPE (InnLibvirtSnapshots,
                      inn_libvirt_snapshots,
                      INN,
                      LIBVIRT_SNAPSHOTS,
                      InnSnapshots)

/* @machine: not kept alive. */
InnSnapshots *inn_libvirt_snapshots_new (InnMachine *machine);
/* Takes over what was read. */
void inn_libvirt_snapshots_apply (InnLibvirtSnapshots *self, const InnDomainReading *reading);

G_END_DECLS
