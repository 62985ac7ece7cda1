/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The volume descriptor of a CD image.
 */
#include <stdint.h>

#include "cd-image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	guint64 expected;

	if (inn_cd_image_judge(data, size, 1 << 20, &expected) == INN_CD_IMAGE_TRUNCATED)
		g_assert_cmpuint(expected, >, 1 << 20);
	return 0;
}
