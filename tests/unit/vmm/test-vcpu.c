/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * vCPUs with payloads of a few instructions on a real /dev/kvm, started as a kernel is.
 */
#include "cpu/vcpu.h"

#include <glib.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/byte-order.h"
#include "base/fd.h"
#include "boot/linux-boot.h"
#include "bus/address-space.h"
#include "bus/interrupt.h"
#include "bus/ioeventfd.h"
#include "bus/memory-slot.h"
#include "bus/posted-writes.h"
#include "cpu/cpuid.h"
#include "cpu/kvm-vm.h"
#include "cpu/vcpu-state.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "memory/memory-slots.h"
#include "needs-kvm.h"
#include "protocol/statistics-protocol.h"
#include "payload-kernel.h"

enum { PORT = 0x510, DONE_PORT = 0x511 };

#define MMIO     0xd0000000ULL
#define DOORBELL 0xd0001000ULL

struct fixture {
	struct kvm_vm vm;
	struct guest_memory *memory;
	struct event_loop *loop;
	struct vcpu_host host;
	struct statistics_vcpu statistics[2];
	struct vcpu *vcpus[2];
	struct vcpu_power_on *power_on;
	struct vcpu_entry entry;

	pthread_mutex_t lock; /* protects everything below */
	pthread_cond_t changed;
	uint64_t written, read_value;
	unsigned int reads, writes, dones, in_read;
	bool hold_reads;
	unsigned int stops;
	enum vcpu_stop stop;
};

