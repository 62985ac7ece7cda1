/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Verbs about machines as they are kept: list, create, define, dumpxml, start, delete.
 */
#include "config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/checked-arithmetic.h"
#include "innctl.h"
#include "json-writer.h"

#define DEFAULT_MEMORY ((guint64)512 << 20)

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
add_guest (InnctlJson *json, InnGuest *guest)
{
  const gboolean ever_ran = inn_guest_get_changed (guest) != 0;

  innctl_json_begin_object (json, NULL);
  innctl_json_add_string (json, "name", inn_guest_get_name (guest));
  innctl_json_add_string (json, "uuid", inn_guest_get_uuid (guest));
  innctl_json_add_string (json, "state", inn_guest_state_to_word (inn_guest_get_state (guest)));
  innctl_json_add_string (json, "text", inn_guest_get_text (guest));
  innctl_json_add_unsigned (json, "memory", inn_guest_get_memory (guest));
  innctl_json_add_unsigned (json, "cpus", inn_guest_get_vcpus (guest));
  innctl_json_add_integer (json, "changed_us", inn_guest_get_changed (guest));
  innctl_json_add_string (json, "last_end",
                          ever_ran ? inn_run_end_to_word (inn_guest_get_last_end (guest)) : NULL);
  innctl_json_end_object (json);
}

static void
print_guests_json (const GPtrArray *guests)
{
  InnctlJson json;

  innctl_json_init (&json);
  innctl_json_begin_array (&json, NULL);
  for (guint i = 0; i < guests->len; i++)
    add_guest (&json, g_ptr_array_index (guests, i));
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
      g_print ("%-13s  %9s  %4u\n", inn_guest_state_to_word (inn_guest_get_state (guest)), memory,
               inn_guest_get_vcpus (guest));
      if (text != NULL)
        g_print ("    %s\n", text);
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

/* ---- create ---- */

static char *kernel, *initrd, *cmdline, *memory;
static int cpus = 1;
static char **disks;

/* "512M", "2GiB", "20G"; a bare number is MiB. */
static gboolean
parse_size (const char *text, guint64 *ret_size)
{
  static const char units[] = "KMGT";
  char *end = NULL;
  guint shift = 20;
  guint64 number;

  if (!g_ascii_isdigit (*text))
    return FALSE;

  errno = 0;
  number = g_ascii_strtoull (text, &end, 10);
  if (errno != 0)
    return FALSE;
  if (*end != '\0')
    {
      const char *unit = strchr (units, g_ascii_toupper (*end));

      if (unit == NULL || (end[1] != '\0' && g_ascii_strcasecmp (end + 1, "iB") != 0))
        return FALSE;
      shift = 10 * (guint)(unit - units + 1);
    }

  return checked_multiply (number, (guint64)1 << shift, ret_size);
}

static InnctlStatus
fail_size (const char *option, const char *text)
{
  innctl_fail_with (_ ("“%s” is not a size for %s. Write it like 512M or 20G."), text, option);
  return INNCTL_USAGE;
}

static InnctlStatus
parse_disks (GArray *sizes, guint64 *ret_total)
{
  guint64 total = 0;

  for (guint i = 0; disks != NULL && disks[i] != NULL; i++)
    {
      guint64 size;

      if (!parse_size (disks[i], &size) || !checked_add (total, size, &total))
        return fail_size ("--disk", disks[i]);
      g_array_append_val (sizes, size);
    }

  *ret_total = total;
  return INNCTL_DONE;
}

static char *
absolute_path (const char *path)
{
  return path != NULL ? g_canonicalize_filename (path, NULL) : NULL;
}

static void
print_made (const Innctl *self, InnGuest *guest)
{
  InnctlJson json;

  if (!self->json)
    {
      g_print (_ ("“%s” is ready (%s).\n"), inn_guest_get_name (guest), inn_guest_get_uuid (guest));
      return;
    }

  innctl_json_init (&json);
  add_guest (&json, guest);
  innctl_json_print (&json);
  g_string_free (json.text, TRUE);
}

static void
warn_about_space (Innctl *self, guint64 size)
{
  g_autofree char *warning = inn_engine_get_space_warning (self->engine, size);

  if (warning != NULL)
    g_printerr ("innctl: %s\n", warning);
}

static InnctlStatus
create_guest (Innctl *self, const InnNewGuest *new_guest, guint64 disk_total)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (InnGuest) guest = NULL;
  g_autoptr (GError) error = NULL;
  InnctlStatus status = innctl_open_engine (self);

  if (status != INNCTL_DONE)
    return status;

  inn_engine_create_async (self->engine, new_guest, NULL, innctl_take_result, &result);
  innctl_await (&result);
  guest = inn_engine_create_finish (self->engine, result, &error);
  if (guest == NULL)
    return innctl_fail (error);

  warn_about_space (self, disk_total);
  print_made (self, guest);
  return INNCTL_DONE;
}

