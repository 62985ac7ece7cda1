/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A guest's screen as a PNG image (ISO/IEC 15948).
 */
#pragma once

#include <glib.h>

#include "protocol/screen-protocol.h"

G_BEGIN_DECLS

/* Packs the picture of @mode, which is valid for @pixels and shows something. The guest may go on
 * drawing. NULL: there is no memory for it. */
GBytes *innctl_png_pack (const struct screen_mode *mode, GBytes *pixels);

G_END_DECLS
