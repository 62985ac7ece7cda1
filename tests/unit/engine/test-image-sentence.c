/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-sentence.h"

#include <errno.h>
#include <string.h>

static void
test_every_problem (void)
{
  for (int problem = IMAGE_SYSTEM_ERROR; problem <= IMAGE_CHAIN_TOO_LONG; problem++)
    {
      g_autofree char *sentence = inn_image_sentence (problem, ENOENT, "/a/disk");

      g_assert_nonnull (strstr (sentence, "/a/disk"));
      g_assert_true (g_str_has_suffix (sentence, "."));
      g_assert_cmpint (strstr (sentence, g_strerror (ENOENT)) != NULL, ==,
                       problem == IMAGE_SYSTEM_ERROR);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image-sentence/every-problem", test_every_problem);
  return g_test_run ();
}
