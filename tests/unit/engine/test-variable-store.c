/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "variable-store.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "engine-error.h"
#include "engine-fixture.h"

enum
{
  SIZE = 0x4000,
  HEADER = 72,
};

static void
mend_checksum (guint8 *volume)
{
  guint sum = 0;

  store_le16 (volume + 50, 0);
  for (guint i = 0; i < HEADER; i += 2)
    sum += load_le16 (volume + i);
  store_le16 (volume + 50, (guint16)-sum);
}

/* A volume of four blocks. */
static void
make_volume (guint8 *volume)
{
  memset (volume, 0xff, SIZE);
  memset (volume, 0, HEADER);
  store_le64 (volume + 32, SIZE);
  memcpy (volume + 40, "_FVH", 4);
  store_le16 (volume + 48, HEADER);
  volume[55] = 2;
  store_le32 (volume + 56, 4);
  store_le32 (volume + 60, SIZE / 4);
  mend_checksum (volume);
}

static void
test_check (void)
{
  guint8 volume[SIZE];

  make_volume (volume);
  g_assert_true (inn_variable_store_check (volume, SIZE, SIZE));
  g_assert_true (inn_variable_store_check (volume, HEADER, SIZE));
  for (gsize length = 0; length < HEADER; length++)
    g_assert_false (inn_variable_store_check (volume, length, SIZE));
  g_assert_false (inn_variable_store_check (volume, SIZE, SIZE - 1));
  g_assert_false (inn_variable_store_check (volume, SIZE, SIZE + 1));

  /* Any damaged bit of the header is seen: by its checksum, if by nothing else. */
  for (guint i = 0; i < HEADER * 8; i++)
    {
      volume[i / 8] ^= (guint8)(1 << i % 8);
      g_assert_false (inn_variable_store_check (volume, SIZE, SIZE));
      volume[i / 8] ^= (guint8)(1 << i % 8);
    }
}

/* The checksum is right; a guest can compute one too. */
static void
test_check_lies (void)
{
  static const struct
  {
    guint at;
    guint32 value;
  } lies[] = {
    { 32, SIZE * 2 },   /* length of the volume */
    { 48, 71 },         /* length of the header, with its checksum */
    { 48, 0xfffe },     /* */
    { 48, 64 },         /* no end of the block map */
    { 56, 5 },          /* blocks */
    { 56, 0xffffffff }, /* */
    { 60, 0xffffffff }, /* bytes of a block */
    { 64, 1 },          /* one more entry, and no end */
  };

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      guint8 volume[SIZE];

      make_volume (volume);
      if (lies[i].at == 48)
        store_le16 (volume + 48, (guint16)lies[i].value);
      else
        store_le32 (volume + lies[i].at, lies[i].value);
      mend_checksum (volume);
      g_assert_false (inn_variable_store_check (volume, SIZE, SIZE));
    }
}

typedef struct
{
  EngineFixture folders;
  char *template_path;
  char *path;
} Fixture;

static void
write_bytes (const char *path, const guint8 *bytes, gsize length)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, (const char *)bytes, (gssize)length, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  guint8 volume[SIZE];

  engine_fixture_set_up (&fixture->folders, NULL);
  fixture->template_path = g_build_filename (fixture->folders.root, "template.fd", NULL);
  fixture->path = g_build_filename (fixture->folders.root, "variables.fd", NULL);
  make_volume (volume);
  write_bytes (fixture->template_path, volume, SIZE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->template_path);
  g_free (fixture->path);
  engine_fixture_tear_down (&fixture->folders, NULL);
}

static int
open_store (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  int fd = inn_variable_store_open (fixture->path, fixture->template_path, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  return fd;
}

static void
assert_refused (Fixture *fixture, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (inn_variable_store_open (fixture->path, fixture->template_path, &error), ==, -1);
  g_assert_error (error, INN_ENGINE_ERROR, code);
  if (strstr (error->message, word) == NULL)
    g_error ("“%s” does not say “%s”", error->message, word);
}

static void
test_made_once (Fixture *fixture, gconstpointer data)
{
  guint8 byte = 0;
  int fd = open_store (fixture);

  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);
  g_assert_cmpint (pwrite (fd, "x", 1, HEADER), ==, 1);
  assert_refused (fixture, INN_ENGINE_ERROR_BUSY, "another machine");
  fd_close (&fd);

  fd = open_store (fixture);
  g_assert_cmpint (fd_read_at (fd, &byte, 1, HEADER), ==, 0);
  g_assert_cmpint (byte, ==, 'x');
  fd_close (&fd);
}

