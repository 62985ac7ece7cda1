/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A machine's definition from anywhere: parse, validate, edit, write, read again.
 */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "machine-description-boot.h"
#include "machine-description-disks.h"
#include "machine-description-devices.h"
#include "machine-description-snapshots.h"
#include "machine-description-template.h"
#include "machine-description-video.h"

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

/* What can be read of any document, valid or not. */
static void read_all(const InnMachineDescription *description)
{
	g_array_unref(inn_machine_description_get_boot_order(description));
	inn_machine_description_get_firmware(description);
	inn_machine_description_get_boot_menu(description);
	inn_machine_description_get_video(description);
	inn_machine_description_has_balloon(description);
	inn_machine_description_get_vsock_cid(description);
	inn_machine_description_get_hyperv(description);
	g_strfreev(inn_machine_description_list_ports(description));
	g_free(inn_machine_description_get_loader(description));
	g_free(inn_machine_description_get_variables(description));
	g_free(inn_machine_description_get_variables_template(description));
	g_free(inn_machine_description_get_current_snapshot(description));
	g_free(inn_machine_description_get_resume_snapshot(description));
}

static bool has_room(const InnMachineDescription *description, InnDiskBus bus, guint max)
{
	const guint disks = inn_machine_description_get_n_disks(description);
	guint count = 0;

	for (guint i = 0; i < disks; i++)
		count += inn_machine_description_get_disk(description, i)->bus == bus;
	return disks < 32 && count < max;
}

/* Every change leaves a valid description valid. */
static void edit(InnMachineDescription *description)
{
	const InnVideo video = {.model = INN_VIDEO_VIRTIO, .width = 640, .height = 480};
	const char *const order[] = {"cdrom", "hd", NULL};
	g_autofree char *target = NULL;

	if (has_room(description, INN_DISK_BUS_VIRTIO, INN_MACHINE_MAX_VIRTIO_DISKS))
		inn_machine_description_add_disk(description, INN_DISK_DISK, INN_DISK_BUS_VIRTIO,
						 "/new.raw");
	if (inn_machine_description_get_n_disks(description) > 0) {
		target = g_strdup(inn_machine_description_get_disk(description, 0)->target);
		inn_machine_description_set_disk_path(description, target, "/other.raw");
		inn_machine_description_remove_disk(description, target);
	}
	inn_machine_description_set_current_snapshot(description,
						     "0f6ba3a4-6cb0-4a4d-8b6f-6d8b2d8f1a11");
	inn_machine_description_set_resume_snapshot(description, NULL);
	inn_machine_description_set_template(description,
					     !inn_machine_description_is_template(description));
	inn_machine_description_set_cmdline(description, "quiet");
	inn_machine_description_set_firmware(description, INN_FIRMWARE_UEFI);
	inn_machine_description_set_variables(description, "/variables.fd");
	inn_machine_description_set_video(description, &video);
	inn_machine_description_set_memory(description, 1 << 30);
	inn_machine_description_set_vcpus(description, 2);
	inn_machine_description_set_title(description, NULL);
	g_assert_true(inn_machine_description_set_boot_order(description, order, NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(InnMachineDescription) description =
		inn_machine_description_parse((const char *)data, size, NULL);

	g_free(inn_machine_description_recover_name((const char *)data, size));
	if (!description)
		return 0;
	read_all(description);
	if (!inn_machine_description_validate(description, NULL))
		return 0;
	inn_machine_description_check_startable(description, NULL);
	check_round_trip(description);
	edit(description);
	check_round_trip(description);
	return 0;
}
