/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * InnSharedMemorySource: a guest's screen in memory shared with its VMM. Its picture is that
 * memory: nothing is copied before it is drawn.
 */
#pragma once

#include "console/console-source.h"
#include "model/shared-screen.h"

G_BEGIN_DECLS

#define INN_TYPE_SHARED_MEMORY_SOURCE (inn_shared_memory_source_get_type ())
G_DECLARE_FINAL_TYPE (InnSharedMemorySource,
                      inn_shared_memory_source,
                      INN,
                      SHARED_MEMORY_SOURCE,
                      InnConsoleSource)

InnConsoleSource *inn_shared_memory_source_new (InnSharedScreen *screen);

G_END_DECLS
