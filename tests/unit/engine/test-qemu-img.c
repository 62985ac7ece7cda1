/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * With scripts in the place of qemu-img, which print and do what a test wants.
 */
#include "qemu-img.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "engine-error.h"
#include "engine-fixture.h"
#include "image/image-copy.h"

static void
test_progress (EngineFixture *fixture, gconstpointer data)
{
  static const char *const wrong[] = { "",          "(",          "()",           "(x/100%)",
                                       "(-1/100%)", "(nan/100%)", "(100.5/100%)", "(1e9/100%)",
                                       "(5/100%) ", "(5/100%",    "5/100%",       "( 5/100%)" };
  double fraction = -1;

  g_assert_true (inn_qemu_img_parse_progress ("    (34.05/100%)", &fraction));
  g_assert_cmpfloat_with_epsilon (fraction, 0.3405, 1e-9);
  g_assert_true (inn_qemu_img_parse_progress ("(100.00/100%)", &fraction));
  g_assert_cmpfloat (fraction, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (inn_qemu_img_parse_progress (wrong[i], &fraction));
}

static gboolean
parse (const char *json, guint64 *ret_number)
{
  return inn_qemu_img_parse_number (json, strlen (json), "size", ret_number);
}

static void
test_number (EngineFixture *fixture, gconstpointer data)
{
  static const char *const wrong[] = {
    "",
    "[]",
    "5",
    "{",
    "{\"other\": 5}",
    "{\"size\": \"5\"}",
    "{\"size\": 0}",
    "{\"size\": -5}",
    "{\"size\": 5.5}",
    "{\"size\": []}",
    "{\"size\": null}",
  };
  guint64 number = 0;

  g_assert_true (parse ("{\"a\": [1], \"size\": 10737418240}", &number));
  g_assert_cmpuint (number, ==, (guint64)10 << 30);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (parse (wrong[i], &number));
}

static void
test_complaint (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *plain = inn_qemu_img_clean_complaint ("qemu-img: Could not open 'a'");
  g_autofree char *odd = inn_qemu_img_clean_complaint ("a\x1b[31m\xff\tb");
  g_autofree char *much = g_strnfill (5000, 'x');
  g_autofree char *bounded = inn_qemu_img_clean_complaint (much);

  g_assert_cmpstr (plain, ==, "Could not open 'a'");
  g_assert_cmpstr (odd, ==, "a [31m\xef\xbf\xbd b");
  g_assert_cmpuint (strlen (bounded), ==, 200);
}

/* ---- with a program ---- */

/* Puts a script in the place of qemu-img. */
static void
set_program (EngineFixture *fixture, const char *script)
{
  g_autofree char *text = g_strconcat ("#!/bin/sh\n", script, NULL);
  g_autofree char *path = engine_fixture_write (fixture, "qemu-img", text);
  g_autofree char *search = g_strconcat (fixture->root, ":/usr/bin:/bin", NULL);

  g_assert_cmpint (g_chmod (path, 0700), ==, 0);
  g_setenv ("PATH", search, TRUE);
}

static bool
on_moved (void *data, uint64_t done, uint64_t total)
{
  GArray *fractions = data;
  const double fraction = (double)done / (double)total;

  g_array_append_val (fractions, fraction);
  return true;
}

static gboolean
copy (GCancellable *cancellable,
      bool (*moved) (void *data, uint64_t done, uint64_t total),
      gpointer data,
      GError **error)
{
  static const InnQemuImgLayer layers[]
      = { { "/a,b", INN_DISK_FORMAT_QCOW2 }, { "/c.vhd", INN_DISK_FORMAT_VHD } };
  const struct image_progress progress = { .moved = moved, .data = data };
  const InnQemuImgCopy what = {
    .source = layers,
    .n_source = G_N_ELEMENTS (layers),
    .target = "/b.raw",
    .target_is_there = TRUE,
    .most = 5000,
    .progress = moved != NULL ? &progress : NULL,
  };

  return inn_qemu_img_copy (&what, cancellable, error);
}

static void
test_copy (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (GArray) fractions = g_array_new (FALSE, FALSE, sizeof (double));
  g_autofree char *words = g_build_filename (fixture->root, "words", NULL);
  g_autofree char *script
      = g_strdup_printf ("echo \"$@\" > %s; ulimit -v >> %s; ulimit -c >> %s\n"
                         "printf '   (0.00/100%%%%)\\r   (50.25/1'; printf '00%%%%)\\rnote\\n'\n"
                         "printf '   (100.00/100%%%%)\\r'\n",
                         words, words, words);
  g_autofree char *said = NULL;
  g_autoptr (GError) error = NULL;

  set_program (fixture, script);
  g_assert_true (copy (NULL, on_moved, fractions, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fractions->len, ==, 3);
  g_assert_cmpfloat (g_array_index (fractions, double, 1), ==, 0.5025);
  g_assert_true (g_file_get_contents (words, &said, NULL, NULL));
  g_assert_cmpstr (said, ==,
                   "convert -p --image-opts -n --target-is-zero --target-image-opts "
                   "driver=qcow2,file.driver=file,file.locking=off,file.filename=/a,,b,"
                   "backing.driver=vpc,backing.file.driver=file,backing.file.locking=off,"
                   "backing.file.filename=/c.vhd "
                   "driver=raw,file.driver=file,file.locking=off,file.filename=/b.raw\n"
                   "1048576\n0\n");
}

static void
test_examine (EngineFixture *fixture, gconstpointer data)
{
  const InnQemuImgLayer disk = { "/a", INN_DISK_FORMAT_VDI };
  InnQemuImgInfo info;
  g_autoptr (GError) error = NULL;

  set_program (fixture, "case $1 in info) echo '{\"virtual-size\": 4096}';;\n"
                        "measure) echo '{\"required\": 512}';; esac\n");
  g_assert_true (inn_qemu_img_examine (&disk, &info, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (info.virtual_size, ==, 4096);
  g_assert_cmpuint (info.needed, ==, 512);

  set_program (fixture, "yes | head -c 3000000; echo '{\"virtual-size\": 1}'\n");
  g_assert_false (inn_qemu_img_examine (&disk, &info, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_FAILED);
}

static void
test_failures (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_program (fixture, "echo 'qemu-img: Could not open it: bad' >&2; exit 1\n");
  g_assert_false (copy (NULL, NULL, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "qemu-img says: Could not open it: bad"));
  g_clear_error (&error);

  set_program (fixture, "kill -XCPU $$\n");
  g_assert_false (copy (NULL, NULL, NULL, &error));
  g_assert_nonnull (strstr (error->message, "was ended"));
  g_clear_error (&error);

  g_setenv ("PATH", "/nowhere", TRUE);
  g_assert_false (copy (NULL, NULL, NULL, &error));
  g_assert_error (error, INN_ENGINE_ERROR, INN_ENGINE_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "qemu-utils"));
}

static bool
cancel_then (void *data, uint64_t done, uint64_t total)
{
  g_cancellable_cancel (data);
  return true;
}

static bool
stop_then (void *data, uint64_t done, uint64_t total)
{
  return false;
}

/* The program is gone when the call returns. */
static void
test_cancel (EngineFixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *pid_path = g_build_filename (fixture->root, "pid", NULL);
  g_autofree char *script
      = g_strdup_printf ("echo $$ > %s; printf '(1.00/100%%%%)\\r'; exec sleep 1000\n", pid_path);

  set_program (fixture, script);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *pid = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_false (copy (cancellable, i == 0 ? stop_then : cancel_then, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_true (g_file_get_contents (pid_path, &pid, NULL, NULL));
      g_assert_cmpint (kill ((pid_t)g_ascii_strtoll (pid, NULL, 10), 0), ==, -1);
    }
}

#define ADD(name, func)                                                                            \
  g_test_add ("/qemu-img/" name, EngineFixture, NULL, engine_fixture_set_up, func,                 \
              engine_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("progress", test_progress);
  ADD ("number", test_number);
  ADD ("complaint", test_complaint);
  ADD ("copy", test_copy);
  ADD ("examine", test_examine);
  ADD ("failures", test_failures);
  ADD ("cancel", test_cancel);

  return g_test_run ();
}
