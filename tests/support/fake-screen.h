/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FakeScreen: a screen in memory without a VMM: it shows what it is told and writes down, one line
 * per event, what it is asked and sent:
 *   "refresh", "watch", "unwatch", "size 800x600", "key 30 1", "button 272 1", "position 0 32767",
 *   "wheel 0 -1"
 */
#pragma once

#include "engine/protocol/screen-protocol.h"
#include "model/shared-screen.h"

G_BEGIN_DECLS

#define FAKE_TYPE_SCREEN (fake_screen_get_type ())
G_DECLARE_FINAL_TYPE (FakeScreen, fake_screen, FAKE, SCREEN, GObject)

/* Shows nothing, with room for @pixel_bytes of pixels. */
FakeScreen *fake_screen_new (gsize pixel_bytes);

/* What readers see; change it and then call one of those below. Borrowed. */
struct screen_page *fake_screen_get_page (FakeScreen *self);
/* The pixels, for drawing. */
guint8 *fake_screen_get_pixels (FakeScreen *self);

/* Another mode of that size, rows without gaps from the beginning. Tells nobody. */
void fake_screen_set_size (FakeScreen *self, guint width, guint height);
/* Fills a part of it, which must lie inside, and notes the damage. Tells nobody. */
void fake_screen_fill (FakeScreen *self, guint x, guint y, guint width, guint height, guint32 rgb);
/* Whether reading fails, as while somebody writes. */
void fake_screen_set_busy (FakeScreen *self, gboolean busy);
/* Tells of it, if somebody watches. */
void fake_screen_tell (FakeScreen *self);
void fake_screen_end (FakeScreen *self, const char *reason);

/* The notebook, lines joined with "\n"; emptied by the call. Transfer full. */
char *fake_screen_take_log (FakeScreen *self);

G_END_DECLS
