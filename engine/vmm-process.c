/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting one VMM process.
 */
#include "config.h"

#include "vmm-process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "disk-chain.h"
#include "disk-image.h"
#include "disposable-file.h"
#include "engine-error.h"
#include "file-lock.h"
#include "firmware.h"
#include "host-memory.h"
#include "launch-plan.h"
#include "machine-lock.h"
#include "machine-store.h"
#include "net-keeper-process.h"
#include "run-record.h"
#include "variable-store.h"

enum
{
  MAX_COMPLAINT = 1024, /* bytes of the log */
  MAX_COMPLAINT_LINES = 2,
};

static int
open_boot_file (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);

  if (fd < 0)
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
                 _ ("“%s”, which the machine boots from, cannot be opened: %s. Put it back, or "
                    "choose another."),
                 path, g_strerror (errno));

  return fd;
}

static int
open_memory (const char *path, GError **error)
{
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);

  if (fd < 0)
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
                 _ ("The saved memory of the machine, “%s”, cannot be opened: %s. Its disks are as "
                    "they were: discard what was saved to start it from them."),
                 path, g_strerror (errno));

  return fd;
}

/* What is opened and kept open for the VMM. */
typedef struct
{
  const InnVmmRequest *request;
  const InnFirmwareFiles *firmware;
  InnDiskAccess readonly; /* of disks that are only read */
  int lock_fd;
} Opening;

static int
open_variables (const Opening *opening, const char *path, GError **error)
{
  const char *template_path = opening->firmware->variables_template;

  if (!opening->request->disposable)
    return inn_variable_store_open (path, template_path, error);

  return inn_variable_store_open_copy (path, template_path, opening->request->folder, error);
}

static int
open_file (const Opening *opening,
           const InnLaunchPlan *plan,
           const InnLaunchFile *file,
           GError **error)
{
  const InnVmmRequest *request = opening->request;
  const char *uuid = inn_machine_description_get_uuid (request->description);
  int fd = -1;

  switch (file->kind)
    {
    case INN_LAUNCH_CONTROL_SOCKET:
      return inn_runtime_directory_listen (request->runtime, uuid, error);
    case INN_LAUNCH_VSOCK_SOCKET:
      return inn_runtime_directory_listen_vsock (request->runtime, uuid, error);
    case INN_LAUNCH_END_RECORD:
      return inn_run_record_open_end (request->folder, error);
    case INN_LAUNCH_LOCK:
      fd = fcntl (opening->lock_fd, F_DUPFD_CLOEXEC, 0);
      if (fd < 0)
        g_set_error_literal (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED, g_strerror (errno));
      return fd;
    case INN_LAUNCH_VARIABLES:
      return open_variables (opening, file->path, error);
    case INN_LAUNCH_MEMORY:
      return open_memory (file->path, error);
    case INN_LAUNCH_FIRMWARE:
    case INN_LAUNCH_KERNEL:
    case INN_LAUNCH_INITRD:
      return open_boot_file (file->path, error);
    case INN_LAUNCH_DISK:
      return inn_disk_image_open_patiently (file->path, INN_DISK_READ_WRITE, error);
    case INN_LAUNCH_DISPOSABLE_DISK:
      return inn_disposable_file_new_overlay (request->folder, file->path, file->format, error);
    case INN_LAUNCH_READONLY_DISK:
      return inn_disk_image_open_patiently (file->path, opening->readonly, error);
    case INN_LAUNCH_NET_KEEPER:
      return inn_net_keeper_start ((const char *const *)file->forwards,
                                   (const char *const *)plan->environment, error);
    default:
      g_assert_not_reached ();
    }
}

static void
close_file (gpointer data)
{
  InnControlFile *file = data;

  fd_close (&file->fd);
}

static GArray *
new_files (void)
{
  GArray *files = g_array_new (FALSE, FALSE, sizeof (InnControlFile));

  g_array_set_clear_func (files, close_file);
  return files;
}

/* Into @files, of InnControlFile. */
static gboolean
open_files (const Opening *opening, const InnLaunchPlan *plan, GArray *files, GError **error)
{
  for (guint i = 0; i < plan->files->len; i++)
    {
      const InnLaunchFile *file = &g_array_index (plan->files, InnLaunchFile, i);
      const InnControlFile opened = { (guint)file->number, open_file (opening, plan, file, error) };

      if (opened.fd < 0)
        return FALSE;
      g_array_append_val (files, opened);
    }

  return TRUE;
}

/* A new log; that of the run before stays beside it. */
static int
open_log (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *previous = g_strconcat (path, ".old", NULL);
  int fd = -1;

  if (g_mkdir_with_parents (folder, 0700) == 0)
    {
      g_rename (path, previous); /* refused when there is none */
      fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    }
  if (fd < 0)
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
                 _ ("The machine was not started: its log “%s” cannot be written: %s."), path,
                 g_strerror (errno));

  return fd;
}

