/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machine/machine-state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cpu/cpuid-state.h"
#include "cpu/kvm-vm-state.h"
#include "cpu/vcpu-registers.h"
#include "cpu/vcpu-state.h"
#include "devices/fw-cfg.h"
#include "devices/ps2-devices.h"
#include "devices/vga/vga-pci.h"
#include "devices/vga/vga.h"
#include "devices/vmgenid.h"
#include "display/input-router.h"
#include "machine/machine.h"
#include "pci/pci-host-bridge.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

struct part {
	const char *name; /* of its section; with a number behind it where there can be several */
	uint32_t version;
	/* Where in struct machine a pointer to the part is, NULL: the machine has none. */
	size_t offset;
	/* How many there can be, and how far apart their pointers are: 0 of the only one. */
	unsigned int count;
	size_t stride;
	/* 0 or negative errno; -EPROTO from load comes with the reason in the reader. */
	int (*save)(struct machine *machine, void *part, struct state_writer *writer);
	int (*load)(struct machine *machine, void *part, struct state_reader *reader);
};

/* What KVM keeps */

static int save_cpuid(struct machine *machine, void *part, struct state_writer *writer)
{
	cpuid_state_save(part, writer);
	return 0;
}

/* The guest goes on seeing the processor it has seen so far. */
static int load_cpuid(struct machine *machine, void *part, struct state_reader *reader)
{
	struct cpuid_table *table = malloc(sizeof(*table));
	char missing[CPUID_FEATURE_NAME_SIZE];
	int r = table ? cpuid_state_load(table, reader) : -ENOMEM;

	if (r == 0 && cpuid_find_missing(table, part, missing)) {
		log_error("This computer's processor does not have %s, which the machine has had "
			  "so far.",
			  missing);
		state_reader_check(reader, false, "it needs another processor");
		r = -EPROTO;
	}
	for (uint32_t i = 0; r == 0 && i < machine->config->cpus; i++) {
		cpuid_set_vcpu(table, i);
		r = vcpu_set_cpuid(machine->vcpus[i], table);
	}
	free(table);
	return r;
}

static int save_clock(struct machine *machine, void *part, struct state_writer *writer)
{
	return kvm_vm_clock_save(&machine->vm, writer);
}

static int load_clock(struct machine *machine, void *part, struct state_reader *reader)
{
	uint64_t away_ns;
	int r = kvm_vm_clock_load(&machine->vm, reader, &away_ns);

	vcpu_registers_set_away(machine->registers, away_ns);
	return r;
}

static int save_vcpu(struct machine *machine, void *part, struct state_writer *writer)
{
	return vcpu_registers_save(machine->registers, part, writer);
}

static int load_vcpu(struct machine *machine, void *part, struct state_reader *reader)
{
	return vcpu_registers_load(machine->registers, part, reader);
}

static int save_chips(struct machine *machine, void *part, struct state_writer *writer)
{
	return kvm_vm_chips_save(&machine->vm, writer);
}

static int load_chips(struct machine *machine, void *part, struct state_reader *reader)
{
	return kvm_vm_chips_load(&machine->vm, reader);
}

/* Devices */

#define DEFINE_DEVICE(name)                                                                      \
	static int save_##name(struct machine *machine, void *part, struct state_writer *writer) \
	{                                                                                        \
		name##_save(part, writer);                                                       \
		return 0;                                                                        \
	}                                                                                        \
	static int load_##name(struct machine *machine, void *part, struct state_reader *reader) \
	{                                                                                        \
		return name##_load(part, reader);                                                \
	}

DEFINE_DEVICE(acpi_pm)
DEFINE_DEVICE(ahci)
DEFINE_DEVICE(cmos_rtc)
DEFINE_DEVICE(fw_cfg)
DEFINE_DEVICE(i8042)
DEFINE_DEVICE(input_router)
DEFINE_DEVICE(pci_host_bridge)
DEFINE_DEVICE(pflash)
DEFINE_DEVICE(ps2_keyboard)
DEFINE_DEVICE(ps2_mouse)
DEFINE_DEVICE(serial_16550)
DEFINE_DEVICE(vga)
DEFINE_DEVICE(vga_pci)
DEFINE_DEVICE(virtio_device)
DEFINE_DEVICE(vmgenid)

