/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an RFB server says, piece by piece: each call appends to @out. Also what it must not say. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

void rfb_script_bytes (GByteArray *out, const void *bytes, gsize length);
void rfb_script_u8 (GByteArray *out, guint value);
void rfb_script_u16 (GByteArray *out, guint value);
void rfb_script_u32 (GByteArray *out, guint32 value);

/* Version 3.8, no password, a screen of that size. */
void rfb_script_handshake (GByteArray *out, int width, int height);
/* Begins an update of so many rectangles. */
void rfb_script_update (GByteArray *out, guint n_rectangles);
void rfb_script_rectangle (GByteArray *out, int x, int y, int width, int height, gint32 encoding);
/* A raw rectangle of one colour, 0xRRGGBB, with its pixels. */
void rfb_script_raw (GByteArray *out, int x, int y, int width, int height, guint32 rgb);
/* The bytes of one pixel. */
void rfb_script_pixel (GByteArray *out, guint32 rgb);

G_END_DECLS
