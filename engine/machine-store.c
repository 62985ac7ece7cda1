/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The folder of machines. A machine is made in a folder with a temporary name and renamed into
 * place, and renamed away before it is removed, so that others only ever see whole ones. Processes
 * that change the store take turns by a lock on ".lock" in it; whoever holds that may remove
 * folders with a temporary name, for their makers are dead. A maker that is not shows it by a lock
 * on the definition; where it is and the machine runs nevertheless, its name is all that lacks.
 */
#include "config.h"

#include "machine-store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "directory-watch.h"
#include "disk-image.h"
#include "engine-error.h"
#include "file-lock.h"
#include "folder.h"
#include "machine-description-disks.h"
#include "machine-description-template.h"
#include "machine-lock.h"

#define DEFINITION_NAME "domain.xml"
#define SNAPSHOTS_NAME  "snapshots"
#define NEW_PREFIX      ".new-"
#define DELETED_PREFIX  ".deleted-"

enum
{
  CHANGED,
  SNAPSHOTS_CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

struct _InnMachineStore
{
  GObject parent_instance;

  char *path;
  InnDirectoryWatch *watch;
};

G_DEFINE_FINAL_TYPE (InnMachineStore, inn_machine_store, G_TYPE_OBJECT)

static void
inn_machine_store_dispose (GObject *object)
{
  inn_machine_store_close (INN_MACHINE_STORE (object));

  G_OBJECT_CLASS (inn_machine_store_parent_class)->dispose (object);
}

static void
inn_machine_store_finalize (GObject *object)
{
  g_free (INN_MACHINE_STORE (object)->path);

  G_OBJECT_CLASS (inn_machine_store_parent_class)->finalize (object);
}

static void
inn_machine_store_class_init (InnMachineStoreClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = inn_machine_store_dispose;
  object_class->finalize = inn_machine_store_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SNAPSHOTS_CHANGED]
      = g_signal_new ("snapshots-changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                      NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
inn_machine_store_init (InnMachineStore *self)
{
}

/* The descriptor that holds the store's lock, or -1. */
static int
open_store_lock (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, ".lock", NULL);
  int fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

  if (fd < 0)
    inn_folder_set_error (error, folder, errno);

  return fd;
}

int
inn_machine_store_lock_folder (const char *path, GError **error)
{
  int fd = open_store_lock (path, error);
  int error_number;

  if (fd < 0)
    return -1;

  error_number = inn_file_lock_wait (fd, INN_FILE_LOCK_EXCLUSIVE);
  if (error_number != 0)
    {
      inn_folder_set_error (error, path, error_number);
      fd_close (&fd);
    }

  return fd;
}

int
inn_machine_store_lock (InnMachineStore *self, GError **error)
{
  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), -1);

  return inn_machine_store_lock_folder (self->path, error);
}

/* A machine that will be there when it runs. */
static char *
get_prepared_folder (InnMachineStore *self, const char *uuid)
{
  g_autofree char *name = g_strconcat (NEW_PREFIX, uuid, NULL);

  return g_build_filename (self->path, name, NULL);
}

static int
open_definition (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, DEFINITION_NAME, NULL);

  return g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
}

static gboolean
is_being_made (const char *folder)
{
  int fd = open_definition (folder);
  const gboolean locked = fd >= 0 && inn_file_lock_is_held (fd);

  fd_close (&fd);
  return locked;
}

static void
settle_new (InnMachineStore *self, const char *uuid, const char *folder)
{
  if (is_being_made (folder))
    return;
  if (g_uuid_string_is_valid (uuid) && inn_machine_lock_is_held (folder))
    inn_machine_store_publish (self, uuid, NULL);
  else
    inn_folder_remove (folder, NULL);
}

/* With the store's lock held. */
static void
settle_leftovers (InnMachineStore *self)
{
  g_autoptr (GDir) folder = g_dir_open (self->path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->path, name, NULL);

      if (g_str_has_prefix (name, NEW_PREFIX))
        settle_new (self, name + strlen (NEW_PREFIX), path);
      else if (g_str_has_prefix (name, DELETED_PREFIX))
        inn_folder_remove (path, NULL);
    }
}

