/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When a change has its effect.
 */
#include "config.h"

#include "ui/timing-pill.h"

#include "ui/hardware-text.h"

struct _InnTimingPill
{
  GtkBox parent_instance;

  GtkImage *icon;
  GtkLabel *label;
};

G_DEFINE_FINAL_TYPE (InnTimingPill, inn_timing_pill, GTK_TYPE_BOX)

static void
inn_timing_pill_class_init (InnTimingPillClass *klass)
{
}

static void
inn_timing_pill_init (InnTimingPill *self)
{
  GtkWidget *icon = g_object_new (GTK_TYPE_IMAGE, "pixel-size", 12, "accessible-role",
                                  GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL);
  GtkWidget *label = gtk_label_new (NULL);

  self->icon = GTK_IMAGE (icon);
  self->label = GTK_LABEL (label);
  gtk_box_set_spacing (GTK_BOX (self), 4);
  gtk_widget_set_valign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (GTK_WIDGET (self), "badge");
  gtk_widget_add_css_class (GTK_WIDGET (self), "timing");
  gtk_box_append (GTK_BOX (self), icon);
  gtk_box_append (GTK_BOX (self), label);
}

GtkWidget *
inn_timing_pill_new (void)
{
  return g_object_new (INN_TYPE_TIMING_PILL, NULL);
}

void
inn_timing_pill_set_timing (InnTimingPill *self, InnTiming timing)
{
  const char *words = inn_hardware_text_get_timing (timing);

  g_return_if_fail (INN_IS_TIMING_PILL (self));

  gtk_widget_set_visible (GTK_WIDGET (self), words != NULL);
  if (words == NULL)
    return;

  gtk_image_set_from_icon_name (self->icon, inn_hardware_text_get_timing_icon (timing));
  gtk_label_set_label (self->label, words);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), words);
  if (timing == INN_TIMING_NEXT_START)
    gtk_widget_add_css_class (GTK_WIDGET (self), "warn");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "warn");
}

void
inn_timing_pill_set_narrow (InnTimingPill *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_TIMING_PILL (self));

  gtk_widget_set_visible (GTK_WIDGET (self->label), !narrow);
}
