/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu/vcpu-exit.h"

#include <glib.h>
#include <linux/kvm.h>
#include <string.h>

#include "bus/address-space.h"
#include "loop/event-loop.h"
#include "protocol/statistics-protocol.h"

struct fixture {
	struct vcpu_bus bus;
	struct statistics_vcpu statistics;
	struct {
		struct kvm_run run;
		uint8_t data[4096];
	} area;
	char text[VCPU_EXIT_TEXT_SIZE];
	uint64_t offsets[16], values[16];
	unsigned int sizes[16], accesses;
};

static void on_write(void *data, uint64_t offset, unsigned int size, uint64_t value)
{
	struct fixture *f = data;

	f->offsets[f->accesses] = offset;
	f->sizes[f->accesses] = size;
	f->values[f->accesses++] = value;
}

static uint64_t on_read(void *data, uint64_t offset, unsigned int size)
{
	on_write(data, offset, size, 0);
	return 0xa0 + offset;
}

static const struct address_range_ops ops = {.read = on_read, .write = on_write};

static void set_up(struct fixture *f, gconstpointer data)
{
	memset(f, 0, sizeof(*f));
	g_assert_cmpint(event_loop_create(&f->bus.loop), ==, 0);
	g_assert_cmpint(address_space_create(0x10000, &f->bus.ports), ==, 0);
	g_assert_cmpint(address_space_create(0, &f->bus.mmio), ==, 0);
	g_assert_cmpint(address_space_add(f->bus.ports, 0x10, 4, &ops, f), ==, 0);
	g_assert_cmpint(address_space_add(f->bus.mmio, 0x1000, 0x100, &ops, f), ==, 0);
}

static void tear_down(struct fixture *f, gconstpointer data)
{
	address_space_destroy(f->bus.ports);
	address_space_destroy(f->bus.mmio);
	event_loop_destroy(f->bus.loop);
}

static enum vcpu_exit serve(struct fixture *f)
{
	return vcpu_exit_serve(&f->area.run, &f->bus, &f->statistics, f->text);
}

static void test_string_output(struct fixture *f, gconstpointer data)
{
	struct kvm_run *run = &f->area.run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = KVM_EXIT_IO_OUT;
	run->io.port = 0x10;
	run->io.size = 2;
	run->io.count = 3;
	run->io.data_offset = sizeof(*run);
	memcpy(f->area.data, "\x01\x02\x03\x04\x05\x06", 6);
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_SERVED);
	g_assert_cmpuint(f->accesses, ==, 3);
	g_assert_cmphex(f->values[0], ==, 0x0201);
	g_assert_cmphex(f->values[2], ==, 0x0605);
	g_assert_cmpuint(f->statistics.exits_port, ==, 1);
}

static void test_input(struct fixture *f, gconstpointer data)
{
	struct kvm_run *run = &f->area.run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = KVM_EXIT_IO_IN;
	run->io.port = 0x11;
	run->io.size = 1;
	run->io.count = 2;
	run->io.data_offset = sizeof(*run);
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_SERVED);
	g_assert_cmpmem(f->area.data, 3, "\xa1\xa1\0", 3);
}

static void test_odd_mmio(struct fixture *f, gconstpointer data)
{
	struct kvm_run *run = &f->area.run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = 0x1010;
	run->mmio.len = 3;
	run->mmio.is_write = 0;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_SERVED);
	g_assert_cmpuint(f->accesses, ==, 3);
	g_assert_cmpuint(f->sizes[2], ==, 1);
	g_assert_cmpmem(run->mmio.data, 4, "\xb0\xb1\xb2\0", 4);
	run->mmio.len = 8;
	run->mmio.is_write = 1;
	memcpy(run->mmio.data, "\x88\x77\x66\x55\x44\x33\x22\x11", 8);
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_SERVED);
	g_assert_cmphex(f->values[3], ==, 0x1122334455667788);
	g_assert_cmpuint(f->statistics.exits_mmio, ==, 2);
}

static void test_hypervisor(struct fixture *f, gconstpointer data)
{
	struct kvm_run *run = &f->area.run;

	run->exit_reason = KVM_EXIT_HYPERV;
	run->hyperv.type = KVM_EXIT_HYPERV_SYNIC;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_SERVED);
	run->hyperv.type = KVM_EXIT_HYPERV_HCALL;
	run->hyperv.u.hcall.result = 0;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_SERVED);
	g_assert_cmpuint(run->hyperv.u.hcall.result, !=, 0);
	run->exit_reason = KVM_EXIT_SYSTEM_EVENT;
	run->system_event.type = KVM_SYSTEM_EVENT_RESET;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_RESET);
	run->system_event.type = KVM_SYSTEM_EVENT_CRASH;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_CRASH);
	g_assert_nonnull(strstr(f->text, "has crashed"));
}

static void test_crashes(struct fixture *f, gconstpointer data)
{
	struct kvm_run *run = &f->area.run;

	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->emulation_failure.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 3;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = 15;
	memset(run->emulation_failure.insn_bytes, 0xcc, 15);
	memcpy(run->emulation_failure.insn_bytes, "\x48\x0f\xc7", 3);
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_CRASH);
	g_assert_nonnull(strstr(f->text, "48 0f c7 cc"));
	run->emulation_failure.insn_size = 255; /* more than there are */
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_CRASH);
	run->internal.suberror = KVM_INTERNAL_ERROR_SIMUL_EX;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_CRASH);
	g_assert_nonnull(strstr(f->text, "suberror 2"));

	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	run->fail_entry.hardware_entry_failure_reason = 0x80000021;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_CRASH);
	g_assert_nonnull(strstr(f->text, "0x80000021"));
	run->exit_reason = 12345;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_CRASH);
	run->exit_reason = KVM_EXIT_SHUTDOWN;
	g_assert_cmpint(serve(f), ==, VCPU_EXIT_SHUTDOWN);
	g_assert_cmpuint(f->statistics.exits_other, ==, 6);
}

#define ADD(name, function) \
	g_test_add("/vcpu-exit/" name, struct fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	ADD("string-output", test_string_output);
	ADD("input", test_input);
	ADD("odd-mmio", test_odd_mmio);
	ADD("hypervisor", test_hypervisor);
	ADD("crashes", test_crashes);
	return g_test_run();
}
