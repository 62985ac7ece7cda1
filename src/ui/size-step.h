/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The next usual size, for buttons beside a size. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The next of 1, 1.5, 2, 3, 4, 6, 8 … times @least above (@direction > 0) or below @value; @least
 * when there is none below. */
guint64 inn_size_step (guint64 value, int direction, guint64 least);

G_END_DECLS
