/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The adapter as a whole: what it says of itself, interrupts, resets, pause.
 */
#include "devices/ahci.h"

#include <errno.h>
#include <glib.h>
#include <linux/pci_regs.h>
#include <string.h>

#include "ahci-fixture.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-host-bridge.h"

enum {
	READ_DMA_EXT = 0x25,
	GSI = 16, /* INTA# of slot 31, which is not rotated */
	GHC_HR = 1,
	GHC_IE = 2,
	DETECTED = 0x123,
};
#define GHC_AE 0x80000000u

static uint32_t host(struct ahci_fixture *fixture, unsigned int offset)
{
	return ahci_driver_read_host(&fixture->disk, offset);
}

static bool line(struct ahci_fixture *fixture)
{
	return __atomic_load_n(&fixture->machine.interrupts.lines[GSI], __ATOMIC_ACQUIRE);
}

static void guest_registers(struct ahci_fixture *fixture)
{
	struct test_machine *machine = &fixture->machine;
	uint64_t registers = fixture->disk.registers;

	g_assert_cmphex(test_machine_config_read(machine, AHCI_DEVFN, 0, 4), ==, 0x29228086);
	g_assert_cmphex(test_machine_config_read(machine, AHCI_DEVFN, PCI_CLASS_REVISION, 4) >> 8,
			==, 0x010601);
	g_assert_cmphex(test_machine_config_read(machine, AHCI_DEVFN, PCI_INTERRUPT_PIN, 1), ==, 1);
	g_assert_cmphex(test_machine_config_read(machine, AHCI_DEVFN, 0x92, 2), ==, 0x0500);

	g_assert_cmphex(host(fixture, AHCI_CAP) & 0xc0001f1f, ==, 0xc0001f05);
	g_assert_cmphex(host(fixture, AHCI_PI), ==, 0x5);
	g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXSIG), ==, 0x101);
	g_assert_cmphex(ahci_driver_read(&fixture->cdrom, AHCI_PXSIG), ==, 0xEB140101);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXSSTS), ==, DETECTED);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXTFD), ==, 0x150);
	/* The signature came as a frame, without an interrupt. */
	g_assert_cmphex(ahci_driver_received(&fixture->cdrom, AHCI_RECEIVED_REGISTER), ==, 0x34);
	g_assert_cmphex(ahci_driver_received(&fixture->cdrom, AHCI_RECEIVED_REGISTER + 5), ==,
			0x14);
	g_assert_cmphex(ahci_driver_read(&fixture->cdrom, AHCI_PXIS), ==, 0);

	/* A port that is not there, parts of registers, two at once, read-only ones. */
	g_assert_cmphex(ahci_driver_read_host(&fixture->disk, 0x180 + AHCI_PXSSTS), ==, 0);
	ahci_driver_write_host(&fixture->disk, 0x180 + AHCI_PXCMD, ~0u);
	g_assert_cmphex(test_machine_read(machine, registers + AHCI_PI, 1), ==, 5);
	g_assert_cmphex(test_machine_read(machine, registers + AHCI_VS + 2, 2), ==, 1);
	g_assert_cmphex(test_machine_read(machine, registers + AHCI_PI, 8), ==, 0x0001030100000005);
	test_machine_write(machine, registers + 0x100 + AHCI_PXFB, 8, 0x1234567812345678);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXFB), ==, 0x12345600);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXFBU), ==, 0x12345678);
	test_machine_write(machine, registers + 0x100 + AHCI_PXFB, 2, 0);
	test_machine_write(machine, registers + 0x102 + AHCI_PXFB, 4, 0);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXFB), ==, 0x12345600);
	ahci_driver_write_host(&fixture->disk, AHCI_CAP, 0);
	ahci_driver_write_host(&fixture->disk, AHCI_PI, 0);
	g_assert_cmphex(host(fixture, AHCI_PI), ==, 5);
}

static void test_registers(void)
{
	ahci_fixture_run(0, guest_registers);
}

