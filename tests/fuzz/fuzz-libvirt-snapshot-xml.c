/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Feeds snapshot XML to the reader and the editor, as another host's daemon could. Several
 * snapshots follow each other, with a NUL between them.
 */
#include "model/libvirt/domain-snapshot-xml.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was changed is still a snapshot, and the same one. */
static void check_change(const char *xml, const InnDomainSnapshot *snapshot)
{
	g_autofree char *changed = inn_domain_snapshot_xml_change(xml, NULL, "note", TRUE, NULL);
	g_autoptr(InnDomainSnapshot) again = NULL;

	g_assert_nonnull(changed);
	again = inn_domain_snapshot_parse(changed, -1, NULL);
	if (again == NULL) {
		/* Printing makes it larger than what is read. */
		g_assert_cmpuint(strlen(changed), >, strlen(xml));
		return;
	}
	g_assert_cmpstr(again->id, ==, snapshot->id);
	g_assert_cmpstr(again->parent, ==, snapshot->parent);
	g_assert_cmpint(again->time, ==, snapshot->time);
}

static void check_forest(GPtrArray *snapshots)
{
	for (guint i = 0; i < snapshots->len; i++) {
		const InnDomainSnapshot *snapshot = g_ptr_array_index(snapshots, i);
		guint steps = 0;

		while (snapshot->parent != NULL) {
			guint k = 0;

			while (strcmp(((InnDomainSnapshot *)snapshots->pdata[k])->id,
				      snapshot->parent) != 0)
				g_assert_cmpuint(++k, <, snapshots->len);
			snapshot = snapshots->pdata[k];
			g_assert_cmpuint(steps++, <, snapshots->len);
		}
	}
}

static gboolean is_not_taken(const char *id, gpointer data)
{
	g_assert_null(strchr(id, '/'));
	g_assert_cmpuint(strlen(id), <, 140);
	return FALSE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GPtrArray) snapshots =
		g_ptr_array_new_with_free_func((GDestroyNotify)inn_domain_snapshot_free);

	while (size > 0 && snapshots->len < 64) {
		g_autofree char *xml = g_strndup((const char *)data, size);
		const size_t length = strlen(xml);
		g_autoptr(GError) error = NULL;
		InnDomainSnapshot *snapshot = inn_domain_snapshot_parse(xml, -1, &error);

		g_free(inn_domain_snapshot_choose_id(xml, is_not_taken, NULL));
		g_assert_true((snapshot == NULL) == (error != NULL));
		if (snapshot != NULL) {
			check_change(xml, snapshot);
			g_ptr_array_add(snapshots, snapshot);
		}
		data += MIN(length + 1, size);
		size -= MIN(length + 1, size);
	}
	inn_domain_snapshots_repair(snapshots);
	check_forest(snapshots);
	return 0;
}
