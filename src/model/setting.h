/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSetting: one thing about a device that has a value: what is stored, what the running guest has
 * instead, what else it could be, and when a change has its effect. A plain value.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* With the type of the value. */
typedef enum
{
  INN_SETTING_MEMORY,     /* t: bytes */
  INN_SETTING_PROCESSORS, /* t */
  INN_SETTING_FIRMWARE,   /* s: one of the choices: "bios", "uefi", "none" */
  INN_SETTING_BOOT_ORDER, /* as: the ids of devices, the first is tried first */
  INN_SETTING_BOOT_MENU,  /* b: the firmware asks at each start */
  INN_SETTING_MEDIUM,     /* s: the path of what is in a drive; "": nothing */
  INN_SETTING_SERIAL,     /* s: a disk's serial number; "": none */
  INN_SETTING_READ_ONLY,  /* b */
  INN_SETTING_LINK,       /* b: the cable is plugged in */
  INN_SETTING_MAC,        /* s */
  INN_SETTING_FORWARDS,   /* as: "tcp:2222:22", a port here and one in the guest */
  INN_SETTING_ADAPTER,    /* s: one of the choices: "virtio", "vga", "none" */
  INN_SETTING_RESOLUTION, /* s: one of the choices: "1280x800" */
  INN_SETTING_N
} InnSettingId;

typedef enum
{
  INN_TIMING_AT_ONCE,
  INN_TIMING_NEXT_START,
  INN_TIMING_NEVER, /* it cannot be changed */
} InnTiming;

typedef struct
{
  InnSettingId id;
  InnTiming timing;
  char *refusal;       /* translated, at most 45 characters: why it is NEVER; else NULL */
  GVariant *value;     /* as stored */
  GVariant *running;   /* what the running guest has instead, or NULL */
  guint64 least, most; /* of a number, both inclusive */
  GStrv choices;       /* of a word; NULL: any text */
} InnSetting;

/* @value is taken over when floating; it has the type of @id. */
InnSetting *inn_setting_new (InnSettingId id, InnTiming timing, GVariant *value);
/* One that cannot be changed. */
InnSetting *inn_setting_new_fixed (InnSettingId id, GVariant *value, const char *refusal);
InnSetting *inn_setting_copy (const InnSetting *self);
void inn_setting_free (InnSetting *self);

/* "t", "b", "s" or "as". */
const GVariantType *inn_setting_get_type_of (InnSettingId id);
/* Replaces the stored value. */
void inn_setting_set_value (InnSetting *self, GVariant *value);

/* Whether @value can be stored: possible at all, of the right type, within the bounds, among the
 * choices. INN_ERROR with a sentence when not. */
gboolean inn_setting_check (const InnSetting *self, GVariant *value, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnSetting, inn_setting_free)

G_END_DECLS
