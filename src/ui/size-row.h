/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSizeRow: a size or a number with the reason for it below. It opens in place for a change: a
 * field that takes what a person types, and buttons for the next usual value.
 *
 * Properties: "valid" (notifying), "counts" (whether it is a number and no size; construct only).
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define INN_TYPE_SIZE_ROW (inn_size_row_get_type ())
G_DECLARE_FINAL_TYPE (InnSizeRow, inn_size_row, INN, SIZE_ROW, AdwExpanderRow)

/* The bounds of what can be chosen, both inclusive. @too_little, @too_much: the sentences that say
 * so. @zero: what 0 is called when that is possible too ("None"), or NULL. */
void inn_size_row_set_bounds (InnSizeRow *self,
                              guint64 least,
                              guint64 most,
                              const char *too_little,
                              const char *too_much,
                              const char *zero);
/* Puts a value in with the reason for it. */
void inn_size_row_propose (InnSizeRow *self, guint64 value, const char *reason);
guint64 inn_size_row_get_value (InnSizeRow *self);
/* What is wrong with what was typed, or NULL. Borrowed. */
const char *inn_size_row_get_problem (InnSizeRow *self);

G_END_DECLS
