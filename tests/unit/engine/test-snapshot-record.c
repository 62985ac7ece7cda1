/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot-record.h"

#include <string.h>

#include "engine-error.h"

#define ID "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11"

static void
test_round_trip (void)
{
  InnSnapshotRecord record = {
    .name = (char *)" “before” [the] update; #1 ",
    .note = (char *)"two\nlines\tand = signs",
    .parent = (char *)ID,
    .time = 1795871324000000,
    .kept = TRUE,
    .pause_us = 750,
    .memory_bytes = G_MAXUINT64,
    .disk_bytes = 4096,
    .definition_crc = 0xffffffff,
  };
  g_autofree char *text = inn_snapshot_record_to_text (&record);
  g_autoptr (GError) error = NULL;
  g_autoptr (InnSnapshotRecord) read = inn_snapshot_record_parse (text, strlen (text), &error);
  g_autoptr (InnSnapshotRecord) copy = NULL;

  g_assert_no_error (error);
  copy = inn_snapshot_record_copy (read);
  g_assert_cmpstr (copy->name, ==, record.name);
  g_assert_cmpstr (copy->note, ==, record.note);
  g_assert_cmpstr (copy->parent, ==, ID);
  g_assert_cmpint (copy->time, ==, record.time);
  g_assert_true (copy->kept);
  g_assert_false (copy->saved);
  g_assert_cmpint (copy->pause_us, ==, 750);
  g_assert_cmpuint (copy->memory_bytes, ==, G_MAXUINT64);
  g_assert_cmpuint (copy->disk_bytes, ==, 4096);
  g_assert_cmpuint (copy->definition_crc, ==, 0xffffffff);
}

static void
assert_refused (const char *text, InnEngineError code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (inn_snapshot_record_parse (text, strlen (text), &error));
  g_assert_error (error, INN_ENGINE_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, word));
}

static void
test_refused (void)
{
  g_autofree char *large = g_strnfill (INN_SNAPSHOT_MAX_RECORD + 1, '#');

  assert_refused ("", INN_ENGINE_ERROR_INVALID, "damaged");
  assert_refused ("Version=1", INN_ENGINE_ERROR_INVALID, "damaged");
  assert_refused ("[Snapshot]\nName=x\n", INN_ENGINE_ERROR_INVALID, "version");
  assert_refused ("[Snapshot]\nVersion=2\nName=x\n", INN_ENGINE_ERROR_NOT_SUPPORTED, "newer");
  assert_refused ("[Snapshot]\nVersion=1\n", INN_ENGINE_ERROR_INVALID, "name");
  assert_refused ("[Snapshot]\nVersion=1\nName=a\\nb\n", INN_ENGINE_ERROR_INVALID, "name");
  assert_refused ("[Snapshot]\nVersion=1\nName=a\nTime=-1\n", INN_ENGINE_ERROR_INVALID, "times");
  assert_refused (large, INN_ENGINE_ERROR_INVALID, "damaged");
}

static void
test_parent_that_is_none (void)
{
  static const char text[] = "[Snapshot]\nVersion=1\nName=a\nParent=../..\n";
  g_autoptr (InnSnapshotRecord) record = inn_snapshot_record_parse (text, strlen (text), NULL);

  g_assert_nonnull (record);
  g_assert_null (record->parent);
}

static void
test_texts (void)
{
  g_autofree char *name = g_strnfill (INN_SNAPSHOT_MAX_NAME + 1, 'n');
  g_autofree char *note = g_strnfill (INN_SNAPSHOT_MAX_NOTE + 1, 'n');

  g_assert_true (inn_snapshot_record_check_name ("a/b ü", NULL));
  g_assert_false (inn_snapshot_record_check_name (NULL, NULL));
  g_assert_false (inn_snapshot_record_check_name ("", NULL));
  g_assert_false (inn_snapshot_record_check_name ("a\tb", NULL));
  g_assert_false (inn_snapshot_record_check_name ("\xff", NULL));
  g_assert_false (inn_snapshot_record_check_name (name, NULL));
  g_assert_true (inn_snapshot_record_check_name (name + 1, NULL));
  g_assert_true (inn_snapshot_record_check_note (NULL, NULL));
  g_assert_true (inn_snapshot_record_check_note ("a\n\tb", NULL));
  g_assert_false (inn_snapshot_record_check_note ("a\033b", NULL));
  g_assert_false (inn_snapshot_record_check_note (note, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/snapshot-record/round-trip", test_round_trip);
  g_test_add_func ("/snapshot-record/refused", test_refused);
  g_test_add_func ("/snapshot-record/parent-that-is-none", test_parent_that_is_none);
  g_test_add_func ("/snapshot-record/texts", test_texts);
  return g_test_run ();
}
