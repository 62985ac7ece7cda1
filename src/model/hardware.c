/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a machine is made of.
 */
#include "model/hardware.h"

#include <glib/gi18n.h>

#include "model/error.h"

typedef struct
{
  GPtrArray *devices; /* of InnDevice */
  GPtrArray *pending; /* of InnPendingChange */
  gboolean running;
  GQueue tasks; /* of GTask: changes asked for; the first is under way */
} InnHardwarePrivate;

static void inn_hardware_list_model_init (GListModelInterface *iface);

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (InnHardware,
                                  inn_hardware,
                                  G_TYPE_OBJECT,
                                  G_ADD_PRIVATE (InnHardware)
                                      G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                             inn_hardware_list_model_init))

#define PRIVATE(self) ((InnHardwarePrivate *)inn_hardware_get_instance_private (self))

enum
{
  UPDATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static GType
inn_hardware_get_item_type (GListModel *model)
{
  return INN_TYPE_DEVICE;
}

static guint
inn_hardware_get_n_items (GListModel *model)
{
  return PRIVATE (INN_HARDWARE (model))->devices->len;
}

static gpointer
inn_hardware_get_item (GListModel *model, guint position)
{
  GPtrArray *devices = PRIVATE (INN_HARDWARE (model))->devices;

  return position < devices->len ? g_object_ref (g_ptr_array_index (devices, position)) : NULL;
}

static void
inn_hardware_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = inn_hardware_get_item_type;
  iface->get_n_items = inn_hardware_get_n_items;
  iface->get_item = inn_hardware_get_item;
}

static void
pending_change_free (gpointer data)
{
  InnPendingChange *change = data;

  g_object_unref (change->device);
  g_free (change);
}

static void
inn_hardware_finalize (GObject *object)
{
  InnHardwarePrivate *priv = PRIVATE (INN_HARDWARE (object));

  g_ptr_array_unref (priv->devices);
  g_ptr_array_unref (priv->pending);

  G_OBJECT_CLASS (inn_hardware_parent_class)->finalize (object);
}

static void
inn_hardware_class_init (InnHardwareClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = inn_hardware_finalize;

  signals[UPDATED] = g_signal_new ("updated", INN_TYPE_HARDWARE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
}

static void
inn_hardware_init (InnHardware *self)
{
  PRIVATE (self)->devices = g_ptr_array_new_with_free_func (g_object_unref);
  PRIVATE (self)->pending = g_ptr_array_new_with_free_func (pending_change_free);
}

gboolean
inn_hardware_is_running (InnHardware *self)
{
  g_return_val_if_fail (INN_IS_HARDWARE (self), FALSE);

  return PRIVATE (self)->running;
}

static InnDevice *
find (GPtrArray *devices, const char *id)
{
  for (guint i = 0; i < devices->len; i++)
    if (g_str_equal (inn_device_get_id (g_ptr_array_index (devices, i)), id))
      return g_ptr_array_index (devices, i);
  return NULL;
}

InnDevice *
inn_hardware_find (InnHardware *self, const char *id)
{
  g_return_val_if_fail (INN_IS_HARDWARE (self), NULL);

  return find (PRIVATE (self)->devices, id);
}

GPtrArray *
inn_hardware_get_pending (InnHardware *self)
{
  g_return_val_if_fail (INN_IS_HARDWARE (self), NULL);

  return PRIVATE (self)->pending;
}

const char *
inn_hardware_get_refusal (InnHardware *self)
{
  InnHardwareClass *klass;

  g_return_val_if_fail (INN_IS_HARDWARE (self), NULL);

  klass = INN_HARDWARE_GET_CLASS (self);
  return klass->get_refusal != NULL ? klass->get_refusal (self) : NULL;
}

const char *
inn_hardware_get_addition_refusal (InnHardware *self, InnDeviceKind kind, InnTiming *ret_timing)
{
  InnTiming timing = INN_TIMING_NEXT_START;
  const char *refusal;

  g_return_val_if_fail (INN_IS_HARDWARE (self), NULL);

  refusal = INN_HARDWARE_GET_CLASS (self)->get_addition_refusal (self, kind, &timing);
  if (ret_timing != NULL)
    *ret_timing = refusal == NULL ? timing : INN_TIMING_NEVER;
  return refusal;
}

/* ---- changes ---- */

static gboolean
refuse (GError **error, InnError code, const char *sentence)
{
  g_set_error_literal (error, INN_ERROR, (int)code, sentence);
  return FALSE;
}

static gboolean
check_set (InnHardware *self, const InnHardwareChange *change, GError **error)
{
  InnDevice *device = inn_hardware_find (self, change->device);
  const InnSetting *setting
      = device != NULL ? inn_device_get_setting (device, change->setting) : NULL;

  if (setting == NULL)
    return refuse (error, INN_ERROR_UNAVAILABLE, _ ("The device is gone. Nothing was changed."));

  return inn_setting_check (setting, change->value, error);
}

static gboolean
check_remove (InnHardware *self, const InnHardwareChange *change, GError **error)
{
  InnDevice *device = inn_hardware_find (self, change->device);

  if (device == NULL)
    return refuse (error, INN_ERROR_UNAVAILABLE, _ ("The device is gone. Nothing was changed."));
  if (inn_device_get_removal (device) == INN_TIMING_NEVER)
    return refuse (error, INN_ERROR_NOT_SUPPORTED, _ ("This device cannot be removed."));
  if (change->delete_file && PRIVATE (self)->running && !inn_device_is_added (device))
    return refuse (error, INN_ERROR_BUSY,
                   _ ("The running machine uses that file. Remove the disk without it, or shut the "
                      "machine down first."));

  return TRUE;
}

static gboolean
check_add (InnHardware *self, const InnHardwareChange *change, GError **error)
{
  const char *refusal = inn_hardware_get_addition_refusal (self, change->kind, NULL);

  if (refusal == NULL)
    return TRUE;

  g_set_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED, "%s.", refusal);
  return FALSE;
}

