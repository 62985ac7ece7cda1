/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine-fixture.h"
#include "run-record.h"

static InnRunRecord
load (EngineFixture *fixture)
{
  InnRunRecord record;

  inn_run_record_load (&record, fixture->root);
  return record;
}

static void
test_one_run (EngineFixture *fixture, gconstpointer data)
{
  g_auto (InnRunRecord) never = load (fixture);
  g_auto (InnRunRecord) started = { 0 };
  g_auto (InnRunRecord) ended = { 0 };
  g_autofree char *sentence = NULL;

  g_assert_cmpint (never.started, ==, 0);
  g_assert_null (inn_run_record_describe (&never));

  g_assert_true (inn_run_record_save_start (fixture->root, 1000, FALSE, NULL));
  started = load (fixture);
  g_assert_cmpint (started.started, ==, 1000);
  g_assert_cmpint (started.end, ==, INN_RUN_NOT_ENDED);

  g_assert_true (inn_run_record_save_end (fixture->root, 1000, INN_RUN_HOST_ERROR,
                                          "Line one;\nline = two", NULL));
  ended = load (fixture);
  g_assert_cmpint (ended.end, ==, INN_RUN_HOST_ERROR);
  g_assert_cmpint (ended.ended, >, 0);
  sentence = inn_run_record_describe (&ended);
  g_assert_cmpstr (sentence, ==, "Line one;\nline = two");
}

static void
write_end_status (EngineFixture *fixture, const struct statistics_status *status, size_t length)
{
  int fd = inn_run_record_open_end (fixture->root, NULL);

  g_assert_cmpint (write (fd, status, length), ==, length);
  close (fd);
}

/* Nobody saw the end, but the VMM has written it down; half a word is none. */
static void
test_unwatched_end (EngineFixture *fixture, gconstpointer data)
{
  struct statistics_status status = { .state = VMM_STATE_ENDED, .end_reason = VMM_END_PANIC };
  g_auto (InnRunRecord) cut = { 0 };
  g_auto (InnRunRecord) whole = { 0 };

  memset (status.text, 0xff, sizeof status.text);
  g_assert_true (inn_run_record_save_start (fixture->root, 1000, FALSE, NULL));
  write_end_status (fixture, &status, sizeof status - 1);
  cut = load (fixture);
  g_assert_cmpint (cut.end, ==, INN_RUN_NOT_ENDED);

  write_end_status (fixture, &status, sizeof status);
  whole = load (fixture);
  g_assert_cmpint (whole.end, ==, INN_RUN_PANIC);
  g_assert_cmpint (whole.ended, >, 0);
  g_assert_true (g_utf8_validate (whole.text, -1, NULL));
}

/* What a VMM that was taken over may write there. */
static void
test_status (void)
{
  struct statistics_status status = { .state = VMM_STATE_STORAGE_ERROR, .error = -ENOSPC };
  g_autofree char *full = inn_run_describe_status (&status);
  g_autofree char *said = NULL;
  g_autofree char *nonsense = NULL;

  g_assert_nonnull (strstr (full, g_strerror (ENOSPC)));
  status.error = G_MININT32;
  g_assert_null (inn_run_describe_status (&status));
  g_strlcpy (status.text, "words", sizeof status.text);
  said = inn_run_describe_status (&status);
  g_assert_cmpstr (said, ==, "words");
  memset (status.text, 0xff, sizeof status.text);
  nonsense = inn_run_describe_status (&status);
  g_assert_true (g_utf8_validate (nonsense, -1, NULL));
}

/* Two who saw the same end, and one who saw that of an earlier run. */
static void
test_first_word_counts (EngineFixture *fixture, gconstpointer data)
{
  g_auto (InnRunRecord) record = { 0 };

  g_assert_true (inn_run_record_save_start (fixture->root, 2000, FALSE, NULL));
  g_assert_true (inn_run_record_save_end (fixture->root, 1000, INN_RUN_KILLED, NULL, NULL));
  g_assert_true (inn_run_record_save_end (fixture->root, 2000, INN_RUN_POWER_OFF, NULL, NULL));
  g_assert_true (inn_run_record_save_end (fixture->root, 2000, INN_RUN_KILLED, NULL, NULL));
  record = load (fixture);
  g_assert_cmpint (record.end, ==, INN_RUN_POWER_OFF);
  g_assert_null (inn_run_record_describe (&record));
}