static void notify(struct fixture *f, unsigned int *counter)
{
	pthread_mutex_lock(&f->lock);
	(*counter)++;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void wait_for(struct fixture *f, const unsigned int *counter, unsigned int value)
{
	struct timespec limit;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 20;
	pthread_mutex_lock(&f->lock);
	while (*counter < value && r == 0)
		r = pthread_cond_timedwait(&f->changed, &f->lock, &limit);
	g_assert_cmpuint(*counter, >=, value);
	pthread_mutex_unlock(&f->lock);
}

static uint64_t device_read(void *data, uint64_t offset, unsigned int size)
{
	struct fixture *f = data;

	notify(f, &f->in_read);
	pthread_mutex_lock(&f->lock);
	while (f->hold_reads)
		pthread_cond_wait(&f->changed, &f->lock);
	f->reads++;
	pthread_mutex_unlock(&f->lock);
	return f->read_value;
}

static void device_write(void *data, uint64_t offset, unsigned int size, uint64_t value)
{
	struct fixture *f = data;

	f->written = value;
	notify(f, &f->writes);
}

static void done_write(void *data, uint64_t offset, unsigned int size, uint64_t value)
{
	struct fixture *f = data;

	notify(f, &f->dones);
}

static const struct address_range_ops device_ops = {.read = device_read, .write = device_write};
static const struct address_range_ops done_ops = {.read = device_read, .write = done_write};

static int confine(void *data)
{
	return 0;
}

static void on_stopped(void *data, enum vcpu_stop stop, int error, const char *text)
{
	struct fixture *f = data;

	f->stop = stop;
	notify(f, &f->stops);
}

static void create_buses(struct fixture *f)
{
	struct vcpu_bus *bus = &f->host.bus;

	g_assert_cmpint(event_loop_create(&f->loop), ==, 0);
	bus->loop = f->loop;
	g_assert_cmpint(address_space_create(0x10000, &bus->ports), ==, 0);
	g_assert_cmpint(address_space_create(0, &bus->mmio), ==, 0);
	g_assert_cmpint(address_space_add(bus->ports, PORT, 1, &device_ops, f), ==, 0);
	g_assert_cmpint(address_space_add(bus->ports, DONE_PORT, 1, &done_ops, f), ==, 0);
	g_assert_cmpint(address_space_add(bus->mmio, MMIO, 0x1000, &device_ops, f), ==, 0);
}

static void create_vcpus(struct fixture *f)
{
	g_autofree struct cpuid_table *table = g_new(struct cpuid_table, 1);

	g_assert_cmpint(cpuid_read_supported(f->vm.system_fd, table), ==, 0);
	cpuid_filter(table, 2);
	for (unsigned int i = 0; i < 2; i++) {
		g_assert_cmpint(vcpu_create(&f->host, i, &f->statistics[i], &f->vcpus[i]), ==, 0);
		cpuid_set_vcpu(table, i);
		g_assert_cmpint(vcpu_set_cpuid(f->vcpus[i], table), ==, 0);
	}
	g_assert_cmpint(vcpu_power_on_read(f->vm.system_fd, f->vcpus[0], &f->power_on), ==, 0);
	for (unsigned int i = 0; i < 2; i++)
		g_assert_cmpint(vcpu_start_thread(f->vcpus[i]), ==, 0);
}

static void set_up(struct fixture *f, gconstpointer data)
{
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	g_assert_cmpint(kvm_vm_open(&f->vm), ==, 0);
	g_assert_cmpint(kvm_vm_create(&f->vm), ==, 0);
	g_assert_cmpint(guest_memory_create(32 << 20, &f->memory), ==, 0);
	g_assert_cmpint(memory_slots_install(f->vm.vm_fd, f->memory), ==, 0);
	f->host = (struct vcpu_host){
		.vm = &f->vm, .confine = confine, .stopped = on_stopped, .data = f};
	create_buses(f);
	create_vcpus(f);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	vcpu_destroy(f->vcpus[0]);
	vcpu_destroy(f->vcpus[1]);
	vcpu_power_on_destroy(f->power_on);
	address_space_destroy(f->host.bus.ports);
	address_space_destroy(f->host.bus.mmio);
	event_loop_destroy(f->loop);
	kvm_vm_finish(&f->vm);
	guest_memory_destroy(f->memory);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
}

/* Puts the code where a kernel has its 64-bit entry and the first vCPU there. */
static void load(struct fixture *f, const void *code, size_t length)
{
	struct linux_boot boot = {
		.kernel_fd = memfd_create("k", 0), .initrd_fd = -1, .cmdline = ""};
	uint8_t image[PAYLOAD_KERNEL_SIZE];
	struct linux_boot_problem problem;
	struct linux_entry entry;

	payload_kernel_make(image, code, length);
	g_assert_cmpint(write(boot.kernel_fd, image, sizeof(image)), ==, sizeof(image));
	g_assert_cmpint(linux_boot_load(&boot, f->memory, &entry, &problem), ==, 0);
	fd_close(&boot.kernel_fd);
	f->entry = (struct vcpu_entry){
		.rip = entry.rip,
		.rsp = entry.rsp,
		.rsi = entry.rsi,
		.cr3 = entry.cr3,
		.gdt_base = entry.gdt_base,
		.gdt_limit = entry.gdt_limit,
		.code_selector = entry.code_selector,
		.data_selector = entry.data_selector,
	};
	g_assert_cmpint(vcpu_set_firmware_state(f->vcpus[0]), ==, 0);
	g_assert_cmpint(vcpu_set_entry(f->vcpus[0], f->power_on, &f->entry), ==, 0);
}

#define LOAD(f, code) load(f, code, sizeof(code) - 1)

static struct kvm_regs registers(struct fixture *f)
{
	struct kvm_regs regs;

	g_assert_cmpint(ioctl(vcpu_fd(f->vcpus[0]), KVM_GET_REGS, &regs), ==, 0);
	return regs;
}

static void park(struct vcpu *vcpu)
{
	vcpu_ask_to_stop(vcpu);
	vcpu_wait_until_parked(vcpu);
}

/* mov dx, 0x511; out dx, al; jmp . */
#define DONE "\x66\xba\x11\x05\xee\xeb\xfe"

static void test_port(struct fixture *f, gconstpointer data)
{
	/* mov dx, 0x510; in al, dx; inc al; out dx, al */
	LOAD(f, "\x66\xba\x10\x05\xec\xfe\xc0\xee" DONE);
	f->read_value = 0x41;
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmphex(f->written, ==, 0x42);
	g_assert_cmpuint(f->statistics[0].exits_port, ==, 3);
	g_assert_cmpuint(f->statistics[0].exits_mmio, ==, 0);
}

static void test_mmio(struct fixture *f, gconstpointer data)
{
	/* mov ebx, 0xd0000000; mov eax, [rbx]; inc eax; mov [rbx + 4], eax */
	LOAD(f, "\xbb\x00\x00\x00\xd0\x8b\x03\xff\xc0\x89\x43\x04" DONE);
	f->read_value = 0x11223344;
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmphex(f->written, ==, 0x11223345);
	g_assert_cmpuint(f->statistics[0].exits_mmio, ==, 2);
}

/* A display adapter's window is no RAM, and what is on either side is. */
static void test_video_window(struct fixture *f, gconstpointer data)
{
	/* mov ebx, 0x9fffc; mov ecx, 3; l: mov [rbx], ecx; add ebx, 0x10004; loop l */
	LOAD(f, "\xbb\xfc\xff\x09\x00\xb9\x03\x00\x00\x00"
		"\x89\x0b\x81\xc3\x04\x00\x01\x00\xe2\xf6" DONE);
	g_assert_cmpint(address_space_add(f->host.bus.mmio, 0xa0000, 0x20000, &device_ops, f), ==,
			0);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmpuint(f->writes, ==, 1); /* at 0xb0000 */
	g_assert_cmphex(f->written, ==, 2);
	g_assert_cmphex(*(uint32_t *)guest_memory_at(f->memory, 0x9fffc, 4), ==, 3);
	g_assert_cmphex(*(uint32_t *)guest_memory_at(f->memory, 0xc0004, 4), ==, 1);
}

/* Kept by KVM until the vCPU leaves it for something else, and served before that is. */
static void test_posted_writes(struct fixture *f, gconstpointer data)
{
	struct posted_writes *posted;

	g_assert_cmpint(posted_writes_create(f->vm.vm_fd, f->host.bus.ports, &posted), ==, 0);
	posted_writes_set_area(posted, vcpu_run_area(f->vcpus[0]), f->vm.run_size);
	f->host.bus.posted = posted;
	if (posted_writes_add(posted, PORT, 1) == -EOPNOTSUPP) {
		g_test_skip("this KVM does not keep writes to ports");
		posted_writes_destroy(posted);
		return;
	}
	/* mov ecx, 5; mov dx, 0x510; l: mov eax, ecx; out dx, al; loop l */
	LOAD(f, "\xb9\x05\x00\x00\x00\x66\xba\x10\x05\x89\xc8\xee\xe2\xfb" DONE);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmpuint(f->writes, ==, 5);
	g_assert_cmphex(f->written, ==, 1);
	g_assert_cmpuint(f->statistics[0].exits_port, ==, 1);
	posted_writes_destroy(posted);
}

/* Asked to stop in the middle of a read: the value reaches its register, once, before it parks. */
static void pause_during_read(struct fixture *f)
{
	f->hold_reads = true;
	f->read_value = 0x5a;
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->in_read, 1);
	vcpu_ask_to_stop(f->vcpus[0]);
	pthread_mutex_lock(&f->lock);
	f->hold_reads = false;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
	vcpu_wait_until_parked(f->vcpus[0]);
}

