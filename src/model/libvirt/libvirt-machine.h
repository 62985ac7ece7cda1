/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnLibvirtMachine: one domain of a libvirt connection.
 */
#pragma once

#include "model/libvirt/domain-reading.h"
#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_LIBVIRT_MACHINE (inn_libvirt_machine_get_type ())
G_DECLARE_FINAL_TYPE (InnLibvirtMachine, inn_libvirt_machine, INN, LIBVIRT_MACHINE, InnMachine)

InnLibvirtMachine *inn_libvirt_machine_new (InnDomainReading *reading);

/* Takes over what was read, unless something newer is known already. */
void inn_libvirt_machine_apply (InnLibvirtMachine *self, InnDomainReading *reading);
/* Whether what is known was read after @stamp. */
gboolean inn_libvirt_machine_is_newer (InnLibvirtMachine *self, guint64 stamp);

G_END_DECLS