#define PART(name_, version_, member, what)                                                  \
	{                                                                                    \
		.name = (name_), .version = (version_),                                      \
		.offset = offsetof(struct machine, member), .count = 1, .save = save_##what, \
		.load = load_##what,                                                         \
	}
#define PARTS(name_, version_, array, number, member, what)                                \
	{                                                                                  \
		.name = (name_), .version = (version_),                                    \
		.offset = offsetof(struct machine, array[0] member), .count = (number),    \
		.stride = sizeof(((struct machine *)NULL)->array[0]), .save = save_##what, \
		.load = load_##what,                                                       \
	}
#define VIRTIO(name_, member) PART(name_, VIRTIO_DEVICE_STATE_VERSION, member, virtio_device)

/*
 * In the order in which they are loaded: each needs what is before it.
 *
 * Of the other parts nothing is kept. fast-reset, pvpanic and debug-exit pass on what is written to
 * them and remember nothing. ROM and the adapters' BIOS are as in their files. Address spaces,
 * memory slots and ioeventfds hold what the devices put there when they are loaded; posted writes
 * are served when the vCPUs park. The screen shows what its source draws. The serial line, backends
 * of disks and networks, the control channel and the statistics are of this computer and begin
 * anew.
 */
static const struct part parts[] = {
	PART("cpuid", CPUID_STATE_VERSION, cpuid, cpuid),
	PART("kvm-clock", KVM_VM_CLOCK_VERSION, registers, clock),
	PARTS("vcpu", VCPU_REGISTERS_VERSION, vcpus, MACHINE_MAX_VCPUS, , vcpu),
	PART("interrupt-chips", KVM_VM_CHIPS_VERSION, registers, chips),
	PART("ps2-keyboard", PS2_KEYBOARD_STATE_VERSION, ps2_keyboard, ps2_keyboard),
	PART("ps2-mouse", PS2_MOUSE_STATE_VERSION, ps2_mouse, ps2_mouse),
	PART("i8042", I8042_STATE_VERSION, i8042, i8042),
	PART("cmos-rtc", CMOS_RTC_STATE_VERSION, rtc, cmos_rtc),
	PART("serial-16550", SERIAL_16550_STATE_VERSION, serial, serial_16550),
	PART("acpi-pm", ACPI_PM_STATE_VERSION, pm, acpi_pm),
	PART("fw-cfg", FW_CFG_STATE_VERSION, fw_cfg, fw_cfg),
	PART("vmgenid", VMGENID_STATE_VERSION, vmgenid, vmgenid),
	PART("pflash", PFLASH_STATE_VERSION, variables, pflash),
	PART("pci-host-bridge", PCI_HOST_BRIDGE_STATE_VERSION, bridge, pci_host_bridge),
	VIRTIO("virtio-rng", rng),
	VIRTIO("virtio-balloon", balloon),
	VIRTIO("virtio-console", console),
	VIRTIO("virtio-vsock", vsock),
	PART("vga-pci", VGA_PCI_STATE_VERSION, display.adapter, vga_pci),
	VIRTIO("virtio-gpu", display.gpu),
	PART("vga", VGA_STATE_VERSION, display.vga, vga),
	VIRTIO("virtio-keyboard", keyboard),
	VIRTIO("virtio-tablet", tablet),
	PART("input-router", INPUT_ROUTER_STATE_VERSION, input, input_router),
	PARTS("virtio-net", VIRTIO_DEVICE_STATE_VERSION, nics, MACHINE_MAX_NICS, .device,
	      virtio_device),
	PARTS("virtio-block", VIRTIO_DEVICE_STATE_VERSION, disks, MACHINE_MAX_DISKS, .device,
	      virtio_device),
	PART("ahci", AHCI_STATE_VERSION, ahci, ahci),
};
enum { PARTS_COUNT = sizeof(parts) / sizeof(parts[0]) };

