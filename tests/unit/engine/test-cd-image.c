/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cd-image.h"

#include <string.h>

#include "base/byte-order.h"
#include "engine-fixture.h"

enum
{
  BLOCKS = 20,
};

static void
make_descriptor (guint8 *descriptor)
{
  memset (descriptor, 0, INN_CD_IMAGE_DESCRIPTOR_SIZE);
  descriptor[0] = 1;
  memcpy (descriptor + 1, "CD001", 5);
  store_le32 (descriptor + 80, BLOCKS);
  store_le16 (descriptor + 128, 2048);
}

static void
test_judge (void)
{
  guint8 descriptor[INN_CD_IMAGE_DESCRIPTOR_SIZE];
  guint64 expected;

  make_descriptor (descriptor);
  g_assert_cmpint (inn_cd_image_judge (descriptor, sizeof descriptor, BLOCKS * 2048, &expected), ==,
                   INN_CD_IMAGE_WHOLE);
  g_assert_cmpuint (expected, ==, BLOCKS * 2048);
  /* A disk image behind it, or padding. */
  g_assert_cmpint (inn_cd_image_judge (descriptor, sizeof descriptor, BLOCKS * 4096, &expected), ==,
                   INN_CD_IMAGE_WHOLE);
  g_assert_cmpint (inn_cd_image_judge (descriptor, sizeof descriptor, BLOCKS * 2048 - 1, &expected),
                   ==, INN_CD_IMAGE_TRUNCATED);

  store_le32 (descriptor + 80, G_MAXUINT32);
  store_le16 (descriptor + 128, G_MAXUINT16);
  g_assert_cmpint (inn_cd_image_judge (descriptor, sizeof descriptor, BLOCKS * 2048, &expected), ==,
                   INN_CD_IMAGE_TRUNCATED);
  g_assert_cmpuint (expected, ==, (guint64)G_MAXUINT32 * G_MAXUINT16);

  g_assert_cmpint (inn_cd_image_judge (descriptor, 129, 1 << 20, &expected), ==,
                   INN_CD_IMAGE_FOREIGN);
  g_assert_cmpint (inn_cd_image_judge (NULL, 0, 0, &expected), ==, INN_CD_IMAGE_FOREIGN);
  descriptor[1] = 'c';
  g_assert_cmpint (inn_cd_image_judge (descriptor, sizeof descriptor, 1 << 20, &expected), ==,
                   INN_CD_IMAGE_FOREIGN);
}

static char *
write_image (EngineFixture *fixture, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (BLOCKS * 2048);
  char *path = g_build_filename (fixture->root, "cd.iso", NULL);

  make_descriptor (bytes + INN_CD_IMAGE_DESCRIPTOR_OFFSET);
  g_assert_true (g_file_set_contents (path, (const char *)bytes, (gssize)size, NULL));
  return path;
}

static void
test_warning (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *whole = write_image (fixture, BLOCKS * 2048);
  g_autofree char *cut = NULL;
  g_autofree char *foreign = inn_cd_image_get_warning (fixture->kernel);
  g_autofree char *warning = NULL;

  g_assert_null (inn_cd_image_get_warning (whole));
  g_assert_null (inn_cd_image_get_warning ("/nowhere"));
  g_assert_nonnull (strstr (foreign, fixture->kernel));
  cut = write_image (fixture, 18 * 2048);
  warning = inn_cd_image_get_warning (cut);
  g_assert_nonnull (strstr (warning, "cut off"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/cd-image/judge", test_judge);
  g_test_add ("/cd-image/warning", EngineFixture, NULL, engine_fixture_set_up, test_warning,
              engine_fixture_tear_down);

  return g_test_run ();
}
