/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One edit of a machine's hardware.
 */
#include "model/hardware-change.h"

static InnHardwareChange *
change_new (InnHardwareVerb verb, const char *device)
{
  InnHardwareChange *self = g_new0 (InnHardwareChange, 1);

  self->verb = verb;
  self->device = g_strdup (device);
  return self;
}

InnHardwareChange *
inn_hardware_change_new_set (const char *device, InnSettingId setting, GVariant *value)
{
  InnHardwareChange *self = change_new (INN_HARDWARE_SET, device);

  self->setting = setting;
  self->value = g_variant_ref_sink (value);
  return self;
}

InnHardwareChange *
inn_hardware_change_new_add (InnDeviceKind kind, const char *path, guint64 size)
{
  InnHardwareChange *self = change_new (INN_HARDWARE_ADD, NULL);

  self->kind = kind;
  self->path = g_strdup (path);
  self->size = size;
  return self;
}

InnHardwareChange *
inn_hardware_change_new_remove (const char *device, gboolean delete_file)
{
  InnHardwareChange *self = change_new (INN_HARDWARE_REMOVE, device);

  self->delete_file = delete_file;
  return self;
}

InnHardwareChange *
inn_hardware_change_new_grow (const char *device, guint64 size)
{
  InnHardwareChange *self = change_new (INN_HARDWARE_GROW, device);

  self->size = size;
  return self;
}

InnHardwareChange *
inn_hardware_change_new_revert (void)
{
  return change_new (INN_HARDWARE_REVERT, NULL);
}

InnHardwareChange *
inn_hardware_change_copy (const InnHardwareChange *self)
{
  InnHardwareChange *copy = g_new (InnHardwareChange, 1);

  *copy = *self;
  copy->device = g_strdup (self->device);
  copy->value = self->value != NULL ? g_variant_ref (self->value) : NULL;
  copy->path = g_strdup (self->path);
  return copy;
}

void
inn_hardware_change_free (InnHardwareChange *self)
{
  g_free (self->device);
  g_clear_pointer (&self->value, g_variant_unref);
  g_free (self->path);
  g_free (self);
}
