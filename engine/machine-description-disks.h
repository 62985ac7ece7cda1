/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks and CD drives in a machine's description.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

#define INN_MACHINE_MAX_VIRTIO_DISKS 15
#define INN_MACHINE_MAX_SATA_DISKS   6

typedef enum
{
  INN_DISK_DISK,
  INN_DISK_CDROM,
  INN_DISK_OTHER, /* floppy, lun, or a word we do not know */
} InnDiskKind;

typedef enum
{
  INN_DISK_BUS_VIRTIO,
  INN_DISK_BUS_SATA,
  INN_DISK_BUS_OTHER,
} InnDiskBus;

/* A disk as the document has it; strings are NULL where it says nothing. */
typedef struct
{
  InnDiskKind kind;
  InnDiskBus bus; /* told by kind and target where the document says nothing */
  char *path; /* of a file or block device; NULL also for an empty drive and for network disks */
  char *target;
  char *format;
  char *serial;
  gboolean remote; /* what it holds is not a file or block device of this computer */
  gboolean readonly;
} InnDiskDescription;

guint inn_machine_description_get_n_disks (const InnMachineDescription *self);
const InnDiskDescription *inn_machine_description_get_disk (const InnMachineDescription *self,
                                                            guint index);
/* NULL when there is none of that target. */
const InnDiskDescription *inn_machine_description_find_disk (const InnMachineDescription *self,
                                                             const char *target);

/*
 * Appends a raw disk or CD drive under the next free name: vda, vdb, ... on virtio, sda, sdb, ...
 * on SATA. @path is absolute and representable; NULL: a drive without a medium. Returns the name,
 * borrowed until the next setter.
 */
const char *inn_machine_description_add_disk (InnMachineDescription *self,
                                              InnDiskKind kind,
                                              InnDiskBus bus,
                                              const char *path);
/* These want a disk that is there. */
void inn_machine_description_remove_disk (InnMachineDescription *self, const char *target);
/* NULL takes the medium out. */
void inn_machine_description_set_disk_path (InnMachineDescription *self,
                                            const char *target,
                                            const char *path);
/* A file and the format it has: "raw" or "qcow2". */
void inn_machine_description_set_disk_layer (InnMachineDescription *self,
                                             const char *target,
                                             const char *path,
                                             const char *format);
void inn_machine_description_set_disk_serial (InnMachineDescription *self,
                                              const char *target,
                                              const char *serial);
void inn_machine_description_set_disk_readonly (InnMachineDescription *self,
                                                const char *target,
                                                gboolean readonly);

G_END_DECLS
