/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * InnLaunchPlan: what starting one VMM takes: its command line, the files it inherits and under
 * which number, its environment. Pure.
 */
#pragma once

#include <glib.h>

#include "firmware.h"
#include "machine-description.h"

G_BEGIN_DECLS

typedef enum
{
  INN_LAUNCH_CONTROL_SOCKET, /* listening */
  INN_LAUNCH_VSOCK_SOCKET,   /* listening */
  INN_LAUNCH_END_RECORD,     /* where the VMM notes how it ended */
  INN_LAUNCH_LOCK,           /* of the machine; the VMM only keeps it */
  INN_LAUNCH_FIRMWARE,
  INN_LAUNCH_VARIABLES, /* of UEFI firmware */
  INN_LAUNCH_KERNEL,
  INN_LAUNCH_INITRD,
  INN_LAUNCH_DISK,
  INN_LAUNCH_READONLY_DISK,   /* and CD images, and what disks build on */
  INN_LAUNCH_DISPOSABLE_DISK, /* on the disk at the path, which stays as it is */
  INN_LAUNCH_NET_KEEPER,      /* the channel to one */
  INN_LAUNCH_MEMORY,          /* what a saved machine goes on from */
} InnLaunchFileKind;

typedef struct
{
  InnLaunchFileKind kind;
  char *path;         /* NULL for what has no path of its own in the definition */
  const char *format; /* of INN_LAUNCH_DISPOSABLE_DISK: that of the disk, "raw" or "qcow2" */
  GStrv forwards;     /* of INN_LAUNCH_NET_KEEPER */
  int number;         /* of the descriptor in the VMM */
} InnLaunchFile;

typedef struct
{
  GStrv argv;
  GStrv environment;
  GArray *files; /* of InnLaunchFile, numbers from 3 without a gap */
} InnLaunchPlan;

/* @description must be startable, @firmware what inn_firmware_choose() says of it, @chains what
 * inn_disk_chain_read_all() does. @memory: the file with the memory of this machine when it was
 * saved; NULL: it starts anew. @disposable: what it writes goes elsewhere. @environment: of this
 * process, "NAME=VALUE". */
InnLaunchPlan *inn_launch_plan_new (const InnMachineDescription *description,
                                    const InnFirmwareFiles *firmware,
                                    const GPtrArray *chains,
                                    const char *memory,
                                    gboolean disposable,
                                    const char *vmm_path,
                                    const char *const *environment);
void inn_launch_plan_free (InnLaunchPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnLaunchPlan, inn_launch_plan_free)

G_END_DECLS
