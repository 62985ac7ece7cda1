/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnLayerScan: who needs which layers, as the disk says now. Every definition of a machine, what a
 * running machine was started with, and every definition of a snapshot names layers; qcow2 layers
 * name those they build on. Nothing else is kept about that, so nothing can be out of date.
 *
 * A machine and each of its snapshots are items. These may block; any thread.
 */
#pragma once

#include "machine-store.h"

G_BEGIN_DECLS

typedef struct _InnLayerScan InnLayerScan;

/* A file in the folder of layers, or one that is missing there. */
typedef struct
{
  char *name;
  guint64 allocated; /* bytes on the disk */
  guint64 device;
  guint64 inode;
  char *backing;    /* the name of the layer it builds on, or NULL */
  char *trouble;    /* why it is not known what it builds on: a sentence; NULL: it is known */
  guint n_items;    /* that need it */
  guint n_children; /* layers that build on it */
  guint n_named;    /* items that name it: a disk of theirs shows it */
  char *writer;     /* UUID of a machine that writes it, or NULL */
} InnLayer;

typedef struct
{
  guint64 own;    /* bytes on the disk that go with the item */
  guint64 shared; /* that others need too */
} InnLayerSizes;

InnLayerScan *inn_layer_scan_new (InnMachineStore *machines);
void inn_layer_scan_free (InnLayerScan *self);

/*
 * Whether it is known what every item needs. Where it is not, because a definition cannot be read
 * or a layer that is needed is damaged or missing, nothing may be removed; the error says which.
 */
gboolean inn_layer_scan_check_complete (const InnLayerScan *self, GError **error);

/* Of InnLayer, borrowed. */
const GPtrArray *inn_layer_scan_get_layers (const InnLayerScan *self);
/* NULL when nothing has or names it. */
const InnLayer *inn_layer_scan_find (const InnLayerScan *self, const char *name);
/* @snapshot NULL: of the machine as it is, with the disks in its own folder. */
InnLayerSizes
inn_layer_scan_get_sizes (const InnLayerScan *self, const char *machine, const char *snapshot);

/* Paths of the layers that nobody but the machine and its snapshots need. Transfer full. */
GStrv inn_layer_scan_list_own (const InnLayerScan *self, const char *machine);

/* The folder of layers; transfer full. */
char *inn_layer_scan_get_folder (InnMachineStore *machines);
/* Whether a file of that name in it is a layer: a UUID and a format. */
gboolean inn_layer_scan_is_name (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnLayerScan, inn_layer_scan_free)

G_END_DECLS
