/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The virtio keyboard and tablet as the input router sees them: pass the device that
 * virtio_keyboard_create() or virtio_tablet_create() made to input_router_add().
 */
#pragma once

#include "display/input-router.h"

extern const struct input_device_ops virtio_input_input_ops;
