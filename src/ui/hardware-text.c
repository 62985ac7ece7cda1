/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hardware in words.
 */
#include "config.h"

#include "ui/hardware-text.h"

#include <glib/gi18n.h>
#include <stdio.h>

#include "model/format.h"

const char *
inn_hardware_text_get_icon (InnDeviceKind kind)
{
  static const char *const icons[] = {
    [INN_DEVICE_MEMORY] = "innkeeper-memory-symbolic",
    [INN_DEVICE_PROCESSORS] = "innkeeper-cpu-symbolic",
    [INN_DEVICE_FIRMWARE] = "application-x-firmware-symbolic",
    [INN_DEVICE_BOOT] = "view-list-ordered-symbolic",
    [INN_DEVICE_DISK] = "drive-harddisk-symbolic",
    [INN_DEVICE_CDROM] = "media-optical-symbolic",
    [INN_DEVICE_NETWORK] = "network-wired-symbolic",
    [INN_DEVICE_DISPLAY] = "video-display-symbolic",
    [INN_DEVICE_SECOND_SCREEN] = "view-dual-symbolic",
    [INN_DEVICE_SHARED_FOLDER] = "folder-publicshare-symbolic",
    [INN_DEVICE_USB] = "media-removable-symbolic",
    [INN_DEVICE_TPM] = "channel-secure-symbolic",
    [INN_DEVICE_PCI] = "innkeeper-chip-symbolic",
  };

  g_return_val_if_fail ((guint)kind < G_N_ELEMENTS (icons), NULL);

  return icons[kind];
}

const char *
inn_hardware_text_get_setting_title (InnSettingId id)
{
  static const char *const titles[] = {
    [INN_SETTING_MEMORY] = N_ ("Memory"),
    [INN_SETTING_PROCESSORS] = N_ ("Processors"),
    [INN_SETTING_FIRMWARE] = N_ ("Firmware"),
    [INN_SETTING_BOOT_ORDER] = N_ ("Start order"),
    [INN_SETTING_BOOT_MENU] = N_ ("Offer a menu at each start"),
    [INN_SETTING_MEDIUM] = N_ ("Medium"),
    [INN_SETTING_SERIAL] = N_ ("Serial number"),
    [INN_SETTING_READ_ONLY] = N_ ("Read only"),
    [INN_SETTING_LINK] = N_ ("Cable plugged in"),
    [INN_SETTING_MAC] = N_ ("MAC address"),
    [INN_SETTING_FORWARDS] = N_ ("Ports that lead to the guest"),
    [INN_SETTING_ADAPTER] = N_ ("Adapter"),
    [INN_SETTING_RESOLUTION] = N_ ("Size at first"),
  };

  g_return_val_if_fail ((guint)id < G_N_ELEMENTS (titles), NULL);

  return _ (titles[id]);
}

char *
inn_hardware_text_get_choice (const char *word)
{
  static const struct
  {
    const char *word;
    const char *name;
  } choices[] = {
    { "bios", "BIOS" },     { "uefi", "UEFI" }, { "none", N_ ("None") },
    { "virtio", "VirtIO" }, { "vga", "VGA" },   { "other", N_ ("Another") },
  };
  guint width, height;

  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    if (g_str_equal (word, choices[i].word))
      return g_strdup (_ (choices[i].name));
  if (sscanf (word, "%ux%u", &width, &height) == 2)
    return g_strdup_printf ("%u × %u", width, height);

  return g_strdup (word);
}

/* "tcp:2222:22" as "2222 → 22"; other forms as they are. */
static char *
format_forward (const char *text)
{
  guint here, there;
  char end;

  if (sscanf (text, "tcp:%u:%u%c", &here, &there, &end) == 2)
    return g_strdup_printf ("%u → %u", here, there);
  if (sscanf (text, "udp:%u:%u%c", &here, &there, &end) == 2)
    return g_strdup_printf ("UDP %u → %u", here, there);

  return g_strdup (text);
}

/* Titles of devices, joined as a person would say what comes after what. */
static char *
format_list (InnHardware *hardware, InnSettingId id, GVariant *value)
{
  g_autofree const char **texts = g_variant_get_strv (value, NULL);
  GString *line = g_string_new (NULL);

  for (guint i = 0; texts[i] != NULL; i++)
    {
      InnDevice *device
          = id == INN_SETTING_BOOT_ORDER ? inn_hardware_find (hardware, texts[i]) : NULL;
      g_autofree char *text
          = device != NULL ? g_strdup (inn_device_get_title (device)) : format_forward (texts[i]);

      if (i > 0)
        g_string_append (line, id == INN_SETTING_BOOT_ORDER ? _ (", then ") : ", ");
      g_string_append (line, text);
    }
  if (line->len == 0)
    g_string_append (line, _ ("None"));

  return g_string_free (line, FALSE);
}

