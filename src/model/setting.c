/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One value of a device.
 */
#include "model/setting.h"

#include <glib/gi18n.h>

#include "model/error.h"

static const char *const types[] = {
  [INN_SETTING_MEMORY] = "t",      [INN_SETTING_PROCESSORS] = "t", [INN_SETTING_FIRMWARE] = "s",
  [INN_SETTING_BOOT_ORDER] = "as", [INN_SETTING_BOOT_MENU] = "b",  [INN_SETTING_MEDIUM] = "s",
  [INN_SETTING_SERIAL] = "s",      [INN_SETTING_READ_ONLY] = "b",  [INN_SETTING_LINK] = "b",
  [INN_SETTING_MAC] = "s",         [INN_SETTING_FORWARDS] = "as",  [INN_SETTING_ADAPTER] = "s",
  [INN_SETTING_RESOLUTION] = "s",
};

const GVariantType *
inn_setting_get_type_of (InnSettingId id)
{
  g_return_val_if_fail ((guint)id < INN_SETTING_N, NULL);

  return G_VARIANT_TYPE (types[id]);
}

InnSetting *
inn_setting_new (InnSettingId id, InnTiming timing, GVariant *value)
{
  InnSetting *self;

  g_return_val_if_fail (g_variant_is_of_type (value, inn_setting_get_type_of (id)), NULL);

  self = g_new0 (InnSetting, 1);
  self->id = id;
  self->timing = timing;
  self->value = g_variant_ref_sink (value);
  self->most = G_MAXUINT64;
  return self;
}

InnSetting *
inn_setting_new_fixed (InnSettingId id, GVariant *value, const char *refusal)
{
  InnSetting *self = inn_setting_new (id, INN_TIMING_NEVER, value);

  self->refusal = g_strdup (refusal);
  return self;
}

static GVariant *
ref_variant (GVariant *value)
{
  return value != NULL ? g_variant_ref (value) : NULL;
}

InnSetting *
inn_setting_copy (const InnSetting *self)
{
  InnSetting *copy = g_new (InnSetting, 1);

  *copy = *self;
  copy->refusal = g_strdup (self->refusal);
  copy->value = ref_variant (self->value);
  copy->running = ref_variant (self->running);
  copy->choices = g_strdupv (self->choices);
  return copy;
}

void
inn_setting_free (InnSetting *self)
{
  g_free (self->refusal);
  g_variant_unref (self->value);
  g_clear_pointer (&self->running, g_variant_unref);
  g_strfreev (self->choices);
  g_free (self);
}

void
inn_setting_set_value (InnSetting *self, GVariant *value)
{
  GVariant *old = self->value;

  self->value = g_variant_ref_sink (value);
  g_variant_unref (old);
}

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, INN_ERROR, INN_ERROR_INVALID, sentence);
  return FALSE;
}

static gboolean
check_number (const InnSetting *self, guint64 number, GError **error)
{
  const gboolean memory = self->id == INN_SETTING_MEMORY;

  if (number < self->least)
    return refuse (error, memory ? _ ("A machine needs at least 64 MiB of memory.")
                                 : _ ("A machine needs at least one processor."));
  if (number > self->most)
    return refuse (error, memory ? _ ("That is more memory than this computer has.")
                                 : _ ("That is more processors than this computer has."));
  return TRUE;
}

static gboolean
check_word (const InnSetting *self, const char *word, GError **error)
{
  if (!g_strv_contains ((const char *const *)self->choices, word))
    return refuse (error, _ ("That is none of the choices."));
  return TRUE;
}

gboolean
inn_setting_check (const InnSetting *self, GVariant *value, GError **error)
{
  g_return_val_if_fail (g_variant_is_of_type (value, inn_setting_get_type_of (self->id)), FALSE);

  if (self->timing == INN_TIMING_NEVER)
    {
      g_set_error (error, INN_ERROR, INN_ERROR_NOT_SUPPORTED, "%s.", self->refusal);
      return FALSE;
    }
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    return check_number (self, g_variant_get_uint64 (value), error);
  if (self->choices != NULL)
    return check_word (self, g_variant_get_string (value, NULL), error);

  return TRUE;
}
