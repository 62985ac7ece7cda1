/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's screen and the adapter that shows something on it. Whichever adapter it is, it is a
 * VGA first; a virtio-gpu's driver takes the screen over. Messages are logged.
 */
#pragma once

#include <stdint.h>

struct machine;

/* devfn: of the adapter. 0, also where the machine shall have none, or negative errno. */
int machine_create_display(struct machine *machine, uint8_t devfn);
/* Also for what machine_create_display() has left half done. */
void machine_destroy_display(struct machine *machine);
/* What the functions' own resets do not reach. */
void machine_reset_display(struct machine *machine);
