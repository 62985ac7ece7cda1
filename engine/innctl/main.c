/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * innctl: everything the window does with this computer's machines, for the command line.
 * Exit status: 0 done, 1 not done (one sentence on standard error), 2 usage.
 */
#include "config.h"

#include <glib/gi18n-lib.h>
#include <locale.h>
#include <string.h>

#include "innctl.h"

static const InnctlVerb *const verbs[] = {
  &innctl_list_verb,     &innctl_host_verb,     &innctl_create_verb,  &innctl_define_verb,
  &innctl_dumpxml_verb,  &innctl_edit_verb,     &innctl_set_verb,     &innctl_attach_verb,
  &innctl_detach_verb,   &innctl_insert_verb,   &innctl_eject_verb,   &innctl_start_verb,
  &innctl_shutdown_verb, &innctl_poweroff_verb, &innctl_reset_verb,   &innctl_pause_verb,
  &innctl_resume_verb,   &innctl_save_verb,     &innctl_console_verb, &innctl_screenshot_verb,
  &innctl_send_key_verb, &innctl_type_verb,     &innctl_setmem_verb,  &innctl_resize_verb,
  &innctl_stats_verb,    &innctl_delete_verb,   &innctl_image_verb,   &innctl_export_verb,
  &innctl_import_verb,   &innctl_snapshot_verb, &innctl_clone_verb,
};

static char *
list_verbs (void)
{
  GString *text = g_string_new (_ ("Verbs:\n"));

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autofree char *usage = g_strdup_printf ("%s %s", verbs[i]->name, verbs[i]->arguments);

      g_string_append_printf (text, "  %-29s  %s\n", usage, _ (verbs[i]->summary));
    }
  g_string_append (text, _ ("\n“innctl VERB --help” says more. Every verb that prints takes "
                            "“--json”. Exit status: 0 done, 1 not done, 2 wrong usage."));

  return g_string_free (text, FALSE);
}

static const InnctlVerb *
find_verb (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      if (g_str_equal (verbs[i]->name, name))
        return verbs[i];
    }

  return NULL;
}

static InnctlStatus
fail_usage (const char *sentence)
{
  g_printerr ("innctl: %s\n", sentence);
  return INNCTL_USAGE;
}

static InnctlStatus
check_arguments (const Innctl *self, const InnctlVerb *verb, int count)
{
  const int left_out = self->control_path != NULL && verb->takes_control ? 1 : 0;
  g_autofree char *sentence = NULL;

  if (self->control_path != NULL && !verb->takes_control)
    sentence = g_strdup_printf (_ ("“%s” does not work with --control."), verb->name);
  else if (left_out && count >= verb->max_arguments)
    sentence = g_strdup_printf (_ ("With --control, “%s” takes no NAME."), verb->name);
  else if (count < verb->min_arguments - left_out || count > verb->max_arguments - left_out)
    sentence = g_strdup_printf (_ ("Usage: innctl %s %s. “innctl %s --help” says more."),
                                verb->name, verb->arguments, verb->name);

  return sentence != NULL ? fail_usage (sentence) : INNCTL_DONE;
}

/* GLib leaves “--” where it is when a word with a dash follows. */
static void
remove_separator (char **arguments)
{
  while (*arguments != NULL && !g_str_equal (*arguments, "--"))
    arguments++;
  if (*arguments == NULL)
    return;

  g_free (*arguments);
  memmove (arguments, arguments + 1, (g_strv_length (arguments + 1) + 1) * sizeof (char *));
}

/* Everything after the verb, its options taken out of @arguments. */
static InnctlStatus
run_verb (Innctl *self, const InnctlVerb *verb, char ***arguments)
{
  const GOptionEntry common[] = {
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, N_ ("Print JSON"), NULL },
    { NULL },
  };
  g_autofree char *title = g_strdup_printf ("%s - %s", verb->arguments, _ (verb->summary));
  g_autoptr (GOptionContext) context = g_option_context_new (title);
  g_autoptr (GError) error = NULL;
  g_autofree char *program = g_strdup_printf ("innctl %s", verb->name);
  InnctlStatus status;

  g_set_prgname (program); /* for the first line of --help */
  g_option_context_add_main_entries (context, common, GETTEXT_PACKAGE);
  if (verb->options != NULL)
    g_option_context_add_main_entries (context, verb->options, GETTEXT_PACKAGE);
  if (verb->details != NULL)
    g_option_context_set_summary (context, _ (verb->details));
  if (!g_option_context_parse_strv (context, arguments, &error))
    return fail_usage (error->message);

  remove_separator (*arguments);
  status = check_arguments (self, verb, (int)g_strv_length (*arguments) - 1);
  return status == INNCTL_DONE ? verb->run (self, *arguments + 1) : status;
}

static InnctlStatus
parse_and_run (Innctl *self, char ***arguments)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "control", 0, 0, G_OPTION_ARG_FILENAME, &self->control_path,
      N_ ("Use the one VMM behind this socket; leave NAME out"), N_ ("PATH") },
    { "json", 'j', 0, G_OPTION_ARG_NONE, &self->json, N_ ("Print JSON"), NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, N_ ("Print the version"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context
      = g_option_context_new (_ ("VERB … - create and run virtual machines"));
  g_autofree char *verb_list = list_verbs ();
  g_autoptr (GError) error = NULL;
  const InnctlVerb *verb;
  guint count;

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_description (context, verb_list);
  g_option_context_set_strict_posix (context, TRUE); /* what follows the verb is the verb's */
  if (!g_option_context_parse_strv (context, arguments, &error))
    return fail_usage (error->message);
  if (version)
    {
      g_print ("innctl " VERSION "\n");
      return INNCTL_DONE;
    }
  if ((*arguments)[1] == NULL)
    return fail_usage (_ ("Which verb? “innctl --help” lists them."));

  verb = find_verb ((*arguments)[1]);
  if (verb == NULL)
    {
      g_autofree char *sentence
          = g_strdup_printf (_ ("There is no verb “%s”. “innctl --help” lists them."),
                             (*arguments)[1]);

      return fail_usage (sentence);
    }

  count = g_strv_length (*arguments);
  g_free ((*arguments)[0]); /* the verb takes the place of the program's name */
  memmove (*arguments, *arguments + 1, (count - 1) * sizeof (char *));
  (*arguments)[count - 1] = NULL;
  return run_verb (self, verb, arguments);
}

int
main (int argc, char **argv)
{
  g_auto (GStrv) arguments = g_strdupv (argv);
  Innctl self = { NULL };
  InnctlStatus status;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  g_set_prgname ("innctl");
  status = parse_and_run (&self, &arguments);
  if (self.engine != NULL)
    inn_engine_close (self.engine);
  g_clear_object (&self.engine);
  g_free (self.control_path);

  return (int)status;
}
