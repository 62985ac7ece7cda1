/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMediumInfo: what a medium is and what a machine for it should have, each with the reason, by
 * libosinfo's database; by the name of the file and common sense where that knows nothing.
 */
#pragma once

#include <gio/gio.h>

#include "model/new-machine.h"

G_BEGIN_DECLS

typedef struct
{
  InnMediumKind kind;
  char *title;        /* "Fedora 37 installer", or the name of the medium or the file */
  char *name;         /* a name for the machine: "Fedora 37" */
  gboolean known;     /* libosinfo knows the system */
  guint64 whole_size; /* bytes an ISO says it has: more than the file's when it is cut off */
  guint64 memory;     /* bytes; never more than half of this computer's */
  guint64 disk_size;  /* bytes of a new disk; 0: none needed */
  guint vcpus;
  InnMachineFirmware firmware;
  char *initrd_path; /* of a kernel: the initial RAM disk that lies beside it, or NULL */
  /* Translated, short. */
  char *memory_reason;
  char *disk_reason;
  char *vcpus_reason;
  char *firmware_reason;
} InnMediumInfo;

/* Looks at the file in a thread. The first one takes longer: the database has to be loaded. Errors
 * as inn_new_machine_probe_medium(). */
void inn_medium_info_query_async (const char *path,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
InnMediumInfo *inn_medium_info_query_finish (GAsyncResult *result, GError **error);

/* What a machine that starts from the network should have. */
InnMediumInfo *inn_medium_info_new_network (void);

void inn_medium_info_free (InnMediumInfo *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnMediumInfo, inn_medium_info_free)

G_END_DECLS
