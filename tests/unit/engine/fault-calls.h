/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls that change the disk, wrapped by the linker (fault_calls_link_args in meson.build), so
 * that one of them can be the last that happens, or fail.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FAULT_NONE,
  FAULT_KILL,  /* at that call, before it does anything */
  FAULT_ERROR, /* it fails, those after it do not */
  FAULT_FULL,  /* it and all after it that need space fail */
} Fault;

/* From now on, with the call of that number, from 1. */
void fault_calls_set (Fault kind, guint at);
/* How many there were since. */
guint fault_calls_count (void);

G_END_DECLS
