/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The colours of series: eight of them, told apart in every kind of colour vision, for cards of the
 * light and of the dark style.
 */
#pragma once

#include <gdk/gdk.h>

G_BEGIN_DECLS

#define INN_GRAPH_PALETTE_SIZE 8

/* @index: of the series; they repeat after INN_GRAPH_PALETTE_SIZE. */
GdkRGBA inn_graph_palette_get (guint index, gboolean dark);

G_END_DECLS
