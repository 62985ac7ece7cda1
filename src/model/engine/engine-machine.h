/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnEngineMachine: one machine of our own engine.
 */
#pragma once

#include "engine/engine.h"
#include "model/machine.h"

G_BEGIN_DECLS

#define INN_TYPE_ENGINE_MACHINE (inn_engine_machine_get_type ())
G_DECLARE_FINAL_TYPE (InnEngineMachine, inn_engine_machine, INN, ENGINE_MACHINE, InnMachine)

InnEngineMachine *inn_engine_machine_new (InnEngine *engine, InnGuest *guest);

G_END_DECLS
