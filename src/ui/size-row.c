/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A value with its reason.
 */
#include "config.h"

#include "ui/size-row.h"

#include "ui/size-entry.h"

struct _InnSizeRow
{
  AdwExpanderRow parent_instance;

  GtkLabel *value_label;
  InnSizeEntry *entry;

  char *reason;
};

G_DEFINE_FINAL_TYPE (InnSizeRow, inn_size_row, ADW_TYPE_EXPANDER_ROW)

enum
{
  PROP_0,
  PROP_VALID,
  PROP_COUNTS,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void
update (InnSizeRow *self)
{
  const char *problem = inn_size_entry_get_problem (self->entry);
  g_autofree char *text = inn_size_entry_format (self->entry);

  gtk_label_set_label (self->value_label, problem == NULL ? text : "");
  adw_expander_row_set_subtitle (ADW_EXPANDER_ROW (self), problem != NULL ? problem : self->reason);
  if (problem != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self), "problem");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "problem");
}

static void
on_valid_changed (InnSizeRow *self)
{
  update (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALID]);
}

static void
inn_size_row_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_VALID)
    g_value_set_boolean (value, inn_size_entry_get_problem (INN_SIZE_ROW (object)->entry) == NULL);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
inn_size_row_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_COUNTS)
    inn_size_entry_set_counts (INN_SIZE_ROW (object)->entry, g_value_get_boolean (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* The controls of an open row are named for what the row is about. */
static void
on_title_changed (InnSizeRow *self)
{
  inn_size_entry_set_title (self->entry,
                            adw_preferences_row_get_title (ADW_PREFERENCES_ROW (self)));
}

static void
inn_size_row_finalize (GObject *object)
{
  g_free (INN_SIZE_ROW (object)->reason);

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

  properties[PROP_VALID] = g_param_spec_boolean ("valid", NULL, NULL, TRUE, readable);
  properties[PROP_COUNTS]
      = g_param_spec_boolean ("counts", NULL, NULL, FALSE,
                              G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  g_type_ensure (INN_TYPE_SIZE_ENTRY);
  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/size-row.ui");
  gtk_widget_class_bind_template_child (widget_class, InnSizeRow, value_label);
  gtk_widget_class_bind_template_child (widget_class, InnSizeRow, entry);
  gtk_widget_class_bind_template_callback (widget_class, update);
  gtk_widget_class_bind_template_callback (widget_class, on_valid_changed);
}

static void
inn_size_row_init (InnSizeRow *self)
{
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

  inn_size_entry_set_bounds (self->entry, least, most, too_little, too_much, zero);
}

void
inn_size_row_propose (InnSizeRow *self, guint64 value, const char *reason)
{
  g_return_if_fail (INN_IS_SIZE_ROW (self));

  g_free (self->reason);
  self->reason = g_strdup (reason);
  inn_size_entry_set_value (self->entry, value);
  update (self);
}

guint64
inn_size_row_get_value (InnSizeRow *self)
{
  g_return_val_if_fail (INN_IS_SIZE_ROW (self), 0);

  return inn_size_entry_get_value (self->entry);
}

const char *
inn_size_row_get_problem (InnSizeRow *self)
{
  g_return_val_if_fail (INN_IS_SIZE_ROW (self), NULL);

  return inn_size_entry_get_problem (self->entry);
}