static gboolean
check_grow (InnHardware *self, const InnHardwareChange *change, GError **error)
{
  InnDevice *device = inn_hardware_find (self, change->device);

  if (device == NULL)
    return refuse (error, INN_ERROR_UNAVAILABLE, _ ("The device is gone. Nothing was changed."));
  if (inn_device_get_growth (device) == INN_TIMING_NEVER)
    return refuse (error, INN_ERROR_NOT_SUPPORTED,
                   _ ("Only a disk that is a file and can be written to can be made larger."));

  return TRUE;
}

static gboolean
check (InnHardware *self, const InnHardwareChange *change, GError **error)
{
  const char *refusal = inn_hardware_get_refusal (self);

  if (refusal != NULL)
    {
      g_set_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED, "%s.", refusal);
      return FALSE;
    }
  switch (change->verb)
    {
    case INN_HARDWARE_SET:
      return check_set (self, change, error);
    case INN_HARDWARE_ADD:
      return check_add (self, change, error);
    case INN_HARDWARE_REMOVE:
      return check_remove (self, change, error);
    case INN_HARDWARE_GROW:
      return check_grow (self, change, error);
    case INN_HARDWARE_REVERT:
    default:
      return TRUE;
    }
}

static void begin_next (InnHardware *self);

static void
end_first (InnHardware *self, GError *error)
{
  g_autoptr (GTask) task = g_queue_pop_head (&PRIVATE (self)->tasks);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  begin_next (self);
}

static void
on_applied (GObject *source, GAsyncResult *result, gpointer user_data)
{
  InnHardware *self = INN_HARDWARE (source);
  GError *error = NULL;

  INN_HARDWARE_GET_CLASS (self)->apply_finish (self, result, &error);
  end_first (self, error);
}

/* What was possible when it was asked for may not be when its turn comes. */
static void
begin_next (InnHardware *self)
{
  GTask *task = g_queue_peek_head (&PRIVATE (self)->tasks);
  GError *error = NULL;

  if (task == NULL)
    return;

  if (check (self, g_task_get_task_data (task), &error))
    INN_HARDWARE_GET_CLASS (self)->apply_async (self, g_task_get_task_data (task),
                                                g_task_get_cancellable (task), on_applied, NULL);
  else
    end_first (self, error);
}

void
inn_hardware_apply_async (InnHardware *self,
                          const InnHardwareChange *change,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
  InnHardwarePrivate *priv;
  GTask *task;

  g_return_if_fail (INN_IS_HARDWARE (self));
  g_return_if_fail (change != NULL);

  priv = PRIVATE (self);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_task_data (task, inn_hardware_change_copy (change),
                        (GDestroyNotify)inn_hardware_change_free);
  g_queue_push_tail (&priv->tasks, task);
  if (g_queue_get_length (&priv->tasks) == 1)
    begin_next (self);
}

