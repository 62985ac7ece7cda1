/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine starts from, in its description: firmware, kernel, the order of its devices.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

typedef enum
{
  INN_FIRMWARE_NONE, /* the kernel is started directly */
  INN_FIRMWARE_BIOS,
  INN_FIRMWARE_UEFI,
} InnFirmware;

typedef enum
{
  INN_BOOT_DISK,
  INN_BOOT_CDROM,
  INN_BOOT_NETWORK,
} InnBootKind;

typedef struct
{
  InnBootKind kind;
  guint index;  /* among the devices of that kind, as the document has them */
  guint number; /* what the device says itself, from 1; 0: nothing */
} InnBootDevice;

/* Where the document names none: none with a kernel, BIOS without. */
InnFirmware inn_machine_description_get_firmware (const InnMachineDescription *self);
/* INN_FIRMWARE_NONE is for a machine with a kernel; without one it has a BIOS all the same. Files
 * that the document names for the firmware before are forgotten. */
void inn_machine_description_set_firmware (InnMachineDescription *self, InnFirmware firmware);

/* Files that the document names itself. Transfer full, NULL: it leaves the choice to the engine. */
char *inn_machine_description_get_loader (const InnMachineDescription *self);
char *inn_machine_description_get_variables (const InnMachineDescription *self);
char *inn_machine_description_get_variables_template (const InnMachineDescription *self);

/* Where its UEFI variables are kept; the template stays. NULL leaves that to the engine. */
void inn_machine_description_set_variables (InnMachineDescription *self, const char *path);

/* Borrowed until the next setter. NULL where the document says nothing. */
const char *inn_machine_description_get_kernel (const InnMachineDescription *self);
const char *inn_machine_description_get_initrd (const InnMachineDescription *self);
const char *inn_machine_description_get_cmdline (const InnMachineDescription *self);
/* Texts must be representable (inn_machine_description_check_text()). NULL removes. */
void inn_machine_description_set_kernel (InnMachineDescription *self, const char *path);
void inn_machine_description_set_initrd (InnMachineDescription *self, const char *path);
void inn_machine_description_set_cmdline (InnMachineDescription *self, const char *cmdline);

/* The devices the firmware tries, in order, of InnBootDevice; empty: as the firmware likes. */
GArray *inn_machine_description_get_boot_order (const InnMachineDescription *self);
/*
 * @names: "hd", "cdrom", "network" for all devices of a kind, or single devices: the target of a
 * disk or CD drive ("vda"), "net0" for the first network interface. Empty: as the firmware likes.
 * FALSE and an error when there is no such device or one is named twice.
 */
gboolean inn_machine_description_set_boot_order (InnMachineDescription *self,
                                                 const char *const *names,
                                                 GError **error);

gboolean inn_machine_description_get_boot_menu (const InnMachineDescription *self);
void inn_machine_description_set_boot_menu (InnMachineDescription *self, gboolean enable);

G_END_DECLS
