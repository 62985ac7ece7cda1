/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A medium in a list.
 */
#include "config.h"

#include "ui/medium-row.h"

#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/system-tile.h"

struct _InnMediumRow
{
  AdwActionRow parent_instance;

  GtkWidget *tile;
  GtkWidget *size_label;
  GtkWidget *check;
  InnMedium *medium;
};

G_DEFINE_FINAL_TYPE (InnMediumRow, inn_medium_row, ADW_TYPE_ACTION_ROW)

static void
inn_medium_row_dispose (GObject *object)
{
  g_clear_object (&INN_MEDIUM_ROW (object)->medium);

  G_OBJECT_CLASS (inn_medium_row_parent_class)->dispose (object);
}

static void
inn_medium_row_class_init (InnMediumRowClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = inn_medium_row_dispose;
}

static void
inn_medium_row_init (InnMediumRow *self)
{
  AdwActionRow *row = ADW_ACTION_ROW (self);

  self->tile = inn_system_tile_new ();
  gtk_widget_set_valign (self->tile, GTK_ALIGN_CENTER);
  adw_action_row_add_prefix (row, self->tile);

  self->size_label = gtk_label_new (NULL);
  gtk_widget_add_css_class (self->size_label, "dim-label");
  gtk_widget_add_css_class (self->size_label, "small");
  gtk_widget_add_css_class (self->size_label, "numeric");
  adw_action_row_add_suffix (row, self->size_label);

  self->check = gtk_image_new_from_icon_name ("object-select-symbolic");
  gtk_widget_add_css_class (self->check, "accent");
  gtk_widget_hide (self->check);
  adw_action_row_add_suffix (row, self->check);

  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (self), FALSE);
  adw_action_row_set_title_lines (row, 1);
  adw_action_row_set_subtitle_lines (row, 1);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self), TRUE);
  gtk_widget_add_css_class (GTK_WIDGET (self), "medium-row");
}

GtkWidget *
inn_medium_row_new (InnMedium *medium, gboolean brief)
{
  InnMediumRow *self = g_object_new (INN_TYPE_MEDIUM_ROW, NULL);
  g_autofree char *size = inn_format_file_size (inn_medium_get_size (medium));
  g_autofree char *file = g_path_get_basename (inn_medium_get_path (medium));
  g_autofree char *folder_path = g_path_get_dirname (inn_medium_get_path (medium));
  g_autofree char *folder = g_filename_display_basename (folder_path);
  /* Translators: the folder an image was found in */
  g_autofree char *place = g_strdup_printf (_ ("Found in %s"), folder);
  g_autofree char *details = g_strdup_printf ("%s · %s", file, folder);

  self->medium = g_object_ref (medium);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self), inn_medium_get_name (medium));
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self), brief ? place : details);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), inn_medium_get_path (medium));
  gtk_label_set_label (GTK_LABEL (self->size_label), size);
  inn_system_tile_set_name (INN_SYSTEM_TILE (self->tile), inn_medium_get_name (medium));

  return GTK_WIDGET (self);
}

InnMedium *
inn_medium_row_get_medium (InnMediumRow *self)
{
  g_return_val_if_fail (INN_IS_MEDIUM_ROW (self), NULL);

  return self->medium;
}

void
inn_medium_row_set_picked (InnMediumRow *self, gboolean picked)
{
  g_return_if_fail (INN_IS_MEDIUM_ROW (self));

  gtk_widget_set_visible (self->check, picked);
  if (picked)
    gtk_widget_add_css_class (GTK_WIDGET (self), "picked");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "picked");
}
