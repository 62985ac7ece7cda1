/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The description of a snapshot from anywhere: what parses is within bounds and stays what it is
 * when written and read again.
 */
#include <stdint.h>

#include <glib.h>
#include <string.h>

#include "snapshot-record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(InnSnapshotRecord) record =
		inn_snapshot_record_parse((const char *)data, size, NULL);
	g_autoptr(InnSnapshotRecord) again = NULL;
	g_autofree char *text = NULL;

	if (!record)
		return 0;
	g_assert_true(inn_snapshot_record_check_name(record->name, NULL));
	g_assert_true(inn_snapshot_record_check_note(record->note, NULL));
	g_assert_true(!record->parent || g_uuid_string_is_valid(record->parent));
	text = inn_snapshot_record_to_text(record);
	again = inn_snapshot_record_parse(text, strlen(text), NULL);
	g_assert_nonnull(again);
	g_assert_cmpstr(again->name, ==, record->name);
	g_assert_cmpstr(again->note, ==, record->note);
	g_assert_cmpstr(again->parent, ==, record->parent);
	g_assert_cmpint(again->time, ==, record->time);
	g_assert_cmpuint(again->memory_bytes, ==, record->memory_bytes);
	return 0;
}