/* A bit at each level has to be enabled, and to be cleared from the bottom up. */
static void guest_interrupts(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	ahci_fixture_disk_command(fixture, READ_DMA_EXT, 0, 1, 512);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXIS), ==, AHCI_IS_REGISTER);
	g_assert_cmphex(host(fixture, AHCI_IS), ==, 0);
	ahci_driver_write(disk, AHCI_PXIE, AHCI_IS_REGISTER);
	g_assert_cmphex(host(fixture, AHCI_IS), ==, 1);
	g_assert_false(line(fixture));
	ahci_driver_write_host(disk, AHCI_GHC, GHC_IE | GHC_AE);
	g_assert_true(line(fixture));
	/* The port still asks. */
	ahci_driver_write_host(disk, AHCI_IS, 1);
	g_assert_true(line(fixture));
	g_assert_cmphex(host(fixture, AHCI_IS), ==, 1);
	/* The adapter still remembers. */
	ahci_driver_write(disk, AHCI_PXIS, AHCI_IS_REGISTER);
	g_assert_true(line(fixture));
	ahci_driver_write_host(disk, AHCI_IS, 1);
	g_assert_false(line(fixture));

	/* Two ports share the pin. */
	ahci_driver_write(&fixture->cdrom, AHCI_PXIE, ~0u);
	ahci_fixture_packet(fixture, (const uint8_t[12]){0}, 0);
	ahci_fixture_disk_command(fixture, READ_DMA_EXT, 0, 1, 512);
	g_assert_cmphex(host(fixture, AHCI_IS), ==, 5);
	ahci_driver_write(disk, AHCI_PXIS, ~0u);
	ahci_driver_write_host(disk, AHCI_IS, 1);
	g_assert_true(line(fixture));
	test_machine_config_write(&fixture->machine, AHCI_DEVFN, PCI_COMMAND, 2,
				  PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	g_assert_false(line(fixture));
}

static void test_interrupts(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_interrupts);
}

static void issue_reads(struct ahci_fixture *fixture)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 512};
	const struct ahci_request read = {
		.command = READ_DMA_EXT, .count = 1, .regions = &region, .region_count = 1};
	const struct ahci_request packet = {
		.command = 0xA0,
		.packet = (const uint8_t[]){0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0},
		.packet_length = 12,
		.regions = &region,
		.region_count = 1,
	};

	ahci_driver_prepare(&fixture->disk, 0, &read);
	ahci_driver_prepare(&fixture->cdrom, 0, &packet);
	ahci_driver_write(&fixture->disk, AHCI_PXCI, 1);
	ahci_driver_write(&fixture->cdrom, AHCI_PXCI, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_wait_in_flight(fixture, fixture->cdrom_backend, 1);
}

/* HR reads as 1 until the last request is back; nothing is heard meanwhile. */
static void guest_adapter_reset(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	ahci_driver_write(disk, AHCI_PXIE, ~0u);
	issue_reads(fixture);
	ahci_driver_clear_received(disk);
	ahci_driver_write_host(disk, AHCI_GHC, GHC_AE | GHC_IE | GHC_HR);
	g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE | GHC_HR);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXSSTS), ==, 1);
	ahci_driver_write(disk, AHCI_PXIE, ~0u);
	ahci_fixture_complete(fixture, fixture->cdrom_backend, 1);
	g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE | GHC_HR);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXSSTS), ==, DETECTED);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCMD) & 0xf01f, ==, 0x0006);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXIE), ==, 0);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXIS), ==, 0);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCI), ==, 0);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXTFD), ==, 0x150);
	/* The addresses stay; nothing was written to them. */
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCLB), ==, disk->list);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER), ==, 0);

	/* With nothing under way it is done at once; and everything works again. */
	ahci_driver_write_host(disk, AHCI_GHC, GHC_AE | GHC_HR);
	g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE);
	ahci_driver_start(disk);
	g_assert_cmphex(ahci_driver_received(disk, AHCI_RECEIVED_REGISTER), ==, 0x34);
	ahci_driver_start(&fixture->cdrom);
	issue_reads(fixture);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->cdrom_backend, 1);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCI), ==, 0);
	g_assert_cmphex(ahci_driver_read(&fixture->cdrom, AHCI_PXCI), ==, 0);
}

static void test_adapter_reset(void)
{
	ahci_fixture_run(0, guest_adapter_reset);
}

/* What the host holds back is given up at once. */
static void guest_reset_held(struct ahci_fixture *fixture)
{
	fake_block_backend_set_held(fixture->disk_backend, true);
	fake_block_backend_set_held(fixture->cdrom_backend, true);
	issue_reads(fixture);
	ahci_driver_write_host(&fixture->disk, AHCI_GHC, GHC_AE | GHC_HR);
	g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE);
	g_assert_cmphex(ahci_driver_read(&fixture->disk, AHCI_PXSSTS), ==, DETECTED);
	g_assert_cmphex(ahci_driver_read(&fixture->cdrom, AHCI_PXSSTS), ==, DETECTED);
}

