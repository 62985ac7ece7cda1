/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The generation ID that a machine starts with: another one when it does not go on from where it
 * was last, by which its system knows (the VMM's --vmgenid). Pure.
 */
#pragma once

#include "machine-description.h"

G_BEGIN_DECLS

/*
 * For one that starts anew. Going back to a snapshot and cloning give its disks new layers, so that
 * the machine and the layers together tell one course of events from another; a new layer for any
 * other reason is taken for one too, which does no harm. Transfer full.
 */
char *inn_launch_generation_new (const InnMachineDescription *description);

G_END_DECLS