/* The part of this number, NULL: the machine has none. */
static void *find(const struct machine *machine, const struct part *part, unsigned int number)
{
	void *found;

	memcpy(&found, (const char *)machine + part->offset + number * part->stride, sizeof(found));
	return found;
}

static void name_section(const struct part *part, unsigned int number, char name[STATE_NAME_SIZE])
{
	if (part->stride > 0)
		snprintf(name, STATE_NAME_SIZE, "%s.%u", part->name, number);
	else
		snprintf(name, STATE_NAME_SIZE, "%s", part->name);
}

int machine_state_prepare(struct machine *machine)
{
	return vcpu_registers_create(&machine->vm, machine->vcpus[0], &machine->registers);
}

void machine_state_finish(struct machine *machine)
{
	vcpu_registers_destroy(machine->registers);
	free(machine->cpuid);
}

static int save_one(struct machine *machine, const struct part *part, unsigned int number,
		    struct state_writer *writer)
{
	void *found = find(machine, part, number);
	char name[STATE_NAME_SIZE];
	int r;

	if (!found)
		return 0;
	name_section(part, number, name);
	state_writer_begin(writer, name, part->version);
	r = part->save(machine, found, writer);
	state_writer_end(writer);
	return r;
}

int machine_state_save(struct machine *machine, struct state_writer *writer)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < PARTS_COUNT; i++) {
		for (unsigned int number = 0; r == 0 && number < parts[i].count; number++)
			r = save_one(machine, &parts[i], number, writer);
	}
	return r;
}

static bool compare_one(const struct machine *machine, const struct part *part, unsigned int number,
			struct state_reader *reader)
{
	bool wanted = find(machine, part, number), there;

	name_section(part, number, reader->name);
	there = state_reader_has(reader, reader->name);
	return state_reader_check(reader, there || !wanted,
				  "it lacks a part that this machine has") &&
	       state_reader_check(reader, wanted || !there,
				  "it has a part that this machine does not have");
}

/* Another machine is told by what it has, before it is by what that says. */
static int compare_parts(const struct machine *machine, struct state_reader *reader)
{
	bool equal = true;

	for (size_t i = 0; equal && i < PARTS_COUNT; i++) {
		for (unsigned int number = 0; equal && number < parts[i].count; number++)
			equal = compare_one(machine, &parts[i], number, reader);
	}
	return state_reader_result(reader);
}

static int load_one(struct machine *machine, const struct part *part, unsigned int number,
		    struct state_reader *reader)
{
	void *found = find(machine, part, number);
	char name[STATE_NAME_SIZE];
	int r;

	if (!found)
		return 0;
	name_section(part, number, name);
	r = state_reader_begin(reader, name, part->version);
	if (r == 0)
		r = part->load(machine, found, reader);
	return r == 0 ? state_reader_end(reader) : r;
}

static int load_parts(struct machine *machine, struct state_reader *reader)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < PARTS_COUNT; i++) {
		for (unsigned int number = 0; r == 0 && number < parts[i].count; number++)
			r = load_one(machine, &parts[i], number, reader);
	}
	return r;
}

int machine_state_load(struct machine *machine, struct state_reader *reader)
{
	static const char sentence[] = "The state of the machine cannot be restored";
	int r = compare_parts(machine, reader);

	if (r == 0)
		r = load_parts(machine, reader);
	if (r == -EPROTO) {
		log_error("%s: %s (%s).", sentence, reader->problem, reader->name);
	} else if (r < 0) {
		log_error("%s: KVM refuses %s (%s).", sentence, reader->name, strerror(-r));
	} else {
		r = state_reader_finish(reader);
		if (r < 0)
			log_error("%s: %s.", sentence, reader->problem);
	}
	return r;
}
