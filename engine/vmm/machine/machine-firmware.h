/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Firmware in the machine: its image, and what it is told of the machine through fw_cfg.
 */
#pragma once

struct machine;

/* After all devices. Nothing when the machine has no firmware. Logs what stands in the way. */
int machine_create_firmware(struct machine *machine);
void machine_destroy_firmware(struct machine *machine);

/* At power-on and each reset, the vCPUs being in their power-on state. 0 or negative errno. */
int machine_load_firmware(struct machine *machine);
