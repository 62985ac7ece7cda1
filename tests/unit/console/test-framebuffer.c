/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a frame costs: tiles that did not change keep the very object they drew before. */
#include "console/framebuffer.h"

#define MAX_TILES 16

typedef struct
{
  InnFramebuffer *framebuffer;
  InnPixelBuffer *pixels;
  InnDisplayGeometry geometry;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer kind)
{
  fixture->framebuffer = inn_framebuffer_new ();
  inn_framebuffer_set_kind (fixture->framebuffer, GPOINTER_TO_INT (kind));
  fixture->pixels = inn_pixel_buffer_new (600, 500); /* 3 × 2 tiles */
  inn_framebuffer_set_pixels (fixture->framebuffer, fixture->pixels);
  inn_display_geometry_init (&fixture->geometry, 600, 500, 600, 500, 1);
}

static void
tear_down (Fixture *fixture, gconstpointer kind)
{
  inn_framebuffer_free (fixture->framebuffer);
  inn_pixel_buffer_unref (fixture->pixels);
}

/* The cairo nodes or textures of a frame, in order, with a reference on the frame. */
static GskRenderNode *
draw (Fixture *fixture, gpointer objects[MAX_TILES], guint *n_objects)
{
  GtkSnapshot *snapshot = gtk_snapshot_new ();
  GskRenderNode *frame;

  inn_framebuffer_snapshot (fixture->framebuffer, &fixture->geometry, snapshot);
  frame = gtk_snapshot_free_to_node (snapshot);
  *n_objects = gsk_container_node_get_n_children (frame);
  g_assert_cmpuint (*n_objects, <=, MAX_TILES);
  for (guint i = 0; i < *n_objects; i++)
    {
      GskRenderNode *node = gsk_container_node_get_child (frame, i);

      objects[i] = gsk_render_node_get_node_type (node) == GSK_TEXTURE_NODE
                       ? (gpointer)gsk_texture_node_get_texture (node)
                       : node;
    }
  return frame;
}

static void
test_clean_tiles_stay (Fixture *fixture, gconstpointer kind)
{
  gpointer before[MAX_TILES], after[MAX_TILES];
  guint n_before, n_after;
  GskRenderNode *first = draw (fixture, before, &n_before), *second;

  g_assert_cmpuint (n_before, ==, 6);
  g_assert_true (inn_framebuffer_damage (fixture->framebuffer, &(InnRectangle){ 300, 10, 20, 20 }));
  second = draw (fixture, after, &n_after);

  g_assert_cmpuint (n_after, ==, 6);
  for (guint i = 0; i < n_after; i++)
    if (i == 1)
      g_assert_true (before[i] != after[i]);
    else
      g_assert_true (before[i] == after[i]);
  gsk_render_node_unref (first);
  gsk_render_node_unref (second);
}

static void
test_other_place (Fixture *fixture, gconstpointer kind)
{
  gpointer before[MAX_TILES], after[MAX_TILES];
  guint n_before, n_after;
  GskRenderNode *first = draw (fixture, before, &n_before), *second;

  inn_display_geometry_init (&fixture->geometry, 600, 500, 300, 250, 1);
  second = draw (fixture, after, &n_after);
  /* Textures can be scaled as they are, cairo nodes are drawn anew. */
  for (guint i = 0; i < n_after; i++)
    g_assert_true ((before[i] == after[i]) == (GPOINTER_TO_INT (kind) == INN_TILE_TEXTURE));
  gsk_render_node_unref (first);
  gsk_render_node_unref (second);
}

static void
test_hostile_damage (Fixture *fixture, gconstpointer kind)
{
  const InnRectangle outside[] = {
    { 600, 0, 1, 1 },
    { -10, -10, 10, 10 },
    { 0, 0, 0, 0 },
    { G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (outside); i++)
    g_assert_false (inn_framebuffer_damage (fixture->framebuffer, &outside[i]));
  g_assert_true (
      inn_framebuffer_damage (fixture->framebuffer, &(InnRectangle){ -5, -5, G_MAXINT, G_MAXINT }));
}

static void
test_no_picture (Fixture *fixture, gconstpointer kind)
{
  inn_framebuffer_set_pixels (fixture->framebuffer, NULL);
  g_assert_null (inn_framebuffer_get_pixels (fixture->framebuffer));
  g_assert_false (inn_framebuffer_damage (fixture->framebuffer, &(InnRectangle){ 0, 0, 9, 9 }));
  inn_framebuffer_set_kind (fixture->framebuffer, GPOINTER_TO_INT (kind));
}

static void
add_tests (const char *name, InnTileKind kind)
{
  const struct
  {
    const char *name;
    void (*function) (Fixture *, gconstpointer);
  } tests[] = {
    { "clean-tiles-stay", test_clean_tiles_stay },
    { "other-place", test_other_place },
    { "hostile-damage", test_hostile_damage },
    { "no-picture", test_no_picture },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/framebuffer/%s/%s", name, tests[i].name);

      g_test_add (path, Fixture, GINT_TO_POINTER (kind), set_up, tests[i].function, tear_down);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gtk_init (); /* render nodes need it */
  add_tests ("texture", INN_TILE_TEXTURE);
  add_tests ("cairo", INN_TILE_CAIRO);
  return g_test_run ();
}
