/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client's side of what it shares with one VMM (protocol/control-protocol.h): the channel's
 * memory file and the two doorbells, which the client makes and the VMM is given.
 */
#pragma once

#include <glib.h>

#include "protocol/control-protocol.h"

G_BEGIN_DECLS

typedef struct
{
  void *memory;
  guint32 size;                /* bytes */
  int fds[CONTROL_ATTACH_FDS]; /* as ATTACH passes them */
  struct control_rings rings;
} InnChannelMemory;

/* Makes sealed memory with empty rings. */
InnChannelMemory *inn_channel_memory_new (GError **error);
void inn_channel_memory_free (InnChannelMemory *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (InnChannelMemory, inn_channel_memory_free)

G_END_DECLS
