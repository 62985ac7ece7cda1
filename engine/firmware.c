/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware descriptors (QEMU's docs/interop/firmware.json): in each of three folders, *.json in the
 * order of their names; a file hides those of the same name in less specific folders, and an empty
 * one hides without replacing.
 */
#include "config.h"

#include "firmware.h"

#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine-error.h"

/* The parser goes one call deeper with each of these. */
#define MAX_BRACKETS 512

/* What stands for our machine type in a descriptor's patterns. */
#define MACHINE_TYPE "pc-q35-7.2"

void
inn_firmware_files_clear (InnFirmwareFiles *self)
{
  g_clear_pointer (&self->image, g_free);
  g_clear_pointer (&self->variables_template, g_free);
  g_clear_pointer (&self->variables, g_free);
}

/* ---- one descriptor ---- */

/* A member of that type, or NULL. @object may be NULL. */
static JsonObject *
get_object (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static JsonArray *
get_array (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static const char *
get_node_string (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node)
                 && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static const char *
get_string (JsonObject *object, const char *name)
{
  return object != NULL ? get_node_string (json_object_get_member (object, name)) : NULL;
}

static gboolean
lists (JsonArray *array, const char *word)
{
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      if (g_strcmp0 (get_node_string (json_array_get_element (array, i)), word) == 0)
        return TRUE;
    }

  return FALSE;
}

static gboolean
fits_machine (JsonArray *patterns)
{
  for (guint i = 0; patterns != NULL && i < json_array_get_length (patterns); i++)
    {
      const char *pattern = get_node_string (json_array_get_element (patterns, i));

      if (pattern != NULL && g_pattern_match_simple (pattern, MACHINE_TYPE))
        return TRUE;
    }

  return FALSE;
}

static gboolean
fits_target (JsonArray *targets)
{
  for (guint i = 0; targets != NULL && i < json_array_get_length (targets); i++)
    {
      JsonNode *node = json_array_get_element (targets, i);
      JsonObject *target = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;

      if (g_strcmp0 (get_string (target, "architecture"), "x86_64") == 0
          && fits_machine (get_array (target, "machines")))
        return TRUE;
    }

  return FALSE;
}

/* What our PC lacks. */
static gboolean
wants_too_much (JsonArray *features)
{
  static const char *const lacking[]
      = { "requires-smm", "secure-boot", "enrolled-keys", "host-uefi-vars" };

  for (guint i = 0; i < G_N_ELEMENTS (lacking); i++)
    {
      if (lists (features, lacking[i]))
        return TRUE;
    }

  return FALSE;
}

/* The path of a raw file, or NULL. */
static const char *
get_raw_file (JsonObject *file)
{
  const char *path = get_string (file, "filename");

  return path != NULL && g_path_is_absolute (path)
                 && g_strcmp0 (get_string (file, "format"), "raw") == 0
             ? path
             : NULL;
}

/* A BIOS is only mapped into memory; UEFI firmware is a flash chip beside that of its variables. */
static gboolean
read_mapping (JsonObject *mapping, InnFirmware kind, InnFirmwareFiles *ret_files)
{
  const char *device = get_string (mapping, "device");
  const char *mode = get_string (mapping, "mode");
  const char *image = NULL, *variables_template = NULL;

  if (kind == INN_FIRMWARE_BIOS && g_strcmp0 (device, "memory") == 0)
    {
      image = get_string (mapping, "filename");
      if (image == NULL || !g_path_is_absolute (image))
        return FALSE;
    }
  else if (kind == INN_FIRMWARE_UEFI && g_strcmp0 (device, "flash") == 0
           && (mode == NULL || g_str_equal (mode, "split")))
    {
      image = get_raw_file (get_object (mapping, "executable"));
      variables_template = get_raw_file (get_object (mapping, "nvram-template"));
      if (image == NULL || variables_template == NULL)
        return FALSE;
    }
  else
    {
      return FALSE;
    }

  ret_files->image = g_strdup (image);
  ret_files->variables_template = g_strdup (variables_template);
  return TRUE;
}

/* Wherever they stand: no more nesting than that. */
static gboolean
has_few_brackets (const char *json, gsize length)
{
  guint brackets = 0;

  for (gsize i = 0; i < length; i++)
    brackets += json[i] == '[' || json[i] == '{';

  return brackets <= MAX_BRACKETS;
}

gboolean
inn_firmware_match (const char *json, gsize length, InnFirmware kind, InnFirmwareFiles *ret_files)
{
  const char *interface = kind == INN_FIRMWARE_UEFI ? "uefi" : "bios";
  g_autoptr (JsonParser) parser = NULL;
  JsonNode *root;
  JsonObject *firmware;

  if (length > INN_FIRMWARE_MAX_DESCRIPTOR || !has_few_brackets (json, length))
    return FALSE;

  parser = json_parser_new_immutable ();
  if (!json_parser_load_from_data (parser, json, (gssize)length, NULL))
    return FALSE;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return FALSE;

  firmware = json_node_get_object (root);
  return lists (get_array (firmware, "interface-types"), interface)
         && fits_target (get_array (firmware, "targets"))
         && !wants_too_much (get_array (firmware, "features"))
         && read_mapping (get_object (firmware, "mapping"), kind, ret_files);
}

/* ---- the folders ---- */

GStrv
inn_firmware_list_folders (void)
{
  g_autoptr (GStrvBuilder) folders = g_strv_builder_new ();
  g_autofree char *user = g_build_filename (g_get_user_config_dir (), "qemu", "firmware", NULL);

  g_strv_builder_add_many (folders, user, "/etc/qemu/firmware", "/usr/share/qemu/firmware", NULL);
  return g_strv_builder_end (folders);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* The names of the descriptors in any of the folders, in order. */
static GPtrArray *
list_names (const char *const *folders)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; folders[i] != NULL; i++)
    {
      g_autoptr (GDir) folder = g_dir_open (folders[i], 0, NULL);
      const char *name;

      while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
        {
          char *copy;

          if (!g_str_has_suffix (name, ".json") || g_hash_table_contains (seen, name))
            continue;
          copy = g_strdup (name);
          g_ptr_array_add (names, copy);
          g_hash_table_add (seen, copy);
        }
    }
  g_ptr_array_sort (names, compare_names);

  return names;
}

/* The file of that name that counts; NULL when it cannot be read. */
static char *
read_descriptor (const char *const *folders, const char *name, gsize *ret_length)
{
  g_autofree char *text = g_malloc (INN_FIRMWARE_MAX_DESCRIPTOR);
  struct stat status;
  gsize length = 0;
  int fd = -1;

  for (guint i = 0; folders[i] != NULL && fd < 0; i++)
    {
      g_autofree char *path = g_build_filename (folders[i], name, NULL);

      fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    }
  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode)
      && (guint64)status.st_size <= INN_FIRMWARE_MAX_DESCRIPTOR
      && fd_read_at (fd, text, (gsize)status.st_size, 0) == 0)
    length = (gsize)status.st_size;
  fd_close (&fd);
  if (length == 0)
    return NULL;

  *ret_length = length;
  return g_steal_pointer (&text);
}

