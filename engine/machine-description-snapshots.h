/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine's description says about its snapshots: which one its disks derive from, and
 * which one its next start goes on with. In the <metadata> of libvirt domain XML, under a namespace
 * of our own. Pure.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

/* The UUID of a snapshot, or NULL. Transfer full. */
char *inn_machine_description_get_current_snapshot (const InnMachineDescription *self);
/* The snapshot whose memory the next start loads. */
char *inn_machine_description_get_resume_snapshot (const InnMachineDescription *self);
/* NULL removes. */
void inn_machine_description_set_current_snapshot (InnMachineDescription *self, const char *id);
void inn_machine_description_set_resume_snapshot (InnMachineDescription *self, const char *id);

G_END_DECLS
