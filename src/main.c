/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the program starts: the language, then the application.
 */
#include "config.h"

#include <glib/gi18n.h>
#include <locale.h>

#include "application.h"
#include "places.h"

int
main (int argc, char **argv)
{
  g_autoptr (GListModel) places = NULL;
  g_autoptr (InnApplication) application = NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);

  places = inn_places_new ();
  application = inn_application_new (places);

  return g_application_run (G_APPLICATION (application), argc, argv);
}
