/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The program: its window, its keys, and what belongs to no window.
 */
#include "config.h"

#include "application.h"

#include <glib/gi18n.h>

#include "model/connection.h"
#include "ui/window.h"

struct _InnApplication
{
  AdwApplication parent_instance;

  GListModel *places;
};

G_DEFINE_FINAL_TYPE (InnApplication, inn_application, ADW_TYPE_APPLICATION)

static const struct
{
  const char *action;
  const char *keys[3];
} accelerators[] = {
  { "app.help", { "F1" } },
  { "app.quit", { "<Control>q" } },
  { "window.close", { "<Control>w" } },
  { "win.new-machine", { "<Control>n" } },
  { "win.open-file", { "<Control>o" } },
  { "win.search", { "<Control>f" } },
  { "win.toggle-sidebar", { "F9" } },
  { "win.show-help-overlay", { "<Control>question" } },
  { "win.fullscreen", { "F11", "<Control><Shift>f" } },
  { "console.screenshot", { "<Control><Shift>p" } },
  { "machine.take-snapshot", { "<Control><Shift>s" } },
  { "machine.clone", { "<Control><Shift>d" } },
  { "win.show-page(0)", { "<Alt>1" } },
  { "win.show-page(1)", { "<Alt>2" } },
  { "win.show-page(2)", { "<Alt>3" } },
  { "win.show-page(3)", { "<Alt>4" } },
};

static void
for_each_place (InnApplication *self, void (*call) (InnConnection *place))
{
  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (self->places, i);

      call (place);
    }
}

static GtkWindow *
ensure_window (InnApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  /* A dialog may be the active one. */
  while (window != NULL && !INN_IS_WINDOW (window))
    window = gtk_window_get_transient_for (window);

  return window != NULL ? window
                        : GTK_WINDOW (inn_window_new (ADW_APPLICATION (self), self->places));
}

static void
on_quit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GList *windows;

  /* Closing is what saves a window's state. */
  while ((windows = gtk_application_get_windows (user_data)) != NULL)
    {
      GtkWindow *window = windows->data;

      gtk_window_close (window);
      if (g_list_find (gtk_application_get_windows (user_data), window) != NULL)
        return;
    }
}

static void
on_help (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_show_uri (gtk_application_get_active_window (user_data), "help:innkeeper", GDK_CURRENT_TIME);
}

static void
on_about (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  adw_show_about_window (gtk_application_get_active_window (user_data), "application-name",
                         "Innkeeper", "application-icon", APPLICATION_ID, "version", VERSION,
                         "developer-name", _ ("The Innkeeper developers"), "comments",
                         _ ("Virtual machines, watched and kept"), "license-type",
                         GTK_LICENSE_GPL_3_0,
                         /* Translators: your names, one to a line */
                         "translator-credits", _ ("translator-credits"), NULL);
}

static const GActionEntry action_entries[] = {
  { "quit", on_quit, NULL, NULL, NULL, { 0 } },
  { "help", on_help, NULL, NULL, NULL, { 0 } },
  { "about", on_about, NULL, NULL, NULL, { 0 } },
};

static void
inn_application_startup (GApplication *application)
{
  InnApplication *self = INN_APPLICATION (application);

  G_APPLICATION_CLASS (inn_application_parent_class)->startup (application);

  g_action_map_add_action_entries (G_ACTION_MAP (self), action_entries,
                                   G_N_ELEMENTS (action_entries), self);
  for (guint i = 0; i < G_N_ELEMENTS (accelerators); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (self), accelerators[i].action,
                                           accelerators[i].keys);
  for_each_place (self, inn_connection_open);
}

static void
inn_application_activate (GApplication *application)
{
  gtk_window_present (ensure_window (INN_APPLICATION (application)));
}

static void
inn_application_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  GtkWindow *window = ensure_window (INN_APPLICATION (application));

  gtk_window_present (window);
  inn_window_make_machine (INN_WINDOW (window), files[0]);
}

static void
inn_application_shutdown (GApplication *application)
{
  for_each_place (INN_APPLICATION (application), inn_connection_close);

  G_APPLICATION_CLASS (inn_application_parent_class)->shutdown (application);
}

static void
inn_application_dispose (GObject *object)
{
  g_clear_object (&INN_APPLICATION (object)->places);

  G_OBJECT_CLASS (inn_application_parent_class)->dispose (object);
}

static void
inn_application_class_init (InnApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_application_dispose;
  application_class->startup = inn_application_startup;
  application_class->activate = inn_application_activate;
  application_class->open = inn_application_open;
  application_class->shutdown = inn_application_shutdown;
}

static void
inn_application_init (InnApplication *self)
{
}

InnApplication *
inn_application_new (GListModel *places)
{
  InnApplication *self;

  g_return_val_if_fail (G_IS_LIST_MODEL (places), NULL);

  self = g_object_new (INN_TYPE_APPLICATION, "application-id", APPLICATION_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path", "/org/innkeeper/Innkeeper",
                       NULL);
  self->places = g_object_ref (places);

  return self;
}
