/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "base/log.h"
#include "boot/firmware.h"
#include "config.h"
#include "devices/fw-cfg.h"
#include "machine/firmware-items.h"
#include "machine/host-files.h"
#include "machine/machine-restore.h"
#include "machine/machine.h"

static int report(int r, const char *what)
{
	if (r < 0)
		log_error("%s could not be set up: %s.", what, strerror(-r));
	return r;
}

static struct file_reference image_reference(const struct machine_config *config)
{
	const struct file_reference installed = {
		.path = config->firmware == FIRMWARE_BIOS ? BIOS_IMAGE : UEFI_IMAGE, .fd = -1};

	return file_reference_is_given(&config->firmware_image) ? config->firmware_image
								: installed;
}

static int create_image(struct machine *machine)
{
	const struct file_reference file = image_reference(machine->config);
	int r = host_file_open(&file, O_RDONLY, &machine->firmware_fd);
	char name[FILE_NAME_SIZE];
	const char *problem;

	if (r < 0)
		return r;
	r = firmware_create(machine->firmware_fd, machine->config->firmware == FIRMWARE_BIOS,
			    machine->slots, &machine->firmware, &problem);
	if (r < 0) {
		file_reference_name(&file, name);
		log_error("%s %s.", name, problem);
	}
	return r;
}

static void on_variables_failed(void *data, int error)
{
	struct machine *machine = data;

	log_error("The UEFI variables could not be written: %s.", strerror(-error));
	machine_requests_note(&machine->requests, REQUEST_STORAGE_ERROR, error, NULL);
}

static int create_chip(struct machine *machine, uint64_t size, int fd)
{
	const struct pflash_host host = {machine->mmio, machine->slots, machine->loop};
	const struct pflash_store store = {machine->variables_fd, on_variables_failed, machine};

	return pflash_create(&host, firmware_base(machine->firmware) - size, size, fd, &store,
			     &machine->variables);
}

/* What is installed, or a file for what was saved. */
static int open_fresh(const struct machine *machine, const struct file_reference *installed,
		      int *ret_fd)
{
	if (!machine_is_restored(machine))
		return host_file_open(installed, O_RDONLY, ret_fd);
	*ret_fd = memfd_create("innkeeper-variables", MFD_CLOEXEC);
	return report(*ret_fd < 0 ? -errno : 0, "The UEFI variables");
}

/* Without a file of its own the machine starts with fresh ones and forgets them. */
static int create_variables(struct machine *machine)
{
	const struct file_reference *given = &machine->config->variables;
	const struct file_reference installed = {.path = UEFI_VARIABLES, .fd = -1};
	bool keep = file_reference_is_given(given);
	const struct file_reference *file = keep ? given : &installed;
	uint64_t size = firmware_variables_size(machine->firmware);
	char name[FILE_NAME_SIZE];
	int fd, r;

	if (size == 0 && !keep)
		return 0;
	r = keep ? host_file_open(file, O_RDWR, &fd) : open_fresh(machine, file, &fd);
	if (r < 0)
		return r;
	if (keep)
		machine->variables_fd = fd;
	r = machine_restore_flash(machine, size, fd);
	if (r < 0)
		goto close;
	r = size > 0 ? create_chip(machine, size, fd) : -EINVAL;
	file_reference_name(file, name);
	if (r == -EINVAL)
		log_error("%s does not belong to this firmware, which keeps %llu bytes of "
			  "variables.",
			  name, (unsigned long long)size);
	else if (r < 0)
		log_error("%s cannot be used for variables: %s.", name, strerror(-r));
close:
	if (!keep)
		fd_close(&fd);
	return r;
}

int machine_create_firmware(struct machine *machine)
{
	int r;

	if (machine->config->firmware == FIRMWARE_NONE)
		return 0;
	r = create_image(machine);
	if (r == 0 && machine->config->firmware == FIRMWARE_UEFI)
		r = create_variables(machine);
	if (r < 0)
		return r;
	r = report(fw_cfg_create(machine->ports, machine->memory, machine->loop, &machine->fw_cfg),
		   "The firmware configuration");
	return r == 0 ? firmware_items_add(machine) : r;
}

void machine_destroy_firmware(struct machine *machine)
{
	fw_cfg_destroy(machine->fw_cfg);
	pflash_destroy(machine->variables);
	firmware_destroy(machine->firmware);
	fd_close(&machine->firmware_fd);
	fd_close(&machine->variables_fd);
}

int machine_load_firmware(struct machine *machine)
{
	fw_cfg_reset(machine->fw_cfg);
	if (machine->variables)
		pflash_reset(machine->variables);
	return report(firmware_load(machine->firmware, machine->memory), "The firmware");
}
