/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Series colours. Checked for deutan, protan and tritan sight: the first four are at least 28 apart
 * (CIE76), any two of the eight at least 14, and each has a contrast of 3.3 to its card.
 */
#include "config.h"

#include "ui/graph-palette.h"

#define RGB(hex)                                                                                   \
  {                                                                                                \
    ((hex) >> 16 & 0xff) / 255.f, ((hex) >> 8 & 0xff) / 255.f, ((hex)&0xff) / 255.f, 1.f           \
  }

static const GdkRGBA light_colors[INN_GRAPH_PALETTE_SIZE] = {
  RGB (0x1c4fd0), RGB (0xa8301c), RGB (0x0da070), RGB (0x751b68),
  RGB (0xc67036), RGB (0x2f7fb8), RGB (0x461b1f), RGB (0x6b6972),
};

static const GdkRGBA dark_colors[INN_GRAPH_PALETTE_SIZE] = {
  RGB (0x4f83ec), RGB (0xd07f35), RGB (0x8fe3b4), RGB (0xf0a3ee),
  RGB (0xf5d565), RGB (0xd5e2fa), RGB (0xe8567a), RGB (0xb0afa9),
};

GdkRGBA
inn_graph_palette_get (guint index, gboolean dark)
{
  return (dark ? dark_colors : light_colors)[index % INN_GRAPH_PALETTE_SIZE];
}
