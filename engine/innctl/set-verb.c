/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl set: single values of a machine's definition.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>

#include "innctl.h"
#include "machine-description-template.h"

/* From one KEY=VALUE; the value may be empty. */
typedef gboolean (*SetValue) (InnMachineDescription *description,
                              const char *value,
                              GError **error);

/* Says what the value should be. Returns FALSE. */
static gboolean
refuse (GError **error, const char *key, const char *value, const char *wanted)
{
  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("“%s=%s” makes no sense; write %s."), key, value, wanted);
  return FALSE;
}

static const char *
or_null (const char *value)
{
  return *value != '\0' ? value : NULL;
}

static gboolean
set_name (InnMachineDescription *description, const char *value, GError **error)
{
  if (!inn_machine_description_check_name (value, error))
    return FALSE;

  inn_machine_description_set_name (description, value);
  return TRUE;
}

static gboolean
set_title (InnMachineDescription *description, const char *value, GError **error)
{
  inn_machine_description_set_title (description, or_null (value));
  return TRUE;
}

static gboolean
set_description (InnMachineDescription *description, const char *value, GError **error)
{
  inn_machine_description_set_description (description, or_null (value));
  return TRUE;
}

static gboolean
set_memory (InnMachineDescription *description, const char *value, GError **error)
{
  guint64 bytes;

  if (!innctl_parse_size (value, &bytes))
    return refuse (error, "memory", value, _ ("a size like 512M or 4G"));

  inn_machine_description_set_memory (description, bytes);
  return TRUE;
}

static gboolean
set_cpus (InnMachineDescription *description, const char *value, GError **error)
{
  guint64 vcpus;

  if (!g_ascii_string_to_unsigned (value, 10, 1, G_MAXUINT16, &vcpus, NULL))
    return refuse (error, "cpus", value, _ ("a number from 1 on"));

  inn_machine_description_set_vcpus (description, (guint)vcpus);
  return TRUE;
}

static gboolean
set_firmware (InnMachineDescription *description, const char *value, GError **error)
{
  InnFirmware firmware;

  if (!innctl_parse_firmware (value, &firmware))
    return refuse (error, "firmware", value, _ ("bios, uefi or none"));
  if (firmware == INN_FIRMWARE_NONE && inn_machine_description_get_kernel (description) == NULL)
    return refuse (error, "firmware", value,
                   _ ("bios or uefi, because the machine has no kernel that could start without"));

  inn_machine_description_set_firmware (description, firmware);
  return TRUE;
}

static gboolean
check_file (const char *value, GError **error)
{
  if (*value == '\0' || g_file_test (value, G_FILE_TEST_IS_REGULAR))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
               _ ("There is no file “%s”. Choose another."), value);
  return FALSE;
}

static gboolean
set_kernel (InnMachineDescription *description, const char *value, GError **error)
{
  g_autofree char *path = innctl_absolute_path (or_null (value));

  if (!check_file (value, error))
    return FALSE;

  inn_machine_description_set_kernel (description, path);
  return TRUE;
}

static gboolean
set_initrd (InnMachineDescription *description, const char *value, GError **error)
{
  g_autofree char *path = innctl_absolute_path (or_null (value));

  if (!check_file (value, error))
    return FALSE;

  inn_machine_description_set_initrd (description, path);
  return TRUE;
}

static gboolean
set_cmdline (InnMachineDescription *description, const char *value, GError **error)
{
  inn_machine_description_set_cmdline (description, or_null (value));
  return TRUE;
}

static gboolean
set_boot (InnMachineDescription *description, const char *value, GError **error)
{
  g_auto (GStrv) names = g_strsplit (value, ",", -1);

  return inn_machine_description_set_boot_order (description, (const char *const *)names, error);
}

static gboolean
set_boot_menu (InnMachineDescription *description, const char *value, GError **error)
{
  if (!g_str_equal (value, "on") && !g_str_equal (value, "off"))
    return refuse (error, "boot-menu", value, _ ("on or off"));

  inn_machine_description_set_boot_menu (description, g_str_equal (value, "on"));
  return TRUE;
}