/* In the child between fork and exec. */
static void
become_session_leader (gpointer user_data)
{
  setsid ();
}

/* The launcher owns them from now on. */
static void
hand_over (GArray *files, GSubprocessLauncher *launcher)
{
  for (guint i = 0; i < files->len; i++)
    {
      InnControlFile *file = &g_array_index (files, InnControlFile, i);

      g_subprocess_launcher_take_fd (launcher, file->fd, (int)file->number);
      file->fd = -1;
    }
}

static GSubprocess *
spawn (const InnVmmRequest *request, const InnLaunchPlan *plan, GArray *files, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autoptr (GError) local_error = NULL;
  GSubprocess *process = NULL;
  int log_fd = open_log (request->log_path, error);
  int output_fd;

  if (log_fd < 0)
    return NULL;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  hand_over (files, launcher);
  output_fd = fcntl (log_fd, F_DUPFD_CLOEXEC, 0);
  g_subprocess_launcher_take_stderr_fd (launcher, log_fd);
  if (output_fd >= 0)
    g_subprocess_launcher_take_stdout_fd (launcher, output_fd);
  g_subprocess_launcher_set_environ (launcher, plan->environment);
  g_subprocess_launcher_set_cwd (launcher, "/");
  g_subprocess_launcher_set_child_setup (launcher, become_session_leader, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *)plan->argv, &local_error);
  if (process == NULL)
    {
      g_debug ("%s", local_error->message);
      g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
                   _ ("The program that runs machines, “%s”, cannot be started. Install Innkeeper "
                      "again."),
                   plan->argv[0]);
    }

  return process;
}

static void
note_holder (int lock_fd, GSubprocess *process)
{
  const char *identifier = g_subprocess_get_identifier (process); /* NULL: ended already */

  if (identifier != NULL)
    inn_machine_lock_set_holder (lock_fd, (GPid)g_ascii_strtoll (identifier, NULL, 10));
}

static gboolean
check_memory (const InnMachineDescription *description, GError **error)
{
  return inn_host_memory_check (inn_machine_description_get_name (description),
                                inn_machine_description_get_memory (description), error);
}

/* From here on nobody freezes its disks; but somebody may have, since the description was read. */
static gboolean
check_unchanged (const InnVmmRequest *request, GError **error)
{
  const InnMachineDescription *defined
      = request->defined != NULL ? request->defined : request->description;
  const char *uuid = inn_machine_description_get_uuid (defined);
  g_autofree char *path = g_build_filename (request->folder, "domain.xml", NULL);
  g_autofree char *wanted = inn_machine_description_to_xml (defined);
  g_autoptr (InnMachineDescription) current = inn_machine_store_load_file (path, uuid, error);
  g_autofree char *xml = NULL;

  if (current == NULL)
    return FALSE;
  xml = inn_machine_description_to_xml (current);
  if (g_str_equal (xml, wanted))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("“%s” did not start, because somebody else has just changed it. Start it again."),
               inn_machine_description_get_name (defined));
  return FALSE;
}

/* NULL on error. */
static InnLaunchPlan *
plan_and_open (const Opening *opening, GArray *files, GError **error)
{
  const InnVmmRequest *request = opening->request;
  g_autofree char *program = inn_vmm_process_find_program ();
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GPtrArray) chains = inn_disk_chain_read_all (request->description, error);
  g_autoptr (InnLaunchPlan) plan = NULL;

  if (chains == NULL)
    return NULL;

  plan = inn_launch_plan_new (request->description, opening->firmware, chains, request->memory,
                              request->disposable, program, (const char *const *)environment);
  return open_files (opening, plan, files, error) ? g_steal_pointer (&plan) : NULL;
}

/* Layers that are merged meanwhile would be there under one name and gone under the next. */
static InnLaunchPlan *
plan_unchanged (const Opening *opening, GArray *files, GError **error)
{
  g_autofree char *store = g_path_get_dirname (opening->request->folder);
  int store_lock = inn_machine_store_lock_folder (store, error);
  InnLaunchPlan *plan = NULL;

  if (store_lock >= 0 && check_unchanged (opening->request, error))
    plan = plan_and_open (opening, files, error);
  fd_close (&store_lock);
  return plan;
}

static gboolean
note_start (const InnVmmRequest *request, gint64 started, GError **error)
{
  g_autofree char *xml = inn_machine_description_to_xml (request->description);

  return inn_run_record_save_definition (request->folder, xml, error)
         && inn_run_record_save_start (request->folder, started, request->disposable, error);
}

