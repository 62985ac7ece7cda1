/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Turning a stack to a page.
 */
#include "config.h"

#include "ui/stack.h"

void
inn_stack_show_only (GtkStack *stack, GtkWidget *page)
{
  g_return_if_fail (GTK_IS_STACK (stack));
  g_return_if_fail (GTK_IS_WIDGET (page));

  gtk_widget_show (page);
  gtk_stack_set_visible_child (stack, page);
  for (GtkWidget *child = gtk_widget_get_first_child (GTK_WIDGET (stack)); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    gtk_widget_set_visible (child, child == page);
}

void
inn_stack_show_only_name (GtkStack *stack, const char *name)
{
  inn_stack_show_only (stack, gtk_stack_get_child_by_name (stack, name));
}
