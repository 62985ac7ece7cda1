/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether this computer is connected to a network.
 */
#pragma once

#include <stdbool.h>

/* A default route, of IPv4 or IPv6: what passt looks for. True where it cannot be told. */
bool routes_have_default(void);
