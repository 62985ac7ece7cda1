/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What display.c (painting) and display-input.c (keys and pointer) share. */
#pragma once

#include "console/display-geometry.h"
#include "console/display.h"
#include "console/framebuffer.h"
#include "console/thumbnail.h"

G_BEGIN_DECLS

struct _InnDisplay
{
  GtkWidget parent_instance;

  InnConsoleSource *source;
  GSignalGroup *source_signals;
  InnFramebuffer *framebuffer;
  InnThumbnail *thumbnail;
  guint redraw_idle_id;
  guint redraw_timeout_id;
  guint resize_timeout_id;
  int asked_width;
  int asked_height;

  GHashTable *held_keys; /* evdev code -> keysym it was pressed with */
  InnPointerButtons buttons;
  int pointer_x; /* guest pixels */
  int pointer_y;
  gboolean grabbed;
};

/* Where the picture is now. FALSE: there is none. */
gboolean inn_display_get_geometry (InnDisplay *self, InnDisplayGeometry *geometry);

void inn_display_init_input (InnDisplay *self);
/* The guest must not be left with a key or button held that nobody will let go. */
void inn_display_release_all (InnDisplay *self);

G_END_DECLS
