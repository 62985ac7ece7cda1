/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One entry of a legend.
 */
#include "config.h"

#include "ui/legend-entry.h"

#include <adwaita.h>

#include "ui/graph-palette.h"

#define SWATCH_WIDTH 13

struct _InnLegendEntry
{
  GtkWidget parent_instance;

  GtkWidget *name_label;
  GtkWidget *value_label;
  guint index;
  gboolean dashed;
};

G_DEFINE_FINAL_TYPE (InnLegendEntry, inn_legend_entry, GTK_TYPE_WIDGET)

static void
inn_legend_entry_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  InnLegendEntry *self = INN_LEGEND_ENTRY (widget);
  GdkRGBA color
      = inn_graph_palette_get (self->index,
                               adw_style_manager_get_dark (adw_style_manager_get_default ()));
  float y = (float)gtk_widget_get_height (widget) / 2 - 1;

  if (self->dashed)
    {
      gtk_snapshot_append_color (snapshot, &color, &GRAPHENE_RECT_INIT (0, y, 5, 2));
      gtk_snapshot_append_color (snapshot, &color, &GRAPHENE_RECT_INIT (8, y, 5, 2));
    }
  else
    gtk_snapshot_append_color (snapshot, &color, &GRAPHENE_RECT_INIT (0, y, SWATCH_WIDTH, 2));

  GTK_WIDGET_CLASS (inn_legend_entry_parent_class)->snapshot (widget, snapshot);
}

static void
inn_legend_entry_dispose (GObject *object)
{
  InnLegendEntry *self = INN_LEGEND_ENTRY (object);

  g_clear_pointer (&self->name_label, gtk_widget_unparent);
  g_clear_pointer (&self->value_label, gtk_widget_unparent);

  G_OBJECT_CLASS (inn_legend_entry_parent_class)->dispose (object);
}

static void
inn_legend_entry_class_init (InnLegendEntryClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_legend_entry_dispose;
  widget_class->snapshot = inn_legend_entry_snapshot;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
}

static void
inn_legend_entry_init (InnLegendEntry *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));

  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 6);
  self->name_label = gtk_label_new (NULL);
  gtk_widget_add_css_class (self->name_label, "dim-label");
  gtk_widget_set_margin_start (self->name_label, SWATCH_WIDTH + 6);
  gtk_widget_set_parent (self->name_label, GTK_WIDGET (self));
  self->value_label = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->value_label), 0);
  /* Room for the usual values, so that the entries do not move as the figures change. */
  gtk_label_set_width_chars (GTK_LABEL (self->value_label), 5);
  gtk_widget_add_css_class (self->value_label, "numeric");
  gtk_widget_set_parent (self->value_label, GTK_WIDGET (self));
}

GtkWidget *
inn_legend_entry_new (const char *label, guint index, gboolean dashed)
{
  InnLegendEntry *self = g_object_new (INN_TYPE_LEGEND_ENTRY, NULL);

  self->index = index;
  self->dashed = dashed;
  gtk_label_set_label (GTK_LABEL (self->name_label), label);

  return GTK_WIDGET (self);
}

void
inn_legend_entry_set_value (InnLegendEntry *self, const char *value)
{
  g_return_if_fail (INN_IS_LEGEND_ENTRY (self));

  gtk_label_set_label (GTK_LABEL (self->value_label), value);
}

void
inn_legend_entry_set_terse (InnLegendEntry *self, gboolean terse)
{
  g_return_if_fail (INN_IS_LEGEND_ENTRY (self));

  gtk_widget_set_visible (self->name_label, !terse);
  gtk_widget_set_margin_start (self->value_label, terse ? SWATCH_WIDTH + 6 : 0);
}
