/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnEmptyPage: what the window shows while there is no machine: what could be run at once, and
 * whether this computer is fit for it. Signal "picked" (InnMedium).
 */
#pragma once

#include <gtk/gtk.h>

#include "ui/found-media.h"

G_BEGIN_DECLS

#define INN_TYPE_EMPTY_PAGE (inn_empty_page_get_type ())
G_DECLARE_FINAL_TYPE (InnEmptyPage, inn_empty_page, INN, EMPTY_PAGE, GtkWidget)

/* Called once. @places: a GListModel of InnConnection. */
void inn_empty_page_set_models (InnEmptyPage *self, GListModel *places, InnFoundMedia *found);

G_END_DECLS
