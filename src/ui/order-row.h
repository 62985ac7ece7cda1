/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnOrderRow: the order in which devices are tried at a start. It opens in place: each device can
 * be put earlier or later by a button.
 */
#pragma once

#include <adwaita.h>

#include "model/hardware.h"

G_BEGIN_DECLS

#define INN_TYPE_ORDER_ROW (inn_order_row_get_type ())
G_DECLARE_FINAL_TYPE (InnOrderRow, inn_order_row, INN, ORDER_ROW, AdwExpanderRow)

GtkWidget *inn_order_row_new (InnHardware *hardware, InnDevice *device);
void inn_order_row_set_narrow (InnOrderRow *self, gboolean narrow);

G_END_DECLS