/* That it was stays known, for what is said of its end. */
static void
test_disposable (EngineFixture *fixture, gconstpointer data)
{
  g_auto (InnRunRecord) started = { 0 };
  g_auto (InnRunRecord) ended = { 0 };
  g_auto (InnRunRecord) next = { 0 };
  g_autofree char *sentence = NULL;

  g_assert_true (inn_run_record_save_start (fixture->root, 1000, TRUE, NULL));
  started = load (fixture);
  g_assert_true (started.disposable);
  g_assert_true (inn_run_record_save_end (fixture->root, 1000, INN_RUN_KILLED, NULL, NULL));
  ended = load (fixture);
  g_assert_true (ended.disposable);
  sentence = inn_run_record_describe (&ended);
  g_assert_nonnull (strstr (sentence, "as they were"));
  g_assert_true (inn_run_record_save_start (fixture->root, 2000, FALSE, NULL));
  next = load (fixture);
  g_assert_false (next.disposable);
}

static void
test_junk (EngineFixture *fixture, gconstpointer data)
{
  static const char *const junk[]
      = { "", "junk", "[Last Run]\nStarted=x\nEnd=never heard\n", "[Last Run]\nEnd=killed\n" };

  for (guint i = 0; i < G_N_ELEMENTS (junk); i++)
    {
      g_auto (InnRunRecord) record = { 0 };

      g_free (engine_fixture_write (fixture, "last-run", junk[i]));
      record = load (fixture);
      g_assert_cmpint (record.started, ==, 0);
      g_assert_null (inn_run_record_describe (&record));
    }
}

static void
test_definition (EngineFixture *fixture, gconstpointer data)
{
  g_autofree char *xml = NULL;

  g_assert_null (inn_run_record_load_definition (fixture->root));
  g_assert_true (inn_run_record_save_definition (fixture->root, "<domain/>", NULL));
  xml = inn_run_record_load_definition (fixture->root);
  g_assert_cmpstr (xml, ==, "<domain/>");
}

static void
test_from_status (void)
{
  struct statistics_status status = { .state = VMM_STATE_ENDED };
  static const struct
  {
    enum vmm_end_reason reason;
    InnRunEnd end;
    gboolean crash;
  } cases[] = {
    { VMM_END_GUEST_POWER_OFF, INN_RUN_POWER_OFF, FALSE },
    { VMM_END_FORCED_OFF, INN_RUN_FORCED_OFF, FALSE },
    { VMM_END_RESET, INN_RUN_RESET, FALSE },
    { VMM_END_PANIC, INN_RUN_PANIC, TRUE },
    { VMM_END_CRASH, INN_RUN_CRASH, TRUE },
    { VMM_END_HOST_ERROR, INN_RUN_HOST_ERROR, TRUE },
    { 99, INN_RUN_KILLED, TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      status.end_reason = cases[i].reason;
      g_assert_cmpint (inn_run_end_from_status (&status), ==, cases[i].end);
      g_assert_cmpint (inn_run_end_is_crash (cases[i].end), ==, cases[i].crash);
    }
  status.state = VMM_STATE_RUNNING; /* it went without a word */
  g_assert_cmpint (inn_run_end_from_status (&status), ==, INN_RUN_KILLED);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/run-record/" name, EngineFixture, NULL, engine_fixture_set_up, func,               \
              engine_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("one-run", test_one_run);
  ADD ("unwatched-end", test_unwatched_end);
  ADD ("first-word-counts", test_first_word_counts);
  ADD ("disposable", test_disposable);
  ADD ("junk", test_junk);
  ADD ("definition", test_definition);
  g_test_add_func ("/run-record/from-status", test_from_status);
  g_test_add_func ("/run-record/status", test_status);

  return g_test_run ();
}
