/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of machines: the store's folders, kept current by watching them and the folder of
 * sockets.
 */
#include "config.h"

#include "engine.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "directory-watch.h"
#include "disk-import.h"
#include "guest-private.h"
#include "machine-description-network.h"
#include "machine-import.h"
#include "machine-store.h"
#include "port-check.h"
#include "runtime-directory.h"
#include "snapshot-store.h"
#include "thread-progress.h"

#define DEFAULT_CMDLINE "console=ttyS0"
#define SOCKET_SUFFIX   ".sock"

struct _InnEngine
{
  GObject parent_instance;

  char *data_dir;
  char *state_dir;
  char *runtime_dir;

  GListStore *guests;     /* never replaced; its changes are ours */
  InnMachineStore *store; /* NULL while closed */
  InnRuntimeDirectory *runtime;
  InnDirectoryWatch *runtime_watch;
};

static GType
inn_engine_get_item_type (GListModel *model)
{
  return INN_TYPE_GUEST;
}

static guint
inn_engine_get_n_items (GListModel *model)
{
  return g_list_model_get_n_items (G_LIST_MODEL (INN_ENGINE (model)->guests));
}

static gpointer
inn_engine_get_item (GListModel *model, guint position)
{
  return g_list_model_get_item (G_LIST_MODEL (INN_ENGINE (model)->guests), position);
}

static void
list_model_interface_init (GListModelInterface *interface)
{
  interface->get_item_type = inn_engine_get_item_type;
  interface->get_n_items = inn_engine_get_n_items;
  interface->get_item = inn_engine_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (InnEngine,
                               inn_engine,
                               G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_interface_init))

static void
inn_engine_dispose (GObject *object)
{
  inn_engine_close (INN_ENGINE (object));

  G_OBJECT_CLASS (inn_engine_parent_class)->dispose (object);
}

static void
inn_engine_finalize (GObject *object)
{
  InnEngine *self = INN_ENGINE (object);

  g_object_unref (self->guests);
  g_free (self->data_dir);
  g_free (self->state_dir);
  g_free (self->runtime_dir);

  G_OBJECT_CLASS (inn_engine_parent_class)->finalize (object);
}

static void
inn_engine_class_init (InnEngineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = inn_engine_dispose;
  object_class->finalize = inn_engine_finalize;
}

static void
inn_engine_init (InnEngine *self)
{
  self->guests = g_list_store_new (INN_TYPE_GUEST);
  g_signal_connect_object (self->guests, "items-changed", G_CALLBACK (g_list_model_items_changed),
                           self, G_CONNECT_SWAPPED);
}

InnEngine *
inn_engine_new (const char *data_dir, const char *state_dir, const char *runtime_dir)
{
  InnEngine *self = g_object_new (INN_TYPE_ENGINE, NULL);

  self->data_dir = data_dir != NULL ? g_strdup (data_dir)
                                    : g_build_filename (g_get_user_data_dir (), "innkeeper", NULL);
  self->state_dir = state_dir != NULL
                        ? g_strdup (state_dir)
                        : g_build_filename (g_get_user_state_dir (), "innkeeper", NULL);
  self->runtime_dir
      = runtime_dir != NULL ? g_strdup (runtime_dir) : inn_runtime_directory_get_default_path ();
  return self;
}

static void on_guest_deleted (InnGuest *guest, gpointer user_data);

static void
sync_machine (InnEngine *self, const char *uuid)
{
  InnGuest *guest = inn_engine_find (self, uuid);
  const gboolean present = inn_machine_store_contains (self->store, uuid);

  if (present && guest == NULL)
    {
      g_autoptr (InnGuest) added
          = inn_guest_new (uuid, self->store, self->runtime, self->state_dir);

      g_signal_connect_object (added, "deleted", G_CALLBACK (on_guest_deleted), self, 0);
      g_list_store_append (self->guests, added);
    }
  else if (present)
    {
      inn_guest_refresh (guest);
    }
  else if (guest != NULL)
    {
      guint position;

      inn_guest_detach (guest);
      if (g_list_store_find (self->guests, guest, &position))
        g_list_store_remove (self->guests, position);
    }
}

/* At once, so that a delete has finished only when the machine is gone from the list. */
static void
on_guest_deleted (InnGuest *guest, gpointer user_data)
{
  InnEngine *self = user_data;

  if (self->store != NULL)
    sync_machine (self, inn_guest_get_uuid (guest));
}

