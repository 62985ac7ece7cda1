/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnForwardsRow: the ports of this computer that lead to a guest: a line for each, and fields for
 * another.
 */
#pragma once

#include <adwaita.h>

#include "model/hardware.h"

G_BEGIN_DECLS

#define INN_TYPE_FORWARDS_ROW (inn_forwards_row_get_type ())
G_DECLARE_FINAL_TYPE (InnForwardsRow, inn_forwards_row, INN, FORWARDS_ROW, AdwPreferencesRow)

/* @device: a network adapter that has forwards. */
GtkWidget *inn_forwards_row_new (InnHardware *hardware, InnDevice *device);
void inn_forwards_row_set_narrow (InnForwardsRow *self, gboolean narrow);

G_END_DECLS
