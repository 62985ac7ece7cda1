/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hardware of a machine of our own engine: follows an InnGuest.
 */
#include "model/engine/engine-hardware.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "engine/protocol/statistics-protocol.h"
#include "model/engine/engine-device-edit.h"
#include "model/engine/engine-device-list.h"
#include "model/engine/engine-error-map.h"
#include "model/error.h"

struct _InnEngineHardware
{
  InnHardware parent_instance;

  InnEngine *engine;
  InnGuest *guest;
};

G_DEFINE_FINAL_TYPE (InnEngineHardware, inn_engine_hardware, INN_TYPE_HARDWARE)

static GPtrArray *
list_devices (InnGuest *guest, const InnMachineDescription *description)
{
  g_auto (GStrv) made = inn_guest_list_storage (guest);

  return inn_engine_device_list_new (description, (const char *const *)made);
}

/* What can be changed at once is what the VMM says, whatever it was started with. */
static void
adopt_links (InnGuest *guest, GPtrArray *devices)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);
  guint nic = 0;

  if (!inn_guest_read_statistics (guest, page))
    return;

  for (guint i = 0; i < devices->len; i++)
    {
      InnDevice *device = g_ptr_array_index (devices, i);

      if (inn_device_get_kind (device) != INN_DEVICE_NETWORK || nic >= page->header.nic_count)
        continue;
      inn_setting_set_value (inn_device_get_setting (device, INN_SETTING_LINK),
                             g_variant_new_boolean (page->nics[nic++].link != 0));
    }
}

/* A machine of which it is not known what it was started with counts as unchanged. */
static GPtrArray *
list_running (InnGuest *guest)
{
  g_autoptr (InnMachineDescription) running = NULL;
  GPtrArray *devices;

  if (!inn_guest_is_active (guest))
    return NULL;

  running = inn_guest_load_running_description (guest);
  devices = list_devices (guest, running != NULL ? running : inn_guest_get_description (guest));
  adopt_links (guest, devices);
  return devices;
}

static void
update (InnEngineHardware *self)
{
  const InnMachineDescription *description = inn_guest_get_description (self->guest);

  if (description == NULL) /* it cannot be used, so nothing in it can be changed */
    inn_hardware_update (INN_HARDWARE (self), g_ptr_array_new_with_free_func (g_object_unref),
                         NULL);
  else
    inn_hardware_update (INN_HARDWARE (self), list_devices (self->guest, description),
                         list_running (self->guest));
}

static const char *
inn_engine_hardware_get_refusal (InnHardware *hardware)
{
  InnGuest *guest = INN_ENGINE_HARDWARE (hardware)->guest;

  if (inn_guest_get_description (guest) == NULL)
    return _ ("Its definition cannot be used");

  return inn_guest_is_template (guest) ? _ ("A template stays as it is: clone it") : NULL;
}

/* ---- additions ---- */

static guint
count_disks (const InnMachineDescription *description, InnDiskBus bus)
{
  guint count = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    count += inn_machine_description_get_disk (description, i)->bus == bus;
  return count;
}

static const char *
get_disk_refusal (InnEngineHardware *self, InnDeviceKind kind)
{
  const InnMachineDescription *description = inn_guest_get_description (self->guest);
  gboolean full;

  if (description == NULL)
    return inn_engine_hardware_get_refusal (INN_HARDWARE (self));

  full = count_disks (description, INN_DISK_BUS_SATA) >= INN_MACHINE_MAX_SATA_DISKS;
  if (kind == INN_DEVICE_DISK)
    full &= count_disks (description, INN_DISK_BUS_VIRTIO) >= INN_MACHINE_MAX_VIRTIO_DISKS;
  if (full || inn_machine_description_get_n_disks (description) >= STATISTICS_MAX_DISKS)
    return _ ("It has as many disks as it can have");

  return NULL;
}

static const char *
get_network_refusal (InnEngineHardware *self)
{
  const InnMachineDescription *description = inn_guest_get_description (self->guest);
  g_autoptr (GPtrArray) nics = NULL;

  if (description == NULL)
    return inn_engine_hardware_get_refusal (INN_HARDWARE (self));

  nics = inn_machine_description_get_nics (description);
  return nics->len >= INN_MACHINE_MAX_NICS ? _ ("It has as many adapters as it can have") : NULL;
}

