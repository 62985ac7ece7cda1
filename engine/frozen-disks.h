/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The disks of a machine that are being frozen, all at one moment, for a snapshot or a clone. With
 * the store's lock; any thread.
 */
#pragma once

#include "layer-store.h"

G_BEGIN_DECLS

typedef struct
{
  char *target;   /* in the definition */
  char *layer;    /* the disk as it is, frozen from now on */
  char *active;   /* what the machine writes from now on */
  gboolean fresh; /* active was made now; else layer is what it builds on */
} InnFrozenDisk;

/* Of InnFrozenDisk, in the order of the definition; NULL when one cannot be frozen. */
GPtrArray *inn_frozen_disks_list (const InnLayerStore *layers,
                                  const InnMachineDescription *machine,
                                  GError **error);
/* Makes what each goes on in, which @machine then names. The paths are there from now on. */
gboolean inn_frozen_disks_freeze (GPtrArray *disks,
                                  InnLayerStore *layers,
                                  InnLayerSource source,
                                  InnMachineDescription *machine,
                                  GError **error);
/* @machine names the layers again, which are written by who never stopped doing so. */
void inn_frozen_disks_give_back (const GPtrArray *disks, InnMachineDescription *machine);

G_END_DECLS
