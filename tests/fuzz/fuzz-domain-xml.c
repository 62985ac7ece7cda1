/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's definition from anywhere: parse, validate, edit, write, read again.
 */
#include <glib.h>
#include <stdint.h>
#include <string.h>

#include "machine-description.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was valid stays valid and the same when written and read again. */
static void check_round_trip(const InnMachineDescription *description)
{
	g_autofree char *xml = inn_machine_description_to_xml(description);
	g_autoptr(InnMachineDescription) again =
		inn_machine_description_parse(xml, strlen(xml), NULL);

	if (strlen(xml) > INN_MACHINE_DESCRIPTION_MAX_SIZE)
		return;
	g_assert_nonnull(again);
	g_assert_true(inn_machine_description_validate(again, NULL));
	g_assert_cmpstr(inn_machine_description_get_name(again), ==,
			inn_machine_description_get_name(description));
	g_assert_cmpuint(inn_machine_description_get_n_disks(again), ==,
			 inn_machine_description_get_n_disks(description));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(InnMachineDescription) description =
		inn_machine_description_parse((const char *)data, size, NULL);

	g_free(inn_machine_description_recover_name((const char *)data, size));
	if (!description || !inn_machine_description_validate(description, NULL))
		return 0;
	inn_machine_description_check_startable(description, NULL);
	check_round_trip(description);
	if (inn_machine_description_get_n_disks(description) < 32)
		inn_machine_description_add_disk(description, "/new.raw");
	inn_machine_description_set_cmdline(description, "quiet");
	check_round_trip(description);
	return 0;
}