static const char *
inn_engine_hardware_get_addition_refusal (InnHardware *hardware,
                                          InnDeviceKind kind,
                                          InnTiming *ret_timing)
{
  switch (kind)
    {
    case INN_DEVICE_DISK:
    case INN_DEVICE_CDROM:
      return get_disk_refusal (INN_ENGINE_HARDWARE (hardware), kind);
    case INN_DEVICE_NETWORK:
      return get_network_refusal (INN_ENGINE_HARDWARE (hardware));
    case INN_DEVICE_SECOND_SCREEN:
    case INN_DEVICE_SHARED_FOLDER:
    case INN_DEVICE_USB:
    case INN_DEVICE_TPM:
    case INN_DEVICE_PCI:
      return _ ("Not possible on this computer's engine yet");
    case INN_DEVICE_MEMORY:
    case INN_DEVICE_PROCESSORS:
    case INN_DEVICE_FIRMWARE:
    case INN_DEVICE_BOOT:
    case INN_DEVICE_DISPLAY:
    case INN_DEVICE_N:
    default:
      return _ ("It has one already");
    }
}

/* ---- changes ---- */

/* One change under way: the task's data. */
typedef struct
{
  InnHardwareChange *change;
  char *made_path;   /* of a new disk, to be removed when it cannot be added */
  char *unused_path; /* of a file to be removed once its disk is */
} Apply;

static void
apply_free (gpointer data)
{
  Apply *apply = data;

  inn_hardware_change_free (apply->change);
  g_free (apply->made_path);
  g_free (apply->unused_path);
  g_free (apply);
}

static void
on_changed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Apply *apply = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;

  if (!inn_guest_change_finish (INN_GUEST (source), result, &error))
    {
      if (apply->made_path != NULL)
        g_unlink (apply->made_path);
      g_task_return_error (task, inn_engine_error_map (g_steal_pointer (&error)));
      return;
    }

  if (apply->unused_path != NULL && g_unlink (apply->unused_path) < 0)
    g_task_return_new_error (task, INN_ERROR, INN_ERROR_FAILED,
                             _ ("The disk was removed, but its file “%s” is still there."),
                             apply->unused_path);
  else
    g_task_return_boolean (task, TRUE);
}

/* Takes over @task. */
static void
change_definition (InnEngineHardware *self, GTask *task)
{
  Apply *apply = g_task_get_task_data (task);

  inn_guest_change_async (self->guest, inn_engine_device_edit,
                          inn_hardware_change_copy (apply->change),
                          (GDestroyNotify)inn_hardware_change_free, g_task_get_cancellable (task),
                          on_changed, task);
}

static void
on_disk_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Apply *apply = g_task_get_task_data (task);
  GError *error = NULL;

  apply->made_path = inn_guest_create_disk_finish (INN_GUEST (source), result, &error);
  if (apply->made_path == NULL)
    {
      g_task_return_error (task, inn_engine_error_map (error));
      g_object_unref (task);
      return;
    }

  apply->change->path = g_strdup (apply->made_path);
  change_definition (g_task_get_source_object (task), task);
}

/* Two machines would destroy what is on a disk. */
static gboolean
check_import (InnEngineHardware *self, const char *path, GError **error)
{
  InnGuest *user;

  if (!inn_disk_image_check_import (path, NULL, error))
    return FALSE;

  user = inn_engine_find_disk_user (self->engine, path, NULL);
  if (user == NULL)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("That disk belongs to the machine “%s” already. Choose another, or a copy."),
               inn_guest_get_name (user));
  return FALSE;
}

/* Takes over @task. */
static void
add_disk (InnEngineHardware *self, GTask *task)
{
  const Apply *apply = g_task_get_task_data (task);
  GError *error = NULL;

  if (apply->change->path == NULL)
    {
      inn_guest_create_disk_async (self->guest, apply->change->size, g_task_get_cancellable (task),
                                   on_disk_created, task);
    }
  else if (check_import (self, apply->change->path, &error))
    {
      change_definition (self, task);
    }
  else
    {
      g_task_return_error (task, inn_engine_error_map (error));
      g_object_unref (task);
    }
}

/* ---- network ---- */

static gboolean
check_mac (InnEngineHardware *self, const char *mac, GError **error)
{
  g_autofree char *lower = g_ascii_strdown (mac, -1);
  InnGuest *user = inn_engine_find_mac_user (self->engine, lower, self->guest);

  if (user == NULL)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("The MAC address %s belongs to the machine “%s” already. Choose another."), lower,
               inn_guest_get_name (user));
  return FALSE;
}

static gboolean
contains (const InnSetting *setting, GVariant *value, const char *text)
{
  g_autofree const char **texts = g_variant_get_strv (value != NULL ? value : setting->value, NULL);

  return g_strv_contains (texts, text);
}

