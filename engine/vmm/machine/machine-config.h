/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a machine shall be, as the command line says it. Pure: files are only named here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine/net-config.h"

enum {
	MACHINE_MAX_VCPUS = 255,       /* 8-bit local APIC ids, of which 255 is the broadcast */
	MACHINE_MAX_VIRTIO_DISKS = 15, /* slots of bus 0 that are kept for them */
	MACHINE_MAX_CDROMS = 6,        /* ports of the SATA adapter, which disks can use too */
	MACHINE_MAX_DISKS = MACHINE_MAX_VIRTIO_DISKS + MACHINE_MAX_CDROMS,
	MACHINE_MAX_LAYERS = 64, /* of a disk */
	MACHINE_MAX_CONSOLE_PORTS = 7,
	MACHINE_TEXT_SIZE = 512, /* of a sentence that says what is wrong */
};

/* A file by its path, or an inherited descriptor ("fd=N"); neither when it was not given. */
struct file_reference {
	const char *path;
	int fd; /* -1 unless given as one */
};

static inline bool file_reference_is_given(const struct file_reference *file)
{
	return file->path || file->fd >= 0;
}

enum serial_mode { SERIAL_NONE, SERIAL_STDIO, SERIAL_FILE, SERIAL_PTY };
enum firmware_kind { FIRMWARE_NONE, FIRMWARE_BIOS, FIRMWARE_UEFI };
enum hyperv_mode { HYPERV_OFF, HYPERV_ON, HYPERV_AUTO };
enum sandbox_mode { SANDBOX_ON, SANDBOX_LOG, SANDBOX_OFF };

enum disk_bus { DISK_VIRTIO, DISK_AHCI };

struct disk_layer_config {
	struct file_reference file;
	bool qcow2; /* else raw */
};

struct machine_disk_config {
	/* The first is the disk; what it builds on follows, or is as the images say, with one. */
	struct disk_layer_config layers[MACHINE_MAX_LAYERS];
	unsigned int layer_count;
	enum disk_bus bus;
	bool read_only;
	const char *serial; /* or NULL */
};

enum display_model {
	DISPLAY_DEFAULT, /* only while options are parsed */
	DISPLAY_NONE,
	DISPLAY_VIRTIO,
	DISPLAY_VGA,
};

struct machine_display_config {
	enum display_model model;
	uint32_t width, height; /* pixels, what the guest finds its monitor prefers */
};

struct machine_config {
	const char *name;       /* or NULL */
	uint8_t uuid[16];       /* zeros: none */
	uint8_t generation[16]; /* zeros: a new one each time */
	uint64_t memory;        /* bytes */
	uint64_t cpus;
	enum firmware_kind firmware;
	struct file_reference firmware_image, variables; /* or the distribution's */
	const char *boot_order;                          /* or NULL: as the firmware likes */
	bool boot_menu;
	struct file_reference kernel, initrd, control, end_record, serial_file;
	struct file_reference restore; /* a machine that was saved; not given: it starts anew */
	const char *cmdline;
	struct machine_display_config display;
	enum serial_mode serial;
	enum hyperv_mode hyperv;
	enum sandbox_mode sandbox;
	bool no_reboot, debug_exit, balloon;
	uint64_t vsock_cid; /* 0: no vsock device */
	struct file_reference vsock_socket;
	unsigned int console_port_count;
	const char *console_ports[MACHINE_MAX_CONSOLE_PORTS]; /* names */
	unsigned int disk_count;
	struct machine_disk_config disks[MACHINE_MAX_DISKS];
	unsigned int cdrom_count;
	struct file_reference cdroms[MACHINE_MAX_CDROMS]; /* none given: an empty drive */
	struct machine_net_config net;
};

enum machine_config_result {
	MACHINE_CONFIG_VALID,
	MACHINE_CONFIG_HELP,
	MACHINE_CONFIG_VERSION,
	MACHINE_CONFIG_INVALID, /* text says why */
};

/*
 * Parses and validates. The strings in *ret_config are argv's, which is cut into pieces and
 * reordered.
 */
enum machine_config_result machine_config_parse(int argc, char **argv,
						struct machine_config *ret_config,
						char text[MACHINE_TEXT_SIZE]);

/* How many disks are on the SATA adapter; they have its first ports, CD-ROM drives the next. */
unsigned int machine_config_ahci_disks(const struct machine_config *config);

/* Whether a host with so much memory (bytes) and so many vCPUs for a guest can have it. */
bool machine_config_fits_host(const struct machine_config *config, uint64_t host_memory,
			      unsigned int max_vcpus, char text[MACHINE_TEXT_SIZE]);

/* What --help prints. */
extern const char machine_config_usage[];
