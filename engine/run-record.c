/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is known about a machine's last run: a key file in the machine's folder.
 */
#include "config.h"

#include "run-record.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "base/fd.h"
#include "engine-error.h"

#define GROUP "Last Run"

static const char *const end_words[] = {
  [INN_RUN_NOT_ENDED] = "unknown",
  [INN_RUN_POWER_OFF] = "power-off",
  [INN_RUN_FORCED_OFF] = "forced-off",
  [INN_RUN_RESET] = "reset",
  [INN_RUN_PANIC] = "panic",
  [INN_RUN_CRASH] = "crash",
  [INN_RUN_HOST_ERROR] = "host-error",
  [INN_RUN_KILLED] = "killed",
  [INN_RUN_NOT_STARTED] = "not-started",
};

static char *
record_path (const char *folder)
{
  return g_build_filename (folder, "last-run", NULL);
}

static InnRunEnd
end_from_word (const char *word)
{
  for (guint i = 0; word != NULL && i < G_N_ELEMENTS (end_words); i++)
    {
      if (g_str_equal (word, end_words[i]))
        return (InnRunEnd)i;
    }

  return INN_RUN_NOT_ENDED;
}

static char *
end_status_path (const char *folder)
{
  return g_build_filename (folder, "end-status", NULL);
}

int
inn_run_record_open_end (const char *folder, GError **error)
{
  g_autofree char *path = end_status_path (folder);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0)
    g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (errno),
                 _ ("The record of the machine's run cannot be written: %s."), g_strerror (errno));
  return fd;
}

/* What the VMM left. A guest may have taken it over: nothing in it is believed unchecked. */
static void
load_end_status (InnRunRecord *self, const char *folder)
{
  g_autofree char *path = end_status_path (folder);
  struct statistics_status status;
  GStatBuf file;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);

  if (fd < 0)
    return;

  if (fstat (fd, &file) == 0 && fd_read_at (fd, &status, sizeof status, 0) == 0
      && status.state == VMM_STATE_ENDED)
    {
      self->end = inn_run_end_from_status (&status);
      self->ended = (gint64)file.st_mtim.tv_sec * G_USEC_PER_SEC;
      if (status.text[0] != '\0')
        self->text
            = g_utf8_make_valid (status.text, (gssize)strnlen (status.text, sizeof status.text));
    }
  fd_close (&fd);
}

void
inn_run_record_load (InnRunRecord *self, const char *folder)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *path = record_path (folder);
  g_autofree char *word = NULL;

  *self = (InnRunRecord){ 0 };
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, NULL))
    return;

  self->started = g_key_file_get_int64 (file, GROUP, "Started", NULL);
  if (self->started == 0)
    return;

  self->disposable = g_key_file_get_boolean (file, GROUP, "Disposable", NULL);
  word = g_key_file_get_string (file, GROUP, "End", NULL);
  self->ended = g_key_file_get_int64 (file, GROUP, "Ended", NULL);
  self->end = end_from_word (word);
  self->text = g_key_file_get_string (file, GROUP, "Text", NULL);
  if (self->end == INN_RUN_NOT_ENDED)
    load_end_status (self, folder);
}

void
inn_run_record_clear (InnRunRecord *self)
{
  g_clear_pointer (&self->text, g_free);
}

static gboolean
save_text (const char *path, const char *text, gsize length, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  int error_number;

  if (g_file_set_contents_full (path, text, (gssize)length,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local_error))
    return TRUE;

  error_number = inn_engine_errno_from_file_error (local_error);
  g_set_error (error, INN_ENGINE_ERROR, inn_engine_error_from_errno (error_number),
               _ ("The record of the machine's run cannot be written: %s."),
               g_strerror (error_number));
  return FALSE;
}

static gboolean
save (const char *folder, GKeyFile *file, GError **error)
{
  g_autofree char *path = record_path (folder);
  gsize length;
  g_autofree char *text = g_key_file_to_data (file, &length, NULL);

  return save_text (path, text, length, error);
}

gboolean
inn_run_record_save_definition (const char *folder, const char *xml, GError **error)
{
  g_autofree char *path = g_build_filename (folder, INN_RUN_RECORD_DEFINITION_NAME, NULL);

  return save_text (path, xml, strlen (xml), error);
}

char *
inn_run_record_load_definition (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, INN_RUN_RECORD_DEFINITION_NAME, NULL);
  char *xml = NULL;

  g_file_get_contents (path, &xml, NULL, NULL);
  return xml;
}

