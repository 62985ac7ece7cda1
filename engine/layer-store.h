/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnLayerStore: the folder of layers, the files that the disks of machines and snapshots are made
 * of. A layer is written by one machine (active), or never again (frozen: mode 0444); a new
 * qcow2 layer on a frozen one starts as that one's content. Names are UUIDs and formats, and a
 * layer names the one it builds on without a folder.
 *
 * "With the lock": the caller holds inn_machine_store_lock(). These may block; any thread.
 */
#pragma once

#include "image/image-copy.h"
#include "machine-description-disks.h"
#include "machine-store.h"

G_BEGIN_DECLS

typedef struct _InnLayerStore InnLayerStore;

InnLayerStore *inn_layer_store_new (InnMachineStore *machines);
void inn_layer_store_free (InnLayerStore *self);

/* Whether the file is a layer. */
gboolean inn_layer_store_owns (const InnLayerStore *self, const char *path);
/* "raw" or "qcow2", by a layer's name. */
const char *inn_layer_store_get_format (const char *path);

/*
 * Whether a machine's disk is its own to freeze: a layer, or a file in the machine's folder. FALSE
 * without an error for what no snapshot is made of: CD drives, and read-only disks elsewhere.
 */
gboolean inn_layer_store_check_disk (const InnLayerStore *self,
                                     const InnMachineDescription *machine,
                                     const InnDiskDescription *disk,
                                     GError **error);

/* Whether the machine's VMM may have written more than is in the files. */
typedef enum
{
  INN_LAYER_OF_STOPPED,
  INN_LAYER_OF_RUNNING,
} InnLayerSource;

/*
 * With the lock: freezes a disk of @machine that passed the check. The description then names what
 * the machine writes from now on: an overlay on it, which may be the one that it has and has not
 * written to yet. Takes effect once the description is stored. The frozen layer, transfer full;
 * NULL on error.
 */
char *inn_layer_store_freeze (InnLayerStore *self,
                              InnLayerSource source,
                              InnMachineDescription *machine,
                              const char *target,
                              GError **error);
/*
 * With the lock: gives a disk that passed the check a name among the layers, where it has none. The
 * disk stays what it is until a definition says otherwise. Transfer full, NULL on error.
 */
char *inn_layer_store_adopt (InnLayerStore *self, const InnDiskDescription *disk, GError **error);
/* With the lock: a new active layer on @layer. Transfer full, NULL on error. */
char *inn_layer_store_add_overlay (InnLayerStore *self, const char *layer, GError **error);
/* The layer that @layer shows without having anything itself, transfer full; NULL when it has. No
 * VMM writes it. */
char *inn_layer_store_find_base (const InnLayerStore *self, const char *layer);
/* Makes durable which layers there are. */
gboolean inn_layer_store_sync (const InnLayerStore *self, GError **error);

/* Whether the layer and all it builds on can be read; the error names the one that cannot. */
gboolean inn_layer_store_check_chain (const InnLayerStore *self, const char *layer, GError **error);
/* The same, and that the tables of each are sound. Nobody writes any of them meanwhile. */
gboolean inn_layer_store_examine (const InnLayerStore *self, const char *layer, GError **error);

/*
 * With the lock: removes what no machine and no snapshot needs, and what an interrupted change left
 * behind, and freezes what no machine writes. Nothing that somebody has open is removed.
 */
gboolean inn_layer_store_collect (InnLayerStore *self, GError **error);

/*
 * A raw file that holds what the disk shows, under a name that collecting leaves alone as long as
 * *@ret_fd is open. Its path, transfer full; NULL on error. @format: of @path, "raw" or "qcow2".
 */
char *inn_layer_store_copy (InnLayerStore *self,
                            const char *path,
                            const char *format,
                            const struct image_progress *progress,
                            int *ret_fd,
                            GError **error);

/*
 * Makes chains shorter: a layer that nobody names and that one other builds on becomes part of that
 * one. What a running machine writes is left as it is, and so is what changes meanwhile; nothing is
 * done while another process is at it. It can be cut off at any time. *@ret_merged: layers less.
 */
gboolean inn_layer_store_merge (InnLayerStore *self,
                                const struct image_progress *progress,
                                guint *ret_merged,
                                GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnLayerStore, inn_layer_store_free)

G_END_DECLS
