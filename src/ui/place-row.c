/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The heading of a place.
 */
#include "config.h"

#include "ui/place-row.h"

#include "model/connection.h"

struct _InnPlaceRow
{
  GtkWidget parent_instance;

  GtkTreeExpander *expander;
  GtkLabel *title_label;
  GtkWidget *warning_icon;
  GtkLabel *count_label;

  GtkTreeListRow *row;
  InnConnection *place;
};

G_DEFINE_FINAL_TYPE (InnPlaceRow, inn_place_row, GTK_TYPE_WIDGET)

static void
update (InnPlaceRow *self)
{
  gboolean broken = inn_connection_get_state (self->place) == INN_CONNECTION_BROKEN;
  guint n_machines = g_list_model_get_n_items (G_LIST_MODEL (self->place));
  g_autofree char *count = g_strdup_printf ("%u", n_machines);

  gtk_widget_set_visible (self->warning_icon, broken);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self),
                               broken ? inn_connection_get_message (self->place) : NULL);
  /* The count stands for the rows one cannot see. */
  gtk_label_set_label (self->count_label, count);
  gtk_widget_set_visible (GTK_WIDGET (self->count_label),
                          n_machines > 0 && !gtk_tree_list_row_get_expanded (self->row));
}

static void
inn_place_row_dispose (GObject *object)
{
  InnPlaceRow *self = INN_PLACE_ROW (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_PLACE_ROW);
  g_clear_object (&self->row);
  g_clear_object (&self->place);

  G_OBJECT_CLASS (inn_place_row_parent_class)->dispose (object);
}

static void
inn_place_row_class_init (InnPlaceRowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_place_row_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/place-row.ui");
  gtk_widget_class_bind_template_child (widget_class, InnPlaceRow, expander);
  gtk_widget_class_bind_template_child (widget_class, InnPlaceRow, title_label);
  gtk_widget_class_bind_template_child (widget_class, InnPlaceRow, warning_icon);
  gtk_widget_class_bind_template_child (widget_class, InnPlaceRow, count_label);
}

static void
inn_place_row_init (InnPlaceRow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
inn_place_row_new (GtkTreeListRow *row)
{
  InnPlaceRow *self = g_object_new (INN_TYPE_PLACE_ROW, NULL);

  self->row = g_object_ref (row);
  self->place = INN_CONNECTION (gtk_tree_list_row_get_item (row));
  gtk_tree_expander_set_list_row (self->expander, row);
  gtk_label_set_label (self->title_label, inn_connection_get_title (self->place));

  g_signal_connect_object (row, "notify::expanded", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->place, "items-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->place, "notify::state", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  update (self);

  return GTK_WIDGET (self);
}
