/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMachineList: the machines of all places as one GListModel of InnMachine, sorted by place (in
 * the order of the list of connections), then by name, and filtered. Main thread only.
 *
 * It follows the connections, their machines and the machines' names by itself.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define INN_TYPE_MACHINE_LIST (inn_machine_list_get_type ())
G_DECLARE_FINAL_TYPE (InnMachineList, inn_machine_list, INN, MACHINE_LIST, GObject)

/* @connections: a GListModel of InnConnection. */
InnMachineList *inn_machine_list_new (GListModel *connections);

/* Only machines whose name has every word of @filter in it, whatever the case; NULL or "": all. */
void inn_machine_list_set_filter (InnMachineList *self, const char *filter);

G_END_DECLS
