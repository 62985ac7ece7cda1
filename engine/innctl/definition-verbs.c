/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verbs about a machine's definition as a text: define, dumpxml, edit.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "innctl.h"

/* Transfer full; NULL and an error when it was refused. */
static InnGuest *
define_text (Innctl *self, const char *text, gsize length, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  inn_engine_define_async (self->engine, text, length, NULL, innctl_take_result, &result);
  innctl_await (&result);
  return inn_engine_define_finish (self->engine, result, error);
}

static InnctlStatus
run_define (Innctl *self, char **arguments)
{
  g_autoptr (InnGuest) guest = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;
  InnctlStatus status;

  if (!g_file_get_contents (arguments[0], &text, &length, &error))
    return innctl_fail_with (_ ("The definition cannot be read: %s."), error->message);
  status = innctl_open_engine (self);
  if (status != INNCTL_DONE)
    return status;

  guest = define_text (self, text, length, &error);
  if (guest == NULL)
    return innctl_fail (error);

  innctl_print_made (self, guest);
  return INNCTL_DONE;
}

static InnctlStatus
run_dumpxml (Innctl *self, char **arguments)
{
  InnGuest *guest = innctl_find_guest (self, arguments[0]);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  InnctlJson json;

  if (guest == NULL)
    return INNCTL_FAILED;
  text = inn_guest_read_definition (guest, &error);
  if (text == NULL)
    return innctl_fail (error);
  if (!self->json)
    {
      fputs (text, stdout);
      return INNCTL_DONE;
    }

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_string (&json, "name", inn_guest_get_name (guest));
  innctl_json_add_string (&json, "xml", text);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
  return INNCTL_DONE;
}

/* ---- edit ---- */

static char *
write_draft (const char *text, GError **error)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("innkeeper-XXXXXX.xml", &path, error);

  if (fd < 0)
    return NULL;

  close (fd);
  return g_file_set_contents (path, text, -1, error) ? g_steal_pointer (&path) : NULL;
}

/* Whatever $VISUAL or $EDITOR says, with arguments; vi when they say nothing. */
static const char *
find_editor (void)
{
  static const char *const names[] = { "VISUAL", "EDITOR" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const char *editor = g_getenv (names[i]);

      if (editor != NULL && *editor != '\0')
        return editor;
    }

  return "vi";
}

static gboolean
run_editor (const char *path, GError **error)
{
  g_autofree char *quoted = g_shell_quote (path);
  g_autofree char *command = g_strconcat (find_editor (), " ", quoted, NULL);
  char *argv[] = { (char *)"/bin/sh", (char *)"-c", command, NULL };
  int status = 0;

  if (g_spawn_sync (NULL, argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL, &status,
                    NULL)
      && g_spawn_check_wait_status (status, NULL))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE,
               _ ("The editor “%s” failed, so nothing was changed. Set $EDITOR to another."),
               find_editor ());
  return FALSE;
}

/* Whether the text is still the same machine's. */
static gboolean
check_identity (InnGuest *guest, const char *text, gsize length, GError **error)
{
  g_autoptr (InnMachineDescription) description
      = inn_machine_description_parse (text, length, error);

  if (description == NULL)
    return FALSE;
  if (g_strcmp0 (inn_machine_description_get_uuid (description), inn_guest_get_uuid (guest)) == 0)
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID,
               _ ("The UUID of “%s” must stay %s."), inn_guest_get_name (guest),
               inn_guest_get_uuid (guest));
  return FALSE;
}

/* Whether nobody else has changed it while it was being edited. */
static gboolean
check_unchanged (InnGuest *guest, const char *before, GError **error)
{
  g_autofree char *now = inn_guest_read_definition (guest, error);

  if (now == NULL)
    return FALSE;
  if (g_str_equal (now, before))
    return TRUE;

  g_set_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_BUSY,
               _ ("“%s” was changed by another program meanwhile, so your changes were not kept. "
                  "Edit it again."),
               inn_guest_get_name (guest));
  return FALSE;
}

/* One turn with the editor. *@ret_changed: whether there was anything to keep. */
static gboolean
edit_draft (Innctl *self,
            InnGuest *guest,
            const char *path,
            const char *before,
            gboolean *ret_changed,
            GError **error)
{
  g_autoptr (InnGuest) defined = NULL;
  g_autofree char *text = NULL;
  gsize length = 0;

  if (!run_editor (path, error) || !g_file_get_contents (path, &text, &length, error))
    return FALSE;
  *ret_changed = !g_str_equal (text, before);
  if (!*ret_changed)
    return TRUE;
  if (!check_identity (guest, text, length, error) || !check_unchanged (guest, before, error))
    return FALSE;

  defined = define_text (self, text, length, error);
  return defined != NULL;
}

static InnctlStatus
edit (Innctl *self, InnGuest *guest, const char *path, const char *before)
{
  gboolean changed = FALSE;

  for (;;)
    {
      g_autoptr (GError) error = NULL;

      if (edit_draft (self, guest, path, before, &changed, &error))
        break;
      innctl_fail (error);
      if (!isatty (STDIN_FILENO) || !innctl_ask (_ ("Edit it again?")))
        return INNCTL_FAILED;
    }

  if (changed || self->json)
    innctl_print_changed (self, guest, NULL, inn_guest_is_active (guest));
  else
    g_print (_ ("“%s” was not changed.\n"), inn_guest_get_name (guest));
  return INNCTL_DONE;
}

static InnctlStatus
run_edit (Innctl *self, char **arguments)
{
  InnGuest *found = innctl_find_guest (self, arguments[0]);
  g_autoptr (InnGuest) guest = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *path = NULL;
  InnctlStatus status;

  if (found == NULL)
    return INNCTL_FAILED;
  guest = g_object_ref (found);
  before = inn_guest_read_definition (guest, &error);
  if (before == NULL)
    return innctl_fail (error);
  path = write_draft (before, &error);
  if (path == NULL)
    return innctl_fail (error);

  status = edit (self, guest, path, before);
  g_unlink (path);
  return status;
}

const InnctlVerb innctl_define_verb = {
  .name = "define",
  .arguments = "FILE.xml",
  .summary = N_ ("make or change a machine by its libvirt domain XML"),
  .details = N_ ("A machine with the UUID in the file is changed (from its next start on); without "
                 "a UUID a new machine is made. The files it names need not exist yet."),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_define,
};

const InnctlVerb innctl_dumpxml_verb = {
  .name = "dumpxml",
  .arguments = "NAME",
  .summary = N_ ("print a machine's libvirt domain XML"),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_dumpxml,
};

const InnctlVerb innctl_edit_verb = {
  .name = "edit",
  .arguments = "NAME",
  .summary = N_ ("change a machine's libvirt domain XML in $EDITOR"),
  .details = N_ ("What the editor leaves is checked; on a terminal a bad definition can be edited "
                 "again."),
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run_edit,
};