static char *
format_text (InnSettingId id, const char *text)
{
  if (*text == '\0')
    return g_strdup (_ ("None"));
  if (id == INN_SETTING_MEDIUM)
    return g_filename_display_basename (text);

  return id == INN_SETTING_MAC || id == INN_SETTING_SERIAL ? g_strdup (text)
                                                           : inn_hardware_text_get_choice (text);
}

char *
inn_hardware_text_format_value (InnHardware *hardware, InnSettingId id, GVariant *value)
{
  if (id == INN_SETTING_MEMORY)
    return inn_format_memory (g_variant_get_uint64 (value));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, g_variant_get_uint64 (value));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_strdup (g_variant_get_boolean (value) ? C_ ("setting", "On") : C_ ("setting", "Off"));
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return format_text (id, g_variant_get_string (value, NULL));

  return format_list (hardware, id, value);
}

/* ---- devices ---- */

static void
append (GString *line, const char *text)
{
  if (text == NULL || *text == '\0')
    return;
  if (line->len > 0)
    g_string_append (line, " · ");
  g_string_append (line, text);
}

static char *
describe_file (InnDevice *device)
{
  const char *path = inn_device_get_path (device);
  const guint64 size = inn_device_get_size (device), used = inn_device_get_used (device);
  GString *line = g_string_new (NULL);
  g_autofree char *name = path != NULL ? g_filename_display_basename (path) : NULL;

  append (line, name);
  if (path == NULL)
    append (line, inn_device_get_kind (device) == INN_DEVICE_CDROM ? C_ ("drive", "Empty")
                                                                   : _ ("Not a file"));
  if (size > 0 && inn_device_get_kind (device) == INN_DEVICE_DISK)
    {
      g_autofree char *taken = inn_format_memory_like (used, size);
      g_autofree char *whole = inn_format_memory (size);
      /* Translators: what a disk takes here of its size; "18.4 of 64 GiB used" */
      g_autofree char *text = g_strdup_printf (_ ("%s of %s used"), taken, whole);

      append (line, text);
    }
  append (line, inn_device_get_connection (device));
  return g_string_free (line, FALSE);
}

static char *
describe_network (InnHardware *hardware, InnDevice *device)
{
  const InnSetting *link = inn_device_get_setting (device, INN_SETTING_LINK);
  const InnSetting *forwards = inn_device_get_setting (device, INN_SETTING_FORWARDS);
  GString *line = g_string_new (NULL);

  append (line, inn_device_get_connection (device));
  if (link != NULL && !g_variant_get_boolean (link->value))
    append (line, _ ("unplugged"));
  if (forwards != NULL && g_variant_n_children (forwards->value) > 0)
    {
      g_autofree char *list
          = inn_hardware_text_format_value (hardware, INN_SETTING_FORWARDS, forwards->value);
      /* Translators: ports of this computer and of the guest: "ports 2222 → 22" */
      g_autofree char *text = g_strdup_printf (ngettext ("port %s", "ports %s",
                                                         g_variant_n_children (forwards->value)),
                                               list);

      append (line, text);
    }
  return g_string_free (line, FALSE);
}

static char *
describe_display (InnHardware *hardware, InnDevice *device)
{
  GPtrArray *settings = inn_device_get_settings (device);
  GString *line = g_string_new (NULL);

  for (guint i = 0; i < settings->len; i++)
    {
      const InnSetting *setting = g_ptr_array_index (settings, i);
      g_autofree char *text
          = inn_hardware_text_format_value (hardware, setting->id, setting->value);

      if (i == 0 || !g_str_equal (g_variant_get_string (setting->value, NULL), "none"))
        append (line, text);
    }
  return g_string_free (line, FALSE);
}

static char *
describe_memory (InnDevice *device)
{
  const InnSetting *setting = inn_device_get_setting (device, INN_SETTING_MEMORY);
  g_autofree char *whole = NULL;

  if (setting->most == G_MAXUINT64)
    return g_strdup ("");

  whole = inn_format_memory (setting->most);
  return g_strdup_printf (_ ("Of the %s of this computer"), whole);
}

static char *
describe_processors (InnDevice *device)
{
  const InnSetting *setting = inn_device_get_setting (device, INN_SETTING_PROCESSORS);
  const guint64 value = g_variant_get_uint64 (setting->value);

  if (setting->most == G_MAXUINT64)
    return g_strdup ("");

  return g_strdup_printf (ngettext ("%u of the %u thread of this computer",
                                    "%u of the %u threads of this computer", (gulong)setting->most),
                          (guint)value, (guint)setting->most);
}

