/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "model/medium-info.h"

#include <glib/gi18n.h>
#include <osinfo/osinfo.h>

#include "model/format.h"
#include "model/host-load.h"

#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* Where nobody recommends anything. */
#define USUAL_MEMORY  (2 * GIB)
#define USUAL_DISK    (20 * GIB)
#define USUAL_VCPUS   2
#define KERNEL_MEMORY (GIB / 2)

G_LOCK_DEFINE_STATIC (database);
static OsinfoDb *database; /* protected by its lock, as is every object in it */

static OsinfoDb *
load_database (void)
{
  g_autoptr (OsinfoLoader) loader = osinfo_loader_new ();
  g_autoptr (GError) error = NULL;

  osinfo_loader_process_default_path (loader, &error);
  if (error != NULL)
    g_debug ("libosinfo: %s", error->message);
  return g_object_ref (osinfo_loader_get_db (loader));
}

/* Without the suffix of an image. What follows a dot in a kernel's name is its version. */
static char *
get_file_title (const char *path)
{
  static const char *const suffixes[]
      = { ".iso", ".img", ".raw", ".qcow2", ".vmdk", ".vdi", ".vhd", ".vhdx" };
  g_autofree char *name = g_filename_display_basename (path);
  const char *dot = strrchr (name, '.');

  for (guint i = 0; dot != NULL && dot != name && i < G_N_ELEMENTS (suffixes); i++)
    if (g_ascii_strcasecmp (dot, suffixes[i]) == 0)
      return g_strndup (name, (gsize)(dot - name));
  return g_steal_pointer (&name);
}

/* "Debian 12.5.0" of "Debian 12.5.0 amd64 n": what stands before the processor it is for. NULL:
 * this identifier does not name a system. */
static char *
get_volume_title (const char *identifier)
{
  g_autoptr (GRegex) pattern = NULL;
  g_autoptr (GMatchInfo) match = NULL;
  char *title;

  if (identifier == NULL || !g_utf8_validate (identifier, -1, NULL))
    return NULL;
  pattern = g_regex_new ("^([[:alpha:]][[:print:]]*?)[ _-]+"
                         "(amd64|x86[_-]64|x64|i[3-6]86|arm64|aarch64)\\b",
                         G_REGEX_CASELESS, 0, NULL);
  if (!g_regex_match (pattern, identifier, 0, &match))
    return NULL;
  title = g_match_info_fetch (match, 1);
  return g_strdelimit (title, "_", ' ');
}

/* The version in a kernel's name as distributions write it, with its dash: "-6.1.0-18-amd64". */
static const char *
get_kernel_version (const char *name)
{
  const char *dash = strchr (name, '-');

  return dash != NULL ? dash : "";
}

/* What Debian, Fedora, Arch and installers put beside a kernel. */
static char *
find_initrd (const char *kernel_path)
{
  static const char *const patterns[] = { "initrd.img%s", "initramfs%s.img", "initrd%s",
                                          "initramfs%s",  "initrd%s.gz",     "initrd%s.img" };
  g_autofree char *folder = g_path_get_dirname (kernel_path);
  g_autofree char *name = g_path_get_basename (kernel_path);
  const char *version = get_kernel_version (name);

  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_auto (GStrv) parts = g_strsplit (patterns[i], "%s", 2);
      g_autofree char *file = g_strconcat (parts[0], version, parts[1], NULL);
      g_autofree char *path = g_build_filename (folder, file, NULL);

      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        return g_steal_pointer (&path);
    }
  return NULL;
}

static void
set_usual (InnMediumInfo *self)
{
  gboolean kernel = self->kind == INN_MEDIUM_KERNEL;

  self->memory = kernel ? KERNEL_MEMORY : USUAL_MEMORY;
  self->memory_reason = g_strdup (kernel ? _ ("Enough for a kernel and a small system")
                                         : _ ("Enough for most systems"));
  if (self->kind == INN_MEDIUM_ISO || self->kind == INN_MEDIUM_NETWORK)
    {
      self->disk_size = USUAL_DISK;
      self->disk_reason = g_strdup (_ ("Takes space only as it fills"));
    }
  else
    self->disk_reason = g_strdup (_ ("None is needed to start"));
  self->vcpus = USUAL_VCPUS;
  self->vcpus_reason = g_strdup (_ ("Enough for most systems"));
  self->firmware_reason = g_strdup (_ ("BIOS starts most systems; some need UEFI"));
}

