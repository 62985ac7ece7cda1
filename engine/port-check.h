/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a port of this computer is free to lead to a guest. A @forward is as in
 * protocol/port-forward.h. INN_ENGINE_ERROR with a sentence that names the port when not.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

/* Whether the machine that @description is of wants none of those ports. Pure. */
gboolean inn_port_check_description (const char *forward,
                                     const InnMachineDescription *description,
                                     GError **error);
/* Whether no program listens there now, and this user may. */
gboolean inn_port_check_host (const char *forward, GError **error);

G_END_DECLS
