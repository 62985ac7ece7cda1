/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnEngineHardware: what a machine of our own engine is made of: its definition, beside what it
 * was started with.
 */
#pragma once

#include "engine/engine.h"
#include "model/hardware.h"

G_BEGIN_DECLS

#define INN_TYPE_ENGINE_HARDWARE (inn_engine_hardware_get_type ())
G_DECLARE_FINAL_TYPE (InnEngineHardware, inn_engine_hardware, INN, ENGINE_HARDWARE, InnHardware)

InnHardware *inn_engine_hardware_new (InnEngine *engine, InnGuest *guest);

G_END_DECLS
