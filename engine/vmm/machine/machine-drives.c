/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-drives.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "block/block-backend.h"
#include "devices/ahci.h"
#include "machine/disk-layers.h"
#include "machine/host-files.h"
#include "machine/machine.h"

enum { DEVFN_SHIFT = 3 };
static_assert((int)MACHINE_MAX_CDROMS == (int)AHCI_PORTS, "every drive has a port");

static int report(int r, const char *what)
{
	if (r < 0)
		log_error("%s could not be set up: %s.", what, strerror(-r));
	return r;
}

static void on_storage_stopped(void *data, int error)
{
	struct machine *machine = data;

	machine_requests_note(&machine->requests, REQUEST_STORAGE_ERROR, error, NULL);
}

/* Takes over what is open. */
static int create_on(struct machine *machine, unsigned int number, struct disk_layers *layers,
		     struct block_layer_problem *ret_problem)
{
	struct disk_statistics *statistics = &machine->statistics->disks[number];
	struct machine_disk *disk = &machine->disks[number];
	bool read_only = machine->config->disks[number].read_only;
	int r;

	if (layers->layers[0].qcow2)
		return block_backend_create_qcow2(layers->layers, layers->count, read_only,
						  machine->loop, statistics, ret_problem,
						  &disk->backend);
	r = block_backend_create_raw(layers->layers[0].fd, read_only, machine->loop, statistics,
				     &disk->backend);
	if (r < 0)
		fd_close(&layers->layers[0].fd);
	*ret_problem = (struct block_layer_problem){0, IMAGE_SYSTEM_ERROR, r};
	return r;
}

static int create_backend(struct machine *machine, unsigned int number)
{
	struct machine_disk *disk = &machine->disks[number];
	struct block_layer_problem problem;
	struct disk_layers layers;
	int r = disk_layers_open(&machine->config->disks[number], &layers);

	if (r < 0)
		return r;
	r = create_on(machine, number, &layers, &problem);
	if (r < 0)
		disk_layers_report(&layers, r, &problem);
	disk_layers_finish(&layers);
	if (r < 0)
		return r;
	block_backend_set_error_handler(disk->backend, on_storage_stopped, machine);
	return 0;
}

static int insert_medium(struct block_backend *backend, const struct file_reference *file)
{
	char name[FILE_NAME_SIZE];
	int fd, r = host_file_open(file, O_RDONLY, &fd);

	if (r < 0 || fd < 0)
		return r;
	r = block_backend_change_medium(backend, fd);
	if (r < 0) {
		file_reference_name(file, name);
		log_error("%s cannot be used as a CD or DVD: %s.", name, strerror(-r));
		fd_close(&fd);
	}
	return r;
}

/* Their lines in the statistics page follow those of the disks. */
static int create_cdrom(struct machine *machine, unsigned int number, unsigned int port)
{
	unsigned int line = machine->config->disk_count + number;
	int r = block_backend_create_removable(machine->loop, &machine->statistics->disks[line],
					       &machine->cdroms[number]);

	if (r < 0)
		return report(r, "A CD-ROM drive");
	r = insert_medium(machine->cdroms[number], &machine->config->cdroms[number]);
	if (r < 0)
		return r;
	return report(ahci_add_cdrom(machine->ahci, port, machine->cdroms[number]),
		      "A CD-ROM drive");
}

static int create_sata_drives(struct machine *machine)
{
	const struct machine_config *config = machine->config;
	unsigned int port = 0;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < config->disk_count; i++) {
		if (config->disks[i].bus != DISK_AHCI)
			continue;
		r = create_backend(machine, i);
		if (r == 0)
			r = report(ahci_add_disk(machine->ahci, port, machine->disks[i].backend,
						 config->disks[i].serial),
				   "A disk");
		boot_devices_add_sata(&machine->boot_devices, "disk", i, port++);
	}
	for (unsigned int i = 0; r == 0 && i < config->cdrom_count; i++) {
		boot_devices_add_sata(&machine->boot_devices, "cdrom", i, port);
		r = create_cdrom(machine, i, port++);
	}
	return r;
}

