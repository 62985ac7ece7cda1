/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking, restoring and renaming snapshots for a person who asks for it in @widget: what has
 * happened is told in a note at the foot of its window, what went wrong in a dialog.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/snapshots.h"

G_BEGIN_DECLS

/* Asks nothing; the note offers to give it another name. */
void inn_snapshot_verbs_take (InnSnapshots *snapshots, GtkWidget *widget);
/* What is there now is kept. */
void inn_snapshot_verbs_restore (InnSnapshots *snapshots, InnSnapshot *snapshot, GtkWidget *widget);
/* Asks for name and note. */
void inn_snapshot_verbs_rename (InnSnapshots *snapshots, InnSnapshot *snapshot, GtkWidget *widget);

G_END_DECLS
