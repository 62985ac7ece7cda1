/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnHardwareChange: one edit of a machine's hardware. A plain value.
 */
#pragma once

#include "model/device.h"

G_BEGIN_DECLS

typedef enum
{
  INN_HARDWARE_SET,    /* a setting of a device */
  INN_HARDWARE_ADD,    /* a device */
  INN_HARDWARE_REMOVE, /* a device */
  INN_HARDWARE_GROW,   /* a disk */
  INN_HARDWARE_REVERT, /* all that waits for the next start */
} InnHardwareVerb;

typedef struct
{
  InnHardwareVerb verb;
  char *device;         /* SET, REMOVE, GROW: its id */
  InnSettingId setting; /* SET */
  GVariant *value;      /* SET */
  InnDeviceKind kind;   /* ADD */
  char *path;           /* ADD a disk: a file that is there; NULL: a new one */
  guint64 size;         /* bytes; ADD a disk: of a new one; GROW: that it shall have */
  gboolean delete_file; /* REMOVE a disk: with its file, if it was made for this machine */
} InnHardwareChange;

/* @value is taken over when floating. */
InnHardwareChange *
inn_hardware_change_new_set (const char *device, InnSettingId setting, GVariant *value);
InnHardwareChange *inn_hardware_change_new_add (InnDeviceKind kind, const char *path, guint64 size);
InnHardwareChange *inn_hardware_change_new_remove (const char *device, gboolean delete_file);
InnHardwareChange *inn_hardware_change_new_grow (const char *device, guint64 size);
InnHardwareChange *inn_hardware_change_new_revert (void);
InnHardwareChange *inn_hardware_change_copy (const InnHardwareChange *self);
void inn_hardware_change_free (InnHardwareChange *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnHardwareChange, inn_hardware_change_free)

G_END_DECLS
