/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VMM's hold on one client's channel: the mapped memory, its rings and the two doorbells, from
 * descriptors that the client chose and may have chosen badly.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "protocol/control-protocol.h"

struct channel_map {
	void *memory; /* NULL: not open */
	size_t size;
	int own_doorbell;  /* the client writes, we read */
	int peer_doorbell; /* we write, the client reads */
	struct control_rings rings;
};

void channel_map_init(struct channel_map *map);

/*
 * Checks and maps what came with ATTACH: memory of size bytes that is sealed against resizing and
 * holds a valid layout, and two non-blocking eventfds. Takes the descriptors over in every case.
 * 0, -EPROTO, -EPROTONOSUPPORT, or what the kernel said.
 */
int channel_map_open(struct channel_map *map, const int fds[CONTROL_ATTACH_FDS], uint32_t size);
/* Unmaps and closes; a map that is not open is accepted. */
void channel_map_close(struct channel_map *map);
