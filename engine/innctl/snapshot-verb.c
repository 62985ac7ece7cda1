/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl snapshot: takes, lists, restores, deletes, changes and checks the snapshots of a machine.
 */
#include "config.h"

#include <glib/gi18n-lib.h>

#include "innctl.h"

enum
{
  FIRST_EXIT_MS = 5,
  MAX_FIRST_EXIT_MS = 1000,
};

static char *note_text;
static gboolean discard;

char *
innctl_find_snapshot (InnGuest *guest, const char *word)
{
  g_autoptr (GPtrArray) records = inn_guest_list_snapshots (guest);

  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      if (g_str_equal (record->name, word) || g_str_equal (record->id, word))
        return g_strdup (record->id);
    }

  innctl_fail_with (_ ("“%s” has no snapshot “%s”. “innctl snapshot list” shows those it has."),
                    inn_guest_get_name (guest), word);
  return NULL;
}

/* ---- output ---- */

static void
add_fields (InnctlJson *json, InnGuest *guest, const InnSnapshotRecord *record)
{
  const char *current = inn_guest_get_current_snapshot (guest);

  innctl_json_add_string (json, "name", record->name);
  innctl_json_add_string (json, "id", record->id);
  innctl_json_add_string (json, "note", record->note);
  innctl_json_add_string (json, "parent", record->parent);
  innctl_json_add_boolean (json, "current", g_strcmp0 (current, record->id) == 0);
  innctl_json_add_integer (json, "time_us", record->time);
  innctl_json_add_boolean (json, "kept", record->kept);
  innctl_json_add_integer (json, "pause_us", record->pause_us);
  innctl_json_add_unsigned (json, "memory_bytes", record->memory_bytes);
  innctl_json_add_unsigned (json, "disk_bytes", record->disk_bytes);
  innctl_json_add_unsigned (json, "own_bytes", record->size);
  innctl_json_add_unsigned (json, "shared_bytes", record->shared);
  innctl_json_add_string (json, "picture", record->picture);
  innctl_json_add_string (json, "trouble", record->trouble);
}

static void
add_record (InnctlJson *json, InnGuest *guest, const InnSnapshotRecord *record)
{
  innctl_json_begin_object (json, NULL);
  add_fields (json, guest, record);
  innctl_json_end_object (json);
}

static void
print_list_json (InnGuest *guest, const GPtrArray *records)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_array (&json, NULL);
  for (guint i = 0; i < records->len; i++)
    add_record (&json, guest, g_ptr_array_index (records, i));
  innctl_json_end_array (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
print_record (InnGuest *guest, const InnSnapshotRecord *record, guint depth)
{
  const char *current = inn_guest_get_current_snapshot (guest);
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (record->time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) time = utc != NULL ? g_date_time_to_local (utc) : NULL;
  g_autofree char *when = time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M") : NULL;
  g_autofree char *size = g_format_size_full (record->size, G_FORMAT_SIZE_IEC_UNITS);

  g_print ("%s %*s%s  %s  %s%s%s\n", g_strcmp0 (current, record->id) == 0 ? "*" : " ",
           (int)(2 * depth), "", record->name, when != NULL ? when : "", size,
           record->trouble != NULL ? "  " : "", record->trouble != NULL ? record->trouble : "");
}

/* The parents make a forest, so this ends. */
static void
print_children (InnGuest *guest, const GPtrArray *records, const char *parent, guint depth)
{
  for (guint i = 0; i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      if (g_strcmp0 (record->parent, parent) != 0)
        continue;
      print_record (guest, record, depth);
      print_children (guest, records, record->id, depth + 1);
    }
}

static InnctlStatus
run_list (Innctl *self, InnGuest *guest)
{
  g_autoptr (GPtrArray) records = inn_guest_list_snapshots (guest);

  if (self->json)
    print_list_json (guest, records);
  else
    print_children (guest, records, NULL, 0);

  return INNCTL_DONE;
}

/* How long the machine, which may just have been started, took for it; 0: it is off. */
static guint32
await_first_exit (InnGuest *guest)
{
  g_autofree struct statistics_page *page = g_new0 (struct statistics_page, 1);

  for (guint waited = 0; waited < MAX_FIRST_EXIT_MS; waited += FIRST_EXIT_MS)
    {
      if (!inn_guest_read_statistics (guest, page) || page->status.first_exit_us > 0)
        break;
      innctl_wait (FIRST_EXIT_MS, NULL, NULL);
    }

  return page->status.first_exit_us;
}

static void
print_json (InnGuest *guest, const InnSnapshotRecord *record, gboolean restored)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  add_fields (&json, guest, record);
  if (restored)
    innctl_json_add_unsigned (&json, "first_exit_us", await_first_exit (guest));
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

/* As it is by now; nothing when people read it. */
static InnctlStatus
print_changed (Innctl *self, InnGuest *guest, const char *id, gboolean restored)
{
  g_autoptr (GPtrArray) records = inn_guest_list_snapshots (guest);

  for (guint i = 0; self->json && i < records->len; i++)
    {
      const InnSnapshotRecord *record = g_ptr_array_index (records, i);

      if (g_str_equal (record->id, id))
        print_json (guest, record, restored);
    }

  return INNCTL_DONE;
}

/* ---- what can be done ---- */

static InnctlStatus
run_create (Innctl *self, InnGuest *guest, const char *name)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnSnapshotRecord) record = NULL;

  inn_guest_take_snapshot_async (guest, name, note_text, NULL, innctl_take_result, &result);
  innctl_await (&result);
  record = inn_guest_take_snapshot_finish (guest, result, &error);

  if (record == NULL)
    return innctl_fail (error);
  if (self->json)
    print_changed (self, guest, record->id, FALSE); /* with what is found out when it is listed */
  else
    g_print ("%s\n", record->name);

  return INNCTL_DONE;
}