static GSubprocess *
start_locked (const Opening *opening, gint64 started, GError **error)
{
  const InnVmmRequest *request = opening->request;
  g_autoptr (GArray) files = new_files ();
  g_autoptr (InnLaunchPlan) plan = plan_unchanged (opening, files, error);
  g_autoptr (GError) local_error = NULL;
  GSubprocess *process;

  if (plan == NULL || !note_start (request, started, error))
    return NULL;

  process = spawn (request, plan, files, &local_error);
  if (process != NULL)
    {
      note_holder (opening->lock_fd, process);
      return process;
    }

  inn_run_record_save_end (request->folder, started, INN_RUN_NOT_STARTED, local_error->message,
                           NULL);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return NULL;
}

GSubprocess *
inn_vmm_process_start (const InnVmmRequest *request, gint64 *ret_started, GError **error)
{
  const char *name = inn_machine_description_get_name (request->description);
  const gint64 started = g_get_real_time ();
  g_auto (InnFirmwareFiles) firmware = { NULL };
  Opening opening = { .request = request, .firmware = &firmware, .readonly = INN_DISK_READ_ONLY };
  GSubprocess *process;

  if (!inn_machine_description_check_startable (request->description, error)
      || !check_memory (request->description, error)
      || !inn_firmware_choose (request->description, request->folder, &firmware, error))
    return NULL;

  opening.lock_fd = inn_machine_lock_acquire (request->folder, name, error);
  if (opening.lock_fd < 0)
    return NULL;

  process = start_locked (&opening, started, error);
  fd_close (&opening.lock_fd);
  if (process != NULL)
    *ret_started = started;

  return process;
}

/* ---- clones ---- */

/* Where it says what it has to say. */
static gboolean
stage_log (InnVmmStaging *self, const InnVmmRequest *request, GError **error)
{
  const InnControlFile errors = { STDERR_FILENO, open_log (request->log_path, error) };
  InnControlFile output = { STDOUT_FILENO, -1 };

  if (errors.fd < 0)
    return FALSE;

  g_array_append_val (self->files, errors);
  output.fd = fcntl (errors.fd, F_DUPFD_CLOEXEC, 0);
  if (output.fd >= 0)
    g_array_append_val (self->files, output);
  return TRUE;
}

static gboolean
stage_arguments (InnVmmStaging *self, const InnLaunchPlan *plan, GError **error)
{
  guint64 offset = 0;
  int r = 0;

  self->arguments_fd = memfd_create ("arguments", MFD_CLOEXEC);
  if (self->arguments_fd < 0)
    r = -errno;
  for (guint i = 0; r == 0 && plan->argv[i] != NULL; i++)
    {
      const gsize length = strlen (plan->argv[i]) + 1;

      r = fd_write_at (self->arguments_fd, plan->argv[i], length, offset);
      offset += length;
    }
  if (r == 0)
    return TRUE;

  g_set_error_literal (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (-r), g_strerror (-r));
  return FALSE;
}

static void
note_shared (InnVmmStaging *self, const InnLaunchPlan *plan)
{
  for (guint i = 0; i < plan->files->len; i++)
    {
      if (g_array_index (plan->files, InnLaunchFile, i).kind == INN_LAUNCH_READONLY_DISK)
        g_array_append_val (self->shared, g_array_index (self->files, InnControlFile, i).fd);
    }
}

gboolean
inn_vmm_process_stage (const InnVmmRequest *request,
                       int lock_fd,
                       InnVmmStaging *ret_staging,
                       GError **error)
{
  g_auto (InnFirmwareFiles) firmware = { NULL };
  const Opening opening = { .request = request,
                            .firmware = &firmware,
                            .readonly = INN_DISK_READ_UNLOCKED,
                            .lock_fd = lock_fd };
  InnVmmStaging staging = { .files = new_files (),
                            .shared = g_array_new (FALSE, FALSE, sizeof (int)),
                            .arguments_fd = -1 };
  g_autoptr (InnLaunchPlan) plan = NULL;

  if (inn_machine_description_check_startable (request->description, error)
      && inn_firmware_choose (request->description, request->folder, &firmware, error))
    plan = plan_and_open (&opening, staging.files, error);
  if (plan != NULL)
    note_shared (&staging, plan);
  if (plan == NULL || !stage_arguments (&staging, plan, error)
      || !stage_log (&staging, request, error) || !note_start (request, g_get_real_time (), error))
    {
      inn_vmm_staging_clear (&staging);
      return FALSE;
    }

  *ret_staging = staging;
  return TRUE;
}

void
inn_vmm_staging_lock (const InnVmmStaging *self)
{
  for (guint i = 0; i < self->shared->len; i++)
    (void)inn_file_lock (g_array_index (self->shared, int, i), INN_FILE_LOCK_SHARED);
}

