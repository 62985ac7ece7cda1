/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words of snapshots and clones.
 */
#include "config.h"

#include "ui/snapshot-text.h"

#include <string.h>

/* 20 November 2026, 14:02 UTC */
#define NOW (G_GINT64_CONSTANT (1795183320) * G_USEC_PER_SEC)
#define GIB (G_GUINT64_CONSTANT (1) << 30)

/* Frees @text. */
static void
assert_text (char *text, const char *expected)
{
  g_assert_cmpstr (text, ==, expected);
  g_free (text);
}

static void
test_rows (void)
{
  InnSnapshotFacts facts = { .name = "Before update",
                             .note = "",
                             .time = NOW,
                             .running = TRUE,
                             .size_known = TRUE,
                             .size = GIB + GIB / 10 };

  assert_text (inn_snapshot_text_get_subtitle (&facts, NOW, FALSE),
               "Today 14:02 · memory and disk");
  assert_text (inn_snapshot_text_get_subtitle (&facts, NOW, TRUE), "Today 14:02 · 1.1\u202fGiB");
  assert_text (inn_snapshot_text_get_accessible (&facts, "Toolchain", NOW),
               "Before update, Today 14:02, 1.1\u202fGiB, parent Toolchain");
  facts.kept = TRUE;
  facts.running = facts.size_known = FALSE;
  assert_text (inn_snapshot_text_get_subtitle (&facts, NOW, FALSE), "Today 14:02 · disk only");
  assert_text (inn_snapshot_text_get_subtitle (&facts, NOW, TRUE), "Today 14:02");
  assert_text (inn_snapshot_text_get_accessible (&facts, NULL, NOW),
               "Before update, Today 14:02, kept for you");
  g_assert_null (inn_snapshot_text_get_size (&facts));
}

static void
test_present (void)
{
  assert_text (inn_snapshot_text_get_present (INN_MACHINE_RUNNING, "Before update"),
               "Running · changed since “Before update”");
  assert_text (inn_snapshot_text_get_present (INN_MACHINE_OFF, NULL), "Off");
}

static void
test_taken (void)
{
  assert_text (inn_snapshot_text_get_taken (3100),
               "Snapshot taken. The guest paused for 3.1\u202fms.");
  assert_text (inn_snapshot_text_get_taken (0), "Snapshot taken.");
}

static void
test_every_operation_has_words (void)
{
  for (guint i = INN_SNAPSHOT_TAKE; i <= INN_SNAPSHOT_CHANGE; i++)
    {
      g_autofree char *trouble = inn_snapshot_text_get_trouble ((InnSnapshotOperation)i, "Mine");

      g_assert_cmpuint (strlen (trouble), >, 10);
      if (i != INN_SNAPSHOT_CHANGE)
        {
          g_autofree char *activity
              = inn_snapshot_text_get_activity ((InnSnapshotOperation)i, "Mine");

          g_assert_true (g_str_has_suffix (activity, "…"));
        }
    }
  for (guint i = 0; i < INN_CLONE_N; i++)
    {
      g_assert_cmpstr (inn_snapshot_text_get_clone_kind ((InnCloneKind)i), !=, "");
      g_assert_cmpstr (inn_snapshot_text_get_clone_description ((InnCloneKind)i, NULL, FALSE), !=,
                       "");
      g_assert_cmpstr (inn_snapshot_text_get_clone_time ((InnCloneKind)i), !=, "");
    }
}

static void
test_live_clones (void)
{
  assert_text (inn_snapshot_text_get_cloned ("Twin", 0), "“Twin” runs.");
  assert_text (inn_snapshot_text_get_cloned ("Twin", 3100),
               "“Twin” runs. The guest paused for 3.1\u202fms.");
}

/* What ran when a snapshot was taken goes on in its clones; they do not start switched off. */
static void
test_clones_of_snapshots (void)
{
  const InnSnapshotFacts off = { .name = "off" };
  const InnSnapshotFacts running = { .name = "running", .running = TRUE };
  g_autoptr (InnSnapshot) without = inn_snapshot_new ("1", &off);
  g_autoptr (InnSnapshot) with = inn_snapshot_new ("2", &running);

  for (guint i = 0; i < 2; i++)
    {
      const InnCloneKind kind = i == 0 ? INN_CLONE_LINKED : INN_CLONE_FULL;

      g_assert_true (g_str_has_prefix (inn_snapshot_text_get_clone_description (kind, with, FALSE),
                                       "Goes on from that moment"));
      g_assert_true (
          g_str_has_prefix (inn_snapshot_text_get_clone_description (kind, without, TRUE),
                            "Starts switched off"));
      g_assert_true (g_str_has_prefix (inn_snapshot_text_get_clone_description (kind, NULL, TRUE),
                                       "Goes on where it was saved"));
    }
}

static void
test_names (void)
{
  static const char *const taken[] = { "Debian", "Debian (2)", "Debian (3)", NULL };

  assert_text (inn_snapshot_text_suggest_name ("Debian", NULL), "Debian (2)");
  assert_text (inn_snapshot_text_suggest_name ("Debian", taken), "Debian (4)");
  assert_text (inn_snapshot_text_suggest_name ("Debian (3)", taken), "Debian (4)");
  assert_text (inn_snapshot_text_suggest_name ("Ubuntu (LTS)", taken), "Ubuntu (LTS) (2)");
  assert_text (inn_snapshot_text_suggest_name ("(2)", NULL), "(2) (2)");
  assert_text (inn_snapshot_text_suggest_name (")", NULL), ") (2)");
}

static void
test_progress (void)
{
  assert_text (inn_snapshot_text_get_clone_progress (0.01, 20), "1\u202f%");
  assert_text (inn_snapshot_text_get_clone_progress (0.4, 1), "40\u202f%");
  assert_text (inn_snapshot_text_get_clone_progress (0.4, 80), "40\u202f% · about 2 minutes left");
  assert_text (inn_snapshot_text_get_clone_progress (0.5, 60), "50\u202f% · about 1 minute left");
  assert_text (inn_snapshot_text_get_clone_progress (0.9, 60),
               "90\u202f% · less than a minute left");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/snapshot-text/rows", test_rows);
  g_test_add_func ("/snapshot-text/present", test_present);
  g_test_add_func ("/snapshot-text/taken", test_taken);
  g_test_add_func ("/snapshot-text/every-operation-has-words", test_every_operation_has_words);
  g_test_add_func ("/snapshot-text/clones-of-snapshots", test_clones_of_snapshots);
  g_test_add_func ("/snapshot-text/live-clones", test_live_clones);
  g_test_add_func ("/snapshot-text/names", test_names);
  g_test_add_func ("/snapshot-text/progress", test_progress);
  return g_test_run ();
}
