/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every machine has, whatever runs it. */
#include "model/machine.h"

#include <glib/gi18n.h>

#include "model/connection.h"
#include "model/error.h"
#include "model/machine-private.h"

typedef struct
{
  char *id;
  char *name;
  char *status_text;
  InnMachineState state;
  InnMachineKind kind;
  guint vcpus;
  guint64 memory;
  gint64 changed_time;
  gboolean emulated;
  guint watchers;
  InnConnection *connection; /* weak */
  InnMetrics *metrics;
} InnMachinePrivate;

enum
{
  PROP_0,
  PROP_ID,
  PROP_NAME,
  PROP_STATE,
  PROP_STATUS_TEXT,
  PROP_KIND,
  PROP_VCPUS,
  PROP_MEMORY,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (InnMachine, inn_machine, G_TYPE_OBJECT)

/* Marks the results of operations that were refused before the back end saw them. */
static char refused[] = "refused";

#define PRIVATE(self) ((InnMachinePrivate *)inn_machine_get_instance_private (self))

static void
inn_machine_dispose (GObject *object)
{
  inn_machine_set_connection (INN_MACHINE (object), NULL);

  G_OBJECT_CLASS (inn_machine_parent_class)->dispose (object);
}

static void
inn_machine_finalize (GObject *object)
{
  InnMachinePrivate *priv = PRIVATE (INN_MACHINE (object));

  g_free (priv->id);
  g_free (priv->name);
  g_free (priv->status_text);
  g_object_unref (priv->metrics);

  G_OBJECT_CLASS (inn_machine_parent_class)->finalize (object);
}

static void
inn_machine_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  InnMachinePrivate *priv = PRIVATE (INN_MACHINE (object));

  switch (property_id)
    {
    case PROP_ID:
      g_value_set_string (value, priv->id);
      break;
    case PROP_NAME:
      g_value_set_string (value, priv->name);
      break;
    case PROP_STATE:
      g_value_set_int (value, (int)priv->state);
      break;
    case PROP_STATUS_TEXT:
      g_value_set_string (value, priv->status_text);
      break;
    case PROP_KIND:
      g_value_set_int (value, (int)priv->kind);
      break;
    case PROP_VCPUS:
      g_value_set_uint (value, priv->vcpus);
      break;
    case PROP_MEMORY:
      g_value_set_uint64 (value, priv->memory);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
inn_machine_set_property (GObject *object,
                          guint property_id,
                          const GValue *value,
                          GParamSpec *pspec)
{
  InnMachinePrivate *priv = PRIVATE (INN_MACHINE (object));

  switch (property_id)
    {
    case PROP_ID:
      priv->id = g_value_dup_string (value);
      break;
    case PROP_NAME:
      inn_machine_set_name (INN_MACHINE (object), g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
inn_machine_class_init (InnMachineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->dispose = inn_machine_dispose;
  object_class->finalize = inn_machine_finalize;
  object_class->get_property = inn_machine_get_property;
  object_class->set_property = inn_machine_set_property;

  properties[PROP_ID] = g_param_spec_string ("id", NULL, NULL, "",
                                             readable | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY);
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, "",
                                               readable | G_PARAM_WRITABLE | G_PARAM_CONSTRUCT);
  properties[PROP_STATE] = g_param_spec_int ("state", NULL, NULL, INN_MACHINE_OFF,
                                             INN_MACHINE_SAVED, INN_MACHINE_OFF, readable);
  properties[PROP_STATUS_TEXT] = g_param_spec_string ("status-text", NULL, NULL, NULL, readable);
  properties[PROP_KIND] = g_param_spec_int ("kind", NULL, NULL, INN_MACHINE_ORDINARY,
                                            INN_MACHINE_TEMPLATE, INN_MACHINE_ORDINARY, readable);
  properties[PROP_VCPUS] = g_param_spec_uint ("vcpus", NULL, NULL, 0, G_MAXUINT, 0, readable);
  properties[PROP_MEMORY] = g_param_spec_uint64 ("memory", NULL, NULL, 0, G_MAXUINT64, 0, readable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
inn_machine_init (InnMachine *self)
{
  PRIVATE (self)->metrics = inn_metrics_new ();
}

const char *
inn_machine_get_id (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return PRIVATE (self)->id;
}

const char *
inn_machine_get_name (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return PRIVATE (self)->name;
}

InnMachineState
inn_machine_get_state (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), INN_MACHINE_OFF);

  return PRIVATE (self)->state;
}

const char *
inn_machine_get_status_text (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return PRIVATE (self)->status_text;
}

InnMachineKind
inn_machine_get_kind (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), INN_MACHINE_ORDINARY);

  return PRIVATE (self)->kind;
}

guint
inn_machine_get_vcpus (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), 0);

