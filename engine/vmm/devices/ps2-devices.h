/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is plugged into the keyboard controller: a keyboard and a mouse with a wheel. Destroy
 * functions accept NULL; the controller must be gone. They are reset by the controller. Device lock
 * held or before the vCPUs run. save and load are as in devices.h, load before the controller's.
 */
#pragma once

#include "display/input-router.h"

struct ps2_port;
struct state_reader;
struct state_writer;

struct ps2_keyboard;
int ps2_keyboard_create(struct ps2_keyboard **ret_keyboard);
void ps2_keyboard_destroy(struct ps2_keyboard *keyboard);
struct ps2_port *ps2_keyboard_port(struct ps2_keyboard *keyboard);
/* For input_router_add() with the keyboard. */
extern const struct input_device_ops ps2_keyboard_input_ops;
enum { PS2_KEYBOARD_STATE_VERSION = 1 };
void ps2_keyboard_save(const struct ps2_keyboard *keyboard, struct state_writer *writer);
int ps2_keyboard_load(struct ps2_keyboard *keyboard, struct state_reader *reader);

struct ps2_mouse;
int ps2_mouse_create(struct ps2_mouse **ret_mouse);
void ps2_mouse_destroy(struct ps2_mouse *mouse);
struct ps2_port *ps2_mouse_port(struct ps2_mouse *mouse);
/* For input_router_add() with the mouse. */
extern const struct input_device_ops ps2_mouse_input_ops;
enum { PS2_MOUSE_STATE_VERSION = 1 };
void ps2_mouse_save(const struct ps2_mouse *mouse, struct state_writer *writer);
int ps2_mouse_load(struct ps2_mouse *mouse, struct state_reader *reader);
