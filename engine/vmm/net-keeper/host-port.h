/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether ports of this computer are free to be forwarded, found out by binding them.
 */
#pragma once

#include <stdbool.h>

#include "protocol/net-keeper-protocol.h"
#include "protocol/port-forward.h"

/*
 * False, with a sentence in text, when a port of the forward cannot be had. One in use is tried for
 * a few seconds, since a machine that has just ended may be letting go of it.
 */
bool host_port_check(const struct port_forward *forward, char text[NET_KEEPER_TEXT_SIZE]);