/* The folder of snapshots, and each of them. */
static void
watch_snapshots (InnMachineStore *self, const char *folder)
{
  g_autoptr (GDir) snapshots = g_dir_open (folder, 0, NULL);
  const char *name;

  if (snapshots == NULL)
    return;

  inn_directory_watch_add (self->watch, folder);
  while ((name = g_dir_read_name (snapshots)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_uuid_string_is_valid (name))
        inn_directory_watch_add (self->watch, path);
    }
}

static void
watch_machine (InnMachineStore *self, const char *folder)
{
  g_autofree char *snapshots = g_build_filename (folder, SNAPSHOTS_NAME, NULL);

  inn_directory_watch_add (self->watch, folder); /* refused when it has gone */
  watch_snapshots (self, snapshots);
}

/* Below a machine's folder, whose UUID comes first. */
static void
on_snapshots_changed (InnMachineStore *self, const char *below)
{
  g_auto (GStrv) names = g_strsplit (below, "/", 2);
  g_autofree char *folder = g_build_filename (self->path, names[0], SNAPSHOTS_NAME, NULL);

  watch_snapshots (self, folder);
  g_signal_emit (self, signals[SNAPSHOTS_CHANGED], 0, names[0]);
}

static void
on_watched_change (const char *folder, const char *name, gpointer user_data)
{
  g_autoptr (InnMachineStore) self = g_object_ref (user_data);

  if (folder == NULL)
    {
      g_signal_emit (self, signals[CHANGED], 0, NULL);
    }
  else if (g_str_equal (folder, self->path))
    {
      g_autofree char *machine_folder = g_build_filename (folder, name, NULL);

      if (!g_uuid_string_is_valid (name))
        return;
      watch_machine (self, machine_folder);
      g_signal_emit (self, signals[CHANGED], 0, name);
    }
  else if (g_str_equal (name, SNAPSHOTS_NAME)
           || strchr (folder + strlen (self->path) + 1, '/') != NULL)
    {
      on_snapshots_changed (self, folder + strlen (self->path) + 1);
    }
  else if (g_str_equal (name, DEFINITION_NAME) || g_str_equal (name, "last-run"))
    {
      g_signal_emit (self, signals[CHANGED], 0, strrchr (folder, '/') + 1);
    }
}

static void
start_watching (InnMachineStore *self)
{
  g_auto (GStrv) uuids = NULL;

  self->watch = inn_directory_watch_new (on_watched_change, self);
  if (self->watch == NULL || !inn_directory_watch_add (self->watch, self->path))
    {
      g_warning ("%s cannot be watched for changes of other programs: %s", self->path,
                 g_strerror (errno));
      g_clear_pointer (&self->watch, inn_directory_watch_free);
      return;
    }

  uuids = inn_machine_store_list (self);
  for (guint i = 0; uuids[i] != NULL; i++)
    {
      g_autofree char *folder = inn_machine_store_get_folder (self, uuids[i]);

      watch_machine (self, folder);
    }
}

InnMachineStore *
inn_machine_store_new (const char *data_dir)
{
  InnMachineStore *self = g_object_new (INN_TYPE_MACHINE_STORE, NULL);
  g_autofree char *absolute = g_canonicalize_filename (data_dir, NULL);

  self->path = g_build_filename (absolute, "machines", NULL);
  return self;
}

gboolean
inn_machine_store_open (InnMachineStore *self, GError **error)
{
  int fd;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  if (g_mkdir_with_parents (self->path, 0700) < 0)
    {
      g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
                   _ ("The folder “%s” for machines cannot be made: %s."), self->path,
                   g_strerror (errno));
      return FALSE;
    }

  /* A store that may only be read is fine here: its machines can be looked at. */
  fd = open_store_lock (self->path, NULL);
  if (fd >= 0 && inn_file_lock (fd, INN_FILE_LOCK_EXCLUSIVE) == 0)
    settle_leftovers (self);
  fd_close (&fd);
  start_watching (self);

  return TRUE;
}

void
inn_machine_store_close (InnMachineStore *self)
{
  g_clear_pointer (&self->watch, inn_directory_watch_free);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *)a, *(const char *const *)b);
}

