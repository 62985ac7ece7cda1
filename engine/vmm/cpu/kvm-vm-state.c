/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/kvm-vm-state.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <time.h>

#include "cpu/kvm-vm.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

#define NS_PER_SECOND 1000000000ULL
#define CLOCK_MAX     (1ULL << 62) /* ns */

static const struct {
	uint32_t id;
	size_t size;
} chips[] = {
	{KVM_IRQCHIP_PIC_MASTER, sizeof(struct kvm_pic_state)},
	{KVM_IRQCHIP_PIC_SLAVE, sizeof(struct kvm_pic_state)},
	{KVM_IRQCHIP_IOAPIC, sizeof(struct kvm_ioapic_state)},
};

enum { CHIPS = sizeof(chips) / sizeof(chips[0]) };

static int control(const struct kvm_vm *vm, unsigned long request, void *argument)
{
	return ioctl(vm->vm_fd, request, argument) < 0 ? -errno : 0;
}

static uint64_t wall_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
}

int kvm_vm_clock_save(const struct kvm_vm *vm, struct state_writer *writer)
{
	struct kvm_clock_data clock = {0};
	int r = control(vm, KVM_GET_CLOCK, &clock);

	state_writer_put64(writer, clock.clock);
	state_writer_put64(writer, wall_clock_ns());
	return r;
}

int kvm_vm_clock_load(const struct kvm_vm *vm, struct state_reader *reader, uint64_t *ret_away_ns)
{
	struct kvm_clock_data clock = {.clock = state_reader_get64(reader)};
	uint64_t then = state_reader_get64(reader), now = wall_clock_ns();
	int r;

	/* This computer's clock may have been put back meanwhile. */
	*ret_away_ns = now > then ? now - then : 0;
	state_reader_check(reader, clock.clock <= CLOCK_MAX && *ret_away_ns <= CLOCK_MAX,
			   "its clock has run for longer than there are computers");
	clock.clock += *ret_away_ns;
	r = state_reader_result(reader);
	return r < 0 ? r : control(vm, KVM_SET_CLOCK, &clock);
}

int kvm_vm_chips_save(const struct kvm_vm *vm, struct state_writer *writer)
{
	struct kvm_pit_state2 pit = {0};
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < CHIPS; i++) {
		struct kvm_irqchip chip = {.chip_id = chips[i].id};

		r = control(vm, KVM_GET_IRQCHIP, &chip);
		state_writer_put_bytes(writer, &chip.chip, chips[i].size);
	}
	if (r == 0)
		r = control(vm, KVM_GET_PIT2, &pit);
	state_writer_put_bytes(writer, &pit, sizeof(pit));
	return r;
}

int kvm_vm_chips_load(const struct kvm_vm *vm, struct state_reader *reader)
{
	struct kvm_irqchip chip[CHIPS] = {0};
	struct kvm_pit_state2 pit;
	int r;

	for (unsigned int i = 0; i < CHIPS; i++) {
		chip[i].chip_id = chips[i].id;
		state_reader_get_bytes(reader, &chip[i].chip, chips[i].size);
	}
	state_reader_get_bytes(reader, &pit, sizeof(pit));
	r = state_reader_result(reader);
	for (unsigned int i = 0; r == 0 && i < CHIPS; i++)
		r = control(vm, KVM_SET_IRQCHIP, &chip[i]);
	return r < 0 ? r : control(vm, KVM_SET_PIT2, &pit);
}
