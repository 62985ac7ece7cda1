/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clipping rectangles no guest should send, and the tiles a rectangle touches. */
#include "console/damage-map.h"

static void
assert_clips (InnRectangle given, InnRectangle expected)
{
  g_assert_true (inn_rectangle_clip (&given, 100, 80));
  g_assert_cmpint (given.x, ==, expected.x);
  g_assert_cmpint (given.y, ==, expected.y);
  g_assert_cmpint (given.width, ==, expected.width);
  g_assert_cmpint (given.height, ==, expected.height);
}

static void
assert_outside (InnRectangle given)
{
  g_assert_false (inn_rectangle_clip (&given, 100, 80));
}

static void
test_clip (void)
{
  assert_clips ((InnRectangle){ 10, 20, 30, 40 }, (InnRectangle){ 10, 20, 30, 40 });
  assert_clips ((InnRectangle){ -5, -5, 10, 10 }, (InnRectangle){ 0, 0, 5, 5 });
  assert_clips ((InnRectangle){ 99, 79, G_MAXINT, G_MAXINT }, (InnRectangle){ 99, 79, 1, 1 });
  assert_clips ((InnRectangle){ -1, G_MININT + 100, 2, G_MAXINT }, (InnRectangle){ 0, 0, 1, 80 });
}

static void
test_outside (void)
{
  assert_outside ((InnRectangle){ 100, 0, 1, 1 });
  assert_outside ((InnRectangle){ 0, 80, 1, 1 });
  assert_outside ((InnRectangle){ -1, 0, 1, 1 });
  assert_outside ((InnRectangle){ 0, 0, 0, 10 });
  assert_outside ((InnRectangle){ 0, 0, -1, 10 });
  assert_outside ((InnRectangle){ G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT });
  assert_outside ((InnRectangle){ G_MININT, G_MININT, G_MAXINT, G_MAXINT });
  assert_outside ((InnRectangle){ 0, 0, G_MININT, G_MININT });
}

static guint
take_all (InnDamageMap *map)
{
  guint n_tiles = inn_damage_map_get_n_tiles (map), dirty = 0;

  for (guint i = 0; i < n_tiles; i++)
    dirty += inn_damage_map_take (map, i) ? 1 : 0;
  return dirty;
}

static void
test_tiles (void)
{
  InnDamageMap map = { 0 };
  InnRectangle last;

  inn_damage_map_reset (&map, 1920, 1080);
  g_assert_cmpuint (inn_damage_map_get_n_tiles (&map), ==, 8 * 5);
  last = inn_damage_map_get_tile (&map, 8 * 5 - 1);
  g_assert_cmpint (last.x, ==, 1792);
  g_assert_cmpint (last.y, ==, 1024);
  g_assert_cmpint (last.width, ==, 128);
  g_assert_cmpint (last.height, ==, 56);

  /* All are dirty at first, then none. */
  g_assert_cmpuint (take_all (&map), ==, 40);
  g_assert_cmpuint (take_all (&map), ==, 0);

  g_assert_true (inn_damage_map_add (&map, &(InnRectangle){ 256, 256, 256, 256 }));
  g_assert_true (inn_damage_map_take (&map, 8 + 1));
  g_assert_cmpuint (take_all (&map), ==, 0);

  g_assert_true (inn_damage_map_add (&map, &(InnRectangle){ 255, 255, 2, 2 }));
  g_assert_cmpuint (take_all (&map), ==, 4);

  g_assert_true (inn_damage_map_add (&map, &(InnRectangle){ -9, -9, G_MAXINT, G_MAXINT }));
  g_assert_cmpuint (take_all (&map), ==, 40);

  g_assert_false (inn_damage_map_add (&map, &(InnRectangle){ 1920, 0, 10, 10 }));
  g_assert_cmpuint (take_all (&map), ==, 0);
  inn_damage_map_clear (&map);
}

static void
test_empty (void)
{
  InnDamageMap map = { 0 };

  g_assert_cmpuint (inn_damage_map_get_n_tiles (&map), ==, 0);
  g_assert_false (inn_damage_map_add (&map, &(InnRectangle){ 0, 0, 1, 1 }));
  inn_damage_map_add_all (&map);
  inn_damage_map_clear (&map);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/damage-map/clip", test_clip);
  g_test_add_func ("/damage-map/outside", test_outside);
  g_test_add_func ("/damage-map/tiles", test_tiles);
  g_test_add_func ("/damage-map/empty", test_empty);
  return g_test_run ();
}