static void test_pause_completes_port_read(struct fixture *f, gconstpointer data)
{
	/* mov dx, 0x510; xor eax, eax; in al, dx */
	LOAD(f, "\x66\xba\x10\x05\x31\xc0\xec" DONE);
	pause_during_read(f);
	g_assert_cmphex(registers(f).rax, ==, 0x5a);
	g_assert_cmphex(registers(f).rip, ==, f->entry.rip + 7);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmpuint(f->reads, ==, 1);
}

static void test_pause_completes_mmio_read(struct fixture *f, gconstpointer data)
{
	/* mov ebx, 0xd0000000; xor eax, eax; mov al, [rbx] */
	LOAD(f, "\xbb\x00\x00\x00\xd0\x31\xc0\x8a\x03" DONE);
	pause_during_read(f);
	g_assert_cmphex(registers(f).rax, ==, 0x5a);
	g_assert_cmphex(registers(f).rip, ==, f->entry.rip + 9);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmpuint(f->reads, ==, 1);
}

static void test_kick(struct fixture *f, gconstpointer data)
{
	uint64_t start;

	LOAD(f, "\xeb\xfe"); /* jmp . */
	for (int i = 0; i < 50; i++) {
		vcpu_run(f->vcpus[0]);
		g_usleep((gulong)i * 20); /* also before and right after it enters the guest */
		start = event_loop_now();
		park(f->vcpus[0]);
		g_assert_cmpuint(event_loop_now() - start, <, 5000000000);
	}
	/* on a busy computer many an order is taken back before the thread has seen it */
	g_assert_cmpuint(f->statistics[0].exits_signal, >=, 1);
	g_assert_cmphex(registers(f).rip, ==, f->entry.rip);
}

