/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verbs about a machine's devices: attach, detach, insert, eject.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "base/fd.h"
#include "disk-image.h"
#include "disk-import.h"
#include "innctl.h"
#include "protocol/control-protocol.h"

static char *bus_word, *serial, *size, *drive;
static gboolean readonly, force;

/* What a change is given and what it found. */
typedef struct
{
  const char *path; /* NULL: none */
  InnDiskKind kind;
  InnDiskBus bus;
  InnDiskFormat format;
  char *target;
} DeviceChange;

static void
device_change_clear (DeviceChange *self)
{
  g_free (self->target);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeviceChange, device_change_clear)

/* ---- attach ---- */

static gboolean
add_device (InnMachineDescription *description, gpointer data, GError **error)
{
  DeviceChange *change = data;

  change->target = g_strdup (
      inn_machine_description_add_disk (description, change->kind, change->bus, change->path));
  if (change->kind == INN_DISK_DISK)
    {
      inn_machine_description_set_disk_layer (description, change->target, change->path,
                                              inn_disk_format_to_word (change->format));
      inn_machine_description_set_disk_serial (description, change->target, serial);
      inn_machine_description_set_disk_readonly (description, change->target, readonly);
    }

  return TRUE;
}

static gboolean
parse_bus (InnDiskBus *ret_bus)
{
  if (bus_word == NULL || g_str_equal (bus_word, "virtio"))
    *ret_bus = INN_DISK_BUS_VIRTIO;
  else if (g_str_equal (bus_word, "sata"))
    *ret_bus = INN_DISK_BUS_SATA;
  else
    return FALSE;

  return TRUE;
}

static InnctlStatus
check_disk (Innctl *self, InnGuest *guest, DeviceChange *change)
{
  const char *path = change->path;
  g_autoptr (GError) error = NULL;
  InnGuest *user;

  if (readonly ? !inn_disk_image_check_medium (path, &error)
                     || !inn_disk_import_find_format (path, NULL, &change->format, &error)
               : !inn_disk_image_check_import (path, &change->format, &error))
    return innctl_fail (error);

  user = inn_engine_find_disk_user (self->engine, path, NULL);
  if (user == NULL)
    return INNCTL_DONE;
  if (user == guest)
    return innctl_fail_with (_ ("“%s” has the disk “%s” already."), inn_guest_get_name (guest),
                             path);

  return innctl_fail_with (_ ("The disk “%s” belongs to the machine “%s”, and two machines would "
                              "destroy what is on it. Choose another, or a copy."),
                           path, inn_guest_get_name (user));
}

static char *
create_disk (InnGuest *guest, guint64 bytes, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_guest_create_disk_async (guest, bytes, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_guest_create_disk_finish (guest, result, error);
}

static InnctlStatus
attach_new_disk (Innctl *self, InnGuest *guest, DeviceChange *change)
{
  g_autofree char *warning = NULL;
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  InnctlStatus status;
  guint64 bytes;

  if (!innctl_parse_size (size, &bytes))
    return innctl_fail_usage (_ ("“%s” is not a size for %s. Write it like 512M or 20G."), size,
                              "--size");
  path = create_disk (guest, bytes, &error);
  if (path == NULL)
    return innctl_fail (error);

  change->path = path;
  status = innctl_change (self, guest, add_device, change, &change->target);
  warning = inn_engine_get_space_warning (self->engine, bytes);
  if (status != INNCTL_DONE)
    g_unlink (path);
  else if (warning != NULL)
    innctl_warn (warning);

  return status;
}

static InnctlStatus
attach_disk (Innctl *self, InnGuest *guest, const char *file)
{
  g_autofree char *path = innctl_absolute_path (file);
  g_auto (DeviceChange) change = { .path = path, .kind = INN_DISK_DISK };
  InnctlStatus status;

  if ((file == NULL) == (size == NULL))
    return innctl_fail_usage (_ ("Which disk? Name its file, or its --size when it is new."));
  if (!parse_bus (&change.bus))
    return innctl_fail_usage (_ ("“%s” is no bus for a disk; write virtio or sata."), bus_word);
  if (size != NULL)
    return attach_new_disk (self, guest, &change);
  status = check_disk (self, guest, &change);
  if (status != INNCTL_DONE)
    return status;

  return innctl_change (self, guest, add_device, &change, &change.target);
}

static InnctlStatus
check_medium (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *warning = NULL;

  if (!inn_disk_image_check_medium (path, &error))
    return innctl_fail (error);

  warning = inn_cd_image_get_warning (path);
  if (warning != NULL)
    innctl_warn (warning);
  return INNCTL_DONE;
}

static InnctlStatus
attach_cdrom (Innctl *self, InnGuest *guest, const char *file)
{
  g_autofree char *path = innctl_absolute_path (file);
  g_auto (DeviceChange) change = { .path = path, .kind = INN_DISK_CDROM, .bus = INN_DISK_BUS_SATA };

  if (size != NULL || bus_word != NULL || serial != NULL || readonly)
    return innctl_fail_usage (_ ("--size, --bus, --serial and --readonly are for disks; leave them "
                                 "out with cdrom."));
  if (path != NULL && check_medium (path) != INNCTL_DONE)
    return INNCTL_FAILED;

  return innctl_change (self, guest, add_device, &change, &change.target);
}

static const struct
{
  const char *word;
  InnctlStatus (*attach) (Innctl *self, InnGuest *guest, const char *argument);
} kinds[] = {
  { "disk", attach_disk },
  { "cdrom", attach_cdrom },
};

static InnctlStatus
run_attach (Innctl *self, char **arguments)
{
  g_autoptr (InnGuest) guest = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      if (!g_str_equal (arguments[1], kinds[i].word))
        continue;
      g_set_object (&guest, innctl_find_guest (self, arguments[0]));
      return guest != NULL ? kinds[i].attach (self, guest, arguments[2]) : INNCTL_FAILED;
    }

  return innctl_fail_usage (_ ("“%s” is nothing that can be attached; write disk or cdrom."),
                            arguments[1]);
}

