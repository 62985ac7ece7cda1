/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Feeds the first bytes of a file to the prober. So that corpus files stay small, an input may
 * begin with "@ISO": the rest is then the volume descriptors, behind an empty system area.
 */
#include "model/medium-probe.h"

#include <stdint.h>
#include <string.h>

#define ISO_DESCRIPTORS (16 * 2048)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autofree guint8 *image = NULL;
	InnMediumKind kind;

	if (size > 4 && memcmp(data, "@ISO", 4) == 0) {
		image = g_malloc0(ISO_DESCRIPTORS + size - 4);
		memcpy(image + ISO_DESCRIPTORS, data + 4, size - 4);
		size += ISO_DESCRIPTORS - 4;
		data = image;
	}
	(void)inn_medium_probe_iso_size(data, size);
	kind = inn_medium_probe(data, size, &error);
	/* Either a kind or a reason. */
	g_assert_true((kind == INN_MEDIUM_NONE) == (error != NULL));
	return 0;
}
