/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a keeper (vmm/net-keeper/), which connects one network card of a VMM to passt and
 * lives as long as the VMM. Blocks for a moment; any thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * @forwards: as in protocol/port-forward.h, may be NULL. @environment: of the VMM. Returns the
 * VMM's end of their channel; when it closes, the keeper ends. -1 on failure.
 */
int
inn_net_keeper_start (const char *const *forwards, const char *const *environment, GError **error);

G_END_DECLS