/* ---- detach ---- */

static gboolean
remove_device (InnMachineDescription *description, gpointer data, GError **error)
{
  const char *target = data;

  if (inn_machine_description_find_disk (description, target) == NULL)
    {
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
                   _ ("“%s” has no disk or CD drive “%s”. “innctl dumpxml” shows those it has."),
                   inn_machine_description_get_name (description), target);
      return FALSE;
    }

  inn_machine_description_remove_disk (description, target);
  return TRUE;
}

static InnctlStatus
run_detach (Innctl *self, char **arguments)
{
  g_autoptr (InnGuest) guest = NULL;

  g_set_object (&guest, innctl_find_guest (self, arguments[0]));
  return guest != NULL ? innctl_change (self, guest, remove_device, arguments[1], NULL)
                       : INNCTL_FAILED;
}

/* ---- insert, eject ---- */

/* The drive that is meant when none is named: the only one, else the first that is empty (to put
 * something in) or full (to take it out). NULL and an error when there is none. */
static const char *
choose_drive (const InnMachineDescription *description, gboolean insert, GError **error)
{
  const char *only = NULL, *fitting = NULL;
  guint n_drives = 0;

  for (guint i = 0; i < inn_machine_description_get_n_disks (description); i++)
    {
      const InnDiskDescription *disk = inn_machine_description_get_disk (description, i);

      if (disk->kind != INN_DISK_CDROM)
        continue;
      n_drives++;
      only = disk->target;
      if (fitting == NULL && (disk->path == NULL) == insert)
        fitting = disk->target;
    }
  if (n_drives == 1)
    return only;
  if (fitting != NULL)
    return fitting;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
               n_drives == 0 ? _ ("“%s” has no CD drive. “innctl attach NAME cdrom” gives it one.")
                             : _ ("“%s” has no CD drive that fits; name one with --drive."),
               inn_machine_description_get_name (description));
  return NULL;
}

static const char *
find_drive (const InnMachineDescription *description, gboolean insert, GError **error)
{
  const InnDiskDescription *disk;

  if (drive == NULL)
    return choose_drive (description, insert, error);

  disk = inn_machine_description_find_disk (description, drive);
  if (disk != NULL && disk->kind == INN_DISK_CDROM)
    return disk->target;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_NOT_FOUND,
               _ ("“%s” has no CD drive “%s”. “innctl dumpxml” shows those it has."),
               inn_machine_description_get_name (description), drive);
  return NULL;
}

/* Without a path it takes the medium out. */
static InnctlStatus
change_medium (const Innctl *self, InnGuest *guest, const char *path)
{
  const InnMachineDescription *description = inn_guest_get_description (guest);
  g_autofree char *target = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  gboolean waits;

  if (description == NULL)
    return innctl_fail_with ("%s", inn_guest_get_text (guest));
  target = g_strdup (find_drive (description, path != NULL, &error));
  if (target == NULL)
    return innctl_fail (error);

  if (path != NULL)
    inn_guest_insert_async (guest, target, path, force, NULL, innctl_take_result, &result);
  else
    inn_guest_eject_async (guest, target, force, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_insert_finish (guest, result, &waits, &error))
    return innctl_fail (error);

  innctl_print_changed (self, guest, target, waits);
  return INNCTL_DONE;
}

/* A VMM by itself counts its drives and has no other names for them. */
static gboolean
parse_drive_number (guint *ret_number)
{
  guint64 number = 0;

  if (drive != NULL
      && !g_ascii_string_to_unsigned (drive, 10, 0, CONTROL_MAX_DRIVES - 1, &number, NULL))
    return FALSE;

  *ret_number = (guint)number;
  return TRUE;
}

/* Without a descriptor it takes the medium out. */
static gboolean
call_drive (const InnctlTarget *target, guint number, int fd, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  if (fd >= 0)
    inn_control_channel_insert_async (target->channel, number, fd, force, NULL, innctl_take_result,
                                      &result);
  else
    inn_control_channel_eject_async (target->channel, number, force, NULL, innctl_take_result,
                                     &result);
  innctl_await (&result);
  return inn_control_channel_call_finish (target->channel, result, error);
}

