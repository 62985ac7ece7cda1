/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's keyboards and pointers, and what the users of clients do on its way to them. A
 * machine with firmware has PS/2 ones, which firmware is operated with; one with a screen has
 * virtio ones too, for systems with drivers. Messages are logged. Main thread, device lock held.
 */
#pragma once

#include <stdint.h>

struct input_event;
struct machine;

/* Those on the board, plugged into the keyboard controller. 0 or negative errno. */
int machine_create_ps2_input(struct machine *machine);
/* After the screen: those on the bus, and the way to all of them. 0 or negative errno. */
int machine_create_input(struct machine *machine, uint8_t keyboard_devfn, uint8_t tablet_devfn);
/* Half-built ones are accepted. The bus must still be there, the keyboard controller not. */
void machine_destroy_ps2_input(struct machine *machine);
void machine_destroy_input(struct machine *machine);
void machine_reset_input(struct machine *machine);

/*
 * Hands a valid event to the device it is for; one that the machine has no device for is dropped.
 * 0.
 */
int machine_input(struct machine *machine, const struct input_event *event);
