/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What KVM keeps of a machine, saved from one that has run and loaded into a new one on the same
 * memory, on a real /dev/kvm.
 */
#include "cpu/vcpu-registers.h"

#include <errno.h>
#include <glib.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/byte-order.h"
#include "bus/address-space.h"
#include "cpu/cpuid.h"
#include "cpu/kvm-vm.h"
#include "cpu/kvm-vm-state.h"
#include "cpu/vcpu-state.h"
#include "cpu/vcpu.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "memory/memory-slots.h"
#include "needs-kvm.h"
#include "protocol/statistics-protocol.h"
#include "state/state-reader.h"
#include "state/state-writer.h"

enum { VCPUS = 4, PORT = 0x510, CODE = 0x8000, STEPS = 5 };

struct machine {
	struct kvm_vm vm;
	struct vcpu_host host;
	struct statistics_vcpu statistics[VCPUS];
	struct vcpu *vcpus[VCPUS];
	struct vcpu_power_on *power_on;
	struct vcpu_registers *registers;
};

static struct guest_memory *memory;
static uint8_t block[64 << 10]; /* that much is enough for four vCPUs */
static size_t block_length;

/* What the guest says, up to the step it is to be stopped at. */
static GMutex lock;
static GCond changed;
static unsigned int said[4 * STEPS], steps, hold_at;

static void port_write(void *data, uint64_t offset, unsigned int size, uint64_t value)
{
	g_mutex_lock(&lock);
	if (steps < G_N_ELEMENTS(said))
		said[steps++] = (unsigned int)value;
	g_cond_broadcast(&changed);
	/* Here it is found when it is asked to stop. */
	while (hold_at && steps >= hold_at)
		g_cond_wait(&changed, &lock);
	g_mutex_unlock(&lock);
}

static uint64_t port_read(void *data, uint64_t offset, unsigned int size)
{
	return 0;
}

static const struct address_range_ops port_ops = {.read = port_read, .write = port_write};

static int confine(void *data)
{
	return 0;
}

static void on_stopped(void *data, enum vcpu_stop stop, int error, const char *text)
{
	g_error("the vCPU stops by itself: %d, %d, %s", stop, error, text ? text : "");
}

static void create_vcpus(struct machine *m)
{
	g_autofree struct cpuid_table *table = g_new(struct cpuid_table, 1);

	g_assert_cmpint(cpuid_read_supported(m->vm.system_fd, table), ==, 0);
	cpuid_filter(table, VCPUS);
	for (unsigned int i = 0; i < VCPUS; i++) {
		g_assert_cmpint(vcpu_create(&m->host, i, &m->statistics[i], &m->vcpus[i]), ==, 0);
		cpuid_set_vcpu(table, i);
		g_assert_cmpint(vcpu_set_cpuid(m->vcpus[i], table), ==, 0);
	}
	g_assert_cmpint(vcpu_power_on_read(m->vm.system_fd, m->vcpus[0], &m->power_on), ==, 0);
	g_assert_cmpint(vcpu_registers_create(&m->vm, m->vcpus[0], &m->registers), ==, 0);
	for (unsigned int i = 0; i < VCPUS; i++)
		g_assert_cmpint(vcpu_start_thread(m->vcpus[i]), ==, 0);
}

static void machine_init(struct machine *m)
{
	struct vcpu_bus *bus = &m->host.bus;

	memset(m, 0, sizeof(*m));
	g_assert_cmpint(kvm_vm_open(&m->vm), ==, 0);
	g_assert_cmpint(kvm_vm_create(&m->vm), ==, 0);
	g_assert_cmpint(memory_slots_install(m->vm.vm_fd, memory), ==, 0);
	m->host = (struct vcpu_host){.vm = &m->vm, .confine = confine, .stopped = on_stopped};
	bus = &m->host.bus;
	g_assert_cmpint(event_loop_create(&bus->loop), ==, 0);
	g_assert_cmpint(address_space_create(0x10000, &bus->ports), ==, 0);
	g_assert_cmpint(address_space_create(0, &bus->mmio), ==, 0);
	g_assert_cmpint(address_space_add(bus->ports, PORT, 1, &port_ops, NULL), ==, 0);
	create_vcpus(m);
}

