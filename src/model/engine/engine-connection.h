/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnEngineConnection: this computer, with the machines of our own engine.
 */
#pragma once

#include "engine/engine.h"
#include "model/connection.h"

G_BEGIN_DECLS

#define INN_TYPE_ENGINE_CONNECTION (inn_engine_connection_get_type ())
G_DECLARE_FINAL_TYPE (InnEngineConnection,
                      inn_engine_connection,
                      INN,
                      ENGINE_CONNECTION,
                      InnConnection)

/* @engine is not open yet; the connection opens and closes it. */
InnConnection *inn_engine_connection_new (InnEngine *engine);

G_END_DECLS
