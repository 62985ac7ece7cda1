/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDevice: one part of a machine's hardware: what it is, what there is to tell about it, and its
 * settings. Back ends make them anew whenever something changes; InnHardware keeps the objects that
 * others hold and gives them the new contents.
 *
 * Signal "changed": it says something else than before.
 */
#pragma once

#include <gio/gio.h>

#include "model/setting.h"

G_BEGIN_DECLS

typedef enum
{
  INN_DEVICE_MEMORY,
  INN_DEVICE_PROCESSORS,
  INN_DEVICE_FIRMWARE,
  INN_DEVICE_BOOT, /* the order to start from */
  INN_DEVICE_DISK,
  INN_DEVICE_CDROM,
  INN_DEVICE_NETWORK,
  INN_DEVICE_DISPLAY,
  /* What can be asked for, and is nowhere yet. */
  INN_DEVICE_SECOND_SCREEN,
  INN_DEVICE_SHARED_FOLDER,
  INN_DEVICE_USB,
  INN_DEVICE_TPM,
  INN_DEVICE_PCI,
  INN_DEVICE_N
} InnDeviceKind;

#define INN_TYPE_DEVICE (inn_device_get_type ())
G_DECLARE_FINAL_TYPE (InnDevice, inn_device, INN, DEVICE, GObject)

/* @id: names it among the devices of its machine for as long as it is there, e.g. "vda". @number:
 * its place among those of its kind, from 1. */
InnDevice *inn_device_new (InnDeviceKind kind, const char *id, guint number);
InnDevice *inn_device_copy (InnDevice *self);

InnDeviceKind inn_device_get_kind (InnDevice *self);
const char *inn_device_get_id (InnDevice *self);
/* Translated: "Main disk", "CD drive 2". */
const char *inn_device_get_title (InnDevice *self);

/* What a disk or drive holds: the path of a file (NULL: nothing, or no file of this computer), its
 * size and what it takes of that here (bytes; 0: unknown), and whether it was made for this machine
 * and can be deleted with the device. */
void
inn_device_set_file (InnDevice *self, const char *path, guint64 size, guint64 used, gboolean made);
const char *inn_device_get_path (InnDevice *self);
guint64 inn_device_get_size (InnDevice *self);
guint64 inn_device_get_used (InnDevice *self);
gboolean inn_device_is_made (InnDevice *self);
/* How it is connected, translated: "VirtIO", "Bridge br0"; NULL: nothing to tell. */
void inn_device_set_connection (InnDevice *self, const char *words);
const char *inn_device_get_connection (InnDevice *self);

/* Takes over @setting; one of each id. */
void inn_device_add_setting (InnDevice *self, InnSetting *setting);
/* Borrowed until the device changes; NULL: it has none of that id. */
InnSetting *inn_device_get_setting (InnDevice *self, InnSettingId id);
/* All of them, in the order they were added. Borrowed: of InnSetting. */
GPtrArray *inn_device_get_settings (InnDevice *self);

/* When taking it out has its effect; NEVER (as at first): it cannot be taken out. */
void inn_device_set_removal (InnDevice *self, InnTiming timing);
InnTiming inn_device_get_removal (InnDevice *self);
/* When a disk that is made larger is so for the guest; NEVER (as at first): it keeps its size. */
void inn_device_set_growth (InnDevice *self, InnTiming timing);
InnTiming inn_device_get_growth (InnDevice *self);
/* Whether the running guest does not have it yet. */
void inn_device_set_added (InnDevice *self, gboolean added);
gboolean inn_device_is_added (InnDevice *self);

/* Takes the contents of @fresh, which has the same id and kind, and is of no use after. */
void inn_device_replace (InnDevice *self, InnDevice *fresh);

G_END_DECLS