static gboolean
are_there (const InnFirmwareFiles *files)
{
  return g_file_test (files->image, G_FILE_TEST_EXISTS)
         && (files->variables_template == NULL
             || g_file_test (files->variables_template, G_FILE_TEST_EXISTS));
}

gboolean
inn_firmware_find_in (const char *const *folders, InnFirmware kind, InnFirmwareFiles *ret_files)
{
  g_autoptr (GPtrArray) names = list_names (folders);

  for (guint i = 0; i < names->len; i++)
    {
      gsize length = 0;
      g_autofree char *text = read_descriptor (folders, g_ptr_array_index (names, i), &length);
      g_auto (InnFirmwareFiles) files = { NULL };

      if (text != NULL && inn_firmware_match (text, length, kind, &files) && are_there (&files))
        {
          ret_files->image = g_steal_pointer (&files.image);
          ret_files->variables_template = g_steal_pointer (&files.variables_template);
          return TRUE;
        }
    }

  return FALSE;
}

/* Some packages of SeaBIOS come without a descriptor. */
static gboolean
find_plain_bios (InnFirmwareFiles *ret_files)
{
  static const char *const paths[]
      = { "/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/bios-256k.bin" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      if (g_file_test (paths[i], G_FILE_TEST_EXISTS))
        {
          ret_files->image = g_strdup (paths[i]);
          return TRUE;
        }
    }

  return FALSE;
}