/* Only ports that are new: the running guest has its own in use. */
static gboolean
check_forwards (InnEngineHardware *self, const InnHardwareChange *change, GError **error)
{
  InnDevice *device = inn_hardware_find (INN_HARDWARE (self), change->device);
  const InnSetting *setting = inn_device_get_setting (device, INN_SETTING_FORWARDS);
  g_autofree const char **texts = g_variant_get_strv (change->value, NULL);

  for (guint i = 0; texts[i] != NULL; i++)
    if (!contains (setting, NULL, texts[i])
        && (setting->running == NULL || !contains (setting, setting->running, texts[i]))
        && !inn_engine_check_forward (self->engine, texts[i], self->guest, error))
      return FALSE;
  return TRUE;
}

static gboolean
check_network (InnEngineHardware *self, const InnHardwareChange *change, GError **error)
{
  if (change->verb == INN_HARDWARE_SET && change->setting == INN_SETTING_MAC)
    return check_mac (self, g_variant_get_string (change->value, NULL), error);
  if (change->verb == INN_HARDWARE_SET && change->setting == INN_SETTING_FORWARDS)
    return check_forwards (self, change, error);

  return TRUE;
}

/* The place of the adapter among those of the running guest, by its address; -1: it has none. */
static int
find_running_nic (InnEngineHardware *self, const char *id)
{
  InnDevice *device = inn_hardware_find (INN_HARDWARE (self), id);
  const InnSetting *mac = inn_device_get_setting (device, INN_SETTING_MAC);
  g_autoptr (InnMachineDescription) running = inn_guest_load_running_description (self->guest);
  g_autoptr (GPtrArray) nics = NULL;
  const char *address
      = g_variant_get_string (mac->running != NULL ? mac->running : mac->value, NULL);

  nics = running != NULL ? inn_machine_description_get_nics (running) : NULL;
  for (guint i = 0; nics != NULL && i < nics->len; i++)
    {
      const InnNicDescription *nic = g_ptr_array_index (nics, i);

      if (g_strcmp0 (nic->mac, address) == 0)
        return (int)i;
    }
  return -1;
}

static void
on_link_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  /* One that has ended meanwhile finds it as it is stored. */
  if (!inn_guest_set_link_finish (INN_GUEST (source), result, &error)
      && inn_guest_is_active (INN_GUEST (source)))
    {
      g_task_return_error (task, inn_engine_error_map (error));
      g_object_unref (task);
      return;
    }

  g_clear_error (&error);
  change_definition (g_task_get_source_object (task), task);
}

/* In the running guest first, then for the next start. Takes over @task. */
static void
set_link (InnEngineHardware *self, GTask *task)
{
  const Apply *apply = g_task_get_task_data (task);
  const int nic = find_running_nic (self, apply->change->device);

  if (nic >= 0)
    inn_guest_set_link_async (self->guest, (guint)nic, g_variant_get_boolean (apply->change->value),
                              g_task_get_cancellable (task), on_link_set, task);
  else
    change_definition (self, task);
}

/* ---- discs ---- */

static void
on_medium_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gboolean waits;

  if (inn_guest_insert_finish (INN_GUEST (source), result, &waits, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, inn_engine_error_map (error));
}

/* In the running guest and in the definition. Takes over @task. */
static void
set_medium (InnEngineHardware *self, GTask *task)
{
  const Apply *apply = g_task_get_task_data (task);
  const char *path = g_variant_get_string (apply->change->value, NULL);

  if (*path != '\0')
    inn_guest_insert_async (self->guest, apply->change->device, path, /* force= */ FALSE,
                            g_task_get_cancellable (task), on_medium_set, task);
  else
    inn_guest_eject_async (self->guest, apply->change->device, /* force= */ FALSE,
                           g_task_get_cancellable (task), on_medium_set, task);
}

/* ---- growing disks ---- */

static void
on_grown (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  gboolean waits;

  if (!inn_guest_grow_disk_finish (INN_GUEST (source), result, &waits, &error))
    {
      g_task_return_error (task, inn_engine_error_map (error));
      return;
    }

  update (g_task_get_source_object (task)); /* the definition has not changed */
  g_task_return_boolean (task, TRUE);
}

/* Takes over @task. */
static void
grow (InnEngineHardware *self, GTask *task)
{
  const Apply *apply = g_task_get_task_data (task);

  inn_guest_grow_disk_async (self->guest, apply->change->device, apply->change->size,
                             g_task_get_cancellable (task), on_grown, task);
}

