/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hardware in memory.
 */
#include "fake-hardware.h"

#include <string.h>

#include "model/error.h"

#define GIB          (G_GUINT64_CONSTANT (1) << 30)
#define MIB          (G_GUINT64_CONSTANT (1) << 20)
#define HOST_MEMORY  (32 * GIB)
#define HOST_THREADS 16
#define MAX_DISKS    16
#define MAX_NICS     8
#define TAKEN_PORT   "8080"
#define TAKEN_MAC    "52:54:00:00:00:01"

struct _FakeHardware
{
  InnHardware parent_instance;

  GPtrArray *stored;
  GPtrArray *running; /* NULL: none */
  GError *error;
  char *refusals[INN_DEVICE_N];
  char *refusal;
  guint n_added;
};

G_DEFINE_FINAL_TYPE (FakeHardware, fake_hardware, INN_TYPE_HARDWARE)

static GPtrArray *
copy_devices (GPtrArray *devices)
{
  GPtrArray *copy;

  if (devices == NULL)
    return NULL;

  copy = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < devices->len; i++)
    g_ptr_array_add (copy, inn_device_copy (g_ptr_array_index (devices, i)));
  return copy;
}

static void
publish (FakeHardware *self)
{
  inn_hardware_update (INN_HARDWARE (self), copy_devices (self->stored),
                       copy_devices (self->running));
}

static InnDevice *
find (GPtrArray *devices, const char *id)
{
  for (guint i = 0; devices != NULL && i < devices->len; i++)
    if (g_str_equal (inn_device_get_id (g_ptr_array_index (devices, i)), id))
      return g_ptr_array_index (devices, i);
  return NULL;
}

static guint
count (FakeHardware *self, InnDeviceKind kind)
{
  guint n = 0;

  for (guint i = 0; i < self->stored->len; i++)
    n += inn_device_get_kind (g_ptr_array_index (self->stored, i)) == kind;
  return n;
}

/* ---- devices ---- */

static InnDevice *
add_device (FakeHardware *self, InnDeviceKind kind, const char *id)
{
  InnDevice *device = inn_device_new (kind, id, count (self, kind) + 1);
  guint position = 0;

  while (position < self->stored->len
         && inn_device_get_kind (g_ptr_array_index (self->stored, position)) <= kind)
    position++;
  g_ptr_array_insert (self->stored, (int)position, device);
  return device;
}

/* "vda", "vdb", ... that no other has. */
static char *
make_id (FakeHardware *self, const char *prefix)
{
  for (char letter = 'a';; letter++)
    {
      g_autofree char *id = g_strdup_printf ("%s%c", prefix, letter);

      if (find (self->stored, id) == NULL)
        return g_steal_pointer (&id);
    }
}

static InnSetting *
add_setting (InnDevice *device, InnSettingId id, InnTiming timing, GVariant *value)
{
  InnSetting *setting = inn_setting_new (id, timing, value);

  inn_device_add_setting (device, setting);
  return setting;
}

static void
add_choice (InnDevice *device, InnSettingId id, const char *word, const char *const *choices)
{
  InnSetting *setting
      = add_setting (device, id, INN_TIMING_NEXT_START, g_variant_new_string (word));

  setting->choices = g_strdupv ((GStrv)choices);
}

static void
add_number (InnDevice *device, InnSettingId id, guint64 value, guint64 least, guint64 most)
{
  InnSetting *setting
      = add_setting (device, id,
                     id == INN_SETTING_PROCESSORS ? INN_TIMING_AT_ONCE : INN_TIMING_NEXT_START,
                     g_variant_new_uint64 (value));

  setting->least = least;
  setting->most = most;
}

static void
update_order (FakeHardware *self)
{
  InnDevice *boot = find (self->stored, "boot");
  g_autoptr (GPtrArray) ids = g_ptr_array_new ();

  for (guint i = 0; i < self->stored->len; i++)
    {
      InnDevice *device = g_ptr_array_index (self->stored, i);
      const InnDeviceKind kind = inn_device_get_kind (device);

      if (kind == INN_DEVICE_DISK || kind == INN_DEVICE_CDROM || kind == INN_DEVICE_NETWORK)
        g_ptr_array_add (ids, (gpointer)inn_device_get_id (device));
    }
  inn_setting_set_value (inn_device_get_setting (boot, INN_SETTING_BOOT_ORDER),
                         g_variant_new_strv ((const char *const *)ids->pdata, (gssize)ids->len));
}