GStrv
inn_machine_store_list (InnMachineStore *self)
{
  g_autoptr (GPtrArray) uuids = g_ptr_array_new ();
  g_autoptr (GDir) folder = g_dir_open (self->path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      if (inn_machine_store_contains (self, name))
        g_ptr_array_add (uuids, g_strdup (name));
    }
  g_ptr_array_sort (uuids, compare_strings);
  g_ptr_array_add (uuids, NULL);

  return (GStrv)g_ptr_array_free (g_steal_pointer (&uuids), FALSE);
}

gboolean
inn_machine_store_contains (InnMachineStore *self, const char *uuid)
{
  g_autofree char *folder = inn_machine_store_get_folder (self, uuid);

  return g_uuid_string_is_valid (uuid) && g_file_test (folder, G_FILE_TEST_IS_DIR);
}

const char *
inn_machine_store_get_path (InnMachineStore *self)
{
  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), NULL);

  return self->path;
}

char *
inn_machine_store_get_folder (InnMachineStore *self, const char *uuid)
{
  return g_build_filename (self->path, uuid, NULL);
}

/* At most a byte more than a description may have: enough to refuse it. */
static char *
read_definition (const char *path, gsize *ret_length, GError **error)
{
  g_autofree char *text = g_malloc (INN_MACHINE_DESCRIPTION_MAX_SIZE + 2);
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  gsize length = 0;
  ssize_t r = fd < 0 ? -1 : 1;

  while (r > 0 && length <= INN_MACHINE_DESCRIPTION_MAX_SIZE)
    {
      r = read (fd, text + length, INN_MACHINE_DESCRIPTION_MAX_SIZE + 1 - length);
      if (r > 0)
        length += (gsize)r;
    }
  if (r < 0)
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
                 _ ("The definition “%s” cannot be read: %s."), path, g_strerror (errno));
  fd_close (&fd);
  if (r < 0)
    return NULL;

  text[length] = '\0';
  *ret_length = length;
  return g_steal_pointer (&text);
}

static InnMachineDescription *
parse_definition (const char *uuid, const char *text, gsize length, GError **error)
{
  g_autoptr (InnMachineDescription) description = NULL;

  description = inn_machine_description_parse (text, length, error);
  if (description == NULL || !inn_machine_description_validate (description, error))
    return NULL;
  if (g_ascii_strcasecmp (inn_machine_description_get_uuid (description), uuid) != 0)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
                   _ ("The definition in the folder “%s” is of another machine, %s."), uuid,
                   inn_machine_description_get_uuid (description));
      return NULL;
    }

  return g_steal_pointer (&description);
}

InnMachineDescription *
inn_machine_store_load_file (const char *path, const char *uuid, GError **error)
{
  gsize length = 0;
  g_autofree char *text = read_definition (path, &length, error);

  return text != NULL ? parse_definition (uuid, text, length, error) : NULL;
}

static InnMachineDescription *
load_from_folder (const char *folder, const char *uuid, char **ret_name, GError **error)
{
  g_autofree char *path = g_build_filename (folder, DEFINITION_NAME, NULL);
  g_autoptr (InnMachineDescription) description = NULL;
  g_autofree char *text = NULL;
  g_autofree char *name = NULL;
  gsize length = 0;

  text = read_definition (path, &length, error);
  if (text != NULL)
    {
      description = parse_definition (uuid, text, length, error);
      if (description == NULL)
        name = inn_machine_description_recover_name (text, length);
    }
  if (description == NULL && ret_name != NULL)
    *ret_name = name != NULL ? g_steal_pointer (&name) : g_strdup (uuid);

  return g_steal_pointer (&description);
}

InnMachineDescription *
inn_machine_store_load (InnMachineStore *self, const char *uuid, char **ret_name, GError **error)
{
  g_autofree char *folder = inn_machine_store_get_folder (self, uuid);

  return load_from_folder (folder, uuid, ret_name, error);
}

/* The name of the machine in the store's folder @entry, or NULL when there is none in it. One that
 * is being prepared has its name already. */
static char *
read_name (InnMachineStore *self, const char *entry, const char **ret_uuid)
{
  const gboolean prepared = g_str_has_prefix (entry, NEW_PREFIX);
  const char *uuid = prepared ? entry + strlen (NEW_PREFIX) : entry;
  g_autofree char *folder = g_build_filename (self->path, entry, NULL);
  g_autoptr (InnMachineDescription) description = NULL;
  char *name = NULL;

  if (!g_uuid_string_is_valid (uuid)
      || (prepared && !is_being_made (folder) && !inn_machine_lock_is_held (folder)))
    return NULL;

  description = load_from_folder (folder, uuid, &name, NULL);
  *ret_uuid = uuid;
  return description != NULL ? g_strdup (inn_machine_description_get_name (description)) : name;
}