/* ---- all of it ---- */

static void
on_reverted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (InnGuest) guest = inn_engine_define_finish (INN_ENGINE (source), result, &error);

  if (guest != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, inn_engine_error_map (error));
}

/* Back to what runs; a name is no hardware. What runs disposably may be what was saved, with disks
 * that nobody may write. Takes over @task. */
static void
revert (InnEngineHardware *self, GTask *task)
{
  g_autoptr (InnMachineDescription) running = inn_guest_load_running_description (self->guest);
  g_autofree char *xml = NULL;

  if (inn_guest_is_disposable (self->guest))
    {
      g_task_return_new_error (task, INN_ERROR, INN_ERROR_BUSY,
                               _ ("This run is thrown away when it ends, and the changes are for "
                                  "what comes after it. Change them back one by one."));
      g_object_unref (task);
      return;
    }
  if (running == NULL)
    {
      g_task_return_new_error (task, INN_ERROR, INN_ERROR_UNAVAILABLE,
                               _ ("The machine is off, so its changes are in effect already."));
      g_object_unref (task);
      return;
    }

  inn_machine_description_set_name (running, inn_guest_get_name (self->guest));
  xml = inn_machine_description_to_xml (running);
  inn_engine_define_async (self->engine, xml, strlen (xml), g_task_get_cancellable (task),
                           on_reverted, task);
}

static void
inn_engine_hardware_apply_async (InnHardware *hardware,
                                 const InnHardwareChange *change,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data)
{
  InnEngineHardware *self = INN_ENGINE_HARDWARE (hardware);
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Apply *apply = g_new0 (Apply, 1);
  GError *error = NULL;

  apply->change = inn_hardware_change_copy (change);
  g_task_set_task_data (task, apply, apply_free);
  /* What has been stored has been stored, whether or not it was cancelled meanwhile. */
  g_task_set_check_cancellable (task, FALSE);

  if (!check_network (self, change, &error))
    {
      g_task_return_error (task, inn_engine_error_map (error));
      g_object_unref (task);
      return;
    }
  if (change->verb == INN_HARDWARE_SET && change->setting == INN_SETTING_LINK)
    {
      set_link (self, task);
      return;
    }
  if (change->verb == INN_HARDWARE_SET && change->setting == INN_SETTING_MEDIUM
      && inn_guest_is_active (self->guest))
    {
      set_medium (self, task);
      return;
    }
  if (change->verb == INN_HARDWARE_GROW)
    {
      grow (self, task);
      return;
    }
  if (change->verb == INN_HARDWARE_REVERT)
    {
      revert (self, task);
      return;
    }
  if (change->verb == INN_HARDWARE_ADD && change->kind == INN_DEVICE_DISK)
    {
      add_disk (self, task);
      return;
    }
  if (change->verb == INN_HARDWARE_REMOVE && change->delete_file)
    {
      InnDevice *device = inn_hardware_find (hardware, change->device);

      if (inn_device_is_made (device))
        apply->unused_path = g_strdup (inn_device_get_path (device));
    }
  change_definition (self, task);
}

static gboolean
inn_engine_hardware_apply_finish (InnHardware *hardware, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, hardware), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
inn_engine_hardware_dispose (GObject *object)
{
  InnEngineHardware *self = INN_ENGINE_HARDWARE (object);

  g_clear_object (&self->guest);
  g_clear_object (&self->engine);

  G_OBJECT_CLASS (inn_engine_hardware_parent_class)->dispose (object);
}

static void
inn_engine_hardware_class_init (InnEngineHardwareClass *klass)
{
  InnHardwareClass *hardware_class = INN_HARDWARE_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_engine_hardware_dispose;
  hardware_class->apply_async = inn_engine_hardware_apply_async;
  hardware_class->apply_finish = inn_engine_hardware_apply_finish;
  hardware_class->get_refusal = inn_engine_hardware_get_refusal;
  hardware_class->get_addition_refusal = inn_engine_hardware_get_addition_refusal;
}

static void
inn_engine_hardware_init (InnEngineHardware *self)
{
}

InnHardware *
inn_engine_hardware_new (InnEngine *engine, InnGuest *guest)
{
  InnEngineHardware *self = g_object_new (INN_TYPE_ENGINE_HARDWARE, NULL);

  self->engine = g_object_ref (engine);
  self->guest = g_object_ref (guest);
  g_signal_connect_object (guest, "definition-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (guest, "notify::state", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  update (self);

  return INN_HARDWARE (self);
}