  return PRIVATE (self)->vcpus;
}

guint64
inn_machine_get_memory (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), 0);

  return PRIVATE (self)->memory;
}

gint64
inn_machine_get_changed_time (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), 0);

  return PRIVATE (self)->changed_time;
}

gboolean
inn_machine_is_emulated (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), FALSE);

  return PRIVATE (self)->emulated;
}

InnConnection *
inn_machine_get_connection (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return PRIVATE (self)->connection;
}

InnMetrics *
inn_machine_get_metrics (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return PRIVATE (self)->metrics;
}

/* Why an operation that the state does not allow is not possible now. */
static const char *
get_state_reason (InnMachineState state)
{
  switch (state)
    {
    case INN_MACHINE_OFF:
    case INN_MACHINE_CRASHED:
      return _ ("The machine is off");
    case INN_MACHINE_STARTING:
      return _ ("The machine is starting");
    case INN_MACHINE_RUNNING:
      return _ ("The machine is running");
    case INN_MACHINE_SHUTTING_DOWN:
      return _ ("The machine is shutting down");
    case INN_MACHINE_SAVED:
      return _ ("The machine is saved");
    case INN_MACHINE_PAUSED:
    case INN_MACHINE_NO_SPACE:
    default:
      return _ ("The machine is paused");
    }
}

/* The same of one that a machine of that kind does not allow. */
static const char *
get_kind_reason (InnMachineKind kind)
{
  switch (kind)
    {
    case INN_MACHINE_DISPOSABLE:
      return _ ("This run is thrown away when it ends");
    case INN_MACHINE_TEMPLATE:
      return _ ("A template stays as it is: clone it");
    case INN_MACHINE_ORDINARY:
    default:
      return _ ("It is not a template");
    }
}

gboolean
inn_machine_can (InnMachine *self, InnOperation operation, const char **reason)
{
  InnMachineClass *klass;
  InnMachineState state;
  const char *why = NULL;

  g_return_val_if_fail (INN_IS_MACHINE (self), FALSE);

  klass = INN_MACHINE_GET_CLASS (self);
  state = PRIVATE (self)->state;
  if (klass->get_refusal != NULL)
    why = klass->get_refusal (self, operation);
  if (why == NULL && !inn_machine_state_allows (state, operation))
    why = get_state_reason (state);
  if (why == NULL && !inn_machine_kind_allows (PRIVATE (self)->kind, operation))
    why = get_kind_reason (PRIVATE (self)->kind);

  if (reason != NULL)
    *reason = why;
  return why == NULL;
}

void
inn_machine_run_async (InnMachine *self,
                       InnOperation operation,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  const char *reason;

  g_return_if_fail (INN_IS_MACHINE (self));

  if (inn_machine_can (self, operation, &reason))
    INN_MACHINE_GET_CLASS (self)->run_async (self, operation, cancellable, callback, user_data);
  else
    g_task_report_new_error (self, callback, user_data, refused, INN_ERROR, INN_ERROR_NOT_SUPPORTED,
                             "%s", reason);
}

gboolean
inn_machine_run_finish (InnMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), FALSE);

  if (g_async_result_is_tagged (result, refused))
    return g_task_propagate_boolean (G_TASK (result), error);
  return INN_MACHINE_GET_CLASS (self)->run_finish (self, result, error);
}

gboolean
inn_machine_has_console (InnMachine *self, InnConsoleKind kind)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), FALSE);

  return INN_MACHINE_GET_CLASS (self)->has_console (self, kind);
}

gboolean
inn_machine_get_screen_kind (InnMachine *self, InnConsoleKind *kind)
{
  static const InnConsoleKind kinds[] = { INN_CONSOLE_SCREEN, INN_CONSOLE_VNC };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (inn_machine_has_console (self, kinds[i]))
      {
        *kind = kinds[i];
        return TRUE;
      }

  return FALSE;
}

