/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message across a page; libadwaita 1.2 has none.
 */
#include "config.h"

#include "ui/banner.h"

struct _InnBanner
{
  GtkWidget parent_instance;

  GtkRevealer *revealer;
  GtkWidget *box;
  GtkWidget *words_and_buttons;
  GtkImage *icon;
  GtkLabel *title_label;
  GtkLabel *text_label;
  GtkButton *alternative_button;
  GtkButton *button;
  GtkWidget *close_button;
};

G_DEFINE_FINAL_TYPE (InnBanner, inn_banner, GTK_TYPE_WIDGET)

enum
{
  CLICKED,
  ALTERNATIVE,
  CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static const struct
{
  const char *style;
  const char *icon;
} kinds[] = {
  [INN_BANNER_WARNING] = { "warn", "dialog-warning-symbolic" },
  [INN_BANNER_ERROR] = { "err", "dialog-error-symbolic" },
  [INN_BANNER_INFO] = { "info", "view-refresh-symbolic" },
  [INN_BANNER_COPY] = { "info", "edit-copy-symbolic" },
  [INN_BANNER_DISPOSABLE] = { "info", "user-trash-symbolic" },
};

static void
on_button_clicked (InnBanner *self)
{
  g_signal_emit (self, signals[CLICKED], 0);
}

static void
on_alternative_clicked (InnBanner *self)
{
  g_signal_emit (self, signals[ALTERNATIVE], 0);
}

static void
on_close_clicked (InnBanner *self)
{
  inn_banner_dismiss (self);
  g_signal_emit (self, signals[CLOSED], 0);
}

/* Out of sight of a screen reader, too. */
static void
on_revealed (InnBanner *self)
{
  if (!gtk_revealer_get_reveal_child (self->revealer)
      && !gtk_revealer_get_child_revealed (self->revealer))
    gtk_widget_hide (GTK_WIDGET (self->revealer));
}

static void
inn_banner_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), INN_TYPE_BANNER);

  G_OBJECT_CLASS (inn_banner_parent_class)->dispose (object);
}

static void
inn_banner_class_init (InnBannerClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_banner_dispose;

  signals[CLICKED] = g_signal_new ("clicked", INN_TYPE_BANNER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                   NULL, G_TYPE_NONE, 0);
  signals[ALTERNATIVE] = g_signal_new ("alternative", INN_TYPE_BANNER, G_SIGNAL_RUN_LAST, 0, NULL,
                                       NULL, NULL, G_TYPE_NONE, 0);
  signals[CLOSED] = g_signal_new ("closed", INN_TYPE_BANNER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                  G_TYPE_NONE, 0);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/banner.ui");
  gtk_widget_class_bind_template_child (widget_class, InnBanner, revealer);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, box);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, words_and_buttons);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, icon);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, title_label);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, text_label);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, alternative_button);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, button);
  gtk_widget_class_bind_template_child (widget_class, InnBanner, close_button);
  gtk_widget_class_bind_template_callback (widget_class, on_alternative_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_button_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_close_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_revealed);
}

static void
inn_banner_init (InnBanner *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
inn_banner_present (InnBanner *self,
                    InnBannerKind kind,
                    const char *title,
                    const char *text,
                    const char *button,
                    gboolean closable)
{
  g_return_if_fail (INN_IS_BANNER (self));
  g_return_if_fail ((guint)kind < G_N_ELEMENTS (kinds));

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    gtk_widget_remove_css_class (self->box, kinds[i].style);
  gtk_widget_add_css_class (self->box, kinds[kind].style);
  gtk_image_set_from_icon_name (self->icon, kinds[kind].icon);

  gtk_label_set_label (self->title_label, title);
  gtk_label_set_label (self->text_label, text);
  gtk_widget_set_visible (GTK_WIDGET (self->text_label), text != NULL && *text != '\0');
  gtk_button_set_label (self->button, button != NULL ? button : "");
  gtk_widget_set_visible (GTK_WIDGET (self->button), button != NULL);
  gtk_widget_hide (GTK_WIDGET (self->alternative_button));
  gtk_widget_set_visible (self->close_button, closable);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, title, -1);
  gtk_widget_show (GTK_WIDGET (self->revealer));
  gtk_revealer_set_reveal_child (self->revealer, TRUE);
}

void
inn_banner_offer (InnBanner *self, const char *label)
{
  g_return_if_fail (INN_IS_BANNER (self));

  gtk_button_set_label (self->alternative_button, label);
  gtk_widget_show (GTK_WIDGET (self->alternative_button));
}

void
inn_banner_set_narrow (InnBanner *self, gboolean narrow)
{
  g_return_if_fail (INN_IS_BANNER (self));

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self->words_and_buttons),
                                  narrow ? GTK_ORIENTATION_VERTICAL : GTK_ORIENTATION_HORIZONTAL);
}

void
inn_banner_dismiss (InnBanner *self)
{
  g_return_if_fail (INN_IS_BANNER (self));

  gtk_revealer_set_reveal_child (self->revealer, FALSE);
  on_revealed (self);
}