static InnctlStatus
fail_drive (const Innctl *self, guint number, const GError *error)
{
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
    return innctl_fail_with (_ ("The guest uses the CD in drive %u and was asked to let it go. Try "
                                "again, or use --force."),
                             number);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SUCH_DEVICE))
    return innctl_fail_with (_ ("“%s” has no CD drive %u; they are counted from 0."),
                             self->control_path, number);

  return innctl_fail (error);
}

/* The VMM behind --control. Without a path it takes the medium out. */
static InnctlStatus
change_controlled_medium (Innctl *self, const char *path)
{
  g_auto (InnctlTarget) target = { NULL, NULL };
  g_autoptr (GError) error = NULL;
  InnctlStatus status;
  gboolean done;
  guint number;
  int fd = -1;

  if (!parse_drive_number (&number))
    return innctl_fail_usage (_ ("With --control, --drive is a number from 0; “%s” is none."),
                              drive);
  status = innctl_target_init (&target, self, NULL);
  if (status != INNCTL_DONE)
    return status;
  if (path != NULL)
    {
      fd = inn_disk_image_open (path, INN_DISK_READ_ONLY, &error);
      if (fd < 0)
        return innctl_fail (error);
    }

  done = call_drive (&target, number, fd, &error);
  fd_close (&fd);
  return done ? INNCTL_DONE : fail_drive (self, number, error);
}

static InnctlStatus
run_insert (Innctl *self, char **arguments)
{
  const gboolean controlled = self->control_path != NULL;
  g_autofree char *path = innctl_absolute_path (arguments[controlled ? 0 : 1]);
  g_autoptr (InnGuest) guest = NULL;

  if (controlled)
    return check_medium (path) == INNCTL_DONE ? change_controlled_medium (self, path)
                                              : INNCTL_FAILED;
  g_set_object (&guest, innctl_find_guest (self, arguments[0]));
  if (guest == NULL || check_medium (path) != INNCTL_DONE)
    return INNCTL_FAILED;

  return change_medium (self, guest, path);
}

static InnctlStatus
run_eject (Innctl *self, char **arguments)
{
  g_autoptr (InnGuest) guest = NULL;

  if (self->control_path != NULL)
    return change_controlled_medium (self, NULL);
  g_set_object (&guest, innctl_find_guest (self, arguments[0]));
  return guest != NULL ? change_medium (self, guest, NULL) : INNCTL_FAILED;
}

static const GOptionEntry attach_options[] = {
  { "size", 0, 0, G_OPTION_ARG_STRING, &size,
    N_ ("Of a new, empty disk, like 20G, in place of FILE"), N_ ("SIZE") },
  { "bus", 'b', 0, G_OPTION_ARG_STRING, &bus_word,
    N_ ("Of a disk: virtio or sata (virtio when not given)"), N_ ("WORD") },
  { "readonly", 'r', 0, G_OPTION_ARG_NONE, &readonly, N_ ("The guest cannot write the disk"),
    NULL },
  { "serial", 's', 0, G_OPTION_ARG_STRING, &serial, N_ ("The disk's serial number"), N_ ("TEXT") },
  { NULL },
};

static const GOptionEntry drive_options[] = {
  { "drive", 'd', 0, G_OPTION_ARG_STRING, &drive, N_ ("The CD drive, if there are several"),
    N_ ("TARGET|NUMBER") },
  { "force", 'f', 0, G_OPTION_ARG_NONE, &force,
    N_ ("Even when the guest uses what is in the drive"), NULL },
  { NULL },
};

const InnctlVerb innctl_attach_verb = {
  .name = "attach",
  .arguments = "NAME disk|cdrom [FILE]",
  .summary = N_ ("give a machine a disk or a CD drive"),
  .details
  = N_ ("A disk is a raw or qcow2 file that is there and is used where it is, or a new one among "
        "the machine's files. A CD drive without FILE is empty. Prints the name that the "
        "machine's definition has for it."),
  .min_arguments = 2,
  .max_arguments = 3,
  .options = attach_options,
  .run = run_attach,
};

const InnctlVerb innctl_detach_verb = {
  .name = "detach",
  .arguments = "NAME TARGET",
  .summary = N_ ("take a disk or CD drive out of a machine"),
  .details = N_ ("TARGET is its name in the definition, like vda. No file is deleted."),
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_detach,
};

const InnctlVerb innctl_insert_verb = {
  .name = "insert",
  .arguments = "NAME FILE",
  .summary = N_ ("put a CD image into a machine's drive"),
  .details
  = N_ ("What was in it before is taken out. A running guest finds the new one at once; one "
        "that uses the old one is asked to let it go."),
  .min_arguments = 2,
  .max_arguments = 2,
  .takes_control = TRUE,
  .options = drive_options,
  .run = run_insert,
};

const InnctlVerb innctl_eject_verb = {
  .name = "eject",
  .arguments = "NAME",
  .summary = N_ ("take the CD out of a machine's drive"),
  .details = N_ ("At once, also while the machine runs; a guest that uses it is asked to let it "
                 "go."),
  .min_arguments = 1,
  .max_arguments = 1,
  .takes_control = TRUE,
  .options = drive_options,
  .run = run_eject,
};
