/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the users of clients do, on its way to the machine's keyboard and pointer.
 */
#pragma once

struct input_event;
struct machine;

/*
 * Hands a valid event to the device it is for; one that the machine has no device for is dropped.
 * 0. Main thread, device lock held.
 */
int machine_input(struct machine *machine, const struct input_event *event);
