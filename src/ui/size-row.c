/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A value with its reason.
 */
#include "config.h"

#include "ui/size-row.h"

#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/size-step.h"

struct _InnSizeRow
{
  AdwExpanderRow parent_instance;

  GtkLabel *value_label;
  GtkEntry *entry;
  GtkWidget *less_button;
  GtkWidget *more_button;

  guint64 value;
  guint64 least, most;
  char *too_little, *too_much, *zero, *reason;
  const char *problem; /* one of the sentences, or static; NULL: none */
  gboolean counts;
};

G_DEFINE_FINAL_TYPE (InnSizeRow, inn_size_row, ADW_TYPE_EXPANDER_ROW)

enum
{
  PROP_0,
  PROP_VALUE,
  PROP_VALID,
  PROP_COUNTS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static char *
format_value (InnSizeRow *self)
{
  if (self->value == 0 && self->zero != NULL)
    return g_strdup (self->zero);

  return self->counts ? g_strdup_printf ("%" G_GUINT64_FORMAT, self->value)
                      : inn_format_memory (self->value);
}

/* What is wrong with @text; NULL and the value when nothing is. */
static const char *
check (InnSizeRow *self, const char *text, guint64 *value)
{
  gboolean parsed;

  if (self->zero != NULL && (*text == '\0' || g_str_equal (text, self->zero)))
    {
      *value = 0;
      return NULL;
    }

  parsed
      = self->counts ? inn_format_parse_count (text, value) : inn_format_parse_size (text, value);
  if (!parsed)
    return self->counts ? _ ("That is not a number.") : _ ("Type a size such as “8 GiB”.");
  if (*value == 0 && self->zero != NULL)
    return NULL;
  if (*value < self->least)
    return self->too_little;

  return *value > self->most ? self->too_much : NULL;
}

static void
show_reason (InnSizeRow *self)
{
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self),
                                 self->problem != NULL ? self->problem : self->reason);
  if (self->problem != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), "problem");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "problem");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_STATE_INVALID,
                               self->problem != NULL ? GTK_ACCESSIBLE_INVALID_TRUE
                                                     : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);
}

static void
take (InnSizeRow *self, guint64 value, const char *problem)
{
  g_autofree char *text = NULL;

  g_object_freeze_notify (G_OBJECT (self));
  if (self->problem != problem)
    {
      self->problem = problem;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALID]);
    }
  if (problem == NULL && self->value != value)
    {
      self->value = value;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALUE]);
    }
  text = format_value (self);
  gtk_label_set_label (self->value_label, problem == NULL ? text : "");
  gtk_widget_set_sensitive (self->less_button,
                            self->value > (self->zero != NULL ? 0 : self->least));
  gtk_widget_set_sensitive (self->more_button, self->value < self->most);
  show_reason (self);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
on_entry_changed (InnSizeRow *self)
{
  guint64 value = self->value;
  const char *problem = check (self, gtk_editable_get_text (GTK_EDITABLE (self->entry)), &value);

  take (self, value, problem);
}

static void
set_text_from (InnSizeRow *self, guint64 value)
{
  g_autofree char *text = NULL;

  self->value = value;
  text = format_value (self);
  gtk_editable_set_text (GTK_EDITABLE (self->entry), text);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALUE]);
}

static void
step (InnSizeRow *self, int direction)
{
  guint64 value;

  if (self->counts)
    value = direction > 0 ? self->value + 1 : self->value - 1;
  else if (direction < 0 && self->value <= self->least && self->zero != NULL)
    value = 0;
  else
    value = inn_size_step (self->value, direction, self->least);

  set_text_from (self, MIN (value, self->most));
}

static void
on_less_clicked (InnSizeRow *self)
{
  step (self, -1);
}

static void
on_more_clicked (InnSizeRow *self)
{
  step (self, 1);
}

static void
inn_size_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  InnSizeRow *self = INN_SIZE_ROW (object);

  switch (id)
    {
    case PROP_VALUE:
      g_value_set_uint64 (value, self->value);
      break;
    case PROP_VALID:
      g_value_set_boolean (value, self->problem == NULL);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
inn_size_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COUNTS)
    INN_SIZE_ROW (object)->counts = g_value_get_boolean (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* The controls of an open row are named for what the row is about. */
static void
on_title_changed (InnSizeRow *self)
{
  const char *title = adw_preferences_row_get_title (ADW_PREFERENCES_ROW (self));
  /* Translators: a button beside a field; "Less Memory", "More Processors" */
  g_autofree char *less = g_strdup_printf (_ ("Less %s"), title);
  g_autofree char *more = g_strdup_printf (_ ("More %s"), title);

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  title, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->less_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  less, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->more_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  more, -1);
}

static void
inn_size_row_finalize (GObject *object)
{
  InnSizeRow *self = INN_SIZE_ROW (object);

  g_free (self->too_little);
  g_free (self->too_much);
  g_free (self->zero);
  g_free (self->reason);

  G_OBJECT_CLASS (inn_size_row_parent_class)->finalize (object);
}

static void
inn_size_row_class_init (InnSizeRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = inn_size_row_get_property;
  object_class->set_property = inn_size_row_set_property;
  object_class->finalize = inn_size_row_finalize;

  properties[PROP_VALUE] = g_param_spec_uint64 ("value", NULL, NULL, 0, G_MAXUINT64, 0, readable);
  properties[PROP_VALID] = g_param_spec_boolean ("valid", NULL, NULL, TRUE, readable);
  properties[PROP_COUNTS]
      = g_param_spec_boolean ("counts", NULL, NULL, FALSE,
                              G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/size-row.ui");
  gtk_widget_class_bind_template_child (widget_class, InnSizeRow, value_label);
  gtk_widget_class_bind_template_child (widget_class, InnSizeRow, entry);
  gtk_widget_class_bind_template_child (widget_class, InnSizeRow, less_button);
  gtk_widget_class_bind_template_child (widget_class, InnSizeRow, more_button);
  gtk_widget_class_bind_template_callback (widget_class, on_entry_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_less_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_more_clicked);
}

static void
inn_size_row_init (InnSizeRow *self)
{
  self->most = G_MAXUINT64;
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect (self, "notify::title", G_CALLBACK (on_title_changed), NULL);
}

void
inn_size_row_set_bounds (InnSizeRow *self,
                         guint64 least,
                         guint64 most,
                         const char *too_little,
                         const char *too_much,
                         const char *zero)
{
  g_return_if_fail (INN_IS_SIZE_ROW (self));

  self->problem = NULL;
  self->least = least;
  self->most = MAX (most, least);
  g_free (self->too_little);
  self->too_little = g_strdup (too_little);
  g_free (self->too_much);
  self->too_much = g_strdup (too_much);
  g_free (self->zero);
  self->zero = g_strdup (zero);
}

void
inn_size_row_propose (InnSizeRow *self, guint64 value, const char *reason)
{
  g_return_if_fail (INN_IS_SIZE_ROW (self));

  g_free (self->reason);
  self->reason = g_strdup (reason);
  set_text_from (self, value);
  on_entry_changed (self);
}

guint64
inn_size_row_get_value (InnSizeRow *self)
{
  g_return_val_if_fail (INN_IS_SIZE_ROW (self), 0);

  return self->value;
}

const char *
inn_size_row_get_problem (InnSizeRow *self)
{
  g_return_val_if_fail (INN_IS_SIZE_ROW (self), NULL);

  return self->problem;
}
