/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSnapshotsPage: the tree of a machine's snapshots, all about the selected one beside it, and
 * what is under way.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_SNAPSHOTS_PAGE (inn_snapshots_page_get_type ())
G_DECLARE_FINAL_TYPE (InnSnapshotsPage, inn_snapshots_page, INN, SNAPSHOTS_PAGE, GtkWidget)

/* Called once. */
void inn_snapshots_page_set_machine (InnSnapshotsPage *self, InnMachine *machine);

G_END_DECLS
