/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnByteStream: bytes to and from a connected socket on the main loop, without ever blocking it.
 * It reads only as fast as its user takes and below the priority of drawing, so a peer that floods
 * cannot stop the window; what it has yet to send is bounded. Main thread only.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define INN_TYPE_BYTE_STREAM (inn_byte_stream_get_type ())
G_DECLARE_FINAL_TYPE (InnByteStream, inn_byte_stream, INN, BYTE_STREAM, GObject)

typedef struct
{
  /* Takes bytes; returns how many. The rest comes again, after others had their turn. */
  gsize (*received) (const guint8 *data, gsize length, gpointer user_data);
  /* The peer is gone; @error is an errno, 0 for an orderly end. Nothing is called after it. */
  void (*ended) (int error, gpointer user_data);
} InnByteStreamEvents;

/*
 * Takes over @fd, a connected stream socket, and makes it non-blocking. After each read of at most
 * 64 KiB it rests for @rest_ms: 0 for as fast as the peer sends. @events must stay valid until
 * inn_byte_stream_close().
 */
InnByteStream *
inn_byte_stream_new (int fd, guint rest_ms, const InnByteStreamEvents *events, gpointer user_data);

/* Sends, now or when the peer reads again. FALSE: too much is waiting already; nothing of @data
 * was taken. */
gboolean inn_byte_stream_send (InnByteStream *self, const guint8 *data, gsize length);

/* Closes the socket; no event comes after it. May be called from an event, and twice. */
void inn_byte_stream_close (InnByteStream *self);

G_END_DECLS
