/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before the first machine.
 */
#include "config.h"

#include "ui/empty-page.h"

#include <glib/gi18n.h>

#include "model/connection.h"
#include "model/format.h"
#include "model/host-load.h"
#include "ui/medium-row.h"

#define MAX_SHOWN 3

struct _InnEmptyPage
{
  GtkWidget parent_instance;

  GtkListBox *media_list;
  GtkButton *choose_button;
  GtkImage *check_icon;
  GtkLabel *check_label;

  GListModel *places;
  GListModel *shown;
};

G_DEFINE_FINAL_TYPE (InnEmptyPage, inn_empty_page, GTK_TYPE_WIDGET)

enum
{
  PICKED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void
on_row_activated (InnEmptyPage *self, GtkListBoxRow *row)
{
  g_signal_emit (self, signals[PICKED], 0, inn_medium_row_get_medium (INN_MEDIUM_ROW (row)));
}

static GtkWidget *
create_row (gpointer item, gpointer user_data)
{
  return inn_medium_row_new (item, /* brief= */ TRUE);
}

static void
on_media_changed (InnEmptyPage *self)
{
  gboolean found = g_list_model_get_n_items (self->shown) > 0;

  gtk_widget_set_visible (GTK_WIDGET (self->media_list), found);
  gtk_button_set_label (self->choose_button,
                        found ? _ ("Choose Something Else…") : _ ("New Machine…"));
  /* The accent is for the one next step, and with images to click there is none. */
  if (found)
    gtk_widget_remove_css_class (GTK_WIDGET (self->choose_button), "suggested-action");
  else
    gtk_widget_add_css_class (GTK_WIDGET (self->choose_button), "suggested-action");
}

/* The open place that runs machines best. */
static InnConnection *
find_best_place (InnEmptyPage *self)
{
  InnConnection *best = NULL;

  for (guint i = 0; i < g_list_model_get_n_items (self->places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (self->places, i);

      if (inn_connection_get_state (place) == INN_CONNECTION_OPEN
          && (best == NULL || inn_connection_get_speed (place) > inn_connection_get_speed (best)))
        best = place;
    }

  return best;
}

static guint64
get_free_memory (void)
{
  g_autofree char *text = NULL;
  InnHostMemory memory = { 0 };

  if (g_file_get_contents ("/proc/meminfo", &text, NULL, NULL))
    inn_host_memory_parse (text, &memory);

  return memory.available;
}

static void
on_places_changed (InnEmptyPage *self)
{
  InnConnection *best = find_best_place (self);
  InnSpeed speed = best != NULL ? inn_connection_get_speed (best) : INN_SPEED_NONE;
  g_autofree char *memory = inn_format_memory (get_free_memory ());
  guint processors = inn_host_get_processors ();
  g_autofree char *text = NULL;

  if (best == NULL)
    text = g_strdup (_ ("Looking at what this computer can run…"));
  else if (speed == INN_SPEED_FULL)
    text = g_strdup_printf (ngettext ("This computer runs machines at full speed: %u thread, "
                                      "%s of memory free.",
                                      "This computer runs machines at full speed: %u threads, "
                                      "%s of memory free.",
                                      processors),
                            processors, memory);
  else
    text = g_strdup (inn_connection_get_speed_text (best));

  gtk_widget_set_visible (GTK_WIDGET (self->check_icon), best != NULL);
  gtk_image_set_from_icon_name (self->check_icon, speed == INN_SPEED_FULL
                                                      ? "object-select-symbolic"
                                                      : "dialog-warning-symbolic");
  gtk_widget_remove_css_class (GTK_WIDGET (self->check_icon), "success");
  gtk_widget_remove_css_class (GTK_WIDGET (self->check_icon), "warning");
  gtk_widget_add_css_class (GTK_WIDGET (self->check_icon),
                            speed == INN_SPEED_FULL ? "success" : "warning");
  gtk_label_set_label (self->check_label, text);
}

static void
inn_empty_page_dispose (GObject *object)
{
  InnEmptyPage *self = INN_EMPTY_PAGE (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_EMPTY_PAGE);
  g_clear_object (&self->shown);
  g_clear_object (&self->places);

  G_OBJECT_CLASS (inn_empty_page_parent_class)->dispose (object);
}

static void
inn_empty_page_class_init (InnEmptyPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_empty_page_dispose;

  signals[PICKED] = g_signal_new ("picked", INN_TYPE_EMPTY_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, INN_TYPE_MEDIUM);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/empty-page.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "box", FALSE, 0);
  gtk_widget_class_bind_template_child_full (widget_class, "scrolled_window", FALSE, 0);
  gtk_widget_class_bind_template_child_full (widget_class, "header", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnEmptyPage, media_list);
  gtk_widget_class_bind_template_child (widget_class, InnEmptyPage, choose_button);
  gtk_widget_class_bind_template_child (widget_class, InnEmptyPage, check_icon);
  gtk_widget_class_bind_template_child (widget_class, InnEmptyPage, check_label);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
}

static void
inn_empty_page_init (InnEmptyPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
inn_empty_page_set_models (InnEmptyPage *self, GListModel *places, InnFoundMedia *found)
{
  g_return_if_fail (INN_IS_EMPTY_PAGE (self));
  g_return_if_fail (self->places == NULL);

  self->places = g_object_ref (places);
  self->shown
      = G_LIST_MODEL (gtk_slice_list_model_new (g_object_ref (G_LIST_MODEL (found)), 0, MAX_SHOWN));
  gtk_list_box_bind_model (self->media_list, self->shown, create_row, NULL, NULL);
  g_signal_connect_object (self->shown, "items-changed", G_CALLBACK (on_media_changed), self,
                           G_CONNECT_SWAPPED);
  for (guint i = 0; i < g_list_model_get_n_items (places); i++)
    {
      g_autoptr (InnConnection) place = g_list_model_get_item (places, i);

      g_signal_connect_object (place, "notify", G_CALLBACK (on_places_changed), self,
                               G_CONNECT_SWAPPED);
    }
  on_media_changed (self);
  on_places_changed (self);
}
