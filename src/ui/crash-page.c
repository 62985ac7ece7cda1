/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * After a crash.
 */
#include "config.h"

#include "ui/crash-page.h"

#include <adwaita.h>
#include <glib/gi18n.h>

#include "ui/last-words.h"

struct _InnCrashPage
{
  GtkWidget parent_instance;

  AdwStatusPage *status_page;
  GtkWidget *words_header;
  GtkWidget *words_window;
  GtkTextView *words_view;
};

G_DEFINE_FINAL_TYPE (InnCrashPage, inn_crash_page, GTK_TYPE_WIDGET)

#define N_LAST_LINES 8

static void
on_copy_clicked (InnCrashPage *self)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (self->words_view);
  GtkTextIter start, end;
  g_autofree char *text = NULL;

  gtk_text_buffer_get_bounds (buffer, &start, &end);
  text = gtk_text_buffer_get_text (buffer, &start, &end, /* hidden= */ FALSE);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
}

static void
inn_crash_page_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), INN_TYPE_CRASH_PAGE);

  G_OBJECT_CLASS (inn_crash_page_parent_class)->dispose (object);
}

static void
inn_crash_page_class_init (InnCrashPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = inn_crash_page_dispose;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/crash-page.ui");
  gtk_widget_class_bind_template_child (widget_class, InnCrashPage, status_page);
  gtk_widget_class_bind_template_child (widget_class, InnCrashPage, words_header);
  gtk_widget_class_bind_template_child (widget_class, InnCrashPage, words_window);
  gtk_widget_class_bind_template_child (widget_class, InnCrashPage, words_view);
  gtk_widget_class_bind_template_callback (widget_class, on_copy_clicked);
}

static void
inn_crash_page_init (InnCrashPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

void
inn_crash_page_set_report (InnCrashPage *self, const char *reason, const char *output)
{
  g_autofree char *words = inn_last_words (output, N_LAST_LINES);
  g_autofree char *plain = NULL;

  g_return_if_fail (INN_IS_CRASH_PAGE (self));

  if (reason == NULL)
    reason = _ ("It stopped by itself. Everything it had saved is on its disk.");
  /* The description is markup. */
  plain = g_markup_escape_text (reason, -1);
  adw_status_page_set_description (self->status_page, plain);

  gtk_widget_set_visible (self->words_header, *words != '\0');
  gtk_widget_set_visible (self->words_window, *words != '\0');
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (self->words_view), words, -1);
}