static void machine_finish(struct machine *m)
{
	for (unsigned int i = 0; i < VCPUS; i++)
		vcpu_destroy(m->vcpus[i]);
	vcpu_power_on_destroy(m->power_on);
	vcpu_registers_destroy(m->registers);
	address_space_destroy(m->host.bus.ports);
	address_space_destroy(m->host.bus.mmio);
	event_loop_destroy(m->host.bus.loop);
	kvm_vm_finish(&m->vm);
}

static void save(struct machine *m)
{
	struct state_writer writer;
	char name[16];

	state_writer_init(&writer, block, sizeof(block));
	for (unsigned int i = 0; i < VCPUS; i++) {
		g_snprintf(name, sizeof(name), "vcpu.%u", i);
		state_writer_begin(&writer, name, VCPU_REGISTERS_VERSION);
		g_assert_cmpint(vcpu_registers_save(m->registers, m->vcpus[i], &writer), ==, 0);
		state_writer_end(&writer);
	}
	state_writer_begin(&writer, "clock", KVM_VM_CLOCK_VERSION);
	g_assert_cmpint(kvm_vm_clock_save(&m->vm, &writer), ==, 0);
	state_writer_end(&writer);
	state_writer_begin(&writer, "chips", KVM_VM_CHIPS_VERSION);
	g_assert_cmpint(kvm_vm_chips_save(&m->vm, &writer), ==, 0);
	state_writer_end(&writer);
	g_assert_cmpint(state_writer_finish(&writer, &block_length), ==, 0);
	g_test_message("%zu bytes for %u vCPUs", block_length, VCPUS);
}

static int load_section(struct state_reader *reader, const char *name,
			int (*load)(const struct kvm_vm *vm, struct state_reader *reader),
			struct machine *m)
{
	int r = state_reader_begin(reader, name, 1);

	if (r == 0)
		r = load(&m->vm, reader);
	return r == 0 ? state_reader_end(reader) : r;
}

static int load_clock(const struct kvm_vm *vm, struct state_reader *reader)
{
	uint64_t away_ns;

	return kvm_vm_clock_load(vm, reader, &away_ns);
}

static int load(struct machine *m, struct state_reader *reader)
{
	char name[16];
	int r = state_reader_init(reader, block, block_length);

	if (r == 0)
		r = load_section(reader, "clock", load_clock, m);
	for (unsigned int i = 0; r == 0 && i < VCPUS; i++) {
		g_snprintf(name, sizeof(name), "vcpu.%u", i);
		r = state_reader_begin(reader, name, VCPU_REGISTERS_VERSION);
		if (r == 0)
			r = vcpu_registers_load(m->registers, m->vcpus[i], reader);
		if (r == 0)
			r = state_reader_end(reader);
	}
	if (r == 0)
		r = load_section(reader, "chips", kvm_vm_chips_load, m);
	return r == 0 ? state_reader_finish(reader) : r;
}

/* The registers alone. */
static void assert_loads_registers(struct machine *m)
{
	struct state_reader reader;

	g_assert_cmpint(state_reader_init(&reader, block, block_length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "vcpu.1", VCPU_REGISTERS_VERSION), ==, 0);
	g_assert_cmpint(vcpu_registers_load(m->registers, m->vcpus[1], &reader), ==, 0);
}

static void assert_loads(struct machine *m)
{
	struct state_reader reader;
	int r = load(m, &reader);

	if (r < 0)
		g_error("%s: %s (%s)", reader.name, reader.problem, g_strerror(-r));
}

