/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnEngineSnapshots: the snapshots of a machine of our own engine: follows an InnGuest.
 */
#pragma once

#include "engine/guest.h"
#include "model/snapshots.h"

G_BEGIN_DECLS

#define INN_TYPE_ENGINE_SNAPSHOTS (inn_engine_snapshots_get_type ())
G_DECLARE_FINAL_TYPE (InnEngineSnapshots, inn_engine_snapshots, INN, ENGINE_SNAPSHOTS, InnSnapshots)

InnSnapshots *inn_engine_snapshots_new (InnGuest *guest);

G_END_DECLS
