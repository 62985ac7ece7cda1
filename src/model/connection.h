/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnConnection: a place where machines live. Abstract; back ends subclass it. It is a GListModel
 * of InnMachine. Main thread only.
 *
 * Properties, readable and notifying: "title" (the place as the user knows it, e.g. "This
 * computer") and "technique", both given at construction, "state" (InnConnectionState, as an int),
 * "message" (translated sentence about that state for a person, or NULL), "speed-text" (notified
 * when the speed changes too).
 */
#pragma once

#include <gio/gio.h>

#include "model/machine.h"
#include "model/new-machine.h"

G_BEGIN_DECLS

typedef enum
{
  INN_CONNECTION_CLOSED,
  INN_CONNECTION_OPENING,
  INN_CONNECTION_OPEN,
  INN_CONNECTION_BROKEN, /* it was open or should be; "message" says what is wrong */
} InnConnectionState;

/* How well this place runs new machines. */
typedef enum
{
  INN_SPEED_NONE,     /* it cannot run any */
  INN_SPEED_PARTIAL,  /* some run, but ordinary systems do not survive there */
  INN_SPEED_EMULATED, /* it can, slowly */
  INN_SPEED_FULL,
} InnSpeed;

#define INN_TYPE_CONNECTION (inn_connection_get_type ())
G_DECLARE_DERIVABLE_TYPE (InnConnection, inn_connection, INN, CONNECTION, GObject)

struct _InnConnectionClass
{
  GObjectClass parent_class;

  /* Starts opening; outcome in "state". May be called again when broken. Required. */
  void (*open) (InnConnection *self);
  /* Stops watching and drops all machines; guests run on. Required. */
  void (*close) (InnConnection *self);

  /* Makes a machine; finishes with it (owned by the connection, ref transferred). It is not
   * started. Required. */
  void (*create_async) (InnConnection *self,
                        const InnNewMachine *machine,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data);
  InnMachine *(*create_finish) (InnConnection *self, GAsyncResult *result, GError **error);

  /* Why it cannot make a machine from such a medium: at most 45 characters, translated, or NULL
   * when it can. Required. */
  const char *(*get_medium_refusal) (InnConnection *self, InnMediumKind medium);

  gpointer padding[8];
};

const char *inn_connection_get_title (InnConnection *self);
InnConnectionState inn_connection_get_state (InnConnection *self);
const char *inn_connection_get_message (InnConnection *self);
/* One word for the technique, for the wizard's choice of place: "KVM", "QEMU". */
const char *inn_connection_get_technique (InnConnection *self);
/* What the host check found; a sentence for the footer and the wizard, and the speed. */
InnSpeed inn_connection_get_speed (InnConnection *self);
const char *inn_connection_get_speed_text (InnConnection *self);

void inn_connection_open (InnConnection *self);
void inn_connection_close (InnConnection *self);
/* Borrowed, or NULL. */
InnMachine *inn_connection_find (InnConnection *self, const char *id);
const char *inn_connection_get_medium_refusal (InnConnection *self, InnMediumKind medium);

void inn_connection_create_async (InnConnection *self,
                                  const InnNewMachine *machine,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
InnMachine *
inn_connection_create_finish (InnConnection *self, GAsyncResult *result, GError **error);

/* For back ends. */
void inn_connection_set_state (InnConnection *self, InnConnectionState state, const char *message);
void inn_connection_set_speed (InnConnection *self, InnSpeed speed, const char *text);
void inn_connection_add_machine (InnConnection *self, InnMachine *machine);
void inn_connection_remove_machine (InnConnection *self, InnMachine *machine);

G_END_DECLS