gboolean
inn_machine_store_check_name (InnMachineStore *self,
                              const InnMachineDescription *wanted,
                              GError **error)
{
  const char *wanted_name = inn_machine_description_get_name (wanted);
  const char *wanted_uuid = inn_machine_description_get_uuid (wanted);
  g_autoptr (GDir) folder = g_dir_open (self->path, 0, NULL);
  const char *entry;

  while (folder != NULL && (entry = g_dir_read_name (folder)) != NULL)
    {
      const char *uuid = NULL;
      g_autofree char *name = read_name (self, entry, &uuid);

      if (g_strcmp0 (name, wanted_name) == 0 && g_ascii_strcasecmp (uuid, wanted_uuid) != 0)
        {
          g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS,
                       _ ("There is a machine “%s” already. Choose another name."), wanted_name);
          return FALSE;
        }
    }

  return TRUE;
}

static gboolean
write_definition (const char *folder, const InnMachineDescription *description, GError **error)
{
  g_autofree char *path = g_build_filename (folder, DEFINITION_NAME, NULL);
  g_autofree char *text = inn_machine_description_to_xml (description);
  g_autoptr (GError) local_error = NULL;

  if (g_file_set_contents_full (path, text, -1,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local_error))
    return TRUE;

  inn_folder_set_error (error, path, inn_engine_errno_from_file_error (local_error));
  return FALSE;
}

/* New disks. */
typedef struct
{
  const guint64 *sizes;
  guint count;
} DiskSizes;

static gboolean
make_disks (const char *folder,
            const char *final_folder,
            InnMachineDescription *description,
            gpointer data,
            GError **error)
{
  const DiskSizes *disks = data;

  for (guint i = 0; i < disks->count; i++)
    {
      g_autofree char *name = g_strdup_printf ("disk-%u.raw", i + 1);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *final_path = g_build_filename (final_folder, name, NULL);

      if (!inn_disk_image_create (path, disks->sizes[i], error))
        return FALSE;
      inn_machine_description_add_disk (description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO,
                                        final_path);
    }

  return TRUE;
}

/* Nothing of the folder is left on error. */
static gboolean
fill_folder (InnMachineStore *self,
             const char *folder,
             InnMachineDescription *description,
             InnMachineFill fill,
             gpointer data,
             GError **error)
{
  const char *uuid = inn_machine_description_get_uuid (description);
  g_autofree char *final_folder = inn_machine_store_get_folder (self, uuid);

  if (fill (folder, final_folder, description, data, error)
      && inn_machine_description_validate (description, error)
      && write_definition (folder, description, error) && inn_folder_sync (folder, error))
    return TRUE;

  inn_folder_remove (folder, NULL);
  return FALSE;
}

static gboolean
name_folder (InnMachineStore *self, const char *folder, const char *uuid, GError **error)
{
  g_autofree char *final_folder = inn_machine_store_get_folder (self, uuid);

  if (g_rename (folder, final_folder) == 0)
    return inn_folder_sync (self->path, error);

  inn_folder_set_error (error, final_folder, errno);
  return FALSE;
}

/* With the store's lock held. */
static gboolean
make_machine (InnMachineStore *self,
              InnMachineDescription *description,
              InnMachineFill fill,
              gpointer data,
              GError **error)
{
  const char *uuid = inn_machine_description_get_uuid (description);
  g_autofree char *folder = g_build_filename (self->path, NEW_PREFIX "XXXXXX", NULL);

  if (g_mkdtemp_full (folder, 0700) == NULL)
    {
      inn_folder_set_error (error, self->path, errno);
      return FALSE;
    }
  if (!fill_folder (self, folder, description, fill, data, error))
    return FALSE;
  if (name_folder (self, folder, uuid, error))
    return TRUE;

  inn_folder_remove (folder, NULL);
  return FALSE;
}

