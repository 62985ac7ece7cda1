/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A firmware descriptor from anywhere.
 */
#include <stdint.h>

#include "firmware.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, InnFirmware kind)
{
	g_auto(InnFirmwareFiles) files = {NULL};
	gboolean found = inn_firmware_match((const char *)data, size, kind, &files);

	g_assert_true(found == (files.image != NULL));
	g_assert_true((found && kind == INN_FIRMWARE_UEFI) == (files.variables_template != NULL));
	if (found)
		g_assert_true(g_path_is_absolute(files.image));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, INN_FIRMWARE_BIOS);
	check(data, size, INN_FIRMWARE_UEFI);
	return 0;
}
