/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FakeSource: a guest that is a test pattern and a notebook: it draws what it is told and writes
 * down the input it gets, one line per event:
 *   "key 30 down", "key 30 up", "pointer 10 20 buttons 1", "scroll 10 20 down", "size 800x600"
 */
#pragma once

#include "console/console-source.h"

G_BEGIN_DECLS

#define FAKE_TYPE_SOURCE (fake_source_get_type ())
G_DECLARE_FINAL_TYPE (FakeSource, fake_source, FAKE, SOURCE, InnConsoleSource)

FakeSource *fake_source_new (void);

/* The pattern's colour of a pixel, 0xRRGGBB. Neighbours always differ. */
guint32 fake_source_pattern (int x, int y);
/* A new screen of that size, full of the pattern. */
void fake_source_set_size (FakeSource *self, int width, int height);
/* Fills a part, which must lie inside, and tells of the damage. */
void fake_source_fill (FakeSource *self, int x, int y, int width, int height, guint32 rgb);

/* The notebook, lines joined with "\n"; emptied by the call. Transfer full. */
char *fake_source_take_log (FakeSource *self);

G_END_DECLS