/* What two machines have must be the same there. */
#define ASSERT_SAME(type, request, a, b)                                     \
	G_STMT_START                                                         \
	{                                                                    \
		type left, right;                                            \
		memset(&left, 0, sizeof(left));                              \
		memset(&right, 0, sizeof(right));                            \
		g_assert_cmpint(ioctl(vcpu_fd(a), request, &left), ==, 0);   \
		g_assert_cmpint(ioctl(vcpu_fd(b), request, &right), ==, 0);  \
		g_assert_cmpmem(&left, sizeof(left), &right, sizeof(right)); \
	}                                                                    \
	G_STMT_END

static void assert_same_registers(struct vcpu *a, struct vcpu *b)
{
	ASSERT_SAME(struct kvm_mp_state, KVM_GET_MP_STATE, a, b);
	ASSERT_SAME(struct kvm_regs, KVM_GET_REGS, a, b);
	ASSERT_SAME(struct kvm_sregs, KVM_GET_SREGS, a, b);
	ASSERT_SAME(struct kvm_xsave, KVM_GET_XSAVE, a, b);
	ASSERT_SAME(struct kvm_xcrs, KVM_GET_XCRS, a, b);
	ASSERT_SAME(struct kvm_debugregs, KVM_GET_DEBUGREGS, a, b);
	ASSERT_SAME(struct kvm_vcpu_events, KVM_GET_VCPU_EVENTS, a, b);
	ASSERT_SAME(struct kvm_lapic_state, KVM_GET_LAPIC, a, b);
}

static uint64_t get_msr(struct vcpu *vcpu, uint32_t index)
{
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} one = {.msrs.nmsrs = 1};

	one.msrs.entries[0].index = index;
	g_assert_cmpint(ioctl(vcpu_fd(vcpu), KVM_GET_MSRS, &one), ==, 1);
	return one.msrs.entries[0].data;
}

static void set_msr(struct vcpu *vcpu, uint32_t index, uint64_t value)
{
	union {
		struct kvm_msrs msrs;
		uint8_t room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} one = {.msrs.nmsrs = 1};

	one.msrs.entries[0] = (struct kvm_msr_entry){.index = index, .data = value};
	g_assert_cmpint(ioctl(vcpu_fd(vcpu), KVM_SET_MSRS, &one), ==, 1);
}

/* Registers, a local APIC, memory types and system call entries that no vCPU has by itself. */
static void make_odd(struct machine *m)
{
	struct kvm_debugregs debugregs;
	struct kvm_lapic_state lapic;
	struct kvm_regs regs;
	int fd = vcpu_fd(m->vcpus[1]);

	g_assert_cmpint(ioctl(fd, KVM_GET_REGS, &regs), ==, 0);
	regs.r12 = 0x1234567890abcdef;
	g_assert_cmpint(ioctl(fd, KVM_SET_REGS, &regs), ==, 0);
	g_assert_cmpint(ioctl(fd, KVM_GET_DEBUGREGS, &debugregs), ==, 0);
	debugregs.db[2] = 0xabcd000;
	g_assert_cmpint(ioctl(fd, KVM_SET_DEBUGREGS, &debugregs), ==, 0);
	g_assert_cmpint(ioctl(fd, KVM_GET_LAPIC, &lapic), ==, 0);
	store_le32(&lapic.regs[0xf0], 0x1ff); /* on, spurious vector 0xff */
	store_le32(&lapic.regs[0x80], 0x30);  /* task priority */
	g_assert_cmpint(ioctl(fd, KVM_SET_LAPIC, &lapic), ==, 0);
	set_msr(m->vcpus[1], 0xc0000082, 0xffffffff81234560); /* LSTAR */
	set_msr(m->vcpus[1], 0x2ff, 0xc06);                   /* MTRRs' default */
	set_msr(m->vcpus[1], 0x200, 0xc0000006);              /* the first of them */
}

