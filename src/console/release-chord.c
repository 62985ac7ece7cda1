/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnReleaseChord: left Ctrl and left Alt, nothing else. */
#include "console/release-chord.h"

#include <linux/input-event-codes.h>

gboolean
inn_release_chord_key (InnReleaseChord *self, guint evdev, gboolean pressed)
{
  gboolean *down = evdev == KEY_LEFTCTRL  ? &self->control
                   : evdev == KEY_LEFTALT ? &self->alt
                                          : NULL;
  gboolean was_armed = self->armed;

  if (down == NULL)
    {
      if (pressed)
        self->armed = FALSE;
      return FALSE;
    }

  /* Held keys repeat their press: only the first one counts. */
  if (pressed && *down)
    return FALSE;

  *down = pressed;
  self->armed = pressed && self->control && self->alt;
  return was_armed && !pressed;
}

void
inn_release_chord_reset (InnReleaseChord *self)
{
  *self = (InnReleaseChord){ FALSE };
}