void
inn_machine_open_console_async (InnMachine *self,
                                InnConsoleKind kind,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data)
{
  g_return_if_fail (INN_IS_MACHINE (self));

  INN_MACHINE_GET_CLASS (self)->open_console_async (self, kind, cancellable, callback, user_data);
}

InnConsoleEndpoint *
inn_machine_open_console_finish (InnMachine *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return INN_MACHINE_GET_CLASS (self)->open_console_finish (self, result, error);
}

void
inn_machine_set_watched (InnMachine *self, gboolean watched)
{
  InnMachineClass *klass;
  InnMachinePrivate *priv;
  gboolean before;

  g_return_if_fail (INN_IS_MACHINE (self));

  klass = INN_MACHINE_GET_CLASS (self);
  priv = PRIVATE (self);
  g_return_if_fail (watched || priv->watchers > 0);

  before = priv->watchers > 0;
  priv->watchers = watched ? priv->watchers + 1 : priv->watchers - 1;
  if (klass->set_watched != NULL && before != (priv->watchers > 0))
    klass->set_watched (self, watched);
}

void
inn_machine_refresh_metrics (InnMachine *self)
{
  g_return_if_fail (INN_IS_MACHINE (self));

  if (INN_MACHINE_GET_CLASS (self)->refresh_metrics != NULL)
    INN_MACHINE_GET_CLASS (self)->refresh_metrics (self);
}

GStrv
inn_machine_list_storage (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return INN_MACHINE_GET_CLASS (self)->list_storage (self);
}

InnHardware *
inn_machine_get_hardware (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return INN_MACHINE_GET_CLASS (self)->get_hardware (self);
}

InnSnapshots *
inn_machine_get_snapshots (InnMachine *self)
{
  g_return_val_if_fail (INN_IS_MACHINE (self), NULL);

  return INN_MACHINE_GET_CLASS (self)->get_snapshots (self);
}

/* Takes a copy of @text; whether it differs from what was there. */
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
inn_machine_set_name (InnMachine *self, const char *name)
{
  g_return_if_fail (INN_IS_MACHINE (self));
  g_return_if_fail (name != NULL);

  if (replace_text (&PRIVATE (self)->name, name))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_NAME]);
}

void
inn_machine_set_state (InnMachine *self, InnMachineState state, const char *status_text)
{
  InnMachinePrivate *priv;

  g_return_if_fail (INN_IS_MACHINE (self));

  priv = PRIVATE (self);
  /* Both are set before anybody hears of either. */
  g_object_freeze_notify (G_OBJECT (self));
  if (replace_text (&priv->status_text, status_text))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATUS_TEXT]);
  if (priv->state != state)
    {
      priv->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

void
inn_machine_set_kind (InnMachine *self, InnMachineKind kind)
{
  g_return_if_fail (INN_IS_MACHINE (self));

  if (PRIVATE (self)->kind == kind)
    return;

  PRIVATE (self)->kind = kind;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_KIND]);
}

void
inn_machine_set_shape (InnMachine *self, guint vcpus, guint64 memory)
{
  InnMachinePrivate *priv;

  g_return_if_fail (INN_IS_MACHINE (self));

  priv = PRIVATE (self);
  g_object_freeze_notify (G_OBJECT (self));
  if (priv->vcpus != vcpus)
    {
      priv->vcpus = vcpus;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VCPUS]);
    }
  if (priv->memory != memory)
    {
      priv->memory = memory;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MEMORY]);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

void
inn_machine_set_changed_time (InnMachine *self, gint64 real_time_us)
{
  g_return_if_fail (INN_IS_MACHINE (self));

  PRIVATE (self)->changed_time = real_time_us;
}

void
inn_machine_set_emulated (InnMachine *self, gboolean emulated)
{
  g_return_if_fail (INN_IS_MACHINE (self));

  PRIVATE (self)->emulated = emulated;
}

void
inn_machine_set_connection (InnMachine *self, InnConnection *connection)
{
  InnMachinePrivate *priv = PRIVATE (self);

  g_set_weak_pointer (&priv->connection, connection);
}
