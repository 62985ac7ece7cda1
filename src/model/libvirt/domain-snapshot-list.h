/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDomainSnapshotList: the snapshots of a domain at one moment, and what is done with them. All
 * calls block; not in the main thread.
 */
#pragma once

#include <libvirt/libvirt.h>

#include "model/libvirt/domain-snapshot-xml.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *snapshots;      /* of InnDomainSnapshot */
  char *current;             /* id, or NULL */
  gboolean reverts_external; /* libvirt can go back to external ones */
} InnDomainSnapshotList;

/* NULL when the driver has no snapshots. */
InnDomainSnapshotList *inn_domain_snapshot_list_read (virDomainPtr domain);
void inn_domain_snapshot_list_free (InnDomainSnapshotList *self);

/* @name NULL: one is chosen. Returns the id. */
char *inn_domain_snapshot_take (virDomainPtr domain,
                                const char *name,
                                const char *note,
                                gboolean kept,
                                GError **error);
gboolean inn_domain_snapshot_restore (virDomainPtr domain, const char *id, GError **error);
/* One that is gone already is no error. */
gboolean inn_domain_snapshot_delete (virDomainPtr domain, const char *id, GError **error);
/* NULL: stays as it is. */
gboolean inn_domain_snapshot_change (virDomainPtr domain,
                                     const char *id,
                                     const char *name,
                                     const char *note,
                                     gboolean kept,
                                     GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnDomainSnapshotList, inn_domain_snapshot_list_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (virDomainSnapshot, virDomainSnapshotFree)

G_END_DECLS