static void make_chips_odd(struct machine *m)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_pit_state2 pit;

	g_assert_cmpint(ioctl(m->vm.vm_fd, KVM_GET_IRQCHIP, &chip), ==, 0);
	chip.chip.ioapic.redirtbl[9].bits = 0x010000000000a041; /* level, masked, vector 0x41 */
	chip.chip.ioapic.redirtbl[9].fields.mask = 1;
	g_assert_cmpint(ioctl(m->vm.vm_fd, KVM_SET_IRQCHIP, &chip), ==, 0);
	g_assert_cmpint(ioctl(m->vm.vm_fd, KVM_GET_PIT2, &pit), ==, 0);
	pit.channels[2].count = 0x1234;
	pit.channels[2].mode = 3;
	g_assert_cmpint(ioctl(m->vm.vm_fd, KVM_SET_PIT2, &pit), ==, 0);
}

static void assert_same_chips(struct machine *a, struct machine *b)
{
	struct kvm_pit_state2 left_pit, right_pit;

	for (uint32_t id = KVM_IRQCHIP_PIC_MASTER; id <= KVM_IRQCHIP_IOAPIC; id++) {
		struct kvm_irqchip left = {.chip_id = id}, right = {.chip_id = id};

		g_assert_cmpint(ioctl(a->vm.vm_fd, KVM_GET_IRQCHIP, &left), ==, 0);
		g_assert_cmpint(ioctl(b->vm.vm_fd, KVM_GET_IRQCHIP, &right), ==, 0);
		g_assert_cmpmem(&left, sizeof(left), &right, sizeof(right));
	}
	g_assert_cmpint(ioctl(a->vm.vm_fd, KVM_GET_PIT2, &left_pit), ==, 0);
	g_assert_cmpint(ioctl(b->vm.vm_fd, KVM_GET_PIT2, &right_pit), ==, 0);
	g_assert_cmphex(right_pit.channels[2].count, ==, 0x1234);
	g_assert_cmphex(left_pit.channels[2].mode, ==, right_pit.channels[2].mode);
}

static uint64_t clock_of(struct machine *m)
{
	struct kvm_clock_data clock = {0};

	g_assert_cmpint(ioctl(m->vm.vm_fd, KVM_GET_CLOCK, &clock), ==, 0);
	return clock.clock;
}

static void test_odd_state(void)
{
	struct machine first, second;
	uint64_t clock, tsc;

	machine_init(&first);
	make_odd(&first);
	make_chips_odd(&first);
	save(&first);
	clock = clock_of(&first);
	tsc = get_msr(first.vcpus[1], 0x10);
	machine_init(&second);
	assert_loads(&second);
	for (unsigned int i = 0; i < VCPUS; i++)
		assert_same_registers(first.vcpus[i], second.vcpus[i]);
	assert_same_chips(&first, &second);
	g_assert_cmphex(get_msr(second.vcpus[1], 0xc0000082), ==, 0xffffffff81234560);
	g_assert_cmphex(get_msr(second.vcpus[1], 0x2ff), ==, 0xc06);
	g_assert_cmphex(get_msr(second.vcpus[1], 0x200), ==, 0xc0000006);
	/* Time goes on from where it was; it was saved a little before it was looked at. */
	g_assert_cmpuint(clock_of(&second) + 1000000000, >, clock);
	g_assert_cmpuint(get_msr(second.vcpus[1], 0x10) + 10000000000, >, tsc);
	machine_finish(&second);
	machine_finish(&first);
}

