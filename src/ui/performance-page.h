/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnPerformancePage: the graphs of one machine. It asks for readings and draws only while it is
 * mapped: at the frame clock for the shortest range, twice a second for the next, and every other
 * second for the longest.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_PERFORMANCE_PAGE (inn_performance_page_get_type ())
G_DECLARE_FINAL_TYPE (InnPerformancePage, inn_performance_page, INN, PERFORMANCE_PAGE, GtkWidget)

/* Called once. */
void inn_performance_page_set_machine (InnPerformancePage *self, InnMachine *machine);
/* Fewer words, for narrow windows. */
void inn_performance_page_set_narrow (InnPerformancePage *self, gboolean narrow);

G_END_DECLS
