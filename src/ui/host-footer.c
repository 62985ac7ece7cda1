/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Processor and memory of this computer.
 */
#include "config.h"

#include "ui/host-footer.h"

#include <glib/gi18n.h>
#include <math.h>

#include "model/format.h"
#include "model/host-load.h"

struct _InnHostFooter
{
  GtkWidget parent_instance;

  GtkLabel *processor_label;
  GtkProgressBar *processor_bar;
  GtkLabel *memory_label;
  GtkProgressBar *memory_bar;

  InnHostLoad *load;
};

G_DEFINE_FINAL_TYPE (InnHostFooter, inn_host_footer, GTK_TYPE_WIDGET)

static void
on_updated (InnHostFooter *self)
{
  double processor = inn_host_load_get_processor (self->load);
  guint64 used = inn_host_load_get_memory_used (self->load);
  guint64 total = inn_host_load_get_memory_total (self->load);
  g_autofree char *percent = inn_format_percent (processor);
  g_autofree char *used_text = inn_format_memory_like (used, total);
  g_autofree char *total_text = inn_format_memory (total);
  /* Translators: processor use of this computer, a percentage */
  g_autofree char *processor_text = g_strdup_printf (_ ("CPU %s"), percent);
  /* Translators: "18.2 of 32 GiB" */
  g_autofree char *memory_text = g_strdup_printf (_ ("%s of %s"), used_text, total_text);

  gtk_label_set_label (self->processor_label, processor_text);
  gtk_progress_bar_set_fraction (self->processor_bar, isnan (processor) ? 0 : processor);
  if (total == 0)
    return;

  gtk_label_set_label (self->memory_label, memory_text);
  gtk_progress_bar_set_fraction (self->memory_bar, (double)used / (double)total);
}

static void
inn_host_footer_map (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (inn_host_footer_parent_class)->map (widget);
  inn_host_load_set_running (INN_HOST_FOOTER (widget)->load, TRUE);
}

static void
inn_host_footer_unmap (GtkWidget *widget)
{
  inn_host_load_set_running (INN_HOST_FOOTER (widget)->load, FALSE);
  GTK_WIDGET_CLASS (inn_host_footer_parent_class)->unmap (widget);
}

static void
inn_host_footer_dispose (GObject *object)
{
  InnHostFooter *self = INN_HOST_FOOTER (object);

  gtk_widget_dispose_template (GTK_WIDGET (self), INN_TYPE_HOST_FOOTER);
  g_clear_object (&self->load);

  G_OBJECT_CLASS (inn_host_footer_parent_class)->dispose (object);
}

static void
inn_host_footer_class_init (InnHostFooterClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_host_footer_dispose;
  widget_class->map = inn_host_footer_map;
  widget_class->unmap = inn_host_footer_unmap;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/host-footer.ui");
  gtk_widget_class_bind_template_child_full (widget_class, "box_2", FALSE, 0);
  gtk_widget_class_bind_template_child_full (widget_class, "box", FALSE, 0);
  gtk_widget_class_bind_template_child (widget_class, InnHostFooter, processor_label);
  gtk_widget_class_bind_template_child (widget_class, InnHostFooter, processor_bar);
  gtk_widget_class_bind_template_child (widget_class, InnHostFooter, memory_label);
  gtk_widget_class_bind_template_child (widget_class, InnHostFooter, memory_bar);
}

static void
inn_host_footer_init (InnHostFooter *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->load = inn_host_load_new ();
  g_signal_connect_object (self->load, "updated", G_CALLBACK (on_updated), self, G_CONNECT_SWAPPED);
}
