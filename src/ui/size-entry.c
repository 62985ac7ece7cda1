/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A field for a size.
 */
#include "config.h"

#include "ui/size-entry.h"

#include <glib/gi18n.h>

#include "model/format.h"
#include "ui/size-step.h"

struct _InnSizeEntry
{
  GtkBox parent_instance;

  GtkEntry *entry;
  GtkWidget *less_button;
  GtkWidget *more_button;

  guint64 value;
  guint64 committed;
  guint64 least, most;
  char *too_little, *too_much, *zero;
  const char *problem; /* one of the sentences, or static; NULL: none */
  gboolean counts;
};

G_DEFINE_FINAL_TYPE (InnSizeEntry, inn_size_entry, GTK_TYPE_BOX)

enum
{
  PROP_0,
  PROP_VALUE,
  PROP_VALID,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

enum
{
  COMMITTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

char *
inn_size_entry_format (InnSizeEntry *self)
{
  g_return_val_if_fail (INN_IS_SIZE_ENTRY (self), NULL);

  if (self->value == 0 && self->zero != NULL)
    return g_strdup (self->zero);

  return self->counts ? g_strdup_printf ("%" G_GUINT64_FORMAT, self->value)
                      : inn_format_memory (self->value);
}

/* What is wrong with @text; NULL and the value when nothing is. */
static const char *
check (InnSizeEntry *self, const char *text, guint64 *value)
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
take (InnSizeEntry *self, guint64 value, const char *problem)
{
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
  gtk_widget_set_sensitive (self->less_button,
                            self->value > (self->zero != NULL ? 0 : self->least));
  gtk_widget_set_sensitive (self->more_button, self->value < self->most);
  gtk_accessible_update_state (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_STATE_INVALID,
                               problem != NULL ? GTK_ACCESSIBLE_INVALID_TRUE
                                               : GTK_ACCESSIBLE_INVALID_FALSE,
                               -1);
  g_object_thaw_notify (G_OBJECT (self));
}

static void
on_entry_changed (InnSizeEntry *self)
{
  guint64 value = self->value;
  const char *problem = check (self, gtk_editable_get_text (GTK_EDITABLE (self->entry)), &value);

  take (self, value, problem);
}

static void
commit (InnSizeEntry *self)
{
  if (self->problem != NULL || self->value == self->committed)
    return;

  self->committed = self->value;
  g_signal_emit (self, signals[COMMITTED], 0);
}

static void
set_text_from (InnSizeEntry *self, guint64 value)
{
  g_autofree char *text = NULL;

  self->value = value;
  text = inn_size_entry_format (self);
  gtk_editable_set_text (GTK_EDITABLE (self->entry), text);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALUE]);
  on_entry_changed (self);
}

/* What was typed is written as it was understood. */
static void
on_done (InnSizeEntry *self)
{
  if (self->problem == NULL)
    set_text_from (self, self->value);
  commit (self);
}

static void
step (InnSizeEntry *self, int direction)
{
  guint64 value;

  if (self->counts)
    value = direction > 0 ? self->value + 1 : self->value - 1;
  else if (direction < 0 && self->value <= self->least && self->zero != NULL)
    value = 0;
  else
    value = inn_size_step (self->value, direction, self->least);

  set_text_from (self, MIN (value, self->most));
  commit (self);
}

static void
on_less_clicked (InnSizeEntry *self)
{
  step (self, -1);
}

static void
on_more_clicked (InnSizeEntry *self)
{
  step (self, 1);
}

static void
inn_size_entry_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  InnSizeEntry *self = INN_SIZE_ENTRY (object);

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
inn_size_entry_dispose (GObject *object)
{
  gtk_widget_dispose_template (GTK_WIDGET (object), INN_TYPE_SIZE_ENTRY);

  G_OBJECT_CLASS (inn_size_entry_parent_class)->dispose (object);
}

static void
inn_size_entry_finalize (GObject *object)
{
  InnSizeEntry *self = INN_SIZE_ENTRY (object);

  g_free (self->too_little);
  g_free (self->too_much);
  g_free (self->zero);

  G_OBJECT_CLASS (inn_size_entry_parent_class)->finalize (object);
}

static void
inn_size_entry_class_init (InnSizeEntryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = inn_size_entry_get_property;
  object_class->dispose = inn_size_entry_dispose;
  object_class->finalize = inn_size_entry_finalize;

  properties[PROP_VALUE] = g_param_spec_uint64 ("value", NULL, NULL, 0, G_MAXUINT64, 0, readable);
  properties[PROP_VALID] = g_param_spec_boolean ("valid", NULL, NULL, TRUE, readable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  signals[COMMITTED] = g_signal_new ("committed", INN_TYPE_SIZE_ENTRY, G_SIGNAL_RUN_LAST, 0, NULL,
                                     NULL, NULL, G_TYPE_NONE, 0);

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/innkeeper/Innkeeper/ui/size-entry.ui");
  gtk_widget_class_bind_template_child (widget_class, InnSizeEntry, entry);
  gtk_widget_class_bind_template_child (widget_class, InnSizeEntry, less_button);
  gtk_widget_class_bind_template_child (widget_class, InnSizeEntry, more_button);
  gtk_widget_class_bind_template_callback (widget_class, on_entry_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_done);
  gtk_widget_class_bind_template_callback (widget_class, on_less_clicked);
  gtk_widget_class_bind_template_callback (widget_class, on_more_clicked);
}

static void
inn_size_entry_init (InnSizeEntry *self)
{
  self->most = G_MAXUINT64;
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
inn_size_entry_new (void)
{
  return g_object_new (INN_TYPE_SIZE_ENTRY, NULL);
}

void
inn_size_entry_set_counts (InnSizeEntry *self, gboolean counts)
{
  g_return_if_fail (INN_IS_SIZE_ENTRY (self));

  self->counts = counts;
}

void
inn_size_entry_set_title (InnSizeEntry *self, const char *title)
{
  /* Translators: a button beside a field; "Less Memory", "More Processors" */
  g_autofree char *less = g_strdup_printf (_ ("Less %s"), title);
  g_autofree char *more = g_strdup_printf (_ ("More %s"), title);

  g_return_if_fail (INN_IS_SIZE_ENTRY (self));

  gtk_accessible_update_property (GTK_ACCESSIBLE (self->entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  title, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->less_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  less, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->more_button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  more, -1);
}

void
inn_size_entry_set_bounds (InnSizeEntry *self,
                           guint64 least,
                           guint64 most,
                           const char *too_little,
                           const char *too_much,
                           const char *zero)
{
  g_return_if_fail (INN_IS_SIZE_ENTRY (self));

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
inn_size_entry_set_value (InnSizeEntry *self, guint64 value)
{
  g_return_if_fail (INN_IS_SIZE_ENTRY (self));

  self->committed = value;
  set_text_from (self, value);
}

guint64
inn_size_entry_get_value (InnSizeEntry *self)
{
  g_return_val_if_fail (INN_IS_SIZE_ENTRY (self), 0);

  return self->value;
}

const char *
inn_size_entry_get_problem (InnSizeEntry *self)
{
  g_return_val_if_fail (INN_IS_SIZE_ENTRY (self), NULL);

  return self->problem;
}