gboolean
inn_hardware_apply_finish (InnHardware *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (INN_IS_HARDWARE (self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- updates ---- */

/* The part of an order that is about devices of both. */
static GVariant *
filter_order (GVariant *order, GPtrArray *devices)
{
  g_autofree const char **ids = g_variant_get_strv (order, NULL);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; ids[i] != NULL; i++)
    if (find (devices, ids[i]) != NULL)
      g_variant_builder_add (&builder, "s", ids[i]);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* A device that came or went is told of as such, and not again as another order. */
static gboolean
is_same (const InnSetting *left, const InnSetting *right, GPtrArray *stored, GPtrArray *running)
{
  g_autoptr (GVariant) left_order = NULL;
  g_autoptr (GVariant) right_order = NULL;

  if (left->id != INN_SETTING_BOOT_ORDER)
    return g_variant_equal (left->value, right->value);

  left_order = filter_order (left->value, running);
  right_order = filter_order (right->value, stored);
  return g_variant_equal (left_order, right_order);
}

static void
add_pending (InnHardware *self, InnPendingKind kind, InnDevice *device, InnSettingId setting)
{
  InnPendingChange *change = g_new0 (InnPendingChange, 1);

  change->kind = kind;
  change->device = g_object_ref (device);
  change->setting = setting;
  g_ptr_array_add (PRIVATE (self)->pending, change);
}

static void
compare_settings (InnHardware *self,
                  InnDevice *device,
                  InnDevice *counterpart,
                  GPtrArray *stored,
                  GPtrArray *running)
{
  GPtrArray *settings = inn_device_get_settings (device);

  for (guint i = 0; i < settings->len; i++)
    {
      InnSetting *setting = g_ptr_array_index (settings, i);
      const InnSetting *other = inn_device_get_setting (counterpart, setting->id);

      g_clear_pointer (&setting->running, g_variant_unref);
      if (other == NULL || is_same (setting, other, stored, running))
        continue;
      setting->running = g_variant_ref (other->value);
      add_pending (self, INN_PENDING_SETTING, device, setting->id);
    }
}

/* Marks in @stored what the running guest has otherwise. */
static void
compare (InnHardware *self, GPtrArray *stored, GPtrArray *running)
{
  g_ptr_array_set_size (PRIVATE (self)->pending, 0);
  if (running == NULL)
    return;

  for (guint i = 0; i < stored->len; i++)
    {
      InnDevice *device = g_ptr_array_index (stored, i);
      InnDevice *counterpart = find (running, inn_device_get_id (device));

      inn_device_set_added (device, counterpart == NULL);
      if (counterpart != NULL)
        compare_settings (self, device, counterpart, stored, running);
      else
        add_pending (self, INN_PENDING_ADDED, device, INN_SETTING_N);
    }
  for (guint i = 0; i < running->len; i++)
    {
      InnDevice *device = g_ptr_array_index (running, i);

      if (find (stored, inn_device_get_id (device)) == NULL)
        add_pending (self, INN_PENDING_REMOVED, device, INN_SETTING_N);
    }
}

static InnDevice *
find_kept (GPtrArray *devices, InnDevice *fresh)
{
  InnDevice *device = find (devices, inn_device_get_id (fresh));

  return device != NULL && inn_device_get_kind (device) == inn_device_get_kind (fresh) ? device
                                                                                       : NULL;
}

/* Puts the objects that are there already in place of their fresh ones. */
static void
keep_objects (InnHardware *self, GPtrArray *stored)
{
  InnHardwarePrivate *priv = PRIVATE (self);

  for (guint i = 0; i < priv->pending->len; i++)
    {
      InnPendingChange *change = g_ptr_array_index (priv->pending, i);
      InnDevice *kept = find_kept (priv->devices, change->device);

      if (kept != NULL && change->kind != INN_PENDING_REMOVED)
        g_set_object (&change->device, kept);
    }
  for (guint i = 0; i < stored->len; i++)
    {
      InnDevice *fresh = g_ptr_array_index (stored, i);
      InnDevice *kept = find_kept (priv->devices, fresh);

      if (kept == NULL)
        continue;
      stored->pdata[i] = g_object_ref (kept);
      inn_device_replace (kept, fresh);
      g_object_unref (fresh);
    }
}

/* Tells of the middle that differs. */
static void
replace_devices (InnHardware *self, GPtrArray *stored)
{
  InnHardwarePrivate *priv = PRIVATE (self);
  g_autoptr (GPtrArray) old = priv->devices;
  guint start = 0, end = 0;

  while (start < MIN (old->len, stored->len) && old->pdata[start] == stored->pdata[start])
    start++;
  while (end < MIN (old->len, stored->len) - start
         && old->pdata[old->len - 1 - end] == stored->pdata[stored->len - 1 - end])
    end++;
  priv->devices = stored;
  if (old->len != start + end || stored->len != start + end)
    g_list_model_items_changed (G_LIST_MODEL (self), start, old->len - start - end,
                                stored->len - start - end);
}

void
inn_hardware_update (InnHardware *self, GPtrArray *stored, GPtrArray *running)
{
  g_return_if_fail (INN_IS_HARDWARE (self));
  g_return_if_fail (stored != NULL);

  PRIVATE (self)->running = running != NULL;
  compare (self, stored, running);
  keep_objects (self, stored);
  replace_devices (self, stored);
  g_signal_emit (self, signals[UPDATED], 0);
  if (running != NULL)
    g_ptr_array_unref (running);
}