/* As if it had been saved so long ago: what KVM's clock says and what the vCPU's own does. */
static void load_after(struct machine *m, uint64_t away_ns)
{
	const uint64_t now = (uint64_t)g_get_real_time() * 1000;
	uint8_t bytes[256];
	struct state_writer writer;
	struct state_reader reader;
	size_t length;

	state_writer_init(&writer, bytes, sizeof(bytes));
	state_writer_begin(&writer, "clock", KVM_VM_CLOCK_VERSION);
	state_writer_put64(&writer, 5000000000);
	state_writer_put64(&writer, now - away_ns);
	state_writer_end(&writer);
	g_assert_cmpint(state_writer_finish(&writer, &length), ==, 0);
	g_assert_cmpint(state_reader_init(&reader, bytes, length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "clock", KVM_VM_CLOCK_VERSION), ==, 0);
	g_assert_cmpint(kvm_vm_clock_load(&m->vm, &reader, &away_ns), ==, 0);
	vcpu_registers_set_away(m->registers, away_ns);
}

/* Some flavours of KVM leave a guest the clock that this computer's processor has. */
static bool can_set_tsc(struct machine *m)
{
	const uint64_t far = 1ULL << 60;

	set_msr(m->vcpus[0], 0x10, far);
	return get_msr(m->vcpus[0], 0x10) >= far;
}

static void test_time_away(void)
{
	const uint64_t day = 86400, second = 1000000000;
	struct machine first, later;
	uint64_t tsc, khz;

	machine_init(&first);
	save(&first);
	tsc = get_msr(first.vcpus[1], 0x10);
	khz = (uint64_t)ioctl(vcpu_fd(first.vcpus[1]), KVM_GET_TSC_KHZ, 0);
	machine_init(&later);
	assert_loads(&later);
	load_after(&later, day * second);
	g_assert_cmpuint(clock_of(&later), >=, (5 + day) * second);
	g_assert_cmpuint(clock_of(&later), <, (5 + day + 60) * second);
	assert_loads_registers(&later);
	if (can_set_tsc(&first)) {
		g_assert_cmpuint(get_msr(later.vcpus[1], 0x10), >=, tsc + day * khz * 1000);
		g_assert_cmpuint(get_msr(later.vcpus[1], 0x10), <, tsc + (day + 60) * khz * 1000);
	}
	/* A clock that was put back in the meantime stands. */
	load_after(&later, -(day * second));
	g_assert_cmpuint(clock_of(&later), <, 65 * second);
	machine_finish(&later);
	machine_finish(&first);
}

static void wait_for_steps(unsigned int wanted)
{
	gint64 limit = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;

	g_mutex_lock(&lock);
	while (steps < wanted)
		g_assert_true(g_cond_wait_until(&changed, &lock, limit));
	g_mutex_unlock(&lock);
}

static void let_go(unsigned int next_hold)
{
	g_mutex_lock(&lock);
	hold_at = next_hold;
	g_cond_broadcast(&changed);
	g_mutex_unlock(&lock);
}

static void stop(struct machine *m)
{
	vcpu_ask_to_stop(m->vcpus[0]);
	let_go(0);
	vcpu_wait_until_parked(m->vcpus[0]);
}

/* In real mode: says 1, 2, 3 and so on. */
static void start_counting(struct machine *m)
{
	/* l: inc al; out dx, al; jmp l */
	static const uint8_t code[] = {0xfe, 0xc0, 0xee, 0xeb, 0xfb};
	struct kvm_regs regs = {.rip = CODE, .rdx = PORT, .rflags = 2};
	struct kvm_sregs sregs;
	int fd = vcpu_fd(m->vcpus[0]);

	memcpy(guest_memory_at(memory, CODE, sizeof(code)), code, sizeof(code));
	g_assert_cmpint(ioctl(fd, KVM_GET_SREGS, &sregs), ==, 0);
	sregs.cs.selector = 0;
	sregs.cs.base = 0;
	g_assert_cmpint(ioctl(fd, KVM_SET_SREGS, &sregs), ==, 0);
	g_assert_cmpint(ioctl(fd, KVM_SET_REGS, &regs), ==, 0);
	vcpu_run(m->vcpus[0]);
}

