/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question before a device is removed. The file of a disk stays, unless it was made for this
 * machine and the answer says so.
 */
#pragma once

#include "ui/hardware-edit.h"

G_BEGIN_DECLS

/* @done is called with @widget once a removal has been tried. */
void inn_device_removal_ask (InnHardware *hardware,
                             InnDevice *device,
                             GtkWidget *widget,
                             InnHardwareEditDone done);

G_END_DECLS