static void test_reset_held(void)
{
	ahci_fixture_run(0, guest_reset_held);
}

static void reset_bus(void *data)
{
	struct ahci_fixture *fixture = data;

	pci_host_bridge_reset(fixture->machine.host.bridge);
	g_assert_cmpuint(fake_block_backend_in_flight(fixture->disk_backend), ==, 0);
	g_assert_cmpuint(fake_block_backend_in_flight(fixture->cdrom_backend), ==, 0);
	g_assert_cmpint(pci_host_bridge_assign(fixture->machine.host.bridge,
					       (uint32_t)fixture->disk.registers, 0x10000,
					       1ULL << 32),
			==, 0);
}

/* The machine's reset: everything is done when it returns, with I/O under way or a reset. */
static void guest_machine_reset(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	for (unsigned int resetting = 0; resetting < 2; resetting++) {
		ahci_driver_start(disk);
		ahci_driver_start(&fixture->cdrom);
		ahci_driver_write(disk, AHCI_PXIE, ~0u);
		ahci_driver_write_host(disk, AHCI_GHC, GHC_AE | GHC_IE);
		issue_reads(fixture);
		if (resetting)
			ahci_driver_write_host(disk, AHCI_GHC, GHC_AE | GHC_HR);
		test_machine_call(&fixture->machine, reset_bus, fixture);
		ahci_driver_init(disk, &fixture->machine, AHCI_FIXTURE_DISK_PORT);
		ahci_driver_init(&fixture->cdrom, &fixture->machine, AHCI_FIXTURE_CDROM_PORT);
		g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE);
		g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCLB), ==, 0);
		g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCMD) & 0xf01f, ==, 0x0006);
		g_assert_cmphex(ahci_driver_read(disk, AHCI_PXSSTS), ==, DETECTED);
		g_assert_cmphex(ahci_driver_read(&fixture->cdrom, AHCI_PXSIG), ==, 0xEB140101);
		g_assert_false(line(fixture));
	}
}

static void test_machine_reset(void)
{
	ahci_fixture_run(0, guest_machine_reset);
}

static void pause_and_drain(void *data)
{
	struct ahci_fixture *fixture = data;

	ahci_pause(fixture->ahci);
	block_backend_drain(fixture->disk_backend);
}

static void resume(void *data)
{
	struct ahci_fixture *fixture = data;

	ahci_resume(fixture->ahci);
}

/* What was taken completes, its later steps too; what is issued waits until it goes on. */
static void guest_pause(struct ahci_fixture *fixture)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, 1 << 20};
	const struct ahci_region regions[] = {region, region, region, region};
	const struct ahci_request read = {
		.command = READ_DMA_EXT, .count = 8192, .regions = regions, .region_count = 4};
	struct ahci_driver *disk = &fixture->disk;

	ahci_driver_prepare(disk, 0, &read);
	ahci_driver_prepare(disk, 1, &read);
	ahci_driver_write(disk, AHCI_PXCI, 3);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	test_machine_call(&fixture->machine, pause_and_drain, fixture);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCI), ==, 2);
	g_assert_cmpuint(ahci_driver_moved(disk, 0), ==, 4 << 20);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXTFD), ==, 0x50);
	ahci_driver_write(disk, AHCI_PXCI, 1);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCI), ==, 3);
	test_machine_call(&fixture->machine, resume, fixture);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	/* Two steps each. */
	for (unsigned int i = 0; i < 4; i++) {
		ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
		ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	}
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCI), ==, 0);
}

static void test_pause(void)
{
	ahci_fixture_run(0, guest_pause);
}

/* The adapter goes away with requests under way. */
static void guest_leave(struct ahci_fixture *fixture)
{
	issue_reads(fixture);
}

static void test_destroy(void)
{
	ahci_fixture_run(0, guest_leave);
	ahci_destroy(NULL);
}

static struct state_block block;
static uint8_t memory[TEST_MACHINE_MEMORY];

enum { READ_SECTORS = 2048, READ_LENGTH = READ_SECTORS * 512 };