/* A guest that counts goes on counting in the next machine, and in the one after that. */
static void test_runs_on(void)
{
	struct machine machines[3];

	steps = 0;
	hold_at = STEPS;
	machine_init(&machines[0]);
	start_counting(&machines[0]);
	wait_for_steps(STEPS);
	for (unsigned int i = 1; i < G_N_ELEMENTS(machines); i++) {
		stop(&machines[i - 1]);
		save(&machines[i - 1]);
		machine_finish(&machines[i - 1]);
		machine_init(&machines[i]);
		assert_loads(&machines[i]);
		let_go((i + 1) * STEPS);
		vcpu_run(machines[i].vcpus[0]);
		wait_for_steps((i + 1) * STEPS);
	}
	stop(&machines[2]);
	machine_finish(&machines[2]);
	for (unsigned int i = 0; i < 3 * STEPS; i++)
		g_assert_cmpuint(said[i], ==, i + 1);
}

static void put_section(struct state_writer *writer, uint32_t xsave_size, uint32_t msr_count,
			uint32_t msr)
{
	static const uint8_t zeros[8192];
	size_t parts = 0;

	parts += sizeof(struct kvm_mp_state) + 4 + sizeof(struct kvm_regs);
	parts += sizeof(struct kvm_sregs2) + sizeof(struct kvm_xcrs) + sizeof(struct kvm_debugregs);
	parts += sizeof(struct kvm_lapic_state) + sizeof(struct kvm_vcpu_events);
	state_writer_begin(writer, "vcpu.0", 1);
	state_writer_put_bytes(writer, zeros, parts);
	state_writer_put32(writer, xsave_size);
	state_writer_put_bytes(writer, zeros, xsave_size < sizeof(zeros) ? xsave_size : 0);
	state_writer_put32(writer, msr_count);
	state_writer_put32(writer, msr);
	state_writer_put64(writer, 0);
	state_writer_end(writer);
}

static const char *refusal(struct machine *m, uint32_t xsave_size, uint32_t msr_count, uint32_t msr)
{
	struct state_writer writer;
	struct state_reader reader;

	state_writer_init(&writer, block, sizeof(block));
	put_section(&writer, xsave_size, msr_count, msr);
	g_assert_cmpint(state_writer_finish(&writer, &block_length), ==, 0);
	g_assert_cmpint(state_reader_init(&reader, block, block_length), ==, 0);
	g_assert_cmpint(state_reader_begin(&reader, "vcpu.0", 1), ==, 0);
	g_assert_cmpint(vcpu_registers_load(m->registers, m->vcpus[0], &reader), ==, -EPROTO);
	return reader.problem;
}

static void test_hostile(void)
{
	struct machine m;

	machine_init(&m);
	g_assert_cmpstr(refusal(&m, UINT32_MAX, 1, 0x10), ==,
			"this computer's processor has less registers");
	g_assert_cmpstr(refusal(&m, 8, 1, 0x10), ==,
			"this computer's processor has less registers");
	g_assert_cmpstr(refusal(&m, 4096, UINT32_MAX, 0x10), ==,
			"this computer's processor has less registers");
	g_assert_cmpstr(refusal(&m, 4096, 2, 0x10), ==, "a part has less than it should");
	g_assert_cmpstr(refusal(&m, 4096, 1, 0x12345678), ==,
			"this computer's processor lacks a register");
	machine_finish(&m);
}

int main(int argc, char **argv)
{
	int r;

	need_kvm();
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(vcpu_install_kick_signal(), ==, 0);
	g_assert_cmpint(guest_memory_create(32 << 20, &memory), ==, 0);
	g_test_add_func("/vcpu-registers/odd-state", test_odd_state);
	g_test_add_func("/vcpu-registers/time-away", test_time_away);
	g_test_add_func("/vcpu-registers/runs-on", test_runs_on);
	g_test_add_func("/vcpu-registers/hostile", test_hostile);
	r = g_test_run();
	guest_memory_destroy(memory);
	return r;
}
