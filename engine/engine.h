/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnEngine: all machines of this user on this computer that our own VMM runs. It is a GListModel
 * of InnGuest. There is no daemon: several engines in several processes see the same machines,
 * and guests run on when all of them are gone. Main thread only.
 *
 * This is the only header of the engine that the application includes.
 */
#pragma once

#include <gio/gio.h>

#include "cd-image.h"
#include "disk-image.h"
#include "engine-error.h"
#include "guest-snapshots.h"
#include "guest.h"
#include "host-check.h"
#include "host-memory.h"
#include "machine-description-boot.h"
#include "machine-description-devices.h"
#include "machine-description-disks.h"
#include "machine-description-network.h"
#include "machine-description-video.h"

G_BEGIN_DECLS

#define INN_TYPE_ENGINE (inn_engine_get_type ())
G_DECLARE_FINAL_TYPE (InnEngine, inn_engine, INN, ENGINE, GObject)

/* A machine to make. It needs something to start from: a kernel, a CD, a disk that is there, or the
 * network. */
typedef struct
{
  const char *name;
  guint64 memory; /* bytes */
  guint vcpus;
  InnFirmware firmware; /* INN_FIRMWARE_NONE: as fits, none with a kernel and BIOS without */
  const char *kernel;   /* absolute paths of files that are there, or NULL */
  const char *initrd;
  const char *cmdline; /* of the kernel; NULL: a console on the serial line */
  const char *cdrom;   /* the medium in a CD drive */
  /* A disk with a system on it: a raw one is used where it is, all others are copied. */
  const char *import;
  const char *import_format; /* NULL: what the file says; see disk-import.h */
  InnGuestProgress progress; /* of the copy; or NULL */
  gpointer progress_data;
  const guint64 *disk_sizes; /* bytes of new, empty disks */
  guint n_disks;
  gboolean network_boot; /* what is on the network is tried after the disks */
} InnNewGuest;

/* Folders to use instead of the user's own; NULL for those. */
InnEngine *inn_engine_new (const char *data_dir, const char *state_dir, const char *runtime_dir);

/* Reads the machines, attaches to those that run, and follows all changes from now on. */
gboolean inn_engine_open (InnEngine *self, GError **error);
/* Empties the list. Guests run on. */
void inn_engine_close (InnEngine *self);

/* Borrowed, or NULL. */
InnGuest *inn_engine_find (InnEngine *self, const char *uuid);
InnGuest *inn_engine_find_by_name (InnEngine *self, const char *name);

/* The other machine that writes to the disk at @path, borrowed, or NULL. @guest: not this one; may
 * be NULL. */
InnGuest *inn_engine_find_disk_user (InnEngine *self, const char *path, InnGuest *guest);

/* The other machine that has a network card of that address, borrowed, or NULL. */
InnGuest *inn_engine_find_mac_user (InnEngine *self, const char *mac, InnGuest *guest);

/*
 * Whether a port of this computer can lead to @guest: @forward is as in protocol/port-forward.h, no
 * other machine has the port, and no program uses it now. For a choice that a person has just made.
 */
gboolean
inn_engine_check_forward (InnEngine *self, const char *forward, InnGuest *guest, GError **error);

/* A translated warning when disks of @size bytes cannot all be filled, or NULL. */
char *inn_engine_get_space_warning (InnEngine *self, guint64 size);

/* Makes a machine; it is not started. @guest is used during the call only. */
void inn_engine_create_async (InnEngine *self,
                              const InnNewGuest *guest,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/* Transfer full. */
InnGuest *inn_engine_create_finish (InnEngine *self, GAsyncResult *result, GError **error);

/*
 * Takes libvirt domain XML. Replaces the definition of the machine with its UUID, or makes one; a
 * UUID is added where there is none. The files it names need not exist yet.
 */
void inn_engine_define_async (InnEngine *self,
                              const char *xml,
                              gsize length,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
/* Transfer full. */
InnGuest *inn_engine_define_finish (InnEngine *self, GAsyncResult *result, GError **error);

G_END_DECLS