/* An order that is taken back before the thread has seen it. */
static void test_quick_orders(struct fixture *f, gconstpointer data)
{
	LOAD(f, "\xeb\xfe");
	for (int i = 0; i < 2000; i++) {
		vcpu_run(f->vcpus[0]);
		vcpu_run(f->vcpus[1]);
		vcpu_ask_to_stop(f->vcpus[0]);
		vcpu_ask_to_stop(f->vcpus[1]);
		vcpu_wait_until_parked(f->vcpus[0]);
		vcpu_wait_until_parked(f->vcpus[1]);
	}
}

static void test_triple_fault(struct fixture *f, gconstpointer data)
{
	LOAD(f, "\x0f\x0b"); /* ud2, and no interrupt descriptor table */
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->stops, 1);
	vcpu_wait_until_parked(f->vcpus[0]);
	g_assert_cmpint(f->stop, ==, VCPU_STOP_TRIPLE_FAULT);
}

static void test_power_on(struct fixture *f, gconstpointer data)
{
	test_triple_fault(f, data);
	/* as a reset does: chips, processors, kernel */
	g_assert_cmpint(kvm_vm_reset_chips(&f->vm), ==, 0);
	for (int i = 0; i < 2; i++)
		g_assert_cmpint(vcpu_power_on_apply(f->power_on, f->vcpus[i]), ==, 0);
	g_assert_cmphex(registers(f).rip, ==, 0xfff0);
	LOAD(f, DONE);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmpuint(f->stops, ==, 1);
}

static void test_waits_to_be_started(struct fixture *f, gconstpointer data)
{
	bool started = true, reachable = true;

	vcpu_run(f->vcpus[1]);
	g_usleep(20000);
	park(f->vcpus[1]);
	g_assert_cmpuint(f->stops, ==, 0);
	g_assert_cmpint(vcpu_is_reachable(f->vcpus[1], &started, &reachable), ==, 0);
	g_assert_false(started);
}

static void assert_reachable(struct fixture *f, bool expected)
{
	bool started, reachable;

	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	g_usleep(20000);
	park(f->vcpus[0]);
	f->dones = 0;
	g_assert_cmpint(vcpu_is_reachable(f->vcpus[0], &started, &reachable), ==, 0);
	g_assert_true(started);
	g_assert_cmpint(reachable, ==, expected);
}

#define SAY "\x66\xba\x11\x05\xee" /* mov dx, 0x511; out dx, al */

static void test_reachable(struct fixture *f, gconstpointer data)
{
	LOAD(f, SAY "\xf4"); /* hlt with interrupts off: nothing wakes it */
	assert_reachable(f, false);
	g_assert_cmpint(vcpu_power_on_apply(f->power_on, f->vcpus[0]), ==, 0);
	LOAD(f, SAY "\xfb\xf4"); /* sti; hlt: an idle system */
	assert_reachable(f, true);
	g_assert_cmpint(vcpu_power_on_apply(f->power_on, f->vcpus[0]), ==, 0);
	LOAD(f, SAY "\xeb\xfe"); /* jmp . with interrupts off */
	assert_reachable(f, false);
	g_assert_cmpint(vcpu_power_on_apply(f->power_on, f->vcpus[0]), ==, 0);
	LOAD(f, SAY "\xfb\xeb\xfe"); /* with interrupts on, but no timer is set */
	assert_reachable(f, false);
}