char *
inn_hardware_text_describe (InnHardware *hardware, InnDevice *device)
{
  const InnSetting *order;

  switch (inn_device_get_kind (device))
    {
    case INN_DEVICE_MEMORY:
      return describe_memory (device);
    case INN_DEVICE_PROCESSORS:
      return describe_processors (device);
    case INN_DEVICE_FIRMWARE:
      return g_strdup (_ ("Looks for a system to start"));
    case INN_DEVICE_BOOT:
      order = inn_device_get_setting (device, INN_SETTING_BOOT_ORDER);
      return inn_hardware_text_format_value (hardware, order->id, order->value);
    case INN_DEVICE_DISK:
    case INN_DEVICE_CDROM:
      return describe_file (device);
    case INN_DEVICE_NETWORK:
      return describe_network (hardware, device);
    case INN_DEVICE_DISPLAY:
      return describe_display (hardware, device);
    case INN_DEVICE_SECOND_SCREEN:
    case INN_DEVICE_SHARED_FOLDER:
    case INN_DEVICE_USB:
    case INN_DEVICE_TPM:
    case INN_DEVICE_PCI:
    case INN_DEVICE_N:
    default:
      return g_strdup ("");
    }
}

char *
inn_hardware_text_describe_setting (InnHardware *hardware, const InnSetting *setting)
{
  g_autofree char *running = NULL;

  if (setting->timing == INN_TIMING_NEVER)
    return g_strdup (setting->refusal);
  if (setting->running == NULL)
    return NULL;

  running = inn_hardware_text_format_value (hardware, setting->id, setting->running);
  return g_strdup_printf (_ ("Changed from %s. The running machine keeps it until then."), running);
}

/* ---- what waits ---- */

char *
inn_hardware_text_count_pending (InnHardware *hardware)
{
  const guint n = inn_hardware_get_pending (hardware)->len;

  return g_strdup_printf (ngettext ("%u change waits for the next start",
                                    "%u changes wait for the next start", n),
                          n);
}

static char *
format_old (InnHardware *hardware, const InnSetting *setting)
{
  if (setting->id == INN_SETTING_MEMORY)
    return inn_format_memory_like (g_variant_get_uint64 (setting->running),
                                   g_variant_get_uint64 (setting->value));

  return inn_hardware_text_format_value (hardware, setting->id, setting->running);
}

/* "Main disk: read only", or only one of the two where they are the same. */
static char *
name_setting (InnDevice *device, InnSettingId id)
{
  const char *title = inn_hardware_text_get_setting_title (id);

  if (inn_device_get_settings (device)->len == 1 || id == INN_SETTING_BOOT_ORDER)
    return g_strdup (inn_device_get_title (device));

  /* Translators: a device and what of it: "Disk 2: Serial number" */
  return g_strdup_printf (_ ("%s: %s"), inn_device_get_title (device), title);
}

static char *
describe_change (InnHardware *hardware, const InnPendingChange *change)
{
  const char *title = inn_device_get_title (change->device);
  const InnSetting *setting;
  g_autofree char *name = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  if (change->kind == INN_PENDING_ADDED)
    return g_strdup_printf (_ ("%s added"), title);
  if (change->kind == INN_PENDING_REMOVED)
    return g_strdup_printf (_ ("%s removed"), title);

  setting = inn_device_get_setting (change->device, change->setting);
  name = name_setting (change->device, change->setting);
  if (change->setting == INN_SETTING_BOOT_ORDER || change->setting == INN_SETTING_FORWARDS)
    return g_steal_pointer (&name);

  before = format_old (hardware, setting);
  after = inn_hardware_text_format_value (hardware, setting->id, setting->value);
  return g_strdup_printf ("%s %s → %s", name, before, after);
}

char *
inn_hardware_text_list_pending (InnHardware *hardware)
{
  GPtrArray *pending = inn_hardware_get_pending (hardware);
  GString *line = g_string_new (NULL);

  for (guint i = 0; i < pending->len; i++)
    {
      g_autofree char *text = describe_change (hardware, g_ptr_array_index (pending, i));

      g_string_append_printf (line, "%s%s", i > 0 ? ", " : "", text);
    }
  return g_string_free (line, FALSE);
}

const char *
inn_hardware_text_get_timing (InnTiming timing)
{
  switch (timing)
    {
    case INN_TIMING_AT_ONCE:
      return _ ("At once");
    case INN_TIMING_NEXT_START:
      return _ ("Next start");
    case INN_TIMING_NEVER:
    default:
      return NULL;
    }
}

const char *
inn_hardware_text_get_timing_icon (InnTiming timing)
{
  return timing == INN_TIMING_AT_ONCE ? "innkeeper-bolt-symbolic" : "view-refresh-symbolic";
}
