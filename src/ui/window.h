/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnWindow: the main window: the machines beside the chosen one, or what to do while there is
 * none. Closing it leaves the guests running.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define INN_TYPE_WINDOW (inn_window_get_type ())
G_DECLARE_FINAL_TYPE (InnWindow, inn_window, INN, WINDOW, AdwApplicationWindow)

/* @places: a GListModel of InnConnection that does not change. */
GtkWidget *inn_window_new (AdwApplication *application, GListModel *places);

/* Opens the wizard with @file picked, or with nothing (NULL). */
void inn_window_make_machine (InnWindow *self, GFile *file);

G_END_DECLS
