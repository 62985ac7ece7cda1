/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hardware that exists only in memory. Processors, media, cables and ports change at once, the rest
 * at the next start. Port 8080 of this computer and the MAC address 52:54:00:00:00:01 are taken.
 */
#pragma once

#include "model/hardware.h"

G_BEGIN_DECLS

#define FAKE_TYPE_HARDWARE (fake_hardware_get_type ())
G_DECLARE_FINAL_TYPE (FakeHardware, fake_hardware, FAKE, HARDWARE, InnHardware)

FakeHardware *fake_hardware_new (void);

/* What a usual machine has. */
void fake_hardware_fill (FakeHardware *self, guint vcpus, guint64 memory);
/* Adds a disk of a file that need not be there. */
void fake_hardware_add_disk (FakeHardware *self, const char *path, guint64 size, guint64 used);
void fake_hardware_add_network (FakeHardware *self);
/* The guest starts with what is stored, or ends. */
void fake_hardware_set_running (FakeHardware *self, gboolean running);
/* Every later change ends with this error; NULL: they work again. */
void fake_hardware_set_error (FakeHardware *self, const GError *error);
/* Why no such device can be added. */
void fake_hardware_refuse (FakeHardware *self, InnDeviceKind kind, const char *reason);
/* Nothing can be changed, and why. */
void fake_hardware_fix (FakeHardware *self, const char *reason);

G_END_DECLS