static void test_doorbell(struct fixture *f, gconstpointer data)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct ioeventfd_registry *registry;

	g_assert_cmpint(ioeventfd_kvm_create(f->vm.vm_fd, &registry), ==, 0);
	g_assert_cmpint(ioeventfd_add(registry, DOORBELL, fd), ==, 0);
	g_assert_cmpint(ioeventfd_add(registry, DOORBELL, fd), ==, -EEXIST);
	/* mov ebx, DOORBELL; mov [rbx], ax; mov [rbx], eax */
	LOAD(f, "\xbb\x00\x10\x00\xd0\x66\x89\x03\x89\x03" DONE);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmpuint(fd_event_drain(fd), ==, 2);
	g_assert_cmpuint(f->statistics[0].exits_mmio, ==, 0);
	g_assert_cmpint(ioeventfd_remove(registry, DOORBELL, fd), ==, 0);
	ioeventfd_kvm_destroy(registry);
	fd_close(&fd);
}

/* Whether this vector waits in the local APIC of the first vCPU (interrupt request register). */
static bool is_requested(struct fixture *f, unsigned int vector)
{
	struct kvm_lapic_state lapic;

	g_assert_cmpint(ioctl(vcpu_fd(f->vcpus[0]), KVM_GET_LAPIC, &lapic), ==, 0);
	return load_le32(&lapic.regs[0x200 + vector / 32 * 0x10]) & 1U << vector % 32;
}

static bool becomes_requested(struct fixture *f, unsigned int vector)
{
	for (int i = 0; i < 200 && !is_requested(f, vector); i++)
		g_usleep(10000);
	return is_requested(f, vector);
}

static void enable_apic(struct fixture *f)
{
	struct kvm_lapic_state lapic;

	g_assert_cmpint(ioctl(vcpu_fd(f->vcpus[0]), KVM_GET_LAPIC, &lapic), ==, 0);
	store_le32(&lapic.regs[0xf0], 0x1ff);
	g_assert_cmpint(ioctl(vcpu_fd(f->vcpus[0]), KVM_SET_LAPIC, &lapic), ==, 0);
}

static void test_messages(struct fixture *f, gconstpointer data)
{
	struct msi_message route = {.address = 0xfee00000, .data = 0x41};
	struct interrupt_controller *interrupts;
	struct interrupt_message *first, *second;

	g_assert_cmpint(interrupt_kvm_create(f->vm.vm_fd, &interrupts), ==, 0);
	enable_apic(f);
	g_assert_cmpint(interrupt_message_create(interrupts, &first), ==, 0);
	g_assert_cmpint(interrupt_message_create(interrupts, &second), ==, 0);
	interrupt_message_send(first); /* goes nowhere */
	g_assert_cmpint(interrupt_message_route(first, &route), ==, 0);
	route.data = 0x52;
	g_assert_cmpint(interrupt_message_route(second, &route), ==, 0);
	g_assert_false(is_requested(f, 0x41));
	interrupt_message_send(first);
	g_assert_true(becomes_requested(f, 0x41));
	g_assert_false(is_requested(f, 0x52));
	interrupt_message_destroy(first);

	g_assert_cmpint(interrupt_message_route(second, NULL), ==, 0); /* masked */
	interrupt_message_send(second);
	route.data = 0x63;
	g_assert_cmpint(interrupt_message_route(second, &route), ==, 0);
	interrupt_message_send(second);
	g_assert_true(becomes_requested(f, 0x63));
	g_assert_false(is_requested(f, 0x52));
	interrupt_message_destroy(second);
	interrupt_message_destroy(NULL);
	interrupt_kvm_destroy(interrupts);
}

/* 2 pages, read from the first and written to the second: mov ebx, 0xd0100000; mov al, [rbx];
 * inc al; mov [rbx + 0x1000], al */
#define COPY_IN_SLOT "\xbb\x00\x00\x10\xd0\x8a\x03\xfe\xc0\x88\x83\x00\x10\x00\x00"
#define SLOT         0xd0100000ULL