/* Both those on the disk and those in the list. */
static void
sync_all (InnEngine *self)
{
  g_auto (GStrv) uuids = inn_machine_store_list (self->store);
  g_autoptr (GPtrArray) listed = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++)
    {
      g_autoptr (InnGuest) guest = g_list_model_get_item (G_LIST_MODEL (self), i);

      g_ptr_array_add (listed, g_strdup (inn_guest_get_uuid (guest)));
    }
  for (guint i = 0; i < listed->len; i++)
    sync_machine (self, g_ptr_array_index (listed, i));
  for (guint i = 0; uuids[i] != NULL; i++)
    {
      if (inn_engine_find (self, uuids[i]) == NULL)
        sync_machine (self, uuids[i]);
    }
}

static void
on_store_changed (InnMachineStore *store, const char *uuid, gpointer user_data)
{
  InnEngine *self = user_data;

  if (uuid != NULL)
    sync_machine (self, uuid);
  else
    sync_all (self);
}

static void
on_snapshots_changed (InnMachineStore *store, const char *uuid, gpointer user_data)
{
  InnGuest *guest = inn_engine_find (user_data, uuid);

  if (guest != NULL)
    g_signal_emit_by_name (guest, "snapshots-changed");
}

/* A socket appears when somebody starts a machine. */
static void
on_runtime_changed (const char *folder, const char *name, gpointer user_data)
{
  InnEngine *self = user_data;

  if (name == NULL)
    {
      sync_all (self);
    }
  else if (g_str_has_suffix (name, SOCKET_SUFFIX))
    {
      g_autofree char *uuid = g_strndup (name, strlen (name) - strlen (SOCKET_SUFFIX));
      InnGuest *guest = inn_engine_find (self, uuid);

      if (guest != NULL)
        inn_guest_refresh (guest);
    }
}

gboolean
inn_engine_open (InnEngine *self, GError **error)
{
  g_autoptr (InnMachineStore) store = NULL;
  g_autoptr (InnRuntimeDirectory) runtime = NULL;

  g_return_val_if_fail (INN_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (self->store == NULL, FALSE);

  store = inn_machine_store_new (self->data_dir);
  runtime = inn_runtime_directory_open (self->runtime_dir, error);
  if (runtime == NULL || !inn_machine_store_open (store, error))
    return FALSE;

  self->store = g_steal_pointer (&store);
  self->runtime = g_steal_pointer (&runtime);
  inn_snapshot_store_recover_all (self->store);
  g_signal_connect_object (self->store, "changed", G_CALLBACK (on_store_changed), self, 0);
  g_signal_connect_object (self->store, "snapshots-changed", G_CALLBACK (on_snapshots_changed),
                           self, 0);
  self->runtime_watch = inn_directory_watch_new (on_runtime_changed, self);
  if (self->runtime_watch == NULL
      || !inn_directory_watch_add (self->runtime_watch, self->runtime_dir))
    g_warning ("%s cannot be watched for machines that others start: %s", self->runtime_dir,
               g_strerror (errno));
  sync_all (self);

  return TRUE;
}

void
inn_engine_close (InnEngine *self)
{
  g_return_if_fail (INN_IS_ENGINE (self));

  if (self->store == NULL)
    return;

  g_clear_pointer (&self->runtime_watch, inn_directory_watch_free);
  inn_machine_store_close (self->store);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++)
    {
      g_autoptr (InnGuest) guest = g_list_model_get_item (G_LIST_MODEL (self), i);

      inn_guest_detach (guest);
    }
  g_list_store_remove_all (self->guests);
  g_clear_object (&self->store);
  g_clear_pointer (&self->runtime, inn_runtime_directory_unref);
}

static InnGuest *
find (InnEngine *self, const char *(*get_text) (InnGuest *), const char *text)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++)
    {
      /* The list keeps it alive for the caller. */
      g_autoptr (InnGuest) guest = g_list_model_get_item (G_LIST_MODEL (self), i);

      if (g_strcmp0 (get_text (guest), text) == 0)
        return guest;
    }

  return NULL;
}

InnGuest *
inn_engine_find (InnEngine *self, const char *uuid)
{
  g_return_val_if_fail (INN_IS_ENGINE (self), NULL);

  return find (self, inn_guest_get_uuid, uuid);
}

