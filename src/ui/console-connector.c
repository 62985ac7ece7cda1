/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of a console connection.
 */
#include "config.h"

#include "ui/console-connector.h"

#define DRAIN_MS 2000

struct _InnConsoleConnector
{
  GObject parent_instance;

  InnMachine *machine;
  InnConsoleView *view;
  InnConsoleKind kind;
  GCancellable *opening; /* while a console is being opened */
  gboolean connected;
  guint n_failures; /* since the last connection */
  guint retry;      /* pending; 0: none */
  guint draining;   /* until what a guest said last must have been read; 0: it is not off */
  char *message;
};

G_DEFINE_FINAL_TYPE (InnConsoleConnector, inn_console_connector, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_MESSAGE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static void open_console (InnConsoleConnector *self);

static void
set_message (InnConsoleConnector *self, const char *message)
{
  if (g_strcmp0 (self->message, message) == 0)
    return;

  g_free (self->message);
  self->message = g_strdup (message);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
}

static gboolean
on_retry (gpointer user_data)
{
  InnConsoleConnector *self = user_data;

  self->retry = 0;
  open_console (self);
  return G_SOURCE_REMOVE;
}

/* After half a second, then less and less often: a guest that starts has its console soon. */
static void
retry_later (InnConsoleConnector *self)
{
  self->n_failures++;
  if (self->retry == 0)
    self->retry = g_timeout_add (MIN (500u << MIN (self->n_failures - 1, 4), 5000), on_retry, self);
}

typedef struct
{
  InnConsoleConnector *connector;
  GCancellable *cancellable;
} Attempt;

static void
attempt_free (Attempt *attempt)
{
  g_object_unref (attempt->connector);
  g_object_unref (attempt->cancellable);
  g_free (attempt);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Attempt, attempt_free)

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Attempt) attempt = user_data;
  InnConsoleConnector *self = attempt->connector;
  g_autoptr (GError) error = NULL;
  g_autoptr (InnConsoleEndpoint) endpoint
      = inn_machine_open_console_finish (INN_MACHINE (source), result, &error);

  /* Somebody let go of this attempt, and perhaps began another. */
  if (self->opening != attempt->cancellable)
    return;

  g_clear_object (&self->opening);
  if (endpoint == NULL)
    {
      /* The first refusals are the guest not being ready yet. */
      if (self->n_failures >= 3)
        set_message (self, error->message);
      retry_later (self);
      return;
    }

  self->connected = TRUE;
  self->n_failures = 0;
  set_message (self, NULL);
  inn_console_view_connect (self->view, g_steal_pointer (&endpoint));
}

static void
open_console (InnConsoleConnector *self)
{
  Attempt *attempt;

  if (self->connected || self->opening != NULL || self->view == NULL
      || !inn_machine_has_console (self->machine, self->kind))
    return;

  self->opening = g_cancellable_new ();
  attempt = g_new0 (Attempt, 1);
  attempt->connector = g_object_ref (self);
  attempt->cancellable = g_object_ref (self->opening);
  inn_machine_open_console_async (self->machine, self->kind, self->opening, on_opened, attempt);
}

static void
let_go (InnConsoleConnector *self, gboolean clear)
{
  if (self->opening != NULL)
    g_cancellable_cancel (self->opening);
  g_clear_object (&self->opening);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_clear_handle_id (&self->draining, g_source_remove);
  self->connected = FALSE;
  self->n_failures = 0;
  set_message (self, NULL);
  if (self->view != NULL)
    inn_console_view_disconnect (self->view, clear);
}

static gboolean
on_drained (gpointer user_data)
{
  InnConsoleConnector *self = user_data;

  self->draining = 0;
  let_go (self, /* clear= */ FALSE);
  return G_SOURCE_REMOVE;
}

/* The news that a guest is off may overtake its last words, which are still in the stream: a serial
 * line ends by itself. */
