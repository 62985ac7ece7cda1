/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What firmware is told of the machine, as items of fw_cfg (devices/fw-cfg.h).
 */
#pragma once

struct machine;

/* After all devices, once. Logs what stands in the way. 0 or negative errno. */
int firmware_items_add(struct machine *machine);