static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  g_autofree char *kept = NULL;
  guint8 bytes[SIZE] = { 0 };
  int fd;

  write_bytes (fixture->path, bytes, SIZE);
  assert_refused (fixture, INN_ENGINE_ERROR_INVALID, "--reset-nvram");
  make_volume (bytes);
  write_bytes (fixture->path, bytes, SIZE - 1);
  assert_refused (fixture, INN_ENGINE_ERROR_INVALID, "damaged");
  write_bytes (fixture->path, bytes, 0);
  assert_refused (fixture, INN_ENGINE_ERROR_INVALID, "damaged");

  g_assert_true (inn_variable_store_reset (fixture->path, &kept, NULL));
  g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
  fd = open_store (fixture);
  fd_close (&fd);
}

/* The VMM was killed while it wrote: that is for the next one to complete. */
static void
test_unfinished (Fixture *fixture, gconstpointer data)
{
  const gsize most = 2 * SIZE + INN_VARIABLE_STORE_JOURNAL_MARGIN;
  g_autofree guint8 *bytes = g_malloc0 (most + 1);
  int fd;

  write_bytes (fixture->path, bytes, SIZE + 1);
  fd = open_store (fixture);
  fd_close (&fd);
  write_bytes (fixture->path, bytes, most);
  fd = open_store (fixture);
  fd_close (&fd);
  write_bytes (fixture->path, bytes, most + 1);
  assert_refused (fixture, INN_ENGINE_ERROR_INVALID, "damaged");
}

static void
test_reset_keeps_all (Fixture *fixture, gconstpointer data)
{
  g_autofree char *none = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *text = NULL;

  g_assert_true (inn_variable_store_reset (fixture->path, &none, NULL));
  g_assert_null (none);
  write_bytes (fixture->path, (const guint8 *)"1", 1);
  g_assert_true (inn_variable_store_reset (fixture->path, &first, NULL));
  write_bytes (fixture->path, (const guint8 *)"2", 1);
  g_assert_true (inn_variable_store_reset (fixture->path, &second, NULL));
  g_assert_cmpstr (first, !=, second);
  g_assert_true (g_file_get_contents (first, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "1");
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
}

static void
test_bad_template (Fixture *fixture, gconstpointer data)
{
  write_bytes (fixture->template_path, (const guint8 *)"x", 1);
  assert_refused (fixture, INN_ENGINE_ERROR_INVALID, "ovmf");
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_unlink (fixture->template_path), ==, 0);
  assert_refused (fixture, INN_ENGINE_ERROR_NOT_FOUND, "ovmf");
}

static int
open_copy (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  int fd = inn_variable_store_open_copy (fixture->path, fixture->template_path,
                                         fixture->folders.root, &error);

  g_assert_no_error (error);
  return fd;
}

/* What is written to it is nobody's: not the store's, and there is none where there was none. */
static void
test_copy (Fixture *fixture, gconstpointer data)
{
  guint8 byte = 0;
  int copy = open_copy (fixture);
  int fd;

  g_assert_cmpint (pwrite (copy, "y", 1, HEADER), ==, 1);
  fd_close (&copy);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));

  fd = open_store (fixture);
  g_assert_cmpint (pwrite (fd, "x", 1, HEADER), ==, 1);
  g_assert_cmpint (pwrite (fd, "unfinished", 10, SIZE), ==, 10);
  g_assert_cmpint (inn_variable_store_open_copy (fixture->path, fixture->template_path,
                                                 fixture->folders.root, NULL),
                   ==, -1); /* somebody writes it */
  fd_close (&fd);
  copy = open_copy (fixture);
  g_assert_cmpint (fd_read_at (copy, &byte, 1, HEADER), ==, 0);
  g_assert_cmpint (byte, ==, 'x');
  g_assert_cmpint (fd_read_at (copy, &byte, 1, SIZE + 9), ==, 0);
  g_assert_cmpint (byte, ==, 'd');
  g_assert_cmpint (pwrite (copy, "y", 1, HEADER), ==, 1);
  fd_close (&copy);
  fd = open_store (fixture);
  g_assert_cmpint (fd_read_at (fd, &byte, 1, HEADER), ==, 0);
  g_assert_cmpint (byte, ==, 'x');
  fd_close (&fd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/variable-store/check", test_check);
  g_test_add_func ("/variable-store/check-lies", test_check_lies);
  g_test_add ("/variable-store/made-once", Fixture, NULL, set_up, test_made_once, tear_down);
  g_test_add ("/variable-store/damaged", Fixture, NULL, set_up, test_damaged, tear_down);
  g_test_add ("/variable-store/unfinished", Fixture, NULL, set_up, test_unfinished, tear_down);
  g_test_add ("/variable-store/reset-keeps-all", Fixture, NULL, set_up, test_reset_keeps_all,
              tear_down);
  g_test_add ("/variable-store/copy", Fixture, NULL, set_up, test_copy, tear_down);
  g_test_add ("/variable-store/bad-template", Fixture, NULL, set_up, test_bad_template, tear_down);

  return g_test_run ();
}
