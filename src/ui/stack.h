/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Turning a GtkStack to a page so that screen readers notice: GTK 4.8 leaves the other pages in
 * their sight, so these are hidden.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

void inn_stack_show_only (GtkStack *stack, GtkWidget *page);
void inn_stack_show_only_name (GtkStack *stack, const char *name);

G_END_DECLS
