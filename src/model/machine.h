/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnMachine: one machine, whatever runs it. Abstract; back ends subclass it.
 *
 * Properties, all readable and notifying on the main thread: "id" (UUID as text, constant),
 * "name", "state" (InnMachineState, as an int), "status-text" (translated reason for a person, or
 * NULL: why it crashed, what is full, that it runs in emulation), "kind" (InnMachineKind, as an
 * int), "vcpus", "memory" (bytes). "id" and "name" are given at construction.
 */
#pragma once

#include <gio/gio.h>

#include "model/console-endpoint.h"
#include "model/hardware.h"
#include "model/machine-state.h"
#include "model/metrics.h"
#include "model/snapshots.h"

G_BEGIN_DECLS

typedef struct _InnConnection InnConnection;

#define INN_TYPE_MACHINE (inn_machine_get_type ())
G_DECLARE_DERIVABLE_TYPE (InnMachine, inn_machine, INN, MACHINE, GObject)

struct _InnMachineClass
{
  GObjectClass parent_class;

  /*
   * Carries out @operation; finishes when it is under way (start, shut down) or done (the rest).
   * Called only when inn_machine_can() said yes. Required.
   */
  void (*run_async) (InnMachine *self,
                     InnOperation operation,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data);
  gboolean (*run_finish) (InnMachine *self, GAsyncResult *result, GError **error);

  /* Why this back end cannot do @operation at all: a translated reason of at most 45 characters,
   * or NULL when it can. Optional. */
  const char *(*get_refusal) (InnMachine *self, InnOperation operation);

  /* Whether the machine, as it is defined, has such a console. Required. */
  gboolean (*has_console) (InnMachine *self, InnConsoleKind kind);
  /* Opens it; finishes with an endpoint that the caller owns, or NULL. Required. */
  void (*open_console_async) (InnMachine *self,
                              InnConsoleKind kind,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
  InnConsoleEndpoint *(*open_console_finish) (InnMachine *self,
                                              GAsyncResult *result,
                                              GError **error);

  /* Somebody looks at the metrics (or no longer): sample at the best rate. Optional. */
  void (*set_watched) (InnMachine *self, gboolean watched);
  /* Push a fresh reading now if that costs nothing (the engine's shared page). Optional. */
  void (*refresh_metrics) (InnMachine *self);

  /* The files that DELETE would remove: paths, NULL-terminated, transfer full. Required. */
  GStrv (*list_storage) (InnMachine *self);

  /* What it is made of; borrowed, always the same, never NULL. Required. */
  InnHardware *(*get_hardware) (InnMachine *self);

  /* The moments one can go back to; borrowed, always the same, never NULL. Required. */
  InnSnapshots *(*get_snapshots) (InnMachine *self);

  gpointer padding[8];
};

const char *inn_machine_get_id (InnMachine *self);
const char *inn_machine_get_name (InnMachine *self);
InnMachineState inn_machine_get_state (InnMachine *self);
const char *inn_machine_get_status_text (InnMachine *self);
InnMachineKind inn_machine_get_kind (InnMachine *self);
guint inn_machine_get_vcpus (InnMachine *self);
guint64 inn_machine_get_memory (InnMachine *self);
/* g_get_real_time() when it was last started or stopped; 0 when unknown. */
gint64 inn_machine_get_changed_time (InnMachine *self);
/* Whether the guest runs in software emulation. */
gboolean inn_machine_is_emulated (InnMachine *self);
/* The place it lives in; borrowed, NULL once the connection is gone. */
InnConnection *inn_machine_get_connection (InnMachine *self);
/* Its series; borrowed, never NULL. */
InnMetrics *inn_machine_get_metrics (InnMachine *self);

/* Whether @operation is possible now; if not, *@reason (may be NULL) says why, translated. What is
 * not possible finishes with INN_ERROR_NOT_SUPPORTED and that reason. */
gboolean inn_machine_can (InnMachine *self, InnOperation operation, const char **reason);

void inn_machine_run_async (InnMachine *self,
                            InnOperation operation,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
gboolean inn_machine_run_finish (InnMachine *self, GAsyncResult *result, GError **error);

gboolean inn_machine_has_console (InnMachine *self, InnConsoleKind kind);
/* The best way to see its screen. FALSE: it has none. */
gboolean inn_machine_get_screen_kind (InnMachine *self, InnConsoleKind *kind);
void inn_machine_open_console_async (InnMachine *self,
                                     InnConsoleKind kind,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
/* Transfer full, or NULL. */
InnConsoleEndpoint *
inn_machine_open_console_finish (InnMachine *self, GAsyncResult *result, GError **error);

/* Counted: every TRUE needs a FALSE. */
void inn_machine_set_watched (InnMachine *self, gboolean watched);
void inn_machine_refresh_metrics (InnMachine *self);
GStrv inn_machine_list_storage (InnMachine *self);
/* What it is made of; borrowed, always the same. */
InnHardware *inn_machine_get_hardware (InnMachine *self);
/* Its snapshots, and how it is cloned; borrowed, always the same. */
InnSnapshots *inn_machine_get_snapshots (InnMachine *self);

/* For back ends. */
void inn_machine_set_name (InnMachine *self, const char *name);
void inn_machine_set_state (InnMachine *self, InnMachineState state, const char *status_text);
void inn_machine_set_kind (InnMachine *self, InnMachineKind kind);
void inn_machine_set_shape (InnMachine *self, guint vcpus, guint64 memory);
void inn_machine_set_changed_time (InnMachine *self, gint64 real_time_us);
void inn_machine_set_emulated (InnMachine *self, gboolean emulated);

G_END_DECLS