/* What the list says for the architecture, else for all; NULL: nothing. Borrowed. */
static OsinfoResources *
find_resources (OsinfoResourcesList *list, const char *architecture)
{
  OsinfoResources *found = NULL;
  int n = osinfo_list_get_length (OSINFO_LIST (list));

  for (int i = 0; i < n; i++)
    {
      OsinfoResources *resources = OSINFO_RESOURCES (osinfo_list_get_nth (OSINFO_LIST (list), i));
      const char *other = osinfo_resources_get_architecture (resources);

      if (g_strcmp0 (other, architecture) == 0)
        return resources;
      if (g_strcmp0 (other, "all") == 0)
        found = resources;
    }
  return found;
}

/* Lists may be empty, and single values absent (-1). */
static gint64
get_resource (OsinfoOs *os,
              const char *architecture,
              gint64 (*get) (OsinfoResources *),
              gboolean *recommended)
{
  g_autoptr (OsinfoResourcesList) best = osinfo_os_get_recommended_resources (os);
  g_autoptr (OsinfoResourcesList) least = osinfo_os_get_minimum_resources (os);
  OsinfoResources *resources = find_resources (best, architecture);
  gint64 value = resources != NULL ? get (resources) : -1;

  *recommended = value > 0;
  if (value > 0)
    return value;
  resources = find_resources (least, architecture);
  return resources != NULL ? get (resources) : -1;
}

static gint64
get_vcpus (OsinfoResources *resources)
{
  return osinfo_resources_get_n_cpus (resources);
}

static char *
describe_amount (const char *name, gint64 bytes, gboolean recommended)
{
  g_autofree char *amount = inn_format_memory ((guint64)bytes);

  return g_strdup_printf (recommended ? _ ("%s recommends %s") : _ ("%s needs at least %s"), name,
                          amount);
}

static void
set_text (char **field, char *text)
{
  g_free (*field);
  *field = text;
}

static void
set_known_resources (InnMediumInfo *self, OsinfoOs *os, const char *architecture)
{
  gboolean recommended;
  gint64 value = get_resource (os, architecture, osinfo_resources_get_ram, &recommended);

  if (value > 0)
    {
      self->memory = (guint64)value;
      set_text (&self->memory_reason, describe_amount (self->name, value, recommended));
    }
  value = get_resource (os, architecture, osinfo_resources_get_storage, &recommended);
  if (value > 0)
    {
      self->disk_size = (guint64)value;
      set_text (&self->disk_reason, describe_amount (self->name, value, recommended));
    }
  value = get_resource (os, architecture, get_vcpus, &recommended);
  if (value > USUAL_VCPUS)
    {
      self->vcpus = (guint)MIN (value, 64);
      set_text (&self->vcpus_reason, g_strdup_printf (recommended ? _ ("%s recommends that many")
                                                                  : _ ("%s needs that many"),
                                                      self->name));
    }
}

/* A system that the database has not heard of, which is newer more often than not. */
static void
name_by_volume (InnMediumInfo *self, OsinfoMedia *media)
{
  char *title = get_volume_title (osinfo_media_get_volume_id (media));

  if (title == NULL)
    return;
  set_text (&self->name, g_strdup (title));
  set_text (&self->title, title);
}

/* Systems that say nothing start with either. */
static void
set_known_firmware (InnMediumInfo *self, OsinfoOs *os, const char *architecture)
{
  g_autoptr (OsinfoFirmwareList) list = osinfo_os_get_complete_firmware_list (os, NULL);
  gboolean uefi = FALSE, bios = FALSE;

  for (int i = 0; i < osinfo_list_get_length (OSINFO_LIST (list)); i++)
    {
      OsinfoFirmware *firmware = OSINFO_FIRMWARE (osinfo_list_get_nth (OSINFO_LIST (list), i));
      const char *type = osinfo_firmware_get_firmware_type (firmware);

      if (g_strcmp0 (osinfo_firmware_get_architecture (firmware), architecture) != 0
          || !osinfo_firmware_is_supported (firmware))
        continue;
      uefi |= g_strcmp0 (type, "efi") == 0;
      bios |= g_strcmp0 (type, "bios") == 0;
    }
  if (!uefi || bios)
    return;

  self->firmware = INN_MACHINE_FIRMWARE_UEFI;
  set_text (&self->firmware_reason, g_strdup_printf (_ ("%s needs UEFI"), self->name));
}