InnGuest *
inn_engine_find_by_name (InnEngine *self, const char *name)
{
  g_return_val_if_fail (INN_IS_ENGINE (self), NULL);

  return find (self, inn_guest_get_name, name);
}

static gboolean
writes_file (InnGuest *guest, const struct stat *file)
{
  const InnMachineDescription *description = inn_guest_get_description (guest);
  const guint n_disks = description != NULL ? inn_machine_description_get_n_disks (description) : 0;

  for (guint i = 0; i < n_disks; i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);
      struct stat other;

      if (disk->kind == INN_DISK_DISK && !disk->readonly && disk->path != NULL
          && stat (disk->path, &other) == 0 && other.st_dev == file->st_dev
          && other.st_ino == file->st_ino)
        return TRUE;
    }

  return FALSE;
}

InnGuest *
inn_engine_find_disk_user (InnEngine *self, const char *path, InnGuest *guest)
{
  struct stat file;

  g_return_val_if_fail (INN_IS_ENGINE (self), NULL);

  if (stat (path, &file) < 0)
    return NULL;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++)
    {
      /* The list keeps it alive for the caller. */
      g_autoptr (InnGuest) other = g_list_model_get_item (G_LIST_MODEL (self), i);

      if (other != guest && writes_file (other, &file))
        return other;
    }

  return NULL;
}

InnGuest *
inn_engine_find_mac_user (InnEngine *self, const char *mac, InnGuest *guest)
{
  g_return_val_if_fail (INN_IS_ENGINE (self), NULL);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++)
    {
      /* The list keeps it alive for the caller. */
      g_autoptr (InnGuest) other = g_list_model_get_item (G_LIST_MODEL (self), i);
      const InnMachineDescription *description = inn_guest_get_description (other);

      if (other != guest && description != NULL
          && inn_machine_description_has_mac (description, mac))
        return other;
    }

  return NULL;
}

gboolean
inn_engine_check_forward (InnEngine *self, const char *forward, InnGuest *guest, GError **error)
{
  g_return_val_if_fail (INN_IS_ENGINE (self), FALSE);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self)); i++)
    {
      g_autoptr (InnGuest) other = g_list_model_get_item (G_LIST_MODEL (self), i);
      const InnMachineDescription *description = inn_guest_get_description (other);

      if (other != guest && description != NULL
          && !inn_port_check_description (forward, description, error))
        return FALSE;
    }

  return inn_port_check_host (forward, error);
}

char *
inn_engine_get_space_warning (InnEngine *self, guint64 size)
{
  g_return_val_if_fail (INN_IS_ENGINE (self), NULL);

  return inn_disk_image_get_space_warning (self->data_dir, size);
}

/* ---- making machines ---- */

/* What the worker thread needs. */
typedef struct
{
  InnMachineStore *store;
  InnMachineDescription *description;
  guint64 *disk_sizes;
  guint n_disks;

  /* When a disk is copied. */
  char *import; /* or NULL */
  InnDiskFormat import_format;
  InnThreadProgress *progress; /* freed in the main thread */
} NewMachine;

static void
new_machine_free (NewMachine *machine)
{
  g_object_unref (machine->store);
  inn_machine_description_free (machine->description);
  g_free (machine->disk_sizes);
  g_free (machine->import);
  g_free (machine);
}

static gboolean
import_machine (const NewMachine *machine, GCancellable *cancellable, GError **error)
{
  const InnMachineImport import = {
    .path = machine->import,
    .format = machine->import_format,
    .disk_sizes = machine->disk_sizes,
    .n_disks = machine->n_disks,
    .progress = inn_thread_progress_get (machine->progress),
  };

  return inn_machine_import (machine->store, machine->description, &import, cancellable, error);
}

static void
make_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  NewMachine *machine = task_data;
  const char *uuid = inn_machine_description_get_uuid (machine->description);
  g_autoptr (GError) error = NULL;
  gboolean done;

  if (machine->import != NULL)
    done = import_machine (machine, cancellable, &error);
  else if (inn_machine_store_contains (machine->store, uuid))
    done = inn_machine_store_replace (machine->store, machine->description, &error);
  else
    done = inn_machine_store_create (machine->store, machine->description, machine->disk_sizes,
                                     machine->n_disks, &error);

  if (done)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* Transfer full; *@disk_sizes is copied, @description taken over. */
