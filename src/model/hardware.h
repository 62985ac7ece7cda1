/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnHardware: what a machine is made of, and what of it can be changed. Abstract; back ends
 * subclass it and keep it current. It is a GListModel of InnDevice: what is stored, in the order in
 * which a person would look for it. Objects stay as long as their device does. Main thread only.
 *
 * Signal "updated": something about it is new. It comes after the signals of devices and list.
 */
#pragma once

#include <gio/gio.h>

#include "model/hardware-change.h"

G_BEGIN_DECLS

/* What the running guest does not have yet, or still has. */
typedef enum
{
  INN_PENDING_SETTING,
  INN_PENDING_ADDED,
  INN_PENDING_REMOVED,
} InnPendingKind;

typedef struct
{
  InnPendingKind kind;
  InnDevice *device;    /* owned; for REMOVED the one that still runs */
  InnSettingId setting; /* SETTING */
} InnPendingChange;

#define INN_TYPE_HARDWARE (inn_hardware_get_type ())
G_DECLARE_DERIVABLE_TYPE (InnHardware, inn_hardware, INN, HARDWARE, GObject)

struct _InnHardwareClass
{
  GObjectClass parent_class;

  /* Carries out a change that passed the checks all back ends share, and updates before it
   * finishes; one at a time. Required where get_refusal() may say NULL. */
  void (*apply_async) (InnHardware *self,
                       const InnHardwareChange *change,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data);
  gboolean (*apply_finish) (InnHardware *self, GAsyncResult *result, GError **error);

  /* As inn_hardware_get_refusal(). Optional. */
  const char *(*get_refusal) (InnHardware *self);
  /* As inn_hardware_get_addition_refusal(). Required. */
  const char *(*get_addition_refusal) (InnHardware *self,
                                       InnDeviceKind kind,
                                       InnTiming *ret_timing);

  gpointer padding[8];
};

/* Whether there is a guest that may have something else than what is stored. */
gboolean inn_hardware_is_running (InnHardware *self);
/* Borrowed, or NULL. */
InnDevice *inn_hardware_find (InnHardware *self, const char *id);
/* What waits for the next start. Borrowed until it is updated: of InnPendingChange. */
GPtrArray *inn_hardware_get_pending (InnHardware *self);
/* Why nothing at all can be changed, translated, at most 45 characters; NULL: it can. */
const char *inn_hardware_get_refusal (InnHardware *self);
/* Why no (other) device of that kind can be added now, translated, at most 45 characters; NULL: it
 * can be, and *@ret_timing says when it appears. */
const char *
inn_hardware_get_addition_refusal (InnHardware *self, InnDeviceKind kind, InnTiming *ret_timing);

/* Stores a change, after those that were asked for before. What cannot be done leaves all as it was
 * and ends with one sentence. */
void inn_hardware_apply_async (InnHardware *self,
                               const InnHardwareChange *change,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
gboolean inn_hardware_apply_finish (InnHardware *self, GAsyncResult *result, GError **error);

/* For back ends: what is stored now, and what the running guest has; NULL: none runs. Both of
 * InnDevice and taken over. */
void inn_hardware_update (InnHardware *self, GPtrArray *stored, GPtrArray *running);

G_END_DECLS
