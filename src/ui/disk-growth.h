/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question how large a disk shall become.
 */
#pragma once

#include "ui/hardware-edit.h"

G_BEGIN_DECLS

/* @done is called with @widget once it has been tried. */
void inn_disk_growth_ask (InnHardware *hardware,
                          InnDevice *device,
                          GtkWidget *widget,
                          InnHardwareEditDone done);

G_END_DECLS
