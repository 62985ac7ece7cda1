/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One part of a machine's hardware.
 */
#include "model/device.h"

#include <glib/gi18n.h>

/* What a back end says of it. */
typedef struct
{
  char *title;
  char *path;
  guint64 size, used;
  gboolean made;
  char *connection;
  GPtrArray *settings;
  InnTiming removal;
  InnTiming growth;
  gboolean added;
} Contents;

struct _InnDevice
{
  GObject parent_instance;

  InnDeviceKind kind;
  char *id;
  Contents contents;
};

G_DEFINE_FINAL_TYPE (InnDevice, inn_device, G_TYPE_OBJECT)

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
contents_clear (Contents *contents)
{
  g_free (contents->title);
  g_free (contents->path);
  g_free (contents->connection);
  g_ptr_array_unref (contents->settings);
}

static void
inn_device_finalize (GObject *object)
{
  InnDevice *self = INN_DEVICE (object);

  g_free (self->id);
  contents_clear (&self->contents);

  G_OBJECT_CLASS (inn_device_parent_class)->finalize (object);
}

static void
inn_device_class_init (InnDeviceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_device_finalize;

  signals[CHANGED] = g_signal_new ("changed", INN_TYPE_DEVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
inn_device_init (InnDevice *self)
{
  self->contents.settings = g_ptr_array_new_with_free_func ((GDestroyNotify)inn_setting_free);
  self->contents.removal = INN_TIMING_NEVER;
  self->contents.growth = INN_TIMING_NEVER;
}

static const char *
get_kind_title (InnDeviceKind kind)
{
  switch (kind)
    {
    case INN_DEVICE_MEMORY:
      return _ ("Memory");
    case INN_DEVICE_PROCESSORS:
      return _ ("Processors");
    case INN_DEVICE_FIRMWARE:
      return _ ("Firmware");
    case INN_DEVICE_BOOT:
      return _ ("Start order");
    case INN_DEVICE_DISK:
      return _ ("Disk");
    case INN_DEVICE_CDROM:
      return _ ("CD drive");
    case INN_DEVICE_NETWORK:
      return _ ("Network adapter");
    case INN_DEVICE_DISPLAY:
      return _ ("Screen");
    case INN_DEVICE_SECOND_SCREEN:
      return _ ("Second screen");
    case INN_DEVICE_SHARED_FOLDER:
      return _ ("Shared folder");
    case INN_DEVICE_USB:
      return _ ("USB device of this computer");
    case INN_DEVICE_TPM:
      return _ ("TPM");
    case INN_DEVICE_PCI:
      return _ ("PCI device of this computer");
    case INN_DEVICE_N:
    default:
      g_return_val_if_reached (NULL);
    }
}

static char *
make_title (InnDeviceKind kind, guint number)
{
  if (kind == INN_DEVICE_DISK && number == 1)
    return g_strdup (_ ("Main disk"));
  if (number == 1)
    return g_strdup (get_kind_title (kind));

  /* Translators: a device of which there are several: "Disk 2" */
  return g_strdup_printf (_ ("%s %u"), get_kind_title (kind), number);
}

InnDevice *
inn_device_new (InnDeviceKind kind, const char *id, guint number)
{
  InnDevice *self = g_object_new (INN_TYPE_DEVICE, NULL);

  self->kind = kind;
  self->id = g_strdup (id);
  self->contents.title = make_title (kind, number);
  return self;
}

InnDevice *
inn_device_copy (InnDevice *self)
{
  InnDevice *copy = g_object_new (INN_TYPE_DEVICE, NULL);
  const Contents *contents = &self->contents;

  copy->kind = self->kind;
  copy->id = g_strdup (self->id);
  copy->contents.title = g_strdup (contents->title);
  inn_device_set_file (copy, contents->path, contents->size, contents->used, contents->made);
  inn_device_set_connection (copy, contents->connection);
  copy->contents.removal = contents->removal;
  copy->contents.growth = contents->growth;
  copy->contents.added = contents->added;
  for (guint i = 0; i < contents->settings->len; i++)
    inn_device_add_setting (copy, inn_setting_copy (g_ptr_array_index (contents->settings, i)));
  return copy;
}

InnDeviceKind
inn_device_get_kind (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), INN_DEVICE_N);

  return self->kind;
}

const char *
inn_device_get_id (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), NULL);

  return self->id;
}

const char *
inn_device_get_title (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), NULL);

  return self->contents.title;
}

void
inn_device_set_file (InnDevice *self, const char *path, guint64 size, guint64 used, gboolean made)
{
  g_return_if_fail (INN_IS_DEVICE (self));

  g_free (self->contents.path);
  self->contents.path = g_strdup (path);
  self->contents.size = size;
  self->contents.used = used;
  self->contents.made = made;
}

const char *
inn_device_get_path (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), NULL);

  return self->contents.path;
}

guint64
inn_device_get_size (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), 0);

  return self->contents.size;
}

guint64
inn_device_get_used (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), 0);

  return self->contents.used;
}

gboolean
inn_device_is_made (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), FALSE);

  return self->contents.made;
}

void
inn_device_set_connection (InnDevice *self, const char *words)
{
  g_return_if_fail (INN_IS_DEVICE (self));

  g_free (self->contents.connection);
  self->contents.connection = g_strdup (words);
}

const char *
inn_device_get_connection (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), NULL);

  return self->contents.connection;
}

void
inn_device_add_setting (InnDevice *self, InnSetting *setting)
{
  g_return_if_fail (INN_IS_DEVICE (self));

  g_ptr_array_add (self->contents.settings, setting);
}

InnSetting *
inn_device_get_setting (InnDevice *self, InnSettingId id)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), NULL);

  for (guint i = 0; i < self->contents.settings->len; i++)
    {
      InnSetting *setting = g_ptr_array_index (self->contents.settings, i);

      if (setting->id == id)
        return setting;
    }
  return NULL;
}

GPtrArray *
inn_device_get_settings (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), NULL);

  return self->contents.settings;
}

void
inn_device_set_removal (InnDevice *self, InnTiming timing)
{
  g_return_if_fail (INN_IS_DEVICE (self));

  self->contents.removal = timing;
}

InnTiming
inn_device_get_removal (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), INN_TIMING_NEVER);

  return self->contents.removal;
}

void
inn_device_set_growth (InnDevice *self, InnTiming timing)
{
  g_return_if_fail (INN_IS_DEVICE (self));

  self->contents.growth = timing;
}

InnTiming
inn_device_get_growth (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), INN_TIMING_NEVER);

  return self->contents.growth;
}

void
inn_device_set_added (InnDevice *self, gboolean added)
{
  g_return_if_fail (INN_IS_DEVICE (self));

  self->contents.added = added;
}

gboolean
inn_device_is_added (InnDevice *self)
{
  g_return_val_if_fail (INN_IS_DEVICE (self), FALSE);

  return self->contents.added;
}

void
inn_device_replace (InnDevice *self, InnDevice *fresh)
{
  Contents old;

  g_return_if_fail (INN_IS_DEVICE (self) && INN_IS_DEVICE (fresh));
  g_return_if_fail (self->kind == fresh->kind && g_str_equal (self->id, fresh->id));

  old = self->contents;
  self->contents = fresh->contents;
  fresh->contents = old;
  g_signal_emit (self, signals[CHANGED], 0);
}