gboolean
inn_firmware_find (InnFirmware kind, InnFirmwareFiles *ret_files, GError **error)
{
  g_auto (GStrv) folders = inn_firmware_list_folders ();

  if (inn_firmware_find_in ((const char *const *)folders, kind, ret_files)
      || (kind == INN_FIRMWARE_BIOS && find_plain_bios (ret_files)))
    return TRUE;

  if (kind == INN_FIRMWARE_BIOS)
    g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                         _ ("There is no BIOS on this computer that a machine could start with. "
                            "Install the package “seabios”."));
  else
    g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                         _ ("There is no UEFI firmware on this computer that a machine could "
                            "start with. Install the package “ovmf” (elsewhere “edk2-ovmf”)."));
  return FALSE;
}

/* ---- one machine ---- */

char *
inn_firmware_get_variables (const InnMachineDescription *description, const char *folder)
{
  char *path = inn_machine_description_get_variables (description);

  return path != NULL ? path : g_build_filename (folder, "variables.fd", NULL);
}

/* The template that goes with @image; NULL and an error when that is not known. */
static char *
find_template (const char *image, GError **error)
{
  g_auto (InnFirmwareFiles) files = { NULL };

  if (inn_firmware_find (INN_FIRMWARE_UEFI, &files, NULL) && g_str_equal (files.image, image))
    return g_steal_pointer (&files.variables_template);

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The definition names the firmware “%s”, but not the template of its variables. "
                  "Name that too, or leave the choice to Innkeeper."),
               image);
  return NULL;
}

static gboolean
choose_uefi (const InnMachineDescription *description,
             const char *folder,
             InnFirmwareFiles *ret_files,
             GError **error)
{
  g_auto (InnFirmwareFiles) files = { NULL };

  files.image = inn_machine_description_get_loader (description);
  files.variables_template = inn_machine_description_get_variables_template (description);
  if (files.image == NULL)
    {
      g_autofree char *own_template = g_steal_pointer (&files.variables_template);

      if (!inn_firmware_find (INN_FIRMWARE_UEFI, &files, error))
        return FALSE;
      if (own_template != NULL)
        {
          g_free (files.variables_template);
          files.variables_template = g_steal_pointer (&own_template);
        }
    }
  else if (files.variables_template == NULL)
    {
      files.variables_template = find_template (files.image, error);
      if (files.variables_template == NULL)
        return FALSE;
    }

  ret_files->image = g_steal_pointer (&files.image);
  ret_files->variables_template = g_steal_pointer (&files.variables_template);
  ret_files->variables = inn_firmware_get_variables (description, folder);
  return TRUE;
}

gboolean
inn_firmware_choose (const InnMachineDescription *description,
                     const char *folder,
                     InnFirmwareFiles *ret_files,
                     GError **error)
{
  switch (inn_machine_description_get_firmware (description))
    {
    case INN_FIRMWARE_BIOS:
      ret_files->image = inn_machine_description_get_loader (description);
      return ret_files->image != NULL || inn_firmware_find (INN_FIRMWARE_BIOS, ret_files, error);
    case INN_FIRMWARE_UEFI:
      return choose_uefi (description, folder, ret_files, error);
    case INN_FIRMWARE_NONE:
    default:
      return TRUE;
    }
}
