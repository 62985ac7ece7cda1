/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a domain keeps what its guest writes: its own disks and its UEFI variables. Pure; the XML
 * is hostile.
 */
#pragma once

#include "model/libvirt/xml-node.h"

G_BEGIN_DECLS

#define INN_DOMAIN_MAX_DISKS 256

/* Whether it is a disk that the guest writes and no other domain does. */
gboolean inn_domain_disk_is_own (xmlNode *disk);
/* The next own disk at or after @node among its siblings, or NULL. */
xmlNode *inn_domain_disk_find (xmlNode *node);
/* Absolute path of its file, or NULL. */
char *inn_domain_disk_get_path (xmlNode *disk);
/* "raw" when it does not say. */
char *inn_domain_disk_get_format (xmlNode *disk);

/* A summary. */
typedef struct
{
  gboolean qemu;      /* QEMU runs it */
  guint n_disks;      /* own ones */
  guint n_shared;     /* that the guest writes with others */
  gboolean in_files;  /* all own disks are files */
  gboolean in_qcow2;  /* all of them, the shared ones too, are qcow2 */
  gboolean variables; /* it has UEFI variables that are not in qcow2 */
} InnDomainStorage;

void inn_domain_storage_read (xmlNode *domain, InnDomainStorage *ret_storage);

G_END_DECLS
