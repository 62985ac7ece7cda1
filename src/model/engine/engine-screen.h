/* SPDX-License-Identifier: GPL-3.0-or-later */
/* InnEngineScreen: the screen of an engine's guest as consoles want it. */
#pragma once

#include "engine/engine.h"
#include "model/shared-screen.h"

G_BEGIN_DECLS

#define INN_TYPE_ENGINE_SCREEN (inn_engine_screen_get_type ())
G_DECLARE_FINAL_TYPE (InnEngineScreen, inn_engine_screen, INN, ENGINE_SCREEN, GObject)

/* Takes over @screen. */
InnSharedScreen *inn_engine_screen_new (InnGuestScreen *screen);

G_END_DECLS
