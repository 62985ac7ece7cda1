/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDomainReading: all that is known of one domain at one moment, read in a worker thread and
 * applied to its machine in the main thread.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "model/libvirt/domain-snapshot-list.h"
#include "model/libvirt/domain-xml.h"
#include "model/machine-state.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 stamp; /* readings begun later have a greater one */
  InnDomainDescription *description;
  InnMachineState state;
  const char *status_text;          /* translated, or NULL */
  gboolean can_save;                /* its memory can be saved */
  InnDomainSnapshotList *snapshots; /* NULL: the driver has none */
} InnDomainReading;

/* What libvirt's state and reason (virDomainState, e.g. virDomainPausedReason) mean. @no_space: a
 * disk of the domain found no space. Pure. */
InnMachineState
inn_domain_state (int state, int reason, gboolean no_space, const char **status_text);

/* The three block; not in the main thread. */
InnDomainReading *inn_domain_reading_new (virDomainPtr domain, GError **error);
/* Of @uuid: INN_ERROR_FAILED when it is gone and then *@gone is TRUE. */
InnDomainReading *inn_domain_reading_lookup (virConnectPtr connection,
                                             const char *uuid,
                                             gboolean *gone,
                                             GError **error);
/* Of all domains: InnDomainReading. Those that vanish meanwhile are left out. */
GPtrArray *inn_domain_reading_list (virConnectPtr connection, GError **error);

void inn_domain_reading_free (InnDomainReading *self);
/* A stamp for now. */
guint64 inn_domain_reading_next_stamp (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnDomainReading, inn_domain_reading_free)

G_END_DECLS
