/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small picture that is refreshed now and then, and only while somebody wants it. */
#include "console/screen-preview.h"

#include <gtk/gtk.h>

#include "fake-screen.h"

typedef struct
{
  FakeScreen *screen;
  InnScreenPreview *preview;
  guint changes;
  guint ended;
} Fixture;

static void
count (guint *number)
{
  (*number)++;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->screen = fake_screen_new (1 << 20);
  fake_screen_set_size (fixture->screen, 200, 100);
  fixture->preview = inn_screen_preview_new (INN_SHARED_SCREEN (fixture->screen));
  g_signal_connect_swapped (inn_screen_preview_get_paintable (fixture->preview),
                            "invalidate-contents", G_CALLBACK (count), &fixture->changes);
  g_signal_connect_swapped (fixture->preview, "ended", G_CALLBACK (count), &fixture->ended);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_finalize_object (fixture->preview);
  g_assert_finalize_object (fixture->screen);
}

static void
wait_for_change (Fixture *fixture)
{
  guint before = fixture->changes;

  while (fixture->changes == before)
    g_main_context_iteration (NULL, TRUE);
}

static guint
count_refreshes (Fixture *fixture)
{
  g_autofree char *log = fake_screen_take_log (fixture->screen);
  g_auto (GStrv) lines = g_strsplit (log, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    g_assert_cmpstr (lines[i], ==, "refresh"); /* it never watches */
  return g_strv_length (lines);
}

static void
test_active (Fixture *fixture, gconstpointer data)
{
  GdkPaintable *paintable = inn_screen_preview_get_paintable (fixture->preview);

  wait_for_change (fixture);
  g_assert_cmpint (gdk_paintable_get_intrinsic_width (paintable), ==, 200);
  g_assert_cmpuint (count_refreshes (fixture), ==, 1);

  /* What the clock brings is told; what stays the same is not. */
  inn_screen_preview_set_active (fixture->preview, TRUE);
  fake_screen_fill (fixture->screen, 0, 0, 10, 10, 0x3584e4);
  wait_for_change (fixture);
  fake_screen_fill (fixture->screen, 0, 0, 10, 10, 0);
  wait_for_change (fixture);
  g_assert_cmpuint (count_refreshes (fixture), >=, 2);
}

static gboolean
on_timeout (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Longer than the clock's period, nothing happens. */
static void
test_inactive (Fixture *fixture, gconstpointer data)
{
  gboolean over = FALSE;

  wait_for_change (fixture);
  inn_screen_preview_set_active (fixture->preview, TRUE);
  inn_screen_preview_set_active (fixture->preview, FALSE);
  count_refreshes (fixture);
  fixture->changes = 0;
  g_timeout_add (3500, on_timeout, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (count_refreshes (fixture), ==, 0);
  g_assert_cmpuint (fixture->changes, ==, 0);
}

static void
test_end (Fixture *fixture, gconstpointer data)
{
  GdkPaintable *paintable = inn_screen_preview_get_paintable (fixture->preview);

  wait_for_change (fixture);
  inn_screen_preview_set_active (fixture->preview, TRUE);
  fake_screen_end (fixture->screen, "It has ended.");
  g_assert_cmpuint (fixture->ended, ==, 1);
  g_assert_cmpint (gdk_paintable_get_intrinsic_width (paintable), ==, 200);
}

#define ADD(path, function)                                                                        \
  g_test_add ("/screen-preview/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("active", test_active);
  ADD ("inactive", test_inactive);
  ADD ("end", test_end);
  return g_test_run ();
}