static gboolean
check_can_add (InnMachineStore *self, const InnMachineDescription *description, GError **error)
{
  settle_leftovers (self);
  if (!inn_machine_store_contains (self, inn_machine_description_get_uuid (description)))
    return inn_machine_store_check_name (self, description, error);

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_EXISTS,
               _ ("There is a machine with the UUID %s already."),
               inn_machine_description_get_uuid (description));
  return FALSE;
}

gboolean
inn_machine_store_add (InnMachineStore *self,
                       InnMachineDescription *description,
                       InnMachineFill fill,
                       gpointer data,
                       GError **error)
{
  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  return check_can_add (self, description, error)
         && make_machine (self, description, fill, data, error);
}

char *
inn_machine_store_prepare (InnMachineStore *self,
                           InnMachineDescription *description,
                           InnMachineFill fill,
                           gpointer data,
                           int *ret_fd,
                           GError **error)
{
  g_autofree char *folder = NULL;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), NULL);

  folder = get_prepared_folder (self, inn_machine_description_get_uuid (description));
  if (!check_can_add (self, description, error))
    return NULL;
  if (g_mkdir (folder, 0700) < 0)
    {
      inn_folder_set_error (error, folder, errno);
      return NULL;
    }
  if (!fill_folder (self, folder, description, fill, data, error))
    return NULL;

  *ret_fd = open_definition (folder);
  if (*ret_fd >= 0 && inn_file_lock (*ret_fd, INN_FILE_LOCK_SHARED) == 0)
    return g_steal_pointer (&folder);

  inn_folder_set_error (error, folder, errno);
  fd_close (ret_fd);
  inn_folder_remove (folder, NULL);
  return NULL;
}

gboolean
inn_machine_store_publish (InnMachineStore *self, const char *uuid, GError **error)
{
  g_autofree char *folder = NULL;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  folder = get_prepared_folder (self, uuid);
  return name_folder (self, folder, uuid, error);
}

gboolean
inn_machine_store_create (InnMachineStore *self,
                          InnMachineDescription *description,
                          const guint64 *disk_sizes,
                          guint n_disks,
                          GError **error)
{
  DiskSizes disks = { .sizes = disk_sizes, .count = n_disks };
  gboolean done;
  int lock;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  if (!inn_machine_description_check_text (_ ("The folder for machines"), self->path, error)
      || !inn_machine_description_validate (description, error))
    return FALSE;

  lock = inn_machine_store_lock (self, error);
  if (lock < 0)
    return FALSE;

  done = inn_machine_store_add (self, description, make_disks, &disks, error);
  fd_close (&lock);

  return done;
}

gboolean
inn_machine_store_write (InnMachineStore *self,
                         const InnMachineDescription *description,
                         GError **error)
{
  g_autofree char *folder = NULL;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  folder = inn_machine_store_get_folder (self, inn_machine_description_get_uuid (description));
  return inn_machine_description_validate (description, error)
         && write_definition (folder, description, error);
}

/* With the store's lock held: a template stays what it is, and nothing that runs becomes one. A
 * start that has begun sees that its definition has changed. */
static gboolean
check_template (InnMachineStore *self,
                const InnMachineDescription *before,
                const InnMachineDescription *after,
                GError **error)
{
  const char *uuid = inn_machine_description_get_uuid (after);
  g_autofree char *folder = inn_machine_store_get_folder (self, uuid);

  if (inn_machine_description_is_template (before) || !inn_machine_description_is_template (after)
      || !inn_machine_lock_is_held (folder))
    return inn_machine_description_check_template_change (before, after, error);

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("“%s” is running, and only a machine that is off or saved becomes a template. "
                  "Shut it down, or save it, first."),
               inn_machine_description_get_name (before));
  return FALSE;
}

/* The same for a definition that takes the place of one that may be of no use. */
static gboolean
check_replacement (InnMachineStore *self, const InnMachineDescription *after, GError **error)
{
  g_autoptr (InnMachineDescription) before
      = inn_machine_store_load (self, inn_machine_description_get_uuid (after), NULL, NULL);

  return before == NULL || check_template (self, before, after, error);
}

