/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSettingRow: one setting of a device: what it is, when a change has its effect, and the control
 * for it. A change is stored as it is made; one that is refused stays in the control, with the
 * reason below the title. Not for lists.
 */
#pragma once

#include <adwaita.h>

#include "model/hardware.h"

G_BEGIN_DECLS

#define INN_TYPE_SETTING_ROW (inn_setting_row_get_type ())
G_DECLARE_FINAL_TYPE (InnSettingRow, inn_setting_row, INN, SETTING_ROW, AdwActionRow)

/* @whole: the row stands for its device, which has no other setting. */
GtkWidget *
inn_setting_row_new (InnHardware *hardware, InnDevice *device, InnSettingId id, gboolean whole);
void inn_setting_row_set_narrow (InnSettingRow *self, gboolean narrow);

G_END_DECLS
