/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes a machine of another one, or of a snapshot; of a snapshot with memory, or of a machine that
 * is saved, the clone is a saved machine, which goes on from there. The clone is there with
 * everything or not at all. These block; any thread.
 */
#pragma once

#include "image/image-copy.h"
#include "machine-store.h"

G_BEGIN_DECLS

typedef enum
{
  INN_GUEST_CLONE_LINKED, /* shares the layers that both start from: done at once */
  INN_GUEST_CLONE_FULL,   /* has copies of all disks, and nothing in common afterwards */
  INN_GUEST_CLONE_LIVE,   /* of one that runs: goes on from this moment, with linked disks */
} InnGuestCloneKind;

typedef struct
{
  const char *uuid;       /* of the machine that is cloned */
  const char *snapshot;   /* id, or NULL for the machine as it is, which is off and stays off */
  const char *name;       /* of the clone */
  InnGuestCloneKind kind; /* linked or full */
} InnCloneRequest;

/* The new UUID, transfer full; NULL and an error, also G_IO_ERROR_CANCELLED. @progress may be
 * NULL. */
char *inn_machine_clone (InnMachineStore *machines,
                         const InnCloneRequest *request,
                         const struct image_progress *progress,
                         GError **error);

G_END_DECLS
