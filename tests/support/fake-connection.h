/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A place whose machines exist only in memory: they change state after a moment, their metrics
 * move, their serial lines speak. For tests of what stands on the model.
 */
#pragma once

#include "fake-hardware.h"
#include "fake-snapshots.h"
#include "model/connection.h"

G_BEGIN_DECLS

#define FAKE_TYPE_CONNECTION (fake_connection_get_type ())
G_DECLARE_FINAL_TYPE (FakeConnection, fake_connection, FAKE, CONNECTION, InnConnection)

FakeConnection *fake_connection_new (const char *title,
                                     const char *technique,
                                     InnSpeed speed,
                                     const char *speed_text);

/* Every later create, or NULL to make them work again, ends with this error. */
void fake_connection_set_create_error (FakeConnection *self, const GError *error);
/* Media it takes; all at first. */
void fake_connection_refuse_medium (FakeConnection *self, InnMediumKind medium, const char *reason);
/* Stays "opening" for this long when opened. */
void fake_connection_set_delay (FakeConnection *self, guint milliseconds);

#define FAKE_TYPE_MACHINE (fake_machine_get_type ())
G_DECLARE_FINAL_TYPE (FakeMachine, fake_machine, FAKE, MACHINE, InnMachine)

/* Adds one; borrowed. */
FakeMachine *fake_connection_add (FakeConnection *self,
                                  const char *name,
                                  InnMachineState state,
                                  guint vcpus,
                                  guint64 memory);
/* The files it says that it owns; they are removed with it. */
void fake_machine_set_storage (FakeMachine *self, const char *const *paths);
/* What its serial line says first. */
void fake_machine_set_output (FakeMachine *self, const char *output);
/* Whether somebody has read all of that. */
gboolean fake_machine_was_heard (FakeMachine *self);
/* Mean processor use its metrics move about. */
void fake_machine_set_load (FakeMachine *self, double load);
/* Whether it tells of exits, as only the engine's machines do. */
void fake_machine_set_tells_exits (FakeMachine *self, gboolean tells);
/* Fills the metrics with the last @seconds, so that graphs have a past. */
void fake_machine_invent_past (FakeMachine *self, guint seconds);
/* Every later @operation ends with this error; NULL: it works again. */
void fake_machine_set_error (FakeMachine *self, InnOperation operation, const GError *error);
/* What it is made of; borrowed. */
FakeHardware *fake_machine_get_hardware (FakeMachine *self);
/* Its snapshots; borrowed. */
FakeSnapshots *fake_machine_get_snapshots (FakeMachine *self);
/* Why it can never do @operation. */
void fake_machine_refuse (FakeMachine *self, InnOperation operation, const char *reason);

G_END_DECLS
