/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Placing a guest's picture: shrunk, exact, enlarged; edges on device pixels; there and back. */
#include "console/display-geometry.h"

static InnDisplayGeometry
geometry (int guest_width, int guest_height, int area_width, int area_height, int scale_factor)
{
  InnDisplayGeometry self;

  inn_display_geometry_init (&self, guest_width, guest_height, area_width, area_height,
                             scale_factor);
  return self;
}

static void
assert_place (InnDisplayGeometry self, int x, int y, int width, int height)
{
  g_assert_cmpint (self.x, ==, x);
  g_assert_cmpint (self.y, ==, y);
  g_assert_cmpint (self.width, ==, width);
  g_assert_cmpint (self.height, ==, height);
}

static void
test_place (void)
{
  assert_place (geometry (800, 600, 800, 600, 1), 0, 0, 800, 600);
  /* A narrow border rather than a blur. */
  assert_place (geometry (720, 400, 800, 600, 1), 40, 100, 720, 400);
  /* Shrunk, aspect kept. */
  assert_place (geometry (1920, 1080, 960, 600, 1), 0, 30, 960, 540);
  /* Enlarged to the edge. */
  assert_place (geometry (640, 480, 1280, 1000, 1), 0, 20, 1280, 960);
  /* On a monitor of scale factor 2 the area has twice the device pixels. */
  assert_place (geometry (1600, 1200, 800, 600, 2), 0, 0, 1600, 1200);
  assert_place (geometry (720, 400, 800, 600, 2), 0, 155, 1600, 889);
  /* No area is too small, none too odd. */
  assert_place (geometry (16384, 4096, 1, 1, 1), 0, 0, 1, 1);
  assert_place (geometry (1, 16384, 100, 100, 1), 49, 0, 1, 100);
  assert_place (geometry (640, 480, 0, 0, 1), 0, 0, 1, 1);
}

static int
repeat (InnDisplayGeometry self)
{
  return inn_display_geometry_get_repeat (&self);
}

static void
test_repeat (void)
{
  g_assert_cmpint (repeat (geometry (1920, 1080, 960, 600, 1)), ==, 1);
  g_assert_cmpint (repeat (geometry (720, 400, 800, 600, 1)), ==, 1);
  g_assert_cmpint (repeat (geometry (640, 480, 1280, 960, 1)), ==, 2);
  g_assert_cmpint (repeat (geometry (640, 480, 1000, 960, 1)), ==, 2);
  g_assert_cmpint (repeat (geometry (10, 10, 1000, 1000, 1)), ==, 4);
}

/* Tiles must meet without gap or overlap, each edge on a whole device pixel. */
static void
check_tiling (InnDisplayGeometry self)
{
  InnDamageMap map = { 0 };
  guint n_tiles;

  inn_damage_map_reset (&map, self.guest_width, self.guest_height);
  n_tiles = inn_damage_map_get_n_tiles (&map);
  for (guint i = 0; i < n_tiles; i++)
    {
      InnRectangle tile = inn_damage_map_get_tile (&map, i);
      graphene_rect_t place = inn_display_geometry_map (&self, &tile);
      float left = place.origin.x * self.scale_factor;
      float right = (place.origin.x + place.size.width) * self.scale_factor;

      g_assert_cmpfloat (left, ==, (int)left);
      g_assert_cmpfloat (right, ==, (int)right);
      if (tile.x == 0)
        g_assert_cmpint ((int)left, ==, self.x);
      if (tile.x + tile.width == self.guest_width)
        {
          g_assert_cmpint ((int)right, ==, self.x + self.width);
        }
      else
        {
          InnRectangle next = inn_damage_map_get_tile (&map, i + 1);
          graphene_rect_t next_place = inn_display_geometry_map (&self, &next);

          g_assert_cmpint ((int)(next_place.origin.x * self.scale_factor), ==, (int)right);
        }
    }
  inn_damage_map_clear (&map);
}

static void
test_tiling (void)
{
  check_tiling (geometry (1920, 1080, 1441, 811, 1));
  check_tiling (geometry (1920, 1080, 777, 333, 2));
  check_tiling (geometry (1366, 768, 1920, 1080, 1));
  check_tiling (geometry (257, 257, 1000, 1000, 2));
  check_tiling (geometry (16384, 4096, 301, 207, 1));
}

static void
assert_unmaps (InnDisplayGeometry self, double x, double y, int guest_x, int guest_y)
{
  int actual_x, actual_y;

  inn_display_geometry_unmap (&self, x, y, &actual_x, &actual_y);
  g_assert_cmpint (actual_x, ==, guest_x);
  g_assert_cmpint (actual_y, ==, guest_y);
}

static void
test_unmap (void)
{
  InnDisplayGeometry exact = geometry (720, 400, 800, 600, 1);
  InnDisplayGeometry half = geometry (1600, 1200, 800, 600, 1);
  InnDisplayGeometry dense = geometry (1600, 1200, 800, 600, 2);

  assert_unmaps (exact, 40, 100, 0, 0);
  assert_unmaps (exact, 759.9, 499.9, 719, 399);
  /* In the border: the nearest pixel, so that a drag past the edge goes on along it. */
  assert_unmaps (exact, 0, 300, 0, 200);
  assert_unmaps (exact, -1e9, 1e9, 0, 399);
  assert_unmaps (half, 400, 300, 800, 600);
  assert_unmaps (dense, 400.5, 300, 801, 600);
  assert_unmaps (dense, 799.9, 599.9, 1599, 1199);
}

static void
test_wanted_mode (void)
{
  int width = 0, height = 0;

  g_assert_true (inn_display_geometry_get_wanted_mode (801, 601, 1, &width, &height));
  g_assert_cmpint (width, ==, 800);
  g_assert_cmpint (height, ==, 601);
  g_assert_true (inn_display_geometry_get_wanted_mode (801, 601, 2, &width, &height));
  g_assert_cmpint (width, ==, 1600);
  g_assert_cmpint (height, ==, 1202);
  g_assert_true (inn_display_geometry_get_wanted_mode (30000, 30000, 1, &width, &height));
  g_assert_cmpint (width, ==, 16384);
  g_assert_false (inn_display_geometry_get_wanted_mode (319, 600, 1, &width, &height));
  g_assert_false (inn_display_geometry_get_wanted_mode (800, 0, 1, &width, &height));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/display-geometry/place", test_place);
  g_test_add_func ("/display-geometry/repeat", test_repeat);
  g_test_add_func ("/display-geometry/tiling", test_tiling);
  g_test_add_func ("/display-geometry/unmap", test_unmap);
  g_test_add_func ("/display-geometry/wanted-mode", test_wanted_mode);
  return g_test_run ();
}