gboolean
inn_machine_store_replace (InnMachineStore *self,
                           const InnMachineDescription *description,
                           GError **error)
{
  const char *uuid = inn_machine_description_get_uuid (description);
  g_autofree char *folder = NULL;
  gboolean done = FALSE;
  int lock;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  if (!inn_machine_description_validate (description, error))
    return FALSE;

  lock = inn_machine_store_lock (self, error);
  if (lock < 0)
    return FALSE;

  folder = inn_machine_store_get_folder (self, uuid);
  if (!inn_machine_store_contains (self, uuid))
    g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                 _ ("There is no machine with the UUID %s."), uuid);
  else
    done = inn_machine_store_check_name (self, description, error)
           && check_replacement (self, description, error)
           && write_definition (folder, description, error);
  fd_close (&lock);

  return done;
}

/* With the store's lock held. */
static gboolean
change_machine (InnMachineStore *self,
                const char *uuid,
                InnMachineChange change,
                gpointer data,
                GError **error)
{
  g_autofree char *folder = inn_machine_store_get_folder (self, uuid);
  g_autoptr (InnMachineDescription) description = inn_machine_store_load (self, uuid, NULL, error);
  g_autoptr (InnMachineDescription) before
      = description != NULL ? inn_machine_description_copy (description) : NULL;

  return description != NULL && change (description, data, error)
         && inn_machine_description_validate (description, error)
         && inn_machine_store_check_name (self, description, error)
         && check_template (self, before, description, error)
         && write_definition (folder, description, error);
}

gboolean
inn_machine_store_change (InnMachineStore *self,
                          const char *uuid,
                          InnMachineChange change,
                          gpointer data,
                          GError **error)
{
  gboolean done;
  int lock;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  lock = inn_machine_store_lock (self, error);
  if (lock < 0)
    return FALSE;

  done = change_machine (self, uuid, change, data, error);
  fd_close (&lock);

  return done;
}

/* disk-1.raw, disk-2.raw, ...: the first that is free. */
static char *
next_disk_path (const char *folder)
{
  for (guint i = 1;; i++)
    {
      g_autofree char *name = g_strdup_printf ("disk-%u.raw", i);
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (g_access (path, F_OK) < 0)
        return g_steal_pointer (&path);
    }
}

static gboolean
check_no_template (InnMachineStore *self, const char *uuid, GError **error)
{
  g_autoptr (InnMachineDescription) description = inn_machine_store_load (self, uuid, NULL, NULL);

  return description == NULL || inn_machine_description_check_no_template (description, error);
}

char *
inn_machine_store_create_disk (InnMachineStore *self,
                               const char *uuid,
                               guint64 size,
                               GError **error)
{
  g_autofree char *folder = NULL;
  g_autofree char *path = NULL;
  gboolean done;
  int lock;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), NULL);

  lock = inn_machine_store_lock (self, error);
  if (lock < 0)
    return NULL;

  folder = inn_machine_store_get_folder (self, uuid);
  path = next_disk_path (folder);
  done = check_no_template (self, uuid, error) && inn_disk_image_create (path, size, error)
         && inn_folder_sync (folder, error);
  fd_close (&lock);

  return done ? g_steal_pointer (&path) : NULL;
}

/* With the store's and the machine's lock held. */
static gboolean
remove_machine (InnMachineStore *self, const char *uuid, GError **error)
{
  g_autofree char *folder = inn_machine_store_get_folder (self, uuid);
  g_autofree char *name = g_strconcat (DELETED_PREFIX, uuid, NULL);
  g_autofree char *away = g_build_filename (self->path, name, NULL);

  if (g_rename (folder, away) < 0)
    {
      inn_folder_set_error (error, folder, errno);
      return FALSE;
    }

  return inn_folder_sync (self->path, error) && inn_folder_remove (away, error);
}

gboolean
inn_machine_store_remove (InnMachineStore *self, const char *uuid, const char *name, GError **error)
{
  g_autofree char *folder = NULL;
  gboolean done = FALSE;
  int store_lock, machine_lock;

  g_return_val_if_fail (INN_IS_MACHINE_STORE (self), FALSE);

  store_lock = inn_machine_store_lock (self, error);
  if (store_lock < 0)
    return FALSE;

  settle_leftovers (self);
  folder = inn_machine_store_get_folder (self, uuid);
  machine_lock = inn_machine_lock_acquire (folder, name, error);
  if (machine_lock >= 0)
    done = remove_machine (self, uuid, error);
  fd_close (&machine_lock);
  fd_close (&store_lock);

  return done;
}
