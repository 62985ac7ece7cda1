/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnReleaseChord: recognizes left Ctrl and left Alt pressed together and let go with no other key
 * in between, so that Ctrl+Alt+Delete or Ctrl+Alt+F2 for the guest are not taken for it. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gboolean control;
  gboolean alt;
  gboolean armed; /* both are down, and nothing else was pressed since the first */
} InnReleaseChord;

/* Takes note of a key (evdev code) going down or up. TRUE: this release completed the chord. */
gboolean inn_release_chord_key (InnReleaseChord *self, guint evdev, gboolean pressed);
/* Keys may have gone up unseen: start over. */
void inn_release_chord_reset (InnReleaseChord *self);

G_END_DECLS
