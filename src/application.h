/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnApplication: the program: opens the places, shows their machines in a window, and ends with
 * it. Guests run on.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define INN_TYPE_APPLICATION (inn_application_get_type ())
G_DECLARE_FINAL_TYPE (InnApplication, inn_application, INN, APPLICATION, AdwApplication)

/* @places: a GListModel of InnConnection that does not change. */
InnApplication *inn_application_new (GListModel *places);

G_END_DECLS
