/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Remembering a window.
 */
#include "config.h"

#include "ui/window-state.h"

static GSettings *
open_settings (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = NULL;

  /* GSettings ends the program when a schema is missing, which is no way to treat someone who runs
   * it from a build tree. */
  if (source != NULL)
    schema = g_settings_schema_source_lookup (source, APPLICATION_ID, /* recursive= */ TRUE);

  return schema != NULL ? g_settings_new (APPLICATION_ID) : NULL;
}

void
inn_window_state_restore (GtkWindow *window)
{
  g_autoptr (GSettings) settings = open_settings ();

  if (settings == NULL)
    return;

  gtk_window_set_default_size (window, g_settings_get_int (settings, "window-width"),
                               g_settings_get_int (settings, "window-height"));
  if (g_settings_get_boolean (settings, "window-maximized"))
    gtk_window_maximize (window);
}

void
inn_window_state_save (GtkWindow *window, const char *machine_id)
{
  g_autoptr (GSettings) settings = open_settings ();
  int width, height;

  if (settings == NULL)
    return;

  gtk_window_get_default_size (window, &width, &height);
  g_settings_set_int (settings, "window-width", width);
  g_settings_set_int (settings, "window-height", height);
  g_settings_set_boolean (settings, "window-maximized", gtk_window_is_maximized (window));
  g_settings_set_string (settings, "last-machine", machine_id != NULL ? machine_id : "");
}

char *
inn_window_state_get_machine_id (void)
{
  g_autoptr (GSettings) settings = open_settings ();
  g_autofree char *id = settings != NULL ? g_settings_get_string (settings, "last-machine") : NULL;

  return id != NULL && *id != '\0' ? g_steal_pointer (&id) : NULL;
}
