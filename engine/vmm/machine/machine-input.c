/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * No machine has a keyboard or a pointer yet.
 */
#include "machine/machine-input.h"

int machine_input(struct machine *machine, const struct input_event *event)
{
	return 0;
}
