/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What layer-store.c and layer-merge.c share of InnLayerStore.
 */
#pragma once

#include "layer-store.h"

G_BEGIN_DECLS

#define INN_LAYER_NEW_PREFIX ".new-" /* of files that somebody is just writing, and has locked */

struct _InnLayerStore
{
  InnMachineStore *machines;
  char *folder;
};

/* The path of a layer, transfer full. */
char *inn_layer_store_get_path (const InnLayerStore *self, const char *name);
/* The name of the layer at @path. Borrowed from it. */
const char *inn_layer_store_get_name (const char *path);

/*
 * With the lock: a new, empty file under a name that is no layer's, locked. Its path, transfer
 * full, and a descriptor that holds the lock; NULL on error.
 */
char *inn_layer_store_add_file (InnLayerStore *self, int *ret_fd, GError **error);

/* Opens a chain for reading, or its first layer for writing. A layer may build on layers beside it
 * only, whatever its header says: a VMM that a guest has taken over writes headers, too. */
struct image_chain *inn_layer_store_open_chain (const char *path,
                                                const char *format,
                                                enum image_access access,
                                                GError **error);
/* The error for what image_copy() returned about the disk at @path. */
void inn_layer_store_set_copy_error (GError **error, const char *path, int r);

G_END_DECLS
