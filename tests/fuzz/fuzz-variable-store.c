/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a store of UEFI variables, which a guest has written.
 */
#include <stdint.h>

#include <glib.h>

#include "variable-store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Both a whole file and the start of a larger one. */
	inn_variable_store_check(data, size, size);
	if (inn_variable_store_check(data, size, 0x84000))
		g_assert_cmpuint(size, >=, 72);
	return 0;
}