static GKeyFile *
new_file (gint64 started, gboolean disposable)
{
  GKeyFile *file = g_key_file_new ();

  g_key_file_set_int64 (file, GROUP, "Started", started);
  if (disposable)
    g_key_file_set_boolean (file, GROUP, "Disposable", TRUE);
  return file;
}

gboolean
inn_run_record_save_start (const char *folder, gint64 started, gboolean disposable, GError **error)
{
  g_autoptr (GKeyFile) file = new_file (started, disposable);

  return save (folder, file, error);
}

gboolean
inn_run_record_save_end (const char *folder,
                         gint64 started,
                         InnRunEnd end,
                         const char *text,
                         GError **error)
{
  g_autoptr (GKeyFile) file = NULL;
  g_auto (InnRunRecord) current = { 0 };

  inn_run_record_load (&current, folder);
  if (current.started != started || current.end != INN_RUN_NOT_ENDED)
    return TRUE;

  file = new_file (started, current.disposable);
  g_key_file_set_int64 (file, GROUP, "Ended", g_get_real_time ());
  g_key_file_set_string (file, GROUP, "End", end_words[end]);
  if (text != NULL)
    g_key_file_set_string (file, GROUP, "Text", text);

  return save (folder, file, error);
}

InnRunEnd
inn_run_end_from_status (const struct statistics_status *status)
{
  if (status->state != VMM_STATE_ENDED)
    return INN_RUN_KILLED;

  switch (status->end_reason)
    {
    case VMM_END_GUEST_POWER_OFF:
      return INN_RUN_POWER_OFF;
    case VMM_END_FORCED_OFF:
      return INN_RUN_FORCED_OFF;
    case VMM_END_RESET:
      return INN_RUN_RESET;
    case VMM_END_PANIC:
      return INN_RUN_PANIC;
    case VMM_END_CRASH:
      return INN_RUN_CRASH;
    case VMM_END_HOST_ERROR:
      return INN_RUN_HOST_ERROR;
    default:
      return INN_RUN_KILLED;
    }
}

gboolean
inn_run_end_is_crash (InnRunEnd end)
{
  return end == INN_RUN_PANIC || end == INN_RUN_CRASH || end == INN_RUN_HOST_ERROR
         || end == INN_RUN_KILLED;
}

const char *
inn_run_end_to_word (InnRunEnd end)
{
  return end_words[end];
}

static char *
describe_disposable (InnRunEnd end)
{
  switch (end)
    {
    case INN_RUN_PANIC:
      return g_strdup (_ ("The guest's system stopped itself after an error it could not handle. "
                          "The run was disposable: the disks are as they were before it."));
    case INN_RUN_CRASH:
      return g_strdup (_ ("The guest's processor could not go on. The run was disposable: the "
                          "disks are as they were before it."));
    case INN_RUN_HOST_ERROR:
      return g_strdup (_ ("This computer could not run it any further. The run was disposable: the "
                          "disks are as they were before it."));
    case INN_RUN_KILLED:
      return g_strdup (_ ("Its process was killed or ended without a word. The run was disposable: "
                          "the disks are as they were before it."));
    default:
      return NULL;
    }
}

/* Not of an empty text: that is translated to all about the translation. */
static char *
translate (const char *text)
{
  return text != NULL && *text != '\0' ? g_strdup (_ (text)) : NULL;
}

char *
inn_run_describe_status (const struct statistics_status *status)
{
  g_autofree char *text = NULL;

  if (status->state == VMM_STATE_STORAGE_ERROR && status->error < 0 && status->error > G_MININT32)
    return g_strdup_printf (_ ("The machine is paused: a disk could not be written (%s). Nothing "
                               "is lost; make room, then resume it."),
                            g_strerror (-status->error));

  text = g_utf8_make_valid (status->text, (gssize)strnlen (status->text, sizeof status->text));
  return translate (text);
}

char *
inn_run_record_describe (const InnRunRecord *self)
{
  char *text = self->started != 0 ? translate (self->text) : NULL;

  if (self->started == 0 || text != NULL)
    return text;
  if (self->disposable)
    return describe_disposable (self->end);

  switch (self->end)
    {
    case INN_RUN_PANIC:
      return g_strdup (_ ("The guest's system stopped itself after an error it could not handle. "
                          "What it had written is on its disks."));
    case INN_RUN_CRASH:
      return g_strdup (_ ("The guest's processor could not go on. What it had written is on its "
                          "disks."));
    case INN_RUN_HOST_ERROR:
      return g_strdup (_ ("This computer could not run it any further. What it had written is on "
                          "its disks."));
    case INN_RUN_KILLED:
      return g_strdup (_ ("Its process was killed or ended without a word. What it had written is "
                          "on its disks."));
    default:
      return NULL;
    }
}
