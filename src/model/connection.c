/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every place has: its title, its state and the list of its machines. */
#include "model/connection.h"

#include "model/machine-private.h"

typedef struct
{
  char *title;
  char *technique;
  char *message;
  char *speed_text;
  InnConnectionState state;
  InnSpeed speed;
  GPtrArray *machines; /* in the order they were added */
} InnConnectionPrivate;

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_TECHNIQUE,
  PROP_STATE,
  PROP_MESSAGE,
  PROP_SPEED_TEXT,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void inn_connection_list_model_init (GListModelInterface *iface);

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (InnConnection,
                                  inn_connection,
                                  G_TYPE_OBJECT,
                                  G_ADD_PRIVATE (InnConnection)
                                      G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL,
                                                             inn_connection_list_model_init))

#define PRIVATE(self) ((InnConnectionPrivate *)inn_connection_get_instance_private (self))

static GType
inn_connection_get_item_type (GListModel *model)
{
  return INN_TYPE_MACHINE;
}

static guint
inn_connection_get_n_items (GListModel *model)
{
  return PRIVATE (INN_CONNECTION (model))->machines->len;
}

static gpointer
inn_connection_get_item (GListModel *model, guint position)
{
  GPtrArray *machines = PRIVATE (INN_CONNECTION (model))->machines;

  return position < machines->len ? g_object_ref (g_ptr_array_index (machines, position)) : NULL;
}

static void
inn_connection_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = inn_connection_get_item_type;
  iface->get_n_items = inn_connection_get_n_items;
  iface->get_item = inn_connection_get_item;
}

static void
inn_connection_finalize (GObject *object)
{
  InnConnectionPrivate *priv = PRIVATE (INN_CONNECTION (object));

  g_free (priv->title);
  g_free (priv->technique);
  g_free (priv->message);
  g_free (priv->speed_text);
  g_ptr_array_unref (priv->machines);

  G_OBJECT_CLASS (inn_connection_parent_class)->finalize (object);
}

static void
inn_connection_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  InnConnectionPrivate *priv = PRIVATE (INN_CONNECTION (object));

  switch (property_id)
    {
    case PROP_TITLE:
      g_value_set_string (value, priv->title);
      break;
    case PROP_TECHNIQUE:
      g_value_set_string (value, priv->technique);
      break;
    case PROP_STATE:
      g_value_set_int (value, (int)priv->state);
      break;
    case PROP_MESSAGE:
      g_value_set_string (value, priv->message);
      break;
    case PROP_SPEED_TEXT:
      g_value_set_string (value, priv->speed_text);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
inn_connection_set_property (GObject *object,
                             guint property_id,
                             const GValue *value,
                             GParamSpec *pspec)
{
  InnConnectionPrivate *priv = PRIVATE (INN_CONNECTION (object));

  switch (property_id)
    {
    case PROP_TITLE:
      priv->title = g_value_dup_string (value);
      break;
    case PROP_TECHNIQUE:
      priv->technique = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
inn_connection_class_init (InnConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags constant = readable | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY;

  object_class->finalize = inn_connection_finalize;
  object_class->get_property = inn_connection_get_property;
  object_class->set_property = inn_connection_set_property;

  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, "", constant);
  properties[PROP_TECHNIQUE] = g_param_spec_string ("technique", NULL, NULL, "", constant);
  properties[PROP_STATE]
      = g_param_spec_int ("state", NULL, NULL, INN_CONNECTION_CLOSED, INN_CONNECTION_BROKEN,
                          INN_CONNECTION_CLOSED, readable);
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, readable);
  properties[PROP_SPEED_TEXT] = g_param_spec_string ("speed-text", NULL, NULL, NULL, readable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
inn_connection_init (InnConnection *self)
{
  PRIVATE (self)->machines = g_ptr_array_new_with_free_func (g_object_unref);
}

const char *
inn_connection_get_title (InnConnection *self)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), NULL);

  return PRIVATE (self)->title;
}

const char *
inn_connection_get_technique (InnConnection *self)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), NULL);

  return PRIVATE (self)->technique;
}

InnConnectionState
inn_connection_get_state (InnConnection *self)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), INN_CONNECTION_CLOSED);

  return PRIVATE (self)->state;
}

