/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnNewMachine: what the wizard has chosen. A plain value; a connection turns it into a machine.
 */
#pragma once

#include <glib.h>

#include "model/snapshots.h"

G_BEGIN_DECLS

typedef enum
{
  INN_MEDIUM_NONE,
  INN_MEDIUM_ISO,     /* an installer or live image to boot from */
  INN_MEDIUM_KERNEL,  /* a Linux kernel booted directly, with initrd and command line */
  INN_MEDIUM_DISK,    /* an existing raw disk with a system on it */
  INN_MEDIUM_QCOW2,   /* the same in a qcow2 image */
  INN_MEDIUM_FOREIGN, /* the same in a VMDK, VDI, VHD or VHDX image, which is copied */
  INN_MEDIUM_NETWORK, /* no file: the firmware asks the network what to start */
  INN_MEDIUM_N
} InnMediumKind;

typedef enum
{
  INN_MACHINE_FIRMWARE_BIOS,
  INN_MACHINE_FIRMWARE_UEFI,
} InnMachineFirmware;

typedef struct
{
  char *name;
  InnMediumKind medium;
  char *medium_path;           /* the ISO, kernel or disk */
  InnMachineFirmware firmware; /* not for a kernel, which is started directly */
  char *initrd_path;           /* kernel only; NULL for none */
  char *cmdline;               /* kernel only; NULL for the default */
  guint64 memory;              /* bytes */
  guint vcpus;
  guint64 disk_size; /* bytes of a new disk; 0 for none */

  InnProgressFunc progress; /* how far copying is, while it is made; or NULL */
  gpointer progress_data;
} InnNewMachine;

/* Whether it is a disk with a system on it. */
gboolean inn_medium_kind_is_disk (InnMediumKind kind);

InnNewMachine *inn_new_machine_new (void);
InnNewMachine *inn_new_machine_copy (const InnNewMachine *self);
void inn_new_machine_free (InnNewMachine *self);

/*
 * Checks everything that can be told without a hypervisor: the name (1 to 64 characters, no "/",
 * no control character, not "." or ".."), memory (64 MiB up to @host_memory), vCPUs (1 up to
 * @max_vcpus), files (there, readable, of the kind they should be). INN_ERROR on failure.
 */
gboolean inn_new_machine_validate (const InnNewMachine *self,
                                   guint64 host_memory,
                                   guint max_vcpus,
                                   GError **error);
gboolean inn_new_machine_check_name (const char *name, GError **error);
/* The kind a file has by its contents: ISO 9660, bzImage, qcow2, disk with an MBR or GPT.
 * *@ret_iso_size, unless NULL: bytes that an ISO says it has, which may be more than its file does;
 * 0: it does not say. Only set without an error of reading. */
InnMediumKind
inn_new_machine_probe_medium (const char *path, guint64 *ret_iso_size, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnNewMachine, inn_new_machine_free)

G_END_DECLS
