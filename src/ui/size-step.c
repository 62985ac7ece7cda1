/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stepping through powers of two and the sizes half-way between them.
 */
#include "config.h"

#include "ui/size-step.h"

guint64
inn_size_step (guint64 value, int direction, guint64 least)
{
  guint64 below;

  least = MAX (least, 2);
  below = least;
  for (guint64 power = least; power < G_GUINT64_CONSTANT (1) << 61; power *= 2)
    for (guint i = 0; i < 2; i++)
      {
        guint64 size = i == 0 ? power : power + power / 2;

        if (direction > 0 && size > value)
          return size;
        if (direction < 0 && size >= value)
          return below;
        below = size;
      }

  return value;
}