static InnctlStatus
run_create (Innctl *self, char **arguments)
{
  g_autoptr (GArray) sizes = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autofree char *kernel_path = absolute_path (kernel);
  g_autofree char *initrd_path = absolute_path (initrd);
  InnNewGuest guest = {
    .name = arguments[0],
    .memory = DEFAULT_MEMORY,
    .kernel = kernel_path,
    .initrd = initrd_path,
    .cmdline = cmdline,
  };
  guint64 disk_total = 0;
  InnctlStatus status;

  if (memory != NULL && !parse_size (memory, &guest.memory))
    return fail_size ("--memory", memory);
  status = parse_disks (sizes, &disk_total);
  if (status != INNCTL_DONE)
    return status;

  guest.vcpus = (guint)MAX (cpus, 0);
  guest.disk_sizes = (const guint64 *)(gconstpointer)sizes->data;
  guest.n_disks = sizes->len;
  return create_guest (self, &guest, disk_total);
}

/* ---- define, dumpxml ---- */

static InnctlStatus
run_define (Innctl *self, char **arguments)
{
  g_autoptr (GAsyncResult) result = NULL;
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

  inn_engine_define_async (self->engine, text, length, NULL, innctl_take_result, &result);
  innctl_await (&result);
  guest = inn_engine_define_finish (self->engine, result, &error);
  if (guest == NULL)
    return innctl_fail (error);

  print_made (self, guest);
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

/* ---- start, delete ---- */

static InnctlStatus
run_start (Innctl *self, char **arguments)
{
  InnGuest *guest = innctl_find_guest (self, arguments[0]);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  if (guest == NULL)
    return INNCTL_FAILED;

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
  char answer[16];

  if (yes || !isatty (STDIN_FILENO))
    return TRUE;

  for (guint i = 0; storage[i] != NULL; i++)
    g_printerr ("%s\n", storage[i]);
  g_printerr (_ ("Delete “%s” and these files? This cannot be undone. [y/N] "),
              inn_guest_get_name (guest));
  if (fgets (answer, sizeof (answer), stdin) == NULL)
    return FALSE;

  return rpmatch (answer) == 1;
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

static const GOptionEntry create_options[] = {
  { "kernel", 'k', 0, G_OPTION_ARG_FILENAME, &kernel, N_ ("Linux kernel to boot"), N_ ("FILE") },
  { "initrd", 'i', 0, G_OPTION_ARG_FILENAME, &initrd, N_ ("Its initial RAM disk"), N_ ("FILE") },
  { "cmdline", 'a', 0, G_OPTION_ARG_STRING, &cmdline,
    N_ ("Its command line (console=ttyS0 when not given)"), N_ ("TEXT") },
  { "memory", 'm', 0, G_OPTION_ARG_STRING, &memory,
    N_ ("Memory, like 2G; a bare number is MiB (512M when not given)"), N_ ("SIZE") },
  { "cpus", 'c', 0, G_OPTION_ARG_INT, &cpus, N_ ("Number of processors (1 when not given)"),
    N_ ("N") },
  { "disk", 'd', 0, G_OPTION_ARG_STRING_ARRAY, &disks,
    N_ ("A new, empty disk, like 20G; may be given again"), N_ ("SIZE") },
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

const InnctlVerb innctl_create_verb = {
  .name = "create",
  .arguments = "NAME",
  .summary = N_ ("make a machine that boots a Linux kernel"),
  .min_arguments = 1,
  .max_arguments = 1,
  .options = create_options,
  .run = run_create,
};

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

const InnctlVerb innctl_start_verb = {
  .name = "start",
  .arguments = "NAME",
  .summary = N_ ("turn a machine on"),
  .min_arguments = 1,
  .max_arguments = 1,
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