static void
add_disk (FakeHardware *self, const char *path, guint64 size, guint64 used, gboolean made)
{
  g_autofree char *id = make_id (self, "vd");
  InnDevice *device = add_device (self, INN_DEVICE_DISK, id);

  inn_device_set_file (device, path, size, used, made);
  inn_device_set_connection (device, "VirtIO");
  inn_device_set_removal (device, INN_TIMING_NEXT_START);
  inn_device_set_growth (device, INN_TIMING_AT_ONCE);
  add_setting (device, INN_SETTING_READ_ONLY, INN_TIMING_NEXT_START, g_variant_new_boolean (FALSE));
  add_setting (device, INN_SETTING_SERIAL, INN_TIMING_NEXT_START, g_variant_new_string (""));
}

static void
add_drive (FakeHardware *self)
{
  g_autofree char *id = make_id (self, "sd");
  InnDevice *device = add_device (self, INN_DEVICE_CDROM, id);

  inn_device_set_connection (device, "SATA");
  inn_device_set_removal (device, INN_TIMING_NEXT_START);
  add_setting (device, INN_SETTING_MEDIUM, INN_TIMING_AT_ONCE, g_variant_new_string (""));
}

static void
add_network (FakeHardware *self)
{
  const gboolean first = count (self, INN_DEVICE_NETWORK) == 0;
  g_autofree char *id = make_id (self, "net-");
  g_autofree char *mac = g_strdup_printf ("52:54:00:12:34:%02x", id[4]);
  InnDevice *device = add_device (self, INN_DEVICE_NETWORK, id);
  static const char *const forwards[] = { "tcp:2222:22" };

  inn_device_set_connection (device, "User network");
  inn_device_set_removal (device, INN_TIMING_NEXT_START);
  add_setting (device, INN_SETTING_LINK, INN_TIMING_AT_ONCE, g_variant_new_boolean (TRUE));
  add_setting (device, INN_SETTING_FORWARDS, INN_TIMING_NEXT_START,
               g_variant_new_strv (forwards, first ? 1 : 0));
  add_setting (device, INN_SETTING_MAC, INN_TIMING_NEXT_START, g_variant_new_string (mac));
}

void
fake_hardware_fill (FakeHardware *self, guint vcpus, guint64 memory)
{
  static const char *const firmwares[] = { "bios", "uefi", NULL };
  static const char *const adapters[] = { "virtio", "vga", "none", NULL };
  static const char *const resolutions[] = { "1024x768", "1280x800", "1920x1080", NULL };
  static const char *const no_order[] = { NULL };
  InnDevice *device;

  g_return_if_fail (FAKE_IS_HARDWARE (self));

  device = add_device (self, INN_DEVICE_MEMORY, "memory");
  add_number (device, INN_SETTING_MEMORY, memory, 64 * MIB, HOST_MEMORY);
  device = add_device (self, INN_DEVICE_PROCESSORS, "processors");
  add_number (device, INN_SETTING_PROCESSORS, vcpus, 1, HOST_THREADS);
  device = add_device (self, INN_DEVICE_FIRMWARE, "firmware");
  add_choice (device, INN_SETTING_FIRMWARE, "bios", firmwares);
  device = add_device (self, INN_DEVICE_BOOT, "boot");
  add_setting (device, INN_SETTING_BOOT_ORDER, INN_TIMING_NEXT_START,
               g_variant_new_strv (no_order, 0));
  add_setting (device, INN_SETTING_BOOT_MENU, INN_TIMING_NEXT_START, g_variant_new_boolean (FALSE));
  device = add_device (self, INN_DEVICE_DISPLAY, "display");
  add_choice (device, INN_SETTING_ADAPTER, "virtio", adapters);
  add_choice (device, INN_SETTING_RESOLUTION, "1280x800", resolutions);
  add_disk (self, "/home/me/machines/main.raw", 64 * GIB, 18 * GIB, TRUE);
  add_drive (self);
  add_network (self);
  update_order (self);
  publish (self);
}

