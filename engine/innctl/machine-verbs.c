/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verbs about whole machines: list, start, delete.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "innctl.h"

static int
compare_guests (gconstpointer a, gconstpointer b)
{
  InnGuest *first = *(InnGuest *const *)a;
  InnGuest *second = *(InnGuest *const *)b;

  return g_utf8_collate (inn_guest_get_name (first), inn_guest_get_name (second));
}

/* By name. */
static GPtrArray *
list_guests (InnEngine *engine)
{
  GPtrArray *guests = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (engine)); i++)
    g_ptr_array_add (guests, g_list_model_get_item (G_LIST_MODEL (engine), i));
  g_ptr_array_sort (guests, compare_guests);

  return guests;
}

static void
print_guests_json (const GPtrArray *guests)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_array (&json, NULL);
  for (guint i = 0; i < guests->len; i++)
    innctl_add_guest (&json, g_ptr_array_index (guests, i));
  innctl_json_end_array (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
print_padded (const char *text, glong width)
{
  g_print ("%s%*s", text, (int)MAX (2, width + 2 - g_utf8_strlen (text, -1)), "");
}

static void
print_guests (const GPtrArray *guests)
{
  glong width = g_utf8_strlen (_ ("Name"), -1);

  for (guint i = 0; i < guests->len; i++)
    width = MAX (width, g_utf8_strlen (inn_guest_get_name (g_ptr_array_index (guests, i)), -1));

  print_padded (_ ("Name"), width);
  g_print ("%-13s  %9s  %4s\n", _ ("State"), _ ("Memory"), _ ("CPUs"));
  for (guint i = 0; i < guests->len; i++)
    {
      InnGuest *guest = g_ptr_array_index (guests, i);
      const char *text = inn_guest_get_text (guest);
      g_autofree char *memory
          = g_format_size_full (inn_guest_get_memory (guest), G_FORMAT_SIZE_IEC_UNITS);

      print_padded (inn_guest_get_name (guest), width);
      g_print ("%-13s  %9s  %4u\n",
               inn_guest_is_template (guest)
                   ? "template"
                   : inn_guest_state_to_word (inn_guest_get_state (guest)),
               memory, inn_guest_get_vcpus (guest));
      if (text != NULL)
        g_print ("    %s\n", text);
      if (inn_guest_is_disposable (guest))
        g_print ("    %s\n", _ ("What it changes is thrown away when it ends."));
    }
}

static InnctlStatus
run_list (Innctl *self, char **arguments)
{
  g_autoptr (GPtrArray) guests = NULL;
  InnctlStatus status = innctl_open_engine (self);

  if (status != INNCTL_DONE)
    return status;

  guests = list_guests (self->engine);
  if (self->json)
    print_guests_json (guests);
  else
    print_guests (guests);

  return INNCTL_DONE;
}

/* ---- start, delete ---- */

static gboolean reset_nvram, disposable;

static void
print_kept (const Innctl *self, InnGuest *guest, const char *kept)
{
  InnctlJson json;

  if (!self->json)
    {
      if (kept != NULL)
        g_print (_ ("The UEFI variables until now are kept in “%s”.\n"), kept);
      return;
    }

  innctl_json_init (&json);
  innctl_json_begin_object (&json, NULL);
  innctl_json_add_string (&json, "name", inn_guest_get_name (guest));
  innctl_json_add_string (&json, "kept", kept);
  innctl_json_end_object (&json);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static InnctlStatus
reset_firmware (const Innctl *self, InnGuest *guest)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *kept = NULL;

  inn_guest_reset_firmware_async (guest, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_reset_firmware_finish (guest, result, &kept, &error))
    return innctl_fail (error);

  print_kept (self, guest, kept);
  return INNCTL_DONE;
}

static InnctlStatus
run_start (Innctl *self, char **arguments)
{
  InnGuest *guest = innctl_find_guest (self, arguments[0]);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (guest == NULL)
    return INNCTL_FAILED;
  if (reset_nvram && disposable)
    return innctl_fail_usage (
        _ ("A disposable run leaves the UEFI variables as they are; leave one "
           "of --disposable and --reset-nvram out."));
  if (reset_nvram && reset_firmware (self, guest) != INNCTL_DONE)
    return INNCTL_FAILED;

  if (disposable)
    inn_guest_start_disposable_async (guest, NULL, innctl_take_result, &result);
  else
    inn_guest_start_async (guest, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_start_finish (guest, result, &error))
    return innctl_fail (error);

  return INNCTL_DONE;
}

static gboolean yes;

static gboolean
confirm_delete (InnGuest *guest)
{
  g_auto (GStrv) storage = inn_guest_list_storage (guest);
  g_autofree char *question = NULL;

  if (yes || !isatty (STDIN_FILENO))
    return TRUE;

  for (guint i = 0; storage[i] != NULL; i++)
    g_printerr ("%s\n", storage[i]);
  question = g_strdup_printf (_ ("Delete “%s” and these files? This cannot be undone."),
                              inn_guest_get_name (guest));
  return innctl_ask (question);
}

static InnctlStatus
run_delete (Innctl *self, char **arguments)
{
  InnGuest *found = innctl_find_guest (self, arguments[0]);
  g_autoptr (InnGuest) guest = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (found == NULL)
    return INNCTL_FAILED;
  guest = g_object_ref (found); /* it leaves the engine's list */
  if (!inn_guest_is_active (guest) && !confirm_delete (guest))
    return innctl_fail_with (_ ("“%s” was not deleted."), inn_guest_get_name (guest));

  inn_guest_delete_async (guest, NULL, innctl_take_result, &result);
  innctl_await (&result);
  if (!inn_guest_delete_finish (guest, result, &error))
    return innctl_fail (error);

  return INNCTL_DONE;
}

static const GOptionEntry start_options[] = {
  { "disposable", 0, 0, G_OPTION_ARG_NONE, &disposable,
    N_ ("Throw away what it changes when it ends; what was saved stays saved"), NULL },
  { "reset-nvram", 0, 0, G_OPTION_ARG_NONE, &reset_nvram,
    N_ ("With fresh UEFI variables; the old ones are kept in a file"), NULL },
  { NULL },
};

static const GOptionEntry delete_options[] = {
  { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, N_ ("Do not ask"), NULL },
  { NULL },
};

const InnctlVerb innctl_list_verb = {
  .name = "list",
  .arguments = "",
  .summary = N_ ("show all machines and what they do"),
  .run = run_list,
};

const InnctlVerb innctl_start_verb = {
  .name = "start",
  .arguments = "NAME",
  .summary = N_ ("turn a machine on"),
  .min_arguments = 1,
  .max_arguments = 1,
  .options = start_options,
  .run = run_start,
};

const InnctlVerb innctl_delete_verb = {
  .name = "delete",
  .arguments = "NAME",
  .summary = N_ ("remove a machine and the disks that were made for it"),
  .details = N_ ("On a terminal it asks first."),
  .min_arguments = 1,
  .max_arguments = 1,
  .options = delete_options,
  .run = run_delete,
};