static void
end_connection (InnConsoleConnector *self)
{
  if (!self->connected || self->kind != INN_CONSOLE_SERIAL)
    let_go (self, /* clear= */ FALSE);
  else if (self->draining == 0)
    self->draining = g_timeout_add (DRAIN_MS, on_drained, self);
}

static void
on_state_changed (InnConsoleConnector *self)
{
  InnMachineState state = inn_machine_get_state (self->machine);

  if (!inn_machine_state_is_active (state))
    {
      end_connection (self);
      return;
    }

  if (self->draining != 0)
    let_go (self, /* clear= */ FALSE);

  if (!self->connected)
    inn_console_view_set_connecting (self->view);
  if (state != INN_MACHINE_STARTING)
    open_console (self);
  inn_console_view_set_paused (self->view,
                               state == INN_MACHINE_PAUSED || state == INN_MACHINE_NO_SPACE);
}

static void
on_disconnected (InnConsoleConnector *self)
{
  self->connected = FALSE;
  if (inn_machine_state_is_active (inn_machine_get_state (self->machine)))
    retry_later (self);
  else
    let_go (self, /* clear= */ FALSE);
}

static void
inn_console_connector_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_MESSAGE)
    g_value_set_string (value, INN_CONSOLE_CONNECTOR (object)->message);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
inn_console_connector_dispose (GObject *object)
{
  InnConsoleConnector *self = INN_CONSOLE_CONNECTOR (object);

  if (self->machine != NULL)
    let_go (self, /* clear= */ TRUE);
  if (self->view != NULL)
    g_object_remove_weak_pointer (G_OBJECT (self->view), (gpointer *)&self->view);
  self->view = NULL;
  g_clear_object (&self->machine);

  G_OBJECT_CLASS (inn_console_connector_parent_class)->dispose (object);
}

static void
inn_console_connector_finalize (GObject *object)
{
  g_free (INN_CONSOLE_CONNECTOR (object)->message);

  G_OBJECT_CLASS (inn_console_connector_parent_class)->finalize (object);
}

static void
inn_console_connector_class_init (InnConsoleConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = inn_console_connector_get_property;
  object_class->dispose = inn_console_connector_dispose;
  object_class->finalize = inn_console_connector_finalize;

  properties[PROP_MESSAGE]
      = g_param_spec_string ("message", NULL, NULL, NULL,
                             G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
inn_console_connector_init (InnConsoleConnector *self)
{
}

InnConsoleConnector *
inn_console_connector_new (InnMachine *machine, InnConsoleView *view)
{
  InnConsoleConnector *self;

  g_return_val_if_fail (INN_IS_MACHINE (machine), NULL);
  g_return_val_if_fail (INN_IS_CONSOLE_VIEW (view), NULL);

  self = g_object_new (INN_TYPE_CONSOLE_CONNECTOR, NULL);
  self->machine = g_object_ref (machine);
  self->view = view;
  g_object_add_weak_pointer (G_OBJECT (view), (gpointer *)&self->view);
  if (!inn_machine_get_screen_kind (machine, &self->kind))
    self->kind = INN_CONSOLE_SERIAL;
  g_signal_connect_object (view, "disconnected", G_CALLBACK (on_disconnected), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (machine, "notify::state", G_CALLBACK (on_state_changed), self,
                           G_CONNECT_SWAPPED);
  on_state_changed (self);

  return self;
}

void
inn_console_connector_set_kind (InnConsoleConnector *self, InnConsoleKind kind)
{
  g_return_if_fail (INN_IS_CONSOLE_CONNECTOR (self));

  if (self->kind == kind)
    return;

  let_go (self, /* clear= */ TRUE);
  self->kind = kind;
  on_state_changed (self);
}

InnConsoleKind
inn_console_connector_get_kind (InnConsoleConnector *self)
{
  g_return_val_if_fail (INN_IS_CONSOLE_CONNECTOR (self), INN_CONSOLE_VNC);

  return self->kind;
}

const char *
inn_console_connector_get_message (InnConsoleConnector *self)
{
  g_return_val_if_fail (INN_IS_CONSOLE_CONNECTOR (self), NULL);

  return self->message;
}