static int create_virtio_disks(struct machine *machine, unsigned int slot)
{
	const struct virtio_host host = machine_virtio_host(machine);
	const struct machine_config *config = machine->config;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < config->disk_count; i++) {
		if (config->disks[i].bus != DISK_VIRTIO)
			continue;
		r = create_backend(machine, i);
		if (r == 0)
			r = report(virtio_block_create(&host, (uint8_t)(slot << DEVFN_SHIFT),
						       machine->disks[i].backend,
						       config->disks[i].serial,
						       &machine->disks[i].device),
				   "A disk");
		boot_devices_add_virtio_disk(&machine->boot_devices, i, slot++);
	}
	return r;
}

static int create_sata(struct machine *machine)
{
	int r;

	if (machine_config_ahci_disks(machine->config) + machine->config->cdrom_count == 0)
		return 0;
	r = ahci_create(machine->bridge, machine->memory, machine->loop, &machine->ahci);
	return r == 0 ? create_sata_drives(machine) : report(r, "The SATA adapter");
}

int machine_create_drives(struct machine *machine, unsigned int slot)
{
	int r = create_virtio_disks(machine, slot);

	return r == 0 ? create_sata(machine) : r;
}

/* Their ports follow those of the disks. */
static unsigned int cdrom_port(const struct machine *machine, unsigned int number)
{
	return machine_config_ahci_disks(machine->config) + number;
}

int machine_insert_medium(struct machine *machine, unsigned int number, int fd, bool force)
{
	if (number >= machine->config->cdrom_count)
		return -ENODEV;
	return ahci_cdrom_insert(machine->ahci, cdrom_port(machine, number), fd, force);
}

int machine_eject_medium(struct machine *machine, unsigned int number, bool force)
{
	if (number >= machine->config->cdrom_count)
		return -ENODEV;
	return ahci_cdrom_eject(machine->ahci, cdrom_port(machine, number), force);
}

int machine_grow_disk(struct machine *machine, unsigned int number, uint64_t size)
{
	if (number >= machine->config->disk_count)
		return -ENODEV;
	if (!machine->disks[number].device)
		return -EOPNOTSUPP;
	return virtio_block_grow(machine->disks[number].device, size);
}

static void destroy_disk(struct machine_disk *disk)
{
	if (disk->backend) {
		block_backend_cancel_held(disk->backend);
		block_backend_drain(disk->backend);
	}
	virtio_device_destroy(disk->device);
	block_backend_destroy(disk->backend);
}

void machine_destroy_drives(struct machine *machine)
{
	ahci_destroy(machine->ahci);
	for (unsigned int i = 0; i < MACHINE_MAX_CDROMS; i++)
		block_backend_destroy(machine->cdroms[i]);
	for (unsigned int i = 0; i < MACHINE_MAX_DISKS; i++)
		destroy_disk(&machine->disks[i]);
}

void machine_pause_drives(struct machine *machine)
{
	if (machine->ahci)
		ahci_pause(machine->ahci);
	for (unsigned int i = 0; i < machine->config->disk_count; i++) {
		if (machine->disks[i].device)
			virtio_device_pause(machine->disks[i].device);
	}
}

/* The backends of disks, then those of CD-ROM drives; NULL behind the last. */
static struct block_backend *backend_at(const struct machine *machine, unsigned int number)
{
	const struct machine_config *config = machine->config;

	if (number < config->disk_count)
		return machine->disks[number].backend;
	number -= config->disk_count;
	return number < config->cdrom_count ? machine->cdroms[number] : NULL;
}

int machine_drain_drives(struct machine *machine, uint64_t deadline_ns)
{
	struct block_backend *backend;
	bool idle = true;
	int r = 0;

	for (unsigned int i = 0; r == 0 && (backend = backend_at(machine, i)); i++) {
		r = block_backend_drain_until(backend, deadline_ns);
		idle = idle && block_backend_is_idle(backend);
	}
	return r == 0 && !idle ? -ENOSPC : r;
}

void machine_resume_drives(struct machine *machine)
{
	for (unsigned int i = 0; i < machine->config->disk_count; i++) {
		block_backend_resume(machine->disks[i].backend);
		if (machine->disks[i].device)
			virtio_device_resume(machine->disks[i].device);
	}
	if (machine->ahci)
		ahci_resume(machine->ahci);
}
