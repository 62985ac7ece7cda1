/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnConsoleConnector: keeps a console view connected to a machine while there is a guest: opens
 * the console when the machine starts, again when the stream breaks, lets go when it is off.
 *
 * Property "message" (notifying): why there is no connection although there should be one, or NULL.
 */
#pragma once

#include "console/console-view.h"
#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_CONSOLE_CONNECTOR (inn_console_connector_get_type ())
G_DECLARE_FINAL_TYPE (InnConsoleConnector, inn_console_connector, INN, CONSOLE_CONNECTOR, GObject)

/* Starts at once, with the screen if the machine has one, otherwise with its serial line. */
InnConsoleConnector *inn_console_connector_new (InnMachine *machine, InnConsoleView *view);

void inn_console_connector_set_kind (InnConsoleConnector *self, InnConsoleKind kind);
InnConsoleKind inn_console_connector_get_kind (InnConsoleConnector *self);
const char *inn_console_connector_get_message (InnConsoleConnector *self);

G_END_DECLS
