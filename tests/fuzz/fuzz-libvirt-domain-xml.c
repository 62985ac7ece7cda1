/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Feeds domain XML to the reader, as another host's daemon could.
 */
#include "model/libvirt/domain-xml.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(InnDomainDescription) description =
		inn_domain_description_parse((const char *)data, (gssize)size, &error);
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autofree char *architecture = inn_capabilities_parse_architecture(text);

	g_assert_true(!architecture || strlen(architecture) <= size);
	g_assert_true((description == NULL) == (error != NULL));
	if (description != NULL) {
		g_assert_true(g_uuid_string_is_valid(description->uuid));
		g_assert_cmpuint(description->vcpus, >, 0);
		for (guint i = 0; description->made_disks[i] != NULL; i++)
			g_assert_true(g_path_is_absolute(description->made_disks[i]));
	}
	return 0;
}
