/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSizeEntry: a size or a number: a field that takes what a person types, and buttons for the
 * next usual value.
 *
 * Properties: "value" (guint64, bytes or a count, notifying), "valid" (notifying). Signal
 * "committed": a person is done with a value that can be used.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define INN_TYPE_SIZE_ENTRY (inn_size_entry_get_type ())
G_DECLARE_FINAL_TYPE (InnSizeEntry, inn_size_entry, INN, SIZE_ENTRY, GtkBox)

GtkWidget *inn_size_entry_new (void);

/* Whether it is a number and no size. */
void inn_size_entry_set_counts (InnSizeEntry *self, gboolean counts);
/* What it is about, for a screen reader: "Memory". */
void inn_size_entry_set_title (InnSizeEntry *self, const char *title);
/* The bounds of what can be chosen, both inclusive. @too_little, @too_much: the sentences that say
 * so. @zero: what 0 is called when that is possible too ("None"), or NULL. */
void inn_size_entry_set_bounds (InnSizeEntry *self,
                                guint64 least,
                                guint64 most,
                                const char *too_little,
                                const char *too_much,
                                const char *zero);
/* Puts a value in, as if it had been committed. */
void inn_size_entry_set_value (InnSizeEntry *self, guint64 value);
guint64 inn_size_entry_get_value (InnSizeEntry *self);
/* The value as it is written there; transfer full. */
char *inn_size_entry_format (InnSizeEntry *self);
/* What is wrong with what was typed, or NULL. Borrowed. */
const char *inn_size_entry_get_problem (InnSizeEntry *self);

G_END_DECLS
