/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnDeviceRow: a device that opens in place for its settings: disk, CD drive, network adapter,
 * screen.
 */
#pragma once

#include <adwaita.h>

#include "model/hardware.h"

G_BEGIN_DECLS

#define INN_TYPE_DEVICE_ROW (inn_device_row_get_type ())
G_DECLARE_FINAL_TYPE (InnDeviceRow, inn_device_row, INN, DEVICE_ROW, AdwExpanderRow)

GtkWidget *inn_device_row_new (InnHardware *hardware, InnDevice *device);
void inn_device_row_set_narrow (InnDeviceRow *self, gboolean narrow);

G_END_DECLS