static NewMachine *
new_machine_new (InnEngine *self,
                 InnMachineDescription *description,
                 const guint64 *disk_sizes,
                 guint n_disks)
{
  NewMachine *machine = g_new0 (NewMachine, 1);

  machine->store = g_object_ref (self->store);
  machine->description = description;
  machine->disk_sizes = g_memdup2 (disk_sizes, n_disks * sizeof (*disk_sizes));
  machine->n_disks = n_disks;
  return machine;
}

/* Takes over both. A machine that is there when it was cancelled is there. */
static void
make_machine (GTask *task, NewMachine *machine)
{
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, machine, (GDestroyNotify)new_machine_free);
  g_task_run_in_thread (task, make_in_thread);
  g_object_unref (task);
}

static InnGuest *
make_finish (InnEngine *self, GAsyncResult *result, GError **error)
{
  InnGuest *guest = NULL;
  NewMachine *machine = g_task_get_task_data (G_TASK (result));

  if (machine != NULL)
    g_clear_pointer (&machine->progress, inn_thread_progress_free);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;

  if (self->store != NULL)
    {
      const char *uuid = inn_machine_description_get_uuid (machine->description);

      sync_machine (self, uuid);
      guest = inn_engine_find (self, uuid);
    }
  if (guest == NULL) /* somebody else has deleted it again, or the engine was closed */
    {
      g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                           _ ("The machine was made, but is gone already."));
      return NULL;
    }

  return g_object_ref (guest);
}

static gboolean
check_boot_file (const char *what, const char *path, GError **error)
{
  if (!inn_machine_description_check_text (what, path, error))
    return FALSE;
  if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_access (path, R_OK) == 0)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("%s “%s” is not a file that can be read. Choose another."), what, path);
  return FALSE;
}

static gboolean
check_kernel (const InnNewGuest *guest, GError **error)
{
  return (guest->kernel == NULL || check_boot_file (_ ("The kernel"), guest->kernel, error))
         && (guest->initrd == NULL
             || check_boot_file (_ ("The initial RAM disk"), guest->initrd, error))
         && (guest->cmdline == NULL
             || inn_machine_description_check_text (_ ("The kernel's command line"), guest->cmdline,
                                                    error));
}

/* Whether the raw disk can be used where it is. */
static gboolean
check_raw_disk (InnEngine *self, const char *path, GError **error)
{
  int fd = inn_disk_image_open (path, INN_DISK_READ_WRITE, error);
  InnGuest *user;

  if (fd < 0)
    return FALSE;
  fd_close (&fd);
  user = inn_engine_find_disk_user (self, path, NULL);
  if (user == NULL)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("The disk “%s” belongs to the machine “%s”, and two machines would destroy what "
                  "is on it. Choose another, or a copy."),
               path, inn_guest_get_name (user));
  return FALSE;
}

static gboolean
check_import (InnEngine *self, const InnNewGuest *guest, InnDiskFormat *ret_format, GError **error)
{
  return inn_machine_description_check_text (_ ("The name of the disk"), guest->import, error)
         && inn_disk_import_find_format (guest->import, guest->import_format, ret_format, error)
         && (*ret_format != INN_DISK_FORMAT_RAW || check_raw_disk (self, guest->import, error));
}

static gboolean
check_media (InnEngine *self, const InnNewGuest *guest, InnDiskFormat *ret_format, GError **error)
{
  if (guest->kernel == NULL && guest->cdrom == NULL && guest->import == NULL
      && !guest->network_boot)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("“%s” would have nothing to start from. Give it a CD image, a disk with a "
                      "system on it, or a Linux kernel."),
                   guest->name);
      return FALSE;
    }

  return (guest->cdrom == NULL
          || (inn_machine_description_check_text (_ ("The name of the CD image"), guest->cdrom,
                                                  error)
              && inn_disk_image_check_medium (guest->cdrom, error)))
         && (guest->import == NULL || check_import (self, guest, ret_format, error));
}

static gboolean
check_new_guest (InnEngine *self,
                 const InnNewGuest *guest,
                 InnDiskFormat *ret_format,
                 GError **error)
{
  return inn_machine_description_check_name (guest->name, error)
         && inn_host_memory_check (guest->name, guest->memory, error) && check_kernel (guest, error)
         && check_media (self, guest, ret_format, error);
}