void
fake_hardware_add_disk (FakeHardware *self, const char *path, guint64 size, guint64 used)
{
  g_return_if_fail (FAKE_IS_HARDWARE (self));

  add_disk (self, path, size, used, /* made= */ FALSE);
  update_order (self);
  publish (self);
}

void
fake_hardware_add_network (FakeHardware *self)
{
  g_return_if_fail (FAKE_IS_HARDWARE (self));

  add_network (self);
  update_order (self);
  publish (self);
}

/* ---- changes ---- */

static gboolean
contains_port (GVariant *forwards, const char *port)
{
  g_autofree const char **texts = g_variant_get_strv (forwards, NULL);
  g_autofree char *part = g_strdup_printf (":%s:", port);

  for (guint i = 0; texts[i] != NULL; i++)
    if (strstr (texts[i], part) != NULL)
      return TRUE;
  return FALSE;
}

static const char *
get_problem (const InnHardwareChange *change)
{
  if (change->setting == INN_SETTING_FORWARDS && contains_port (change->value, TAKEN_PORT))
    return "Port 8080 of this computer is in use by another program. Choose another.";
  if (change->setting == INN_SETTING_MAC
      && g_str_equal (g_variant_get_string (change->value, NULL), TAKEN_MAC))
    return "The MAC address 52:54:00:00:00:01 belongs to the machine “db-server” already.";
  return NULL;
}

static void
set_in (GPtrArray *devices, const InnHardwareChange *change)
{
  InnDevice *device = find (devices, change->device);

  if (device == NULL)
    return;
  inn_setting_set_value (inn_device_get_setting (device, change->setting), change->value);
  if (change->setting == INN_SETTING_MEDIUM)
    {
      const char *path = g_variant_get_string (change->value, NULL);

      inn_device_set_file (device, *path != '\0' ? path : NULL, 0, 0, FALSE);
    }
}

static void
set (FakeHardware *self, const InnHardwareChange *change)
{
  InnDevice *device = find (self->stored, change->device);

  set_in (self->stored, change);
  if (inn_device_get_setting (device, change->setting)->timing == INN_TIMING_AT_ONCE)
    set_in (self->running, change);
}

static void
add (FakeHardware *self, const InnHardwareChange *change)
{
  g_autofree char *made = g_strdup_printf ("/home/me/machines/disk-%u.raw", ++self->n_added);

  if (change->kind == INN_DEVICE_DISK)
    add_disk (self, change->path != NULL ? change->path : made, change->size, 0,
              change->path == NULL);
  else if (change->kind == INN_DEVICE_CDROM)
    add_drive (self);
  else
    add_network (self);
  update_order (self);
}

static void
grow_in (GPtrArray *devices, const InnHardwareChange *change)
{
  InnDevice *device = devices != NULL ? find (devices, change->device) : NULL;
  g_autofree char *path = device != NULL ? g_strdup (inn_device_get_path (device)) : NULL;

  if (device != NULL)
    inn_device_set_file (device, path, change->size, inn_device_get_used (device),
                         inn_device_is_made (device));
}

static void
carry_out (FakeHardware *self, const InnHardwareChange *change)
{
  switch (change->verb)
    {
    case INN_HARDWARE_SET:
      set (self, change);
      break;
    case INN_HARDWARE_ADD:
      add (self, change);
      break;
    case INN_HARDWARE_REMOVE:
      g_ptr_array_remove (self->stored, find (self->stored, change->device));
      update_order (self);
      break;
    case INN_HARDWARE_GROW:
      grow_in (self->stored, change);
      grow_in (self->running, change);
      break;
    case INN_HARDWARE_REVERT:
    default:
      g_ptr_array_unref (self->stored);
      self->stored = copy_devices (self->running);
    }
}

static void
fake_hardware_apply_async (InnHardware *hardware,
                           const InnHardwareChange *change,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  FakeHardware *self = FAKE_HARDWARE (hardware);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  const char *problem = change->verb == INN_HARDWARE_SET ? get_problem (change) : NULL;

  if (self->error != NULL)
    {
      g_task_return_error (task, g_error_copy (self->error));
      return;
    }
  if (problem != NULL)
    {
      g_task_return_new_error (task, INN_ERROR, INN_ERROR_INVALID, "%s", problem);
      return;
    }

  carry_out (self, change);
  publish (self);
  g_task_return_boolean (task, TRUE);
}

