/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMachineThumbnail: a small picture of a machine's screen, grey when it is not live, with a
 * badge or a spinner for its state. Drawn at most ten times a second. Of a machine with a screen in
 * shared memory it looks at the screen itself, but only while it is in sight.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_MACHINE_THUMBNAIL (inn_machine_thumbnail_get_type ())
G_DECLARE_FINAL_TYPE (InnMachineThumbnail, inn_machine_thumbnail, INN, MACHINE_THUMBNAIL, GtkWidget)

/* Called once. */
void inn_machine_thumbnail_set_machine (InnMachineThumbnail *self, InnMachine *machine);

G_END_DECLS
