/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps a stream (net-stream.h) connected to passt: a keeper outside the sandbox
 * (net-keeper/) starts passt, hands over a connection, and does so again when passt has died.
 * Main thread, device lock held.
 *
 * System calls after creation: recvmsg, and those of net-stream.h.
 */
#pragma once

#include "protocol/net-keeper-protocol.h"

struct event_loop;
struct net_backend;
struct net_passt;

/* What the keeper has to say to a person: a sentence. */
typedef void (*net_passt_notice)(void *data, const char *text);

/*
 * channel: to the keeper, is taken over in every case. stream: borrowed, must outlive this. Waits
 * until the keeper has said how it stands. 0; -ENOTCONN when there will be no connection, why is in
 * text then; or negative errno.
 */
int net_passt_create(struct event_loop *loop, int channel, struct net_backend *stream,
		     net_passt_notice notice, void *data, char text[NET_KEEPER_TEXT_SIZE],
		     struct net_passt **ret_passt);
/* NULL is accepted. The keeper ends passt and itself. */
void net_passt_destroy(struct net_passt *passt);