static gboolean
fake_hardware_apply_finish (InnHardware *hardware, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static const char *
fake_hardware_get_refusal (InnHardware *hardware)
{
  return FAKE_HARDWARE (hardware)->refusal;
}

static const char *
fake_hardware_get_addition_refusal (InnHardware *hardware,
                                    InnDeviceKind kind,
                                    InnTiming *ret_timing)
{
  FakeHardware *self = FAKE_HARDWARE (hardware);

  if (kind == INN_DEVICE_DISK && count (self, kind) >= MAX_DISKS)
    return "It has as many disks as it can have";
  if (kind == INN_DEVICE_NETWORK && count (self, kind) >= MAX_NICS)
    return "It has as many adapters as it can have";
  return self->refusals[kind];
}

static void
fake_hardware_finalize (GObject *object)
{
  FakeHardware *self = FAKE_HARDWARE (object);

  g_ptr_array_unref (self->stored);
  g_clear_pointer (&self->running, g_ptr_array_unref);
  g_clear_error (&self->error);
  g_free (self->refusal);
  for (guint i = 0; i < INN_DEVICE_N; i++)
    g_free (self->refusals[i]);

  G_OBJECT_CLASS (fake_hardware_parent_class)->finalize (object);
}

static void
fake_hardware_class_init (FakeHardwareClass *klass)
{
  InnHardwareClass *hardware_class = INN_HARDWARE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_hardware_finalize;
  hardware_class->apply_async = fake_hardware_apply_async;
  hardware_class->apply_finish = fake_hardware_apply_finish;
  hardware_class->get_refusal = fake_hardware_get_refusal;
  hardware_class->get_addition_refusal = fake_hardware_get_addition_refusal;
}

static void
fake_hardware_init (FakeHardware *self)
{
  self->stored = g_ptr_array_new_with_free_func (g_object_unref);
  fake_hardware_refuse (self, INN_DEVICE_PCI, "This computer has no IOMMU");
  fake_hardware_refuse (self, INN_DEVICE_TPM, "Not possible here yet");
  fake_hardware_refuse (self, INN_DEVICE_USB, "Not possible here yet");
  fake_hardware_refuse (self, INN_DEVICE_SHARED_FOLDER, "Not possible here yet");
  fake_hardware_refuse (self, INN_DEVICE_SECOND_SCREEN, "Not possible here yet");
}

FakeHardware *
fake_hardware_new (void)
{
  return g_object_new (FAKE_TYPE_HARDWARE, NULL);
}

void
fake_hardware_set_running (FakeHardware *self, gboolean running)
{
  g_return_if_fail (FAKE_IS_HARDWARE (self));

  g_clear_pointer (&self->running, g_ptr_array_unref);
  if (running)
    self->running = copy_devices (self->stored);
  publish (self);
}

void
fake_hardware_set_error (FakeHardware *self, const GError *error)
{
  g_clear_error (&self->error);
  self->error = error != NULL ? g_error_copy (error) : NULL;
}

void
fake_hardware_refuse (FakeHardware *self, InnDeviceKind kind, const char *reason)
{
  g_free (self->refusals[kind]);
  self->refusals[kind] = g_strdup (reason);
}

void
fake_hardware_fix (FakeHardware *self, const char *reason)
{
  g_free (self->refusal);
  self->refusal = g_strdup (reason);
  for (guint i = 0; i < self->stored->len; i++)
    {
      InnDevice *device = g_ptr_array_index (self->stored, i);
      GPtrArray *settings = inn_device_get_settings (device);

      inn_device_set_removal (device, INN_TIMING_NEVER);
      for (guint j = 0; j < settings->len; j++)
        {
          InnSetting *setting = g_ptr_array_index (settings, j);

          setting->timing = INN_TIMING_NEVER;
          g_free (setting->refusal);
          setting->refusal = g_strdup (reason);
        }
    }
  for (guint i = 0; i < INN_DEVICE_N; i++)
    fake_hardware_refuse (self, (InnDeviceKind)i, reason);
  publish (self);
}