const char *
inn_connection_get_message (InnConnection *self)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), NULL);

  return PRIVATE (self)->message;
}

InnSpeed
inn_connection_get_speed (InnConnection *self)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), INN_SPEED_NONE);

  return PRIVATE (self)->speed;
}

const char *
inn_connection_get_speed_text (InnConnection *self)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), NULL);

  return PRIVATE (self)->speed_text;
}

void
inn_connection_open (InnConnection *self)
{
  g_return_if_fail (INN_IS_CONNECTION (self));

  INN_CONNECTION_GET_CLASS (self)->open (self);
}

void
inn_connection_close (InnConnection *self)
{
  g_return_if_fail (INN_IS_CONNECTION (self));

  INN_CONNECTION_GET_CLASS (self)->close (self);
}

InnMachine *
inn_connection_find (InnConnection *self, const char *id)
{
  GPtrArray *machines;

  g_return_val_if_fail (INN_IS_CONNECTION (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  machines = PRIVATE (self)->machines;
  for (guint i = 0; i < machines->len; i++)
    if (g_strcmp0 (inn_machine_get_id (g_ptr_array_index (machines, i)), id) == 0)
      return g_ptr_array_index (machines, i);
  return NULL;
}

const char *
inn_connection_get_medium_refusal (InnConnection *self, InnMediumKind medium)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), NULL);

  return INN_CONNECTION_GET_CLASS (self)->get_medium_refusal (self, medium);
}

void
inn_connection_create_async (InnConnection *self,
                             const InnNewMachine *machine,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (INN_IS_CONNECTION (self));
  g_return_if_fail (machine != NULL);

  INN_CONNECTION_GET_CLASS (self)->create_async (self, machine, cancellable, callback, user_data);
}

InnMachine *
inn_connection_create_finish (InnConnection *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (INN_IS_CONNECTION (self), NULL);

  return INN_CONNECTION_GET_CLASS (self)->create_finish (self, result, error);
}

static gboolean
replace_text (char **field, const char *text)
{
  char *copy;

  if (g_strcmp0 (*field, text) == 0)
    return FALSE;
  copy = g_strdup (text);
  g_free (*field);
  *field = copy;
  return TRUE;
}

void
inn_connection_set_state (InnConnection *self, InnConnectionState state, const char *message)
{
  InnConnectionPrivate *priv;

  g_return_if_fail (INN_IS_CONNECTION (self));

  priv = PRIVATE (self);
  /* Both are set before anybody hears of either. */
  g_object_freeze_notify (G_OBJECT (self));
  if (replace_text (&priv->message, message))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
  if (priv->state != state)
    {
      priv->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

void
inn_connection_set_speed (InnConnection *self, InnSpeed speed, const char *text)
{
  InnConnectionPrivate *priv;
  gboolean changed;

  g_return_if_fail (INN_IS_CONNECTION (self));

  priv = PRIVATE (self);
  changed = replace_text (&priv->speed_text, text) || priv->speed != speed;
  priv->speed = speed;
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SPEED_TEXT]);
}

void
inn_connection_add_machine (InnConnection *self, InnMachine *machine)
{
  GPtrArray *machines;

  g_return_if_fail (INN_IS_CONNECTION (self));
  g_return_if_fail (INN_IS_MACHINE (machine));

  machines = PRIVATE (self)->machines;
  inn_machine_set_connection (machine, self);
  g_ptr_array_add (machines, g_object_ref (machine));
  g_list_model_items_changed (G_LIST_MODEL (self), machines->len - 1, 0, 1);
}

void
inn_connection_remove_machine (InnConnection *self, InnMachine *machine)
{
  g_autoptr (InnMachine) keep_alive = NULL;
  GPtrArray *machines;
  guint position;

  g_return_if_fail (INN_IS_CONNECTION (self));
  g_return_if_fail (INN_IS_MACHINE (machine));

  machines = PRIVATE (self)->machines;
  if (!g_ptr_array_find (machines, machine, &position))
    return;
  keep_alive = g_object_ref (machine);
  g_ptr_array_remove_index (machines, position);
  inn_machine_set_connection (machine, NULL);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}
