/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a keeper (net-keeper/) tells its VMM on their SOCK_SEQPACKET socket: one message at a time,
 * from the keeper to the VMM only. When the socket closes, the VMM is gone and the keeper ends.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET_KEEPER_MAGIC 0x4e4b4e49u /* "INKN" */

enum { NET_KEEPER_TEXT_SIZE = 504 };

enum net_keeper_message_type {
	/* With one descriptor: a connected stream socket whose other end carries the frames. */
	NET_KEEPER_CONNECTION = 1,
	/* There is no connection now; there will be one. text: why */
	NET_KEEPER_WAITING = 2,
	/* There never will be one. text: why, and what to do */
	NET_KEEPER_FAILED = 3,
};

struct net_keeper_message {
	uint32_t magic;
	uint32_t type;                   /* enum net_keeper_message_type */
	char text[NET_KEEPER_TEXT_SIZE]; /* UTF-8, NUL-terminated, a whole sentence */
};

static_assert(sizeof(struct net_keeper_message) == 512, "part of the protocol");

/* Whether a message that came with so many descriptors is one. */
static inline bool net_keeper_message_valid(const struct net_keeper_message *message,
					    size_t fd_count)
{
	size_t expected = message->type == NET_KEEPER_CONNECTION ? 1 : 0;

	return message->magic == NET_KEEPER_MAGIC && message->type >= NET_KEEPER_CONNECTION &&
	       message->type <= NET_KEEPER_FAILED && fd_count == expected &&
	       message->text[NET_KEEPER_TEXT_SIZE - 1] == '\0';
}