static gboolean
set_video (InnMachineDescription *description, const char *value, GError **error)
{
  InnVideo video = inn_machine_description_get_video (description);

  if (g_str_equal (value, "none"))
    video.model = INN_VIDEO_NONE;
  else if (g_str_equal (value, "virtio"))
    video.model = INN_VIDEO_VIRTIO;
  else if (g_str_equal (value, "vga"))
    video.model = INN_VIDEO_VGA;
  else
    return refuse (error, "video", value, _ ("virtio, vga or none"));
  if (video.width == 0)
    {
      video.width = INN_VIDEO_DEFAULT_WIDTH;
      video.height = INN_VIDEO_DEFAULT_HEIGHT;
    }

  inn_machine_description_set_video (description, &video);
  return TRUE;
}

/* "1280x800", in pixels. */
static gboolean
parse_resolution (const char *value, guint *ret_width, guint *ret_height)
{
  g_auto (GStrv) sides = g_strsplit (value, "x", 3);
  guint64 width, height;

  if (g_strv_length (sides) != 2
      || !g_ascii_string_to_unsigned (sides[0], 10, 1, G_MAXUINT16, &width, NULL)
      || !g_ascii_string_to_unsigned (sides[1], 10, 1, G_MAXUINT16, &height, NULL))
    return FALSE;

  *ret_width = (guint)width;
  *ret_height = (guint)height;
  return TRUE;
}

static gboolean
set_resolution (InnMachineDescription *description, const char *value, GError **error)
{
  InnVideo video = inn_machine_description_get_video (description);

  if (!parse_resolution (value, &video.width, &video.height))
    return refuse (error, "resolution", value, _ ("width and height like 1280x800"));
  if (video.model != INN_VIDEO_VGA)
    video.model = INN_VIDEO_VIRTIO;

  inn_machine_description_set_video (description, &video);
  return TRUE;
}

static gboolean
set_template (InnMachineDescription *description, const char *value, GError **error)
{
  if (!g_str_equal (value, "on") && !g_str_equal (value, "off"))
    return refuse (error, "template", value, _ ("on or off"));

  inn_machine_description_set_template (description, g_str_equal (value, "on"));
  return TRUE;
}

/* ---- network cards ---- */

/* "net0.link=down": the number and the value, FALSE for another argument. */
static gboolean
read_link (const char *argument, guint *ret_nic, const char **ret_value)
{
  static const char prefix[] = "net", suffix[] = ".link=";
  char *end;
  guint64 nic;

  if (!g_str_has_prefix (argument, prefix) || !g_ascii_isdigit (argument[strlen (prefix)]))
    return FALSE;
  nic = g_ascii_strtoull (argument + strlen (prefix), &end, 10);
  if (!g_str_has_prefix (end, suffix))
    return FALSE;

  *ret_nic = (guint)MIN (nic, G_MAXUINT);
  *ret_value = end + strlen (suffix);
  return TRUE;
}

static gboolean
set_link (InnMachineDescription *description, const char *argument, GError **error)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (description);
  const char *value = NULL;
  guint nic = 0;

  if (!read_link (argument, &nic, &value))
    return TRUE;
  if (nic >= nics->len)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                   nics->len == 0 ? _ ("“%s” has no network card.")
                                  : _ ("“%s” has no network card of that number; the first is "
                                       "net0."),
                   inn_machine_description_get_name (description));
      return FALSE;
    }
  if (!g_str_equal (value, "up") && !g_str_equal (value, "down"))
    return refuse (error, "link", value, _ ("up or down"));

  inn_machine_description_set_nic_link (description, nic, g_str_equal (value, "up"));
  return TRUE;
}

/* In the running machine, which may have other cards than its definition by now. @waits is set when
 * it has not got that card. */
static InnctlStatus
set_running_link (InnGuest *guest, const char *argument, gboolean *waits)
{
  g_autoptr (GPtrArray) nics = inn_machine_description_get_nics (inn_guest_get_description (guest));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  const char *value = NULL;
  guint nic = 0;
  int number = -1;

  if (!read_link (argument, &nic, &value))
    {
      *waits = TRUE;
      return INNCTL_DONE;
    }
  if (nic < nics->len)
    number = inn_guest_find_running_nic (
        guest, ((const InnNicDescription *)g_ptr_array_index (nics, nic))->mac);
  if (number < 0)
    {
      *waits = TRUE;
      return INNCTL_DONE;
    }

  inn_guest_set_link_async (guest, (guint)number, g_str_equal (value, "up"), NULL,
                            innctl_take_result, &result);
  innctl_await (&result);
  return inn_guest_set_link_finish (guest, result, &error) ? INNCTL_DONE : innctl_fail (error);
}