void
inn_vmm_staging_clear (InnVmmStaging *self)
{
  if (self->files == NULL)
    return;

  g_clear_pointer (&self->files, g_array_unref);
  g_clear_pointer (&self->shared, g_array_unref);
  fd_close (&self->arguments_fd);
}

/* "innkeeper-vmm: sentence" without the program's name. */
static const char *
skip_program_name (const char *line)
{
  static const char prefix[] = "innkeeper-vmm: ";

  return g_str_has_prefix (line, prefix) ? line + strlen (prefix) : line;
}

/* "The file descriptor 5" by the path of that file. */
static char *
name_file (const char *text, const InnLaunchFile *file)
{
  g_autofree char *pattern = g_strdup_printf ("[Tt]he file descriptor %d\\b", file->number);
  g_autofree char *quoted = g_strdup_printf ("“%s”", file->path);
  g_autoptr (GRegex) regex = g_regex_new (pattern, 0, 0, NULL);

  return g_regex_replace_literal (regex, text, -1, 0, quoted, 0, NULL);
}

/* The VMM knows its files by number only; people know them by path. */
static char *
name_files (const char *text, const InnVmmRequest *request)
{
  static const char *const no_environment[] = { NULL };
  g_auto (InnFirmwareFiles) firmware = { NULL };
  g_autoptr (InnLaunchPlan) plan = NULL;
  g_autoptr (GPtrArray) chains = NULL;
  char *named = g_strdup (text);

  chains = inn_disk_chain_read_all (request->description, NULL);
  if (chains == NULL
      || !inn_firmware_choose (request->description, request->folder, &firmware, NULL))
    return named;
  plan = inn_launch_plan_new (request->description, &firmware, chains, request->memory,
                              request->disposable, "", no_environment);

  for (guint i = 0; i < plan->files->len; i++)
    {
      const InnLaunchFile *file = &g_array_index (plan->files, InnLaunchFile, i);
      g_autofree char *before = NULL;

      if (file->path == NULL)
        continue;
      before = named;
      named = name_file (before, file);
    }

  return named;
}

char *
inn_vmm_process_read_complaint (const InnVmmRequest *request)
{
  char text[MAX_COMPLAINT + 1] = "";
  g_autofree char *valid = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) complaint = g_string_new (NULL);
  int fd = g_open (request->log_path, O_RDONLY | O_CLOEXEC, 0);
  ssize_t length = fd >= 0 ? read (fd, text, MAX_COMPLAINT) : -1;
  guint n_lines = 0;

  fd_close (&fd);
  if (length <= 0)
    return NULL;

  valid = g_utf8_make_valid (text, -1);
  lines = g_strsplit (valid, "\n", -1);
  for (guint i = 0; lines[i] != NULL && n_lines < MAX_COMPLAINT_LINES; i++)
    {
      if (*g_strstrip (lines[i]) == '\0')
        continue;
      g_string_append_printf (complaint, "%s%s", n_lines > 0 ? " " : "",
                              skip_program_name (lines[i]));
      n_lines++;
    }

  if (n_lines == 0)
    return NULL;

  return name_files (complaint->str, request);
}

/* Whether this process runs from the build tree that BUILD_VMM_PATH is in. */
static gboolean
runs_from_build_tree (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (BUILD_VMM_PATH); /* BUILD/engine/vmm */
  g_autofree char *engine = g_path_get_dirname (folder);
  g_autofree char *build = g_path_get_dirname (engine);

  return program != NULL && g_str_has_prefix (program, build) && program[strlen (build)] == '/';
}

const char *
inn_vmm_process_get_default_program (void)
{
  return runs_from_build_tree () ? BUILD_VMM_PATH : VMM_PATH;
}

char *
inn_vmm_process_find_program (void)
{
  const char *chosen = g_getenv ("INNKEEPER_VMM");

  if (chosen != NULL && *chosen != '\0')
    return g_canonicalize_filename (chosen, NULL); /* it is started from another folder */

  return g_strdup (inn_vmm_process_get_default_program ());
}

gboolean
inn_vmm_process_kill (const char *folder)
{
  GPid pid = inn_machine_lock_get_holder (folder);
  int pid_fd = pid > 0 ? (int)syscall (SYS_pidfd_open, pid, 0) : -1;
  gboolean done = FALSE;

  /* Looked at again: between the look and the open the number could have gone to another. */
  if (pid_fd >= 0 && inn_machine_lock_get_holder (folder) == pid)
    done = syscall (SYS_pidfd_send_signal, pid_fd, SIGKILL, NULL, 0) == 0;
  fd_close (&pid_fd);

  return done;
}
