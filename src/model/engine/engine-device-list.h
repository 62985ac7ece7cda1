/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a description of the engine's is made of, as devices. Looks at the files it names.
 */
#pragma once

#include "engine/engine.h"
#include "model/device.h"

G_BEGIN_DECLS

/* @made: the paths of files made for this machine. Transfer full: of InnDevice. */
GPtrArray *inn_engine_device_list_new (const InnMachineDescription *description,
                                       const char *const *made);

/* The word of a setting for a display adapter, and back; FALSE when it is none. */
gboolean inn_engine_adapter_parse (const char *word, InnVideoModel *ret_model);

G_END_DECLS