static void
identify (InnMediumInfo *self, const char *path, GCancellable *cancellable)
{
  g_autoptr (OsinfoMedia) media = osinfo_media_create_from_location (path, cancellable, NULL);
  OsinfoOs *os;

  if (media == NULL)
    return;
  if (database == NULL)
    database = load_database ();
  os = osinfo_db_identify_media (database, media) ? osinfo_media_get_os (media) : NULL;
  if (os == NULL)
    {
      name_by_volume (self, media);
      return;
    }

  self->known = TRUE;
  set_text (&self->name, g_strdup (osinfo_product_get_name (OSINFO_PRODUCT (os))));
  set_text (&self->title, g_strdup_printf (osinfo_media_get_live (media) ? _ ("%s live system")
                                                                         : _ ("%s installer"),
                                           self->name));
  set_known_resources (self, os, osinfo_media_get_architecture (media));
  set_known_firmware (self, os, osinfo_media_get_architecture (media));
  g_object_unref (os);
}

/* A machine takes no more than half of what there is. */
static void
fit_host (InnMediumInfo *self)
{
  guint64 most = inn_host_get_memory () / 2;
  guint processors = inn_host_get_processors ();

  if (most > 0 && self->memory > most)
    {
      self->memory = most & ~((G_GUINT64_CONSTANT (1) << 20) - 1);
      set_text (&self->memory_reason, g_strdup (_ ("Half of the memory of this computer")));
    }
  if (self->vcpus > processors)
    {
      self->vcpus = MAX (processors, 1);
      set_text (&self->vcpus_reason, g_strdup (_ ("As many as this computer has")));
    }
}

static void
query_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const char *path = task_data;
  g_autoptr (InnMediumInfo) self = g_new0 (InnMediumInfo, 1);
  GError *error = NULL;

  self->kind = inn_new_machine_probe_medium (path, &self->whole_size, &error);
  if (error != NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  set_usual (self);
  self->title = get_file_title (path);
  self->name = g_strdup (self->title);
  if (self->kind == INN_MEDIUM_KERNEL)
    self->initrd_path = find_initrd (path);
  if (self->kind == INN_MEDIUM_ISO)
    {
      /* libosinfo's blocking call runs the thread's main context: never the application's. */
      g_autoptr (GMainContext) context = g_main_context_new ();

      g_main_context_push_thread_default (context);
      G_LOCK (database);
      identify (self, path, cancellable);
      G_UNLOCK (database);
      g_main_context_pop_thread_default (context);
    }
  fit_host (self);
  g_task_return_pointer (task, g_steal_pointer (&self), (GDestroyNotify)inn_medium_info_free);
}

InnMediumInfo *
inn_medium_info_new_network (void)
{
  InnMediumInfo *self = g_new0 (InnMediumInfo, 1);

  self->kind = INN_MEDIUM_NETWORK;
  set_usual (self);
  self->title = g_strdup (_ ("Network boot"));
  self->name = g_strdup (_ ("Network Machine"));
  self->firmware = INN_MACHINE_FIRMWARE_UEFI;
  set_text (&self->firmware_reason, g_strdup (_ ("UEFI starts from the network by itself")));
  fit_host (self);
  return self;
}

void
inn_medium_info_query_async (const char *path,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  g_return_if_fail (path != NULL);

  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, query_thread);
}

InnMediumInfo *
inn_medium_info_query_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

void
inn_medium_info_free (InnMediumInfo *self)
{
  if (self == NULL)
    return;
  g_free (self->title);
  g_free (self->name);
  g_free (self->initrd_path);
  g_free (self->memory_reason);
  g_free (self->disk_reason);
  g_free (self->vcpus_reason);
  g_free (self->firmware_reason);
  g_free (self);
}
