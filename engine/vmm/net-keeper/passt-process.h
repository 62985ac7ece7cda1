/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One passt (https://passt.top) with a connection of its own. It runs in the background once it is
 * ready and ends by itself when the other end of its connection closes.
 */
#pragma once

#include <stddef.h>

#include "protocol/net-keeper-protocol.h"

/*
 * arguments: of passt besides those for the connection, NULL-terminated. Blocks until it is ready.
 * ret_fd: our end. 0; -ENOENT when passt is not installed; -ECONNREFUSED when it ended instead,
 * with its last words (or "") in words; or negative errno.
 */
int passt_process_start(const char *program, const char *const *arguments, size_t argument_count,
			int *ret_fd, char words[NET_KEEPER_TEXT_SIZE]);
/* Ends all that this process has started and that has not ended yet. */
void passt_process_end_all(void);
