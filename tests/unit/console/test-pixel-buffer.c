/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allowed sizes, opaque copies, repeated and averaged pixels. */
#include "console/pixel-buffer.h"

#include <string.h>

static void
test_sizes (void)
{
  g_autoptr (InnPixelBuffer) one = inn_pixel_buffer_new (1, 1);
  g_autoptr (InnPixelBuffer) widest = inn_pixel_buffer_new (16384, 4096);

  g_assert_nonnull (one);
  g_assert_nonnull (widest);
  g_assert_cmpuint (widest->stride, ==, 16384 * 4);
  g_assert_null (inn_pixel_buffer_new (0, 10));
  g_assert_null (inn_pixel_buffer_new (10, 0));
  g_assert_null (inn_pixel_buffer_new (-1, -1));
  g_assert_null (inn_pixel_buffer_new (16385, 1));
  g_assert_null (inn_pixel_buffer_new (16384, 4097));
  g_assert_null (inn_pixel_buffer_new (G_MAXINT, G_MAXINT));
}

static InnPixelBuffer *
create_numbered (int width, int height)
{
  InnPixelBuffer *pixels = inn_pixel_buffer_new (width, height);

  for (int i = 0; i < width * height; i++)
    {
      pixels->data[i * 4] = (guint8)i;
      pixels->data[i * 4 + 1] = 2;
      pixels->data[i * 4 + 2] = 3;
      pixels->data[i * 4 + 3] = 0x5a;
    }
  return pixels;
}

static void
test_copy (void)
{
  g_autoptr (InnPixelBuffer) pixels = create_numbered (4, 3);
  guint8 copy[3][12];

  memset (copy, 0xee, sizeof copy);
  inn_pixel_buffer_copy (pixels, 1, 1, 2, 2, 1, copy[0], sizeof copy[0]);
  g_assert_cmpmem (copy[0], 8, ((const guint8[]){ 5, 2, 3, 0xff, 6, 2, 3, 0xff }), 8);
  g_assert_cmpmem (copy[1], 8, ((const guint8[]){ 9, 2, 3, 0xff, 10, 2, 3, 0xff }), 8);
  /* Nothing beyond. */
  g_assert_cmpuint (copy[0][8], ==, 0xee);
  g_assert_cmpuint (copy[2][0], ==, 0xee);
}

static void
test_repeat (void)
{
  g_autoptr (InnPixelBuffer) pixels = create_numbered (2, 2);
  guint8 copy[6][6 * 4];

  inn_pixel_buffer_copy (pixels, 0, 0, 2, 2, 3, copy[0], sizeof copy[0]);
  for (int y = 0; y < 6; y++)
    for (int x = 0; x < 6; x++)
      {
        g_assert_cmpuint (copy[y][x * 4], ==, (guint)(y / 3 * 2 + x / 3));
        g_assert_cmpuint (copy[y][x * 4 + 3], ==, 0xff);
      }
}

static void
test_shrink (void)
{
  g_autoptr (InnPixelBuffer) pixels = create_numbered (5, 3);
  guint8 small[2][3 * 4];

  inn_pixel_buffer_shrink (pixels, 0, 0, 5, 3, 2, small[0], sizeof small[0]);
  g_assert_cmpmem (small[0], 4, ((const guint8[]){ (0 + 1 + 5 + 6) / 4, 2, 3, 0xff }), 4);
  /* The last column and row have smaller blocks. */
  g_assert_cmpuint (small[0][8], ==, (4 + 9) / 2);
  g_assert_cmpuint (small[1][0], ==, (10 + 11) / 2);
  g_assert_cmpuint (small[1][8], ==, 14);
}

/* A picture in memory of somebody else, with gaps and in the other order. */
static void
test_bytes (void)
{
  static const guint8 memory[64] = { [20] = 1, 2, 3, 4, 5, 6, 7, 8, [36] = 9, 10, 11, 12 };
  g_autoptr (GBytes) bytes = g_bytes_new_static (memory, sizeof memory);
  g_autoptr (InnPixelBuffer) pixels
      = inn_pixel_buffer_new_for_bytes (bytes, 20, 2, 2, 16, INN_PIXEL_ORDER_RGBX);
  guint8 copy[32], small[4];

  g_assert_true (pixels->data == memory + 20);
  inn_pixel_buffer_copy (pixels, 0, 0, 1, 2, 2, copy, 8);
  g_assert_cmpmem (copy + 24, 8, ((const guint8[]){ 11, 10, 9, 0xff, 11, 10, 9, 0xff }), 8);
  inn_pixel_buffer_copy (pixels, 0, 0, 2, 1, 1, copy, 8);
  g_assert_cmpmem (copy, 8, ((const guint8[]){ 3, 2, 1, 0xff, 7, 6, 5, 0xff }), 8);
  inn_pixel_buffer_shrink (pixels, 0, 0, 1, 2, 2, small, 4);
  g_assert_cmpmem (small, 4, ((const guint8[]){ 7, 6, 5, 0xff }), 4);
}

static void
test_bytes_too_few (void)
{
  g_autofree guint8 *memory = g_malloc0 (4096);
  g_autoptr (GBytes) bytes = g_bytes_new_static (memory, 4096);
  const struct
  {
    guint64 offset;
    int width, height;
    gsize stride;
  } wrong[] = {
    { 4, 32, 32, 128 },    { 4097, 1, 1, 4 },      { G_MAXUINT64, 1, 1, 4 }, { 0, 32, 33, 128 },
    { 0, 33, 32, 128 },    { 0, 1, 2, G_MAXSIZE }, { 0, 0, 1, 4 },           { 0, 1, -1, 4 },
    { 0, G_MAXINT, 1, 4 }, { 0, 1, 1, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_null (inn_pixel_buffer_new_for_bytes (bytes, wrong[i].offset, wrong[i].width,
                                                   wrong[i].height, wrong[i].stride,
                                                   INN_PIXEL_ORDER_BGRX));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pixel-buffer/sizes", test_sizes);
  g_test_add_func ("/pixel-buffer/copy", test_copy);
  g_test_add_func ("/pixel-buffer/repeat", test_repeat);
  g_test_add_func ("/pixel-buffer/shrink", test_shrink);
  g_test_add_func ("/pixel-buffer/bytes", test_bytes);
  g_test_add_func ("/pixel-buffer/bytes-too-few", test_bytes_too_few);
  return g_test_run ();
}