struct slot_fixture {
	struct memory_slot_registry *registry;
	uint8_t *host;
	struct memory_slot *slot;
};

static void set_up_slot(struct fixture *f, struct slot_fixture *s, unsigned int flags)
{
	const size_t size = 2 * MEMORY_SLOT_PAGE_SIZE;

	g_assert_cmpint(memory_slot_kvm_create(f->vm.vm_fd, &s->registry), ==, 0);
	s->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	g_assert_true(s->host != MAP_FAILED);
	s->host[0] = 0x41;
	g_assert_cmpint(memory_slot_create(s->registry, s->host, size, flags, &s->slot), ==, 0);
	g_assert_cmpint(memory_slot_map(s->slot, SLOT), ==, 0);
}

static void tear_down_slot(struct slot_fixture *s)
{
	memory_slot_destroy(s->slot);
	munmap(s->host, 2 * MEMORY_SLOT_PAGE_SIZE);
	memory_slot_kvm_destroy(s->registry);
}

static void test_memory_slot(struct fixture *f, gconstpointer data)
{
	struct slot_fixture s;
	uint64_t dirty;

	set_up_slot(f, &s, MEMORY_SLOT_TRACK_DIRTY);
	LOAD(f, COPY_IN_SLOT DONE);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmphex(s.host[0x1000], ==, 0x42);
	g_assert_cmpuint(f->statistics[0].exits_mmio, ==, 0);
	g_assert_cmpint(memory_slot_take_dirty(s.slot, &dirty), ==, 0);
	g_assert_cmphex(dirty, ==, 2);
	g_assert_cmpint(memory_slot_take_dirty(s.slot, &dirty), ==, 0);
	g_assert_cmphex(dirty, ==, 0);

	/* Where RAM is, it cannot be; and then it is nowhere. */
	g_assert_cmpint(memory_slot_map(s.slot, 0x100000), ==, -EEXIST);
	g_assert_false(s.slot->mapped);
	g_assert_cmpint(memory_slot_map(s.slot, SLOT + 1), ==, -EINVAL);
	g_assert_cmpint(memory_slot_take_dirty(s.slot, &dirty), ==, 0);
	g_assert_cmphex(dirty, ==, 0);
	tear_down_slot(&s);
}

static void test_read_only_slot(struct fixture *f, gconstpointer data)
{
	struct slot_fixture s;

	set_up_slot(f, &s, MEMORY_SLOT_READ_ONLY);
	LOAD(f, COPY_IN_SLOT DONE);
	vcpu_run(f->vcpus[0]);
	wait_for(f, &f->dones, 1);
	park(f->vcpus[0]);
	g_assert_cmphex(s.host[0x1000], ==, 0);
	g_assert_cmphex(registers(f).rax & 0xff, ==, 0x42);
	g_assert_cmpuint(f->statistics[0].exits_mmio, ==, 1);
	tear_down_slot(&s);
}

static void test_quits_while_running(struct fixture *f, gconstpointer data)
{
	LOAD(f, "\xeb\xfe");
	vcpu_run(f->vcpus[0]);
	g_usleep(1000);
	/* tear_down() ends the thread of a running vCPU */
}

#define ADD(name, function) \
	g_test_add("/vcpu/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	need_kvm();
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(vcpu_install_kick_signal(), ==, 0);
	ADD("port", test_port);
	ADD("mmio", test_mmio);
	ADD("video-window", test_video_window);
	ADD("posted-writes", test_posted_writes);
	ADD("pause-completes-port-read", test_pause_completes_port_read);
	ADD("pause-completes-mmio-read", test_pause_completes_mmio_read);
	ADD("kick", test_kick);
	ADD("quick-orders", test_quick_orders);
	ADD("triple-fault", test_triple_fault);
	ADD("power-on", test_power_on);
	ADD("waits-to-be-started", test_waits_to_be_started);
	ADD("reachable", test_reachable);
	ADD("doorbell", test_doorbell);
	ADD("messages", test_messages);
	ADD("memory-slot", test_memory_slot);
	ADD("read-only-slot", test_read_only_slot);
	ADD("quits-while-running", test_quits_while_running);
	return g_test_run();
}
