/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One edit of a machine's hardware, carried out on its description.
 */
#pragma once

#include "engine/engine.h"
#include "model/hardware-change.h"

G_BEGIN_DECLS

/* An InnMachineChange: @data is an InnHardwareChange that sets, adds or removes. A disk to add has
 * its file by then. Looks at files that the change names; any thread. */
gboolean inn_engine_device_edit (InnMachineDescription *description, gpointer data, GError **error);

G_END_DECLS
