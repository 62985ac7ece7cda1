/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words and icons of hardware. Pure; text that is not const is transfer full.
 */
#pragma once

#include "model/hardware.h"

G_BEGIN_DECLS

const char *inn_hardware_text_get_icon (InnDeviceKind kind);
/* "Serial number"; of a device with one setting, what the device is. */
const char *inn_hardware_text_get_setting_title (InnSettingId id);
/* What a choice is called: "BIOS", "1280 × 800". */
char *inn_hardware_text_get_choice (const char *word);
/* "8 GiB", "UEFI", "On". @hardware: whose devices the value names. */
char *inn_hardware_text_format_value (InnHardware *hardware, InnSettingId id, GVariant *value);

/* The line below a device's title: "fedora.raw · 18.4 of 64 GiB used · VirtIO". */
char *inn_hardware_text_describe (InnHardware *hardware, InnDevice *device);
/* What is to say below a setting: that it waits, or that it cannot be changed and why; NULL:
 * nothing. */
char *inn_hardware_text_describe_setting (InnHardware *hardware, const InnSetting *setting);
/* "2 changes wait for the next start" */
char *inn_hardware_text_count_pending (InnHardware *hardware);
/* "Memory 4 → 8 GiB, Disk 2 added" */
char *inn_hardware_text_list_pending (InnHardware *hardware);

/* "At once", "Next start" or, for what cannot be changed, NULL; and the icon for it. */
const char *inn_hardware_text_get_timing (InnTiming timing);
const char *inn_hardware_text_get_timing_icon (InnTiming timing);

G_END_DECLS
