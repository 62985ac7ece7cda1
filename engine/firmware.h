/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds firmware images through the descriptors that their packages install for QEMU and libvirt
 * (QEMU's docs/interop/firmware.json). Descriptors are foreign bytes. These may block; any thread.
 */
#pragma once

#include <glib.h>

#include "machine-description-boot.h"

G_BEGIN_DECLS

#define INN_FIRMWARE_MAX_DESCRIPTOR ((gsize)64 << 10) /* bytes */

typedef struct
{
  char *image;
  char *variables_template; /* NULL: it keeps no variables */
  char *variables;          /* of one machine */
} InnFirmwareFiles;

void inn_firmware_files_clear (InnFirmwareFiles *self);

/*
 * Whether @json describes firmware of that kind for our PC: x86-64, Q35, neither System Management
 * Mode nor Secure Boot. Pure. *@ret_files is to be cleared when it does.
 */
gboolean
inn_firmware_match (const char *json, gsize length, InnFirmware kind, InnFirmwareFiles *ret_files);

/* The same in the descriptors of some folders, the most specific one first. FALSE: none. */
gboolean
inn_firmware_find_in (const char *const *folders, InnFirmware kind, InnFirmwareFiles *ret_files);
/* The folders of this computer, the most specific one first. Transfer full. */
GStrv inn_firmware_list_folders (void);

/* This computer's BIOS or UEFI firmware; the error names the package that has it. */
gboolean inn_firmware_find (InnFirmware kind, InnFirmwareFiles *ret_files, GError **error);

/* Where a machine with that folder keeps its UEFI variables. Transfer full. */
char *inn_firmware_get_variables (const InnMachineDescription *description, const char *folder);
/* What a machine starts with: the files its description names, else this computer's. Nothing for a
 * machine without firmware. */
gboolean inn_firmware_choose (const InnMachineDescription *description,
                              const char *folder,
                              InnFirmwareFiles *ret_files,
                              GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (InnFirmwareFiles, inn_firmware_files_clear)

G_END_DECLS