/* What a machine with firmware has besides: a screen, and the disks tried before the CD, so that a
 * system starts once it is installed and an empty disk lets the CD have its turn. */
static void
describe_pc (InnMachineDescription *description, gboolean network_boot)
{
  const char *const order[] = { "hd", "cdrom", network_boot ? "network" : NULL, NULL };
  const InnVideo video = { .model = INN_VIDEO_VIRTIO,
                           .width = INN_VIDEO_DEFAULT_WIDTH,
                           .height = INN_VIDEO_DEFAULT_HEIGHT };

  inn_machine_description_set_boot_order (description, order, NULL);
  inn_machine_description_set_video (description, &video);
}

static void
describe_boot (InnMachineDescription *description, const InnNewGuest *guest)
{
  if (guest->kernel != NULL)
    {
      inn_machine_description_set_kernel (description, guest->kernel);
      inn_machine_description_set_initrd (description, guest->initrd);
      inn_machine_description_set_cmdline (description, guest->cmdline != NULL ? guest->cmdline
                                                                               : DEFAULT_CMDLINE);
    }
  inn_machine_description_add_guest_devices (description);
  inn_machine_description_set_firmware (description, guest->firmware);
  if (inn_machine_description_get_firmware (description) != INN_FIRMWARE_NONE)
    describe_pc (description, guest->network_boot);
}

/* A network card with an address that no other machine here has. */
static void
add_network (InnEngine *self, InnMachineDescription *description)
{
  g_autofree char *mac = inn_machine_description_make_mac ();

  while (inn_engine_find_mac_user (self, mac, NULL) != NULL)
    {
      g_free (mac);
      mac = inn_machine_description_make_mac ();
    }
  inn_machine_description_add_user_nic (description, mac);
}

/* *@ret_format: of the disk that is imported. */
static InnMachineDescription *
describe_new_guest (InnEngine *self,
                    const InnNewGuest *guest,
                    InnDiskFormat *ret_format,
                    GError **error)
{
  g_autoptr (InnMachineDescription) description = NULL;

  *ret_format = INN_DISK_FORMAT_RAW;
  if (!check_new_guest (self, guest, ret_format, error))
    return NULL;

  description = inn_machine_description_new (guest->name, guest->memory, guest->vcpus);
  describe_boot (description, guest);
  add_network (self, description);
  if (guest->import != NULL && *ret_format == INN_DISK_FORMAT_RAW)
    inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO,
                                      guest->import);
  if (guest->cdrom != NULL)
    inn_machine_description_add_disk (description, INN_DISK_CDROM, INN_DISK_BUS_SATA, guest->cdrom);
  if (!inn_machine_description_validate (description, error)
      || !inn_machine_description_check_startable (description, error))
    return NULL;

  return g_steal_pointer (&description);
}

void
inn_engine_create_async (InnEngine *self,
                         const InnNewGuest *guest,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  InnMachineDescription *description;
  InnDiskFormat format;
  NewMachine *machine;

  g_return_if_fail (INN_IS_ENGINE (self));
  g_return_if_fail (self->store != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  description = describe_new_guest (self, guest, &format, &error);
  if (description == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  machine = new_machine_new (self, description, guest->disk_sizes, guest->n_disks);
  if (guest->import != NULL && format != INN_DISK_FORMAT_RAW)
    {
      machine->import = g_strdup (guest->import);
      machine->import_format = format;
      machine->progress
          = inn_thread_progress_new (guest->progress, guest->progress_data, cancellable);
    }
  make_machine (g_steal_pointer (&task), machine);
}

InnGuest *
inn_engine_create_finish (InnEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return make_finish (self, result, error);
}

void
inn_engine_define_async (InnEngine *self,
                         const char *xml,
                         gsize length,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (InnMachineDescription) description = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (INN_IS_ENGINE (self));
  g_return_if_fail (self->store != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  description = inn_machine_description_parse (xml, length, &error);
  if (description != NULL && inn_machine_description_get_uuid (description) == NULL)
    {
      g_autofree char *uuid = g_uuid_string_random ();

      inn_machine_description_set_uuid (description, uuid);
    }

  if (description == NULL || !inn_machine_description_validate (description, &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    make_machine (g_steal_pointer (&task),
                  new_machine_new (self, g_steal_pointer (&description), NULL, 0));
}

InnGuest *
inn_engine_define_finish (InnEngine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return make_finish (self, result, error);
}
