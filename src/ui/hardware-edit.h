/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Storing a change for a widget, which may be gone when it is done.
 */
#pragma once

#include <gtk/gtk.h>

#include "model/hardware.h"

G_BEGIN_DECLS

/* @problem: the sentence why nothing was changed, or NULL: it was. */
typedef void (*InnHardwareEditDone) (GtkWidget *widget, const char *problem);

/* Takes over @change. @done is called once, unless @widget is gone by then. */
void inn_hardware_edit_run (InnHardware *hardware,
                            InnHardwareChange *change,
                            GtkWidget *widget,
                            InnHardwareEditDone done);

G_END_DECLS
