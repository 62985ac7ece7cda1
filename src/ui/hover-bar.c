/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bar over a guest in fullscreen.
 */
#include "config.h"

#include "ui/hover-bar.h"

#define FIRST_SHOWN_MS 2000
#define DWELL_MS       150
#define EDGE           1.0  /* pixels that count as the edge */
#define KEEP           60.0 /* the bar stays while the pointer is that near */

struct _InnHoverBar
{
  GtkWidget parent_instance;

  GtkRevealer *revealer;
  GtkToggleButton *pin_button;
  GtkLabel *title_label;

  guint timeout; /* before the bar comes or goes; 0: none */
  double pointer_y;
};

G_DEFINE_FINAL_TYPE (InnHoverBar, inn_hover_bar, GTK_TYPE_WIDGET)

static gboolean
on_timeout (gpointer user_data)
{
  InnHoverBar *self = user_data;

  self->timeout = 0;
  gtk_revealer_set_reveal_child (self->revealer, gtk_toggle_button_get_active (self->pin_button)
                                                     || self->pointer_y <= KEEP);
  return G_SOURCE_REMOVE;
}

static void
decide_in (InnHoverBar *self, guint milliseconds)
{
  g_clear_handle_id (&self->timeout, g_source_remove);
  self->timeout = g_timeout_add (milliseconds, on_timeout, self);
}

static void
on_pin_toggled (InnHoverBar *self)
{
  decide_in (self, DWELL_MS);
}

static void
inn_hover_bar_dispose (GObject *object)
{
  g_clear_handle_id (&INN_HOVER_BAR (object)->timeout, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (object), INN_TYPE_HOVER_BAR);

  G_OBJECT_CLASS (inn_hover_bar_parent_class)->dispose (object);
}

static void
inn_hover_bar_class_init (InnHoverBarClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_hover_bar_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/hover-bar.ui");
  gtk_widget_class_bind_template_child (widget_class, InnHoverBar, revealer);
  gtk_widget_class_bind_template_child (widget_class, InnHoverBar, pin_button);
  gtk_widget_class_bind_template_child (widget_class, InnHoverBar, title_label);
  gtk_widget_class_bind_template_callback (widget_class, on_pin_toggled);
}

static void
inn_hover_bar_init (InnHoverBar *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
inn_hover_bar_set_title (InnHoverBar *self, const char *title)
{
  g_return_if_fail (INN_IS_HOVER_BAR (self));

  gtk_label_set_label (self->title_label, title);
}

void
inn_hover_bar_set_active (InnHoverBar *self, gboolean active)
{
  g_return_if_fail (INN_IS_HOVER_BAR (self));

  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_widget_set_visible (GTK_WIDGET (self), active);
  gtk_revealer_set_reveal_child (self->revealer, active);
  self->pointer_y = G_MAXDOUBLE;
  if (active)
    decide_in (self, FIRST_SHOWN_MS);
}

void
inn_hover_bar_track_pointer (InnHoverBar *self, double y)
{
  gboolean shown;

  g_return_if_fail (INN_IS_HOVER_BAR (self));

  self->pointer_y = y;
  shown = gtk_revealer_get_reveal_child (self->revealer);
  if (self->timeout == 0 && ((!shown && y <= EDGE) || (shown && y > KEEP)))
    decide_in (self, DWELL_MS);
}