/* ---- keys ---- */

/* In the order in which they are set: what firmware is possible depends on the kernel. */
static const struct
{
  const char *name;
  SetValue set;
} keys[] = {
  { "name", set_name },
  { "title", set_title },
  { "description", set_description },
  { "memory", set_memory },
  { "cpus", set_cpus },
  { "kernel", set_kernel },
  { "initrd", set_initrd },
  { "cmdline", set_cmdline },
  { "firmware", set_firmware },
  { "boot", set_boot },
  { "boot-menu", set_boot_menu },
  { "video", set_video },
  { "resolution", set_resolution },
  { "template", set_template },
};

/* The value when the argument is about that key, else NULL. */
static const char *
get_value (const char *argument, const char *key)
{
  return g_str_has_prefix (argument, key) && argument[strlen (key)] == '='
             ? argument + strlen (key) + 1
             : NULL;
}

static gboolean
has_known_key (const char *argument)
{
  const char *value;
  guint nic;

  if (read_link (argument, &nic, &value))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (get_value (argument, keys[i].name) != NULL)
        return TRUE;
    }

  return FALSE;
}

static char *
list_keys (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", keys[i].name);

  g_string_append (text, ", net0.link");
  return g_strdup (text->str);
}

static InnctlStatus
check_arguments (char **arguments)
{
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      g_autofree char *known = NULL;

      if (has_known_key (arguments[i]))
        continue;
      known = list_keys ();
      return innctl_fail_usage (_ ("“%s” is not KEY=VALUE with a known key. The keys are %s."),
                                arguments[i], known);
    }

  return INNCTL_DONE;
}

static gboolean
apply_key (InnMachineDescription *description, guint key, char **arguments, GError **error)
{
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      const char *value = get_value (arguments[i], keys[key].name);

      if (value != NULL
          && (!inn_machine_description_check_text (_ ("The value"), value, error)
              || !keys[key].set (description, value, error)))
        return FALSE;
    }

  return TRUE;
}

/* @data: the arguments. */
static gboolean
apply (InnMachineDescription *description, gpointer data, GError **error)
{
  char **arguments = data;

  for (guint i = 0; arguments[i] != NULL; i++)
    {
      if (!set_link (description, arguments[i], error))
        return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (!apply_key (description, i, data, error))
        return FALSE;
    }

  return TRUE;
}

static InnctlStatus
run_set (Innctl *self, char **arguments)
{
  InnctlStatus status = check_arguments (arguments + 1);
  g_autoptr (InnGuest) guest = NULL;
  gboolean waits = FALSE;
  InnGuest *found;

  if (status != INNCTL_DONE)
    return status;
  found = innctl_find_guest (self, arguments[0]);
  if (found == NULL)
    return INNCTL_FAILED;

  guest = g_object_ref (found);
  status = innctl_change_quietly (guest, apply, arguments + 1);
  for (guint i = 1; status == INNCTL_DONE && inn_guest_is_active (guest) && arguments[i] != NULL;
       i++)
    status = set_running_link (guest, arguments[i], &waits);
  if (status == INNCTL_DONE)
    innctl_print_changed (self, guest, NULL, waits);
  return status;
}

const InnctlVerb innctl_set_verb = {
  .name = "set",
  .arguments = "NAME KEY=VALUE...",
  .summary = N_ ("change single values of a machine"),
  .details
  = N_ ("name, title, description\n"
        "memory       a size like 4G\n"
        "cpus         a number\n"
        "firmware     bios, uefi, or none with a kernel\n"
        "boot         what it starts from, in order: hd, cdrom, network, or single devices "
        "like vda,sda\n"
        "boot-menu    on or off\n"
        "kernel, initrd, cmdline\n"
        "video        virtio, vga or none\n"
        "resolution   of the screen, like 1280x800\n"
        "net0.link    up or down: the cable of the first network card\n"
        "template     on or off: it is only cloned, and stays as it is\n\n"
        "All of them or none are changed. Nothing after “=” takes a value away. A machine "
        "that runs changes at its next start, but for cables, at once."),
  .min_arguments = 2,
  .max_arguments = G_MAXINT,
  .run = run_set,
};