/* Two commands: one has been taken, one is issued. */
static void guest_before(struct ahci_fixture *fixture)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, READ_LENGTH};
	const struct ahci_request read = {.command = READ_DMA_EXT,
					  .lba = 7,
					  .count = READ_SECTORS,
					  .regions = &region,
					  .region_count = 1};
	struct ahci_driver *disk = &fixture->disk;

	ahci_driver_write(disk, AHCI_PXIE, ~0u);
	ahci_driver_write_host(disk, AHCI_GHC, GHC_AE | GHC_IE);
	ahci_driver_prepare(disk, 0, &read);
	ahci_driver_prepare(disk, 1, &read);
	ahci_driver_write(disk, AHCI_PXIS, ~0u);
	ahci_driver_write(disk, AHCI_PXCI, 3);
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_save(fixture, &block);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCI), ==, 2);
	g_assert_true(line(fixture));
	g_assert_cmpint(guest_memory_read(fixture->machine.host.memory, 0, memory, sizeof(memory)),
			==, 0);
}

/* What was taken is done and told; what was issued is done here. */
static void guest_after(struct ahci_fixture *fixture)
{
	struct ahci_driver *disk = &fixture->disk;

	memset(memory + AHCI_DRIVER_DATA, 0, READ_LENGTH);
	g_assert_cmpint(guest_memory_write(fixture->machine.host.memory, 0, memory, sizeof(memory)),
			==, 0);
	g_assert_false(line(fixture));
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	g_assert_true(line(fixture));
	g_assert_cmphex(host(fixture, AHCI_GHC), ==, GHC_AE | GHC_IE);
	g_assert_cmphex(host(fixture, AHCI_IS), ==, 1);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXIS), ==, AHCI_IS_REGISTER);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCLB), ==, disk->list);
	ahci_driver_write(disk, AHCI_PXIS, ~0u);
	ahci_driver_write_host(disk, AHCI_IS, ~0u);
	g_assert_false(line(fixture));
	ahci_fixture_wait_in_flight(fixture, fixture->disk_backend, 1);
	ahci_fixture_complete(fixture, fixture->disk_backend, 1);
	g_assert_cmphex(ahci_driver_read(disk, AHCI_PXCI), ==, 0);
	g_assert_true(line(fixture));
	g_assert_cmpmem(ahci_fixture_data(fixture), READ_LENGTH, fixture->disk_contents + 7 * 512,
			READ_LENGTH);
}

static void test_state(void)
{
	ahci_fixture_run(0, guest_before);
	ahci_fixture_run(0, guest_after);
}

/* From the end: the drive (16 bytes), queued commands, slots, four bits, then the registers. */
enum { SLOT_FROM_END = 25, FAILED_FROM_END = 27, LINK_FROM_END = 30, COMMAND_FROM_END = 54 };

static void assert_refused(struct ahci_fixture *fixture, size_t from_end, uint8_t byte,
			   const char *problem)
{
	size_t at = (size_t)(block.reader.end - block.bytes) - STATE_BLOCK_PAYLOAD - from_end;
	uint8_t kept = block.bytes[STATE_BLOCK_PAYLOAD + at];

	state_block_patch(&block, at, byte);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, -EPROTO);
	g_assert_cmpstr(block.reader.problem, ==, problem);
	state_block_patch(&block, at, kept);
}

static void guest_false_state(struct ahci_fixture *fixture)
{
	ahci_fixture_save(fixture, &block);
	g_assert_cmpint(ahci_fixture_load(fixture, &block), ==, 0);
	assert_refused(fixture, SLOT_FROM_END, 32, "a SATA port has no such command");
	assert_refused(fixture, FAILED_FROM_END, 2, "a value is neither yes nor no");
	assert_refused(fixture, LINK_FROM_END, 0, "a SATA port has lost its drive");
	assert_refused(fixture, COMMAND_FROM_END, 0x20, "a SATA port has no such bits");
}

static void test_false_state(void)
{
	ahci_fixture_run(AHCI_FIXTURE_AUTOMATIC, guest_false_state);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ahci/registers", test_registers);
	g_test_add_func("/ahci/interrupts", test_interrupts);
	g_test_add_func("/ahci/adapter-reset", test_adapter_reset);
	g_test_add_func("/ahci/reset-held", test_reset_held);
	g_test_add_func("/ahci/machine-reset", test_machine_reset);
	g_test_add_func("/ahci/pause", test_pause);
	g_test_add_func("/ahci/destroy", test_destroy);
	g_test_add_func("/ahci/state", test_state);
	g_test_add_func("/ahci/false-state", test_false_state);
	return g_test_run();
}