static InnctlStatus
run_restore (Innctl *self, InnGuest *guest, const char *id)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_restore_snapshot_async (guest, id, !discard, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_restore_snapshot_finish (guest, result, &error))
    return innctl_fail (error);

  return print_changed (self, guest, id, TRUE);
}

/* What it leaves is put in order by this process, which would end before the background does. */
static InnctlStatus
merge_layers (InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_merge_layers_async (guest, NULL, NULL, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (inn_guest_merge_layers_finish (guest, result, &error) < 0)
    innctl_warn (error->message);

  return INNCTL_DONE;
}

static InnctlStatus
run_delete (InnGuest *guest, const char *id)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_delete_snapshot_async (guest, id, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_delete_snapshot_finish (guest, result, &error))
    return innctl_fail (error);

  return merge_layers (guest);
}

static InnctlStatus
run_change (Innctl *self, InnGuest *guest, const char *id, const char *name, const char *note)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_change_snapshot_async (guest, id, name, note, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_change_snapshot_finish (guest, result, &error))
    return innctl_fail (error);

  return print_changed (self, guest, id, FALSE);
}

static InnctlStatus
run_check (Innctl *self, InnGuest *guest, const char *id, const char *word)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  inn_guest_check_snapshot_async (guest, id, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_check_snapshot_finish (guest, result, &error))
    return innctl_fail (error);

  if (self->json)
    return print_changed (self, guest, id != NULL ? id : "", FALSE);
  g_print (_ ("“%s” is good.\n"), word != NULL ? word : inn_guest_get_name (guest));
  return INNCTL_DONE;
}

static InnctlStatus
run_on_snapshot (Innctl *self, InnGuest *guest, char **arguments)
{
  const char *operation = arguments[0];
  g_autofree char *id = innctl_find_snapshot (guest, arguments[2]);

  if (id == NULL)
    return INNCTL_FAILED;
  if (g_str_equal (operation, "restore"))
    return run_restore (self, guest, id);
  if (g_str_equal (operation, "delete"))
    return run_delete (guest, id);
  if (g_str_equal (operation, "rename"))
    return run_change (self, guest, id, arguments[3], NULL);
  if (g_str_equal (operation, "note"))
    return run_change (self, guest, id, NULL, arguments[3] != NULL ? arguments[3] : "");

  return run_check (self, guest, id, arguments[2]);
}

typedef struct
{
  const char *name;
  guint min, max; /* arguments with NAME */
} Operation;

static const Operation operations[] = {
  { "create", 1, 2 }, { "list", 1, 1 }, { "restore", 2, 2 }, { "delete", 2, 2 },
  { "rename", 3, 3 }, { "note", 2, 3 }, { "check", 1, 2 },
};

static InnctlStatus
check_operation (char **arguments)
{
  const guint count = g_strv_length (arguments) - 1;

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    {
      if (!g_str_equal (arguments[0], operations[i].name))
        continue;
      if (count >= operations[i].min && count <= operations[i].max)
        return INNCTL_DONE;
      return innctl_fail_usage (
          _ ("“snapshot %s” takes other arguments. “innctl snapshot --help” says which."),
          arguments[0]);
    }

  return innctl_fail_usage (_ ("“%s” is nothing to do with a snapshot; write create, list, "
                               "restore, delete, rename, note or check."),
                            arguments[0]);
}

static InnctlStatus
run_snapshot (Innctl *self, char **arguments)
{
  InnctlStatus status = check_operation (arguments);
  g_autoptr (InnGuest) guest = NULL;

  if (status != INNCTL_DONE)
    return status;
  g_set_object (&guest, innctl_find_guest (self, arguments[1]));
  if (guest == NULL)
    return INNCTL_FAILED;
  if (g_str_equal (arguments[0], "create"))
    return run_create (self, guest, arguments[2]);
  if (g_str_equal (arguments[0], "list"))
    return run_list (self, guest);
  if (arguments[2] == NULL)
    return run_check (self, guest, NULL, NULL);

  return run_on_snapshot (self, guest, arguments);
}

static const GOptionEntry snapshot_options[] = {
  { "note", 'n', 0, G_OPTION_ARG_STRING, &note_text, N_ ("create: a note about it"), N_ ("TEXT") },
  { "discard", 0, 0, G_OPTION_ARG_NONE, &discard,
    N_ ("restore: do not keep what the machine is now"), NULL },
  { NULL },
};

const InnctlVerb innctl_snapshot_verb = {
  .name = "snapshot",
  .arguments = "create|list|restore|delete|rename|note|check NAME [SNAPSHOT] [TEXT]",
  .summary = N_ ("keep a machine as it is, and go back to that"),
  .details = N_ (
      "create keeps disks, UEFI variables and hardware, and the memory of a machine that runs, "
      "under a name, or one that is chosen. list "
      "shows which derives from which; * is what the machine derives from now. restore makes the "
      "machine what it was, and keeps what it is now as another snapshot. delete removes one, and "
      "those that derive from it stay. rename takes the new name, and note the new note. check "
      "reads all that belongs to a snapshot, or to the machine. SNAPSHOT is a name or an id."),
  .min_arguments = 2,
  .max_arguments = 4,
  .options = snapshot_options,
  .run = run_snapshot,
};
