/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of a guest's serial output. Pure; what a guest writes is hostile.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The last @n_lines lines of @output that are not empty, each cut to 200 characters, as valid
 * UTF-8 without control characters. "" when there are none or @output is NULL. Transfer full. */
char *inn_last_words (const char *output, guint n_lines);

G_END_DECLS
