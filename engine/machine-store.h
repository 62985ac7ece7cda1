/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnMachineStore: the folder of machines, one folder each, named by UUID, with "domain.xml" and
 * the disks made for it. Every process reads it anew, so all of them see the same machines.
 *
 * Signal "changed" (const char *uuid): that machine came, went or changed; NULL: any may have.
 * "snapshots-changed" (const char *uuid): the snapshots of that machine did.
 * Emitted in the thread-default main context of inn_machine_store_open().
 *
 * The functions may block on the disk and, those that change something, on another process that
 * changes something. Any thread, except for open and close.
 */
#pragma once

#include <glib-object.h>

#include "machine-description.h"

G_BEGIN_DECLS

#define INN_TYPE_MACHINE_STORE (inn_machine_store_get_type ())
G_DECLARE_FINAL_TYPE (InnMachineStore, inn_machine_store, INN, MACHINE_STORE, GObject)

/* @data_dir: the folder that holds "machines". */
InnMachineStore *inn_machine_store_new (const char *data_dir);
/* Makes the folder when needed, removes what a killed process left half-made, and watches. */
gboolean inn_machine_store_open (InnMachineStore *self, GError **error);
void inn_machine_store_close (InnMachineStore *self);

/* UUIDs of all machines, in order. Transfer full, never NULL. */
GStrv inn_machine_store_list (InnMachineStore *self);
gboolean inn_machine_store_contains (InnMachineStore *self, const char *uuid);
/* The folder of all machines. Borrowed. */
const char *inn_machine_store_get_path (InnMachineStore *self);
/* The folder of a machine; transfer full. */
char *inn_machine_store_get_folder (InnMachineStore *self, const char *uuid);

/* The machine's validated description; on error *@ret_name is the best name that is known for it
 * all the same (transfer full, never NULL then). */
InnMachineDescription *
inn_machine_store_load (InnMachineStore *self, const char *uuid, char **ret_name, GError **error);

/* The description in a file that was written for that machine, validated. */
InnMachineDescription *
inn_machine_store_load_file (const char *path, const char *uuid, GError **error);

/*
 * For a change that takes more than one of these functions: waits until nobody else changes the
 * store. A descriptor that holds its lock until it is closed, or -1. What comes after these two
 * wants it.
 */
int inn_machine_store_lock (InnMachineStore *self, GError **error);
/* The same, for who knows the folder of all machines alone. */
int inn_machine_store_lock_folder (const char *path, GError **error);
/* Replaces the definition of a machine that is there, and keeps its name. */
gboolean inn_machine_store_write (InnMachineStore *self,
                                  const InnMachineDescription *description,
                                  GError **error);

/* Whether no other machine has its name, one that is being prepared included. */
gboolean inn_machine_store_check_name (InnMachineStore *self,
                                       const InnMachineDescription *wanted,
                                       GError **error);

/* Puts a new machine's files into @folder, which will be found as @final_folder, and says so in
 * @description. */
typedef gboolean (*InnMachineFill) (const char *folder,
                                    const char *final_folder,
                                    InnMachineDescription *description,
                                    gpointer data,
                                    GError **error);

/* Makes a machine as inn_machine_store_create() does, of the files that @fill makes. */
gboolean inn_machine_store_add (InnMachineStore *self,
                                InnMachineDescription *description,
                                InnMachineFill fill,
                                gpointer data,
                                GError **error);

/*
 * For a machine that runs before it is there: makes it as inn_machine_store_add() does, but only
 * inn_machine_store_publish() gives its folder the name by which it is found. The folder as it is
 * called until then, transfer full, or NULL; who gives up removes it. While *@ret_fd is open it is
 * left alone. When that process ends before, what has the machine's lock is published by who comes
 * next, and all else is removed.
 */
char *inn_machine_store_prepare (InnMachineStore *self,
                                 InnMachineDescription *description,
                                 InnMachineFill fill,
                                 gpointer data,
                                 int *ret_fd,
                                 GError **error);
gboolean inn_machine_store_publish (InnMachineStore *self, const char *uuid, GError **error);

/* Makes a machine with @n_disks new disks, which are added to @description. All or nothing. */
gboolean inn_machine_store_create (InnMachineStore *self,
                                   InnMachineDescription *description,
                                   const guint64 *disk_sizes,
                                   guint n_disks,
                                   GError **error);
/* Replaces the definition of the machine with that UUID. */
gboolean inn_machine_store_replace (InnMachineStore *self,
                                    const InnMachineDescription *description,
                                    GError **error);
/* Changes the definition as it is now, with no change of another process between. */
gboolean inn_machine_store_change (InnMachineStore *self,
                                   const char *uuid,
                                   InnMachineChange change,
                                   gpointer data,
                                   GError **error);
/* Makes a new, empty disk in the machine's folder, which its definition does not name yet. Returns
 * its path, transfer full, or NULL. */
char *inn_machine_store_create_disk (InnMachineStore *self,
                                     const char *uuid,
                                     guint64 size,
                                     GError **error);
/* Removes the machine and everything in its folder. INN_ENGINE_ERROR_BUSY while it runs. */
gboolean inn_machine_store_remove (InnMachineStore *self,
                                   const char *uuid,
                                   const char *name,
                                   GError **error);

G_END_DECLS
