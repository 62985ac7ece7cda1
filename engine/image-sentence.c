/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See image-sentence.h.
 */
#include "config.h"

#include "image-sentence.h"

#include <glib/gi18n-lib.h>

/* With one %s for the path. */
static const char *
get_format (enum image_problem problem)
{
  switch (problem)
    {
    case IMAGE_NOT_QCOW2:
      return _ ("“%s” is no qcow2 image. Name the right file, or the right format.");
    case IMAGE_TRUNCATED:
      return _ ("The image “%s” is cut off: its file ends before its tables do. Copy it anew.");
    case IMAGE_VERSION:
      return _ ("The image “%s” has a version of qcow2 that is neither 2 nor 3. Convert it with "
                "qemu-img convert.");
    case IMAGE_BAD_HEADER:
      return _ ("The header of the image “%s” is damaged. Use a copy of it.");
    case IMAGE_BAD_TABLES:
      return _ (
          "The tables of the image “%s” are damaged. Use a copy, or try qemu-img check -r all.");
    case IMAGE_TOO_LARGE:
      return _ ("The image “%s” has tables that are too large. Convert it with qemu-img convert to "
                "larger clusters.");
    case IMAGE_ENCRYPTED:
      return _ ("The image “%s” is encrypted, which is not supported. Decrypt it with qemu-img "
                "convert.");
    case IMAGE_EXTERNAL_DATA:
      return _ ("The image “%s” keeps its data in another file, which is not supported. Convert it "
                "with qemu-img convert.");
    case IMAGE_UNKNOWN_FEATURE:
      return _ ("The image “%s” uses a feature of qcow2 that is unknown here. Convert it with "
                "qemu-img convert.");
    case IMAGE_UNKNOWN_COMPRESSION:
      return _ ("The image “%s” is compressed in a way that is unknown here. Convert it with "
                "qemu-img convert.");
    case IMAGE_DIRTY:
      return _ ("The image “%s” was not closed properly. Repair it with qemu-img check -r all.");
    case IMAGE_CORRUPT:
      return _ ("The image “%s” is marked as damaged. Use a copy, or try qemu-img check -r all.");
    case IMAGE_BACKING_FORMAT_MISSING:
      return _ ("The image “%s” does not say which format its backing file has. Tell it with "
                "qemu-img rebase -u -F.");
    case IMAGE_BACKING_FORMAT_UNKNOWN:
      return _ (
          "The backing file of the image “%s” is neither raw nor qcow2. Convert the image with "
          "qemu-img convert.");
    case IMAGE_BACKING_REMOTE:
      return _ ("The backing file of the image “%s” is no file of this computer. Convert the image "
                "with qemu-img convert.");
    case IMAGE_BACKING_NOT_GIVEN:
      return _ ("The image “%s” builds on another file, which was not given. Give it, too.");
    case IMAGE_BACKING_NOT_NAMED:
      return _ ("The image “%s” builds on no other file, but one was given. Leave that out.");
    case IMAGE_CHAIN_LOOP:
      return _ ("The image “%s” is its own backing file. Give it the right one with qemu-img "
                "rebase -u.");
    case IMAGE_CHAIN_TOO_LONG:
      return _ ("There are too many backing files; “%s” is one more than is supported. Merge some "
                "with qemu-img commit.");
    case IMAGE_GOOD:
    case IMAGE_SYSTEM_ERROR:
      break;
    }
  g_return_val_if_reached ("%s");
}

char *
inn_image_sentence (enum image_problem problem, int error_number, const char *path)
{
  if (problem == IMAGE_SYSTEM_ERROR)
    return g_strdup_printf (_ ("The image “%s” cannot be used: %s."), path,
                            g_strerror (error_number));

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* translations have the same directives */
  return g_strdup_printf (get_format (problem), path);
#pragma GCC diagnostic pop
}
