/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/kvm-vm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "base/fd.h"

/* Intel's KVM keeps a task state segment and a page table here, above all devices: four pages. */
#define IDENTITY_MAP_ADDRESS 0xfeffc000ULL
#define TSS_ADDRESS          0xfeffd000UL
#define IOAPIC_ADDRESS       0xfec00000ULL

static int extension(const struct kvm_vm *vm, int capability)
{
	return ioctl(vm->system_fd, KVM_CHECK_EXTENSION, capability);
}

/*
 * The youngest of what is needed; all else that is used came to KVM before (Linux 4.12), also its
 * API version.
 */
static bool is_new_enough(const struct kvm_vm *vm)
{
	return extension(vm, KVM_CAP_IMMEDIATE_EXIT) > 0;
}

int kvm_vm_adopt(struct kvm_vm *vm, int system_fd)
{
	int run_size, max_vcpus;

	*vm = (struct kvm_vm){.system_fd = system_fd, .vm_fd = -1};
	run_size = is_new_enough(vm) ? ioctl(system_fd, KVM_GET_VCPU_MMAP_SIZE, 0) : -1;
	max_vcpus = extension(vm, KVM_CAP_MAX_VCPUS);
	if (run_size <= 0 || max_vcpus <= 0) {
		vm->system_fd = -1;
		return -EPROTO;
	}
	vm->run_size = (size_t)run_size;
	vm->max_vcpus = (unsigned int)max_vcpus;
	return 0;
}

int kvm_vm_open(struct kvm_vm *vm)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC), r;

	*vm = (struct kvm_vm){.system_fd = -1, .vm_fd = -1};
	if (fd < 0)
		return -errno;
	r = kvm_vm_adopt(vm, fd);
	if (r < 0)
		fd_close(&fd);
	return r;
}

/* The instruction KVM could not emulate then comes with the exit. Old KVMs do without. */
static void report_emulation_failures(struct kvm_vm *vm)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE, .args = {1}};

	(void)ioctl(vm->vm_fd, KVM_ENABLE_CAP, &cap);
}

int kvm_vm_create(struct kvm_vm *vm)
{
	struct kvm_pit_config pit = {.flags = KVM_PIT_SPEAKER_DUMMY};
	uint64_t identity_map = IDENTITY_MAP_ADDRESS;

	do
		vm->vm_fd = ioctl(vm->system_fd, KVM_CREATE_VM, 0);
	while (vm->vm_fd < 0 && errno == EINTR);
	if (vm->vm_fd < 0 || ioctl(vm->vm_fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm->vm_fd, KVM_SET_TSS_ADDR, TSS_ADDRESS) < 0 ||
	    ioctl(vm->vm_fd, KVM_CREATE_IRQCHIP, 0) < 0 ||
	    ioctl(vm->vm_fd, KVM_CREATE_PIT2, &pit) < 0)
		return -errno;
	report_emulation_failures(vm);
	return 0;
}

void kvm_vm_finish(struct kvm_vm *vm)
{
	fd_close(&vm->vm_fd);
	fd_close(&vm->system_fd);
}

static int reset_ioapic(struct kvm_vm *vm)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_ioapic_state *ioapic = &chip.chip.ioapic;

	ioapic->base_address = IOAPIC_ADDRESS;
	for (unsigned int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		ioapic->redirtbl[i].fields.mask = 1;
	return ioctl(vm->vm_fd, KVM_SET_IRQCHIP, &chip) < 0 ? -errno : 0;
}

/* Intel 8254: no counter runs until it is programmed; only counter 2 has its gate low. */
static int reset_timer(struct kvm_vm *vm)
{
	struct kvm_pit_state2 pit = {.flags = 0};

	for (unsigned int i = 0; i < 3; i++) {
		pit.channels[i].mode = 0xff;
		pit.channels[i].gate = i != 2;
		pit.channels[i].count = 0x10000;
	}
	return ioctl(vm->vm_fd, KVM_SET_PIT2, &pit) < 0 ? -errno : 0;
}

int kvm_vm_reset_chips(struct kvm_vm *vm)
{
	struct kvm_irqchip master = {.chip_id = KVM_IRQCHIP_PIC_MASTER};
	struct kvm_irqchip slave = {.chip_id = KVM_IRQCHIP_PIC_SLAVE};
	int r;

	/* The edge/level registers' writable bits do not change: IRQ 0-2, 8 and 13 are edges. */
	master.chip.pic.elcr_mask = 0xf8;
	slave.chip.pic.elcr_mask = 0xde;
	if (ioctl(vm->vm_fd, KVM_SET_IRQCHIP, &master) < 0 ||
	    ioctl(vm->vm_fd, KVM_SET_IRQCHIP, &slave) < 0)
		return -errno;
	r = reset_ioapic(vm);
	return r < 0 ? r : reset_timer(vm);
}
