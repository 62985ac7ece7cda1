/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine: all its parts. Everything runs on the main thread with the device lock held, except
 * where said otherwise.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/linux-boot.h"
#include "cpu/kvm-vm.h"
#include "cpu/vcpu.h"
#include "devices/ahci.h"
#include "devices/devices.h"
#include "machine/boot-order.h"
#include "machine/machine-config.h"
#include "machine/machine-net.h"
#include "machine/machine-requests.h"
#include "machine/machine-roms.h"
#include "pci/pci-rom.h"
#include "protocol/memory-file.h"
#include "protocol/statistics-protocol.h"
#include "virtio/virtio-devices.h"

struct machine_disk {
	struct block_backend *backend;
	struct virtio_device *device; /* NULL: on the SATA adapter */
};

/* Either an adapter, or a virtio-gpu that is a VGA too. */
struct machine_display {
	struct vga_pci *adapter;
	struct virtio_device *gpu;
	struct vga *vga; /* the virtio-gpu's */
	struct pci_rom bios;
};

/*
 * What a machine finds in its process when that is a copy of another machine's, of which all
 * descriptors but these are gone.
 */
struct machine_origin {
	struct guest_memory *memory;          /* is taken over */
	struct memory_file_contents contents; /* what else the other machine was; borrowed */
	int system_fd;                        /* /dev/kvm; is taken over */
	int roms[MACHINE_ROMS];               /* are taken over; -1: it has none */
	bool is_confined;                     /* this thread is, for good */
	uint64_t begun_ns;                    /* the moment */
};

struct machine {
	const struct machine_config *config;
	struct event_loop *loop;
	struct machine_requests requests;
	struct event_source *signal_source;
	int signal_fd;

	struct statistics_page *statistics;
	int statistics_fd;
	struct statistics_sampler *sampler;
	int end_record_fd; /* -1: nobody wants it */
	struct control_server *control;

	struct kvm_vm vm;
	struct guest_memory *memory;
	struct address_space *ports, *mmio;
	struct interrupt_controller *interrupts;
	struct ioeventfd_registry *ioeventfds;
	struct memory_slot_registry *slots;
	struct posted_writes *posted;

	struct fw_cfg *fw_cfg; /* NULL, like all of these, without firmware */
	struct firmware *firmware;
	struct pflash *variables; /* UEFI's */
	int firmware_fd, variables_fd;
	struct boot_devices boot_devices;

	struct screen *screen; /* NULL: none */
	struct machine_display display;
	struct serial_line *serial_line;
	struct serial_16550 *serial;
	struct cmos_rtc *rtc;
	struct i8042 *i8042;
	struct ps2_keyboard *ps2_keyboard; /* NULL, like the mouse, without firmware */
	struct ps2_mouse *ps2_mouse;
	struct virtio_device *keyboard, *tablet; /* NULL without a screen */
	struct input_router *input;              /* NULL where there is neither */
	struct acpi_pm *pm;
	struct vmgenid *vmgenid;
	struct fast_reset *fast_reset;
	struct pvpanic *pvpanic;
	struct debug_exit *debug_exit;
	struct pci_host_bridge *bridge;
	struct virtio_device *rng;
	struct virtio_device *balloon, *console, *vsock; /* or NULL */
	struct machine_disk disks[MACHINE_MAX_DISKS];
	struct ahci *ahci; /* NULL: no drive is on it */
	struct block_backend *cdroms[MACHINE_MAX_CDROMS];
	struct machine_nic nics[MACHINE_MAX_NICS];

	struct vcpu_host vcpu_host;
	struct vcpu *vcpus[MACHINE_MAX_VCPUS];
	struct vcpu_power_on *power_on;
	struct machine_snapshot *snapshot;
	struct machine_clones *clones;
	struct vcpu_registers *registers; /* what a vCPU's state is made of */
	struct cpuid_table *cpuid;        /* as the first vCPU says */
	unsigned int physical_bits;       /* of the guest's addresses */
	struct linux_boot boot;           /* its descriptors stay open for the next reset */

	const struct machine_origin *origin; /* what it goes on from, or NULL */
	int roms[MACHINE_ROMS];              /* open or -1 */
	int saved_fd;                        /* the same, of a file, until it does; or -1 */
	struct memory_file saved;
	struct read_ahead *read_ahead;     /* of that; NULL: not yet, or not at all */
	struct memory_check *memory_check; /* by the same thread */
	bool goes_on;                      /* where it was saved, as soon as it is started */
	bool is_confined;                  /* its main thread is */
	uint64_t begun_ns;                 /* when it was asked for, by event_loop_now() */

	enum vmm_state state;
};

/*
 * Builds the machine from a valid configuration, up to the first instruction of its guest. What
 * stands in the way is logged as one sentence. 0 or negative errno. config is borrowed.
 */
int machine_create(const struct machine_config *config, struct machine **ret_machine);
/* As that, to go on from origin, which is borrowed until it does. */
int machine_create_from(const struct machine_config *config, const struct machine_origin *origin,
			struct machine **ret_machine);
/* What the machine's virtio devices stand on. */
struct virtio_host machine_virtio_host(const struct machine *machine);
/* NULL and half-built machines are accepted. */
void machine_destroy(struct machine *machine);

/* Whether it goes on from something, or starts anew. */
static inline bool machine_is_restored(const struct machine *machine)
{
	return machine->origin || machine->saved_fd >= 0;
}

/*
 * Confines the process and lets the guest run; what is left is to run the machine's loop. The
 * caller does not hold the device lock. 0 or negative errno, which is logged.
 */
int machine_begin(struct machine *machine);
/* Begins, runs the guest until the machine ends and returns the exit status. */
int machine_run(struct machine *machine);
