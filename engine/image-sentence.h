/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is wrong with an image, in words.
 */
#pragma once

#include <glib.h>

#include "image/image-problem.h"

G_BEGIN_DECLS

/* A whole translated sentence about the image at @path. @error_number: positive, with
 * IMAGE_SYSTEM_ERROR. @problem is not IMAGE_GOOD. */
char *inn_image_sentence (enum image_problem problem, int error_number, const char *path);

G_END_DECLS
