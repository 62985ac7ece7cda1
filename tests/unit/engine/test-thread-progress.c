/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "thread-progress.h"

typedef struct
{
  double fraction;
  guint calls;
} Words;

static void
on_word (double fraction, gpointer data)
{
  Words *words = data;

  words->fraction = fraction;
  words->calls++;
}

static gpointer
work (gpointer data)
{
  const struct image_progress *progress = data;

  for (guint i = 0; i < 10; i++)
    g_assert_true (progress->moved (progress->data, i, 10));
  return NULL;
}

static void
run_worker (InnThreadProgress *progress)
{
  const struct image_progress *word = inn_thread_progress_get (progress);

  g_thread_join (g_thread_new ("worker", work, (gpointer)word));
}

/* Words that nobody had time for are left out, but for the last. */
static void
test_words (void)
{
  Words words = { 0 };
  InnThreadProgress *progress = inn_thread_progress_new (on_word, &words, NULL);

  run_worker (progress);
  g_assert_cmpuint (words.calls, ==, 0);
  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (words.calls, ==, 1);
  g_assert_cmpfloat (words.fraction, ==, 0.9);

  run_worker (progress);
  inn_thread_progress_free (progress);
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpuint (words.calls, ==, 1);
}

static void
test_stop (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  InnThreadProgress *progress = inn_thread_progress_new (NULL, NULL, cancellable);
  const struct image_progress *word = inn_thread_progress_get (progress);

  g_assert_true (word->moved (word->data, 0, 0));
  g_cancellable_cancel (cancellable);
  g_assert_false (word->moved (word->data, 0, 0));
  inn_thread_progress_free (progress);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/thread-progress/words", test_words);
  g_test_add_func ("/thread-progress/stop", test_stop);
  return g_test_run ();
}
