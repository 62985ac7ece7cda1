/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors of the engine as the user interface knows them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Takes over @error of the engine and returns it as INN_ERROR with the same sentence; a
 * cancellation stays what it is. */
GError *inn_engine_error_map (GError *error);

G_END_DECLS
