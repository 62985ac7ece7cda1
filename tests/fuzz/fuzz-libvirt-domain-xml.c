/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Feeds domain XML to the reader and to what makes clones of it, as another host's daemon could.
 */
#include "model/libvirt/domain-clone-xml.h"
#include "model/libvirt/domain-xml.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of what can be cloned there is a clone that is a machine of its own. */
static void check_clone(const char *xml)
{
	static const char uuid[] = "0b1c2d3e-4f50-4172-8394-a5b6c7d8e9f0";
	g_autoptr(InnDomainCloneSource) source = inn_domain_clone_source_parse(xml, -1, NULL);
	g_autoptr(InnDomainDescription) clone = NULL;
	g_autofree const char **disks = NULL;
	g_autofree char *text = NULL;
	InnDomainClonePlan plan = {.uuid = uuid, .name = "clone"};

	if (source == NULL)
		return;
	disks = g_new0(const char *, source->disks->len + 1);
	for (guint i = 0; i < source->disks->len; i++)
		disks[i] = "/new";
	plan.disks = disks;
	plan.bases = (const char *const *)source->made_disks;
	text = inn_domain_clone_xml_build(xml, &plan, NULL);
	g_assert_nonnull(text);
	clone = inn_domain_description_parse(text, -1, NULL);
	/* Printing may have made it larger than what is read. */
	if (clone == NULL) {
		g_assert_cmpuint(strlen(text), >, strlen(xml));
		return;
	}
	g_assert_cmpstr(clone->uuid, ==, uuid);
	g_assert_cmpuint(clone->storage.n_disks, <=, source->disks->len);
}

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
	g_free(inn_domain_clone_find_variables(text));
	check_clone(text);
	return 0;
}
