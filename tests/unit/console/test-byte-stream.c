/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes both ways over a socket pair: slow takers, floods, peers that do not read or go away. */
#include "console/byte-stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  InnByteStream *stream;
  int peer;
  GByteArray *received;
  gsize take; /* so many bytes at a time; 0: all */
  guint n_deliveries;
  gboolean ended;
  int error;
  gboolean close_on_receive;
} Fixture;

static gsize
on_received (const guint8 *data, gsize length, gpointer user_data)
{
  Fixture *fixture = user_data;
  gsize taken = fixture->take > 0 ? MIN (fixture->take, length) : length;

  g_assert_false (fixture->ended);
  fixture->n_deliveries++;
  g_byte_array_append (fixture->received, data, (guint)taken);
  if (fixture->close_on_receive)
    inn_byte_stream_close (fixture->stream);
  return taken;
}

static void
on_ended (int error, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_false (fixture->ended);
  fixture->ended = TRUE;
  fixture->error = error;
}

static const InnByteStreamEvents events = { on_received, on_ended };

static void
set_up (Fixture *fixture, gconstpointer rest_ms)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  fixture->peer = fds[1];
  fixture->received = g_byte_array_new ();
  fixture->stream = inn_byte_stream_new (fds[0], GPOINTER_TO_UINT (rest_ms), &events, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer rest_ms)
{
  g_clear_object (&fixture->stream);
  if (fixture->peer >= 0)
    close (fixture->peer);
  g_byte_array_unref (fixture->received);
}

static void
close_peer (Fixture *fixture)
{
  close (fixture->peer);
  fixture->peer = -1;
}

/* Runs the main loop until nothing has happened for a while. */
static void
settle (void)
{
  gint64 quiet_since = g_get_monotonic_time ();

  while (g_get_monotonic_time () - quiet_since < 100 * G_TIME_SPAN_MILLISECOND)
    if (g_main_context_iteration (NULL, FALSE))
      quiet_since = g_get_monotonic_time ();
    else
      g_usleep (1000);
}

static void
test_both_ways (Fixture *fixture, gconstpointer rest_ms)
{
  char buffer[16];

  g_assert_cmpint (write (fixture->peer, "hello", 5), ==, 5);
  settle ();
  g_assert_cmpmem (fixture->received->data, fixture->received->len, "hello", 5);

  g_assert_true (inn_byte_stream_send (fixture->stream, (const guint8 *)"world", 5));
  g_assert_cmpint (read (fixture->peer, buffer, sizeof buffer), ==, 5);
  g_assert_cmpmem (buffer, 5, "world", 5);
}

static void
test_takes_slowly (Fixture *fixture, gconstpointer rest_ms)
{
  fixture->take = 3;
  g_assert_cmpint (write (fixture->peer, "0123456789", 10), ==, 10);
  close_peer (fixture);
  settle ();
  g_assert_cmpmem (fixture->received->data, fixture->received->len, "0123456789", 10);
  g_assert_cmpuint (fixture->n_deliveries, ==, 4);
  g_assert_true (fixture->ended);
}

static void
test_peer_gone (Fixture *fixture, gconstpointer rest_ms)
{
  g_assert_cmpint (write (fixture->peer, "last", 4), ==, 4);
  close_peer (fixture);
  settle ();
  /* What it said last is heard before the end, and the end once. */
  g_assert_cmpmem (fixture->received->data, fixture->received->len, "last", 4);
  g_assert_true (fixture->ended);
  g_assert_cmpint (fixture->error, ==, 0);
  g_assert_false (inn_byte_stream_send (fixture->stream, (const guint8 *)"x", 1));
}

static void
test_peer_does_not_read (Fixture *fixture, gconstpointer rest_ms)
{
  g_autofree guint8 *block = g_malloc0 (64 * 1024);
  g_autofree guint8 *buffer = g_malloc (64 * 1024);
  gsize accepted = 0, read_back = 0;
  ssize_t n;

  for (int i = 0; i < 100 && inn_byte_stream_send (fixture->stream, block, 64 * 1024); i++)
    accepted += 64 * 1024;
  /* It never waits, and it stops taking more. */
  g_assert_cmpuint (accepted, >=, 1024 * 1024);
  g_assert_cmpuint (accepted, <, 100 * 64 * 1024);

  while (read_back < accepted)
    {
      while ((n = recv (fixture->peer, buffer, 64 * 1024, MSG_DONTWAIT)) > 0)
        read_back += (gsize)n;
      g_main_context_iteration (NULL, FALSE);
    }
  g_assert_cmpuint (read_back, ==, accepted);
  g_assert_true (inn_byte_stream_send (fixture->stream, block, 64 * 1024));
}

static void
test_closed_from_event (Fixture *fixture, gconstpointer rest_ms)
{
  fixture->close_on_receive = TRUE;
  g_assert_cmpint (write (fixture->peer, "hello", 5), ==, 5);
  settle ();
  g_assert_cmpuint (fixture->n_deliveries, ==, 1);
  g_assert_false (fixture->ended);
}

static void
test_flood_rests (Fixture *fixture, gconstpointer rest_ms)
{
  g_autofree guint8 *block = g_malloc0 (64 * 1024);
  gint64 start = g_get_monotonic_time ();

  while (g_get_monotonic_time () - start < 300 * G_TIME_SPAN_MILLISECOND)
    {
      (void)!send (fixture->peer, block, 64 * 1024, MSG_DONTWAIT);
      g_main_context_iteration (NULL, FALSE);
    }
  /* 300 ms in steps of 20: 15 deliveries, with room for a slow start. */
  g_assert_cmpuint (fixture->n_deliveries, >=, 5);
  g_assert_cmpuint (fixture->n_deliveries, <=, 16);
}

static void
test_end_while_resting (Fixture *fixture, gconstpointer rest_ms)
{
  g_assert_cmpint (write (fixture->peer, "last", 4), ==, 4);
  settle ();
  g_assert_cmpint (write (fixture->peer, "word", 4), ==, 4);
  close_peer (fixture);
  settle ();
  g_assert_cmpmem (fixture->received->data, fixture->received->len, "lastword", 8);
  g_assert_true (fixture->ended);
}

int
main (int argc, char **argv)
{
  const gpointer resting = GUINT_TO_POINTER (20);

  g_test_init (&argc, &argv, NULL);
  g_test_add ("/byte-stream/both-ways", Fixture, NULL, set_up, test_both_ways, tear_down);
  g_test_add ("/byte-stream/takes-slowly", Fixture, NULL, set_up, test_takes_slowly, tear_down);
  g_test_add ("/byte-stream/peer-gone", Fixture, NULL, set_up, test_peer_gone, tear_down);
  g_test_add ("/byte-stream/peer-does-not-read", Fixture, NULL, set_up, test_peer_does_not_read,
              tear_down);
  g_test_add ("/byte-stream/closed-from-event", Fixture, NULL, set_up, test_closed_from_event,
              tear_down);
  g_test_add ("/byte-stream/flood-rests", Fixture, resting, set_up, test_flood_rests, tear_down);
  g_test_add ("/byte-stream/end-while-resting", Fixture, resting, set_up, test_end_while_resting,
              tear_down);
  return g_test_run ();
}
