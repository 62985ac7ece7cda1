/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * See ahci-fixture.h.
 */
#include "ahci-fixture.h"

#include <glib.h>
#include <string.h>

#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-host-bridge.h"

enum { A_DESCRIPTOR = 7 /* never looked at */, POLLS = 100000, POLL_US = 100 };

struct guest_part {
	struct ahci_fixture *fixture;
	void (*guest)(struct ahci_fixture *fixture);
};

static void run_guest(void *data)
{
	struct guest_part *part = data;
	struct ahci_fixture *fixture = part->fixture;

	ahci_driver_init(&fixture->disk, &fixture->machine, AHCI_FIXTURE_DISK_PORT);
	ahci_driver_init(&fixture->cdrom, &fixture->machine, AHCI_FIXTURE_CDROM_PORT);
	ahci_driver_start(&fixture->disk);
	ahci_driver_start(&fixture->cdrom);
	part->guest(fixture);
}

static void fill(uint8_t *bytes, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(seed + i * 7 + i / 512);
}

void ahci_fixture_run(unsigned int options, void (*guest)(struct ahci_fixture *fixture))
{
	struct ahci_fixture *fixture = g_new0(struct ahci_fixture, 1);
	struct virtio_host *host = &fixture->machine.host;
	struct guest_part part = {fixture, guest};

	fill(fixture->disk_contents, AHCI_FIXTURE_DISK_SIZE, 1);
	fill(fixture->cdrom_contents, AHCI_FIXTURE_CDROM_SIZE, 2);
	test_machine_init(&fixture->machine);
	fake_block_backend_create(fixture->disk_contents, AHCI_FIXTURE_DISK_SIZE,
				  options & AHCI_FIXTURE_READ_ONLY, &fixture->disk_backend);
	fake_block_backend_create_removable(fixture->cdrom_contents, AHCI_FIXTURE_CDROM_SIZE,
					    !(options & AHCI_FIXTURE_EMPTY),
					    &fixture->cdrom_backend);
	fake_block_backend_set_automatic(fixture->disk_backend, options & AHCI_FIXTURE_AUTOMATIC);
	fake_block_backend_set_automatic(fixture->cdrom_backend, options & AHCI_FIXTURE_AUTOMATIC);
	g_assert_cmpint(ahci_create(host->bridge, host->memory, host->loop, &fixture->ahci), ==, 0);
	g_assert_cmpint(
		ahci_add_disk(fixture->ahci, AHCI_FIXTURE_DISK_PORT, fixture->disk_backend, "S-1"),
		==, 0);
	g_assert_cmpint(
		ahci_add_cdrom(fixture->ahci, AHCI_FIXTURE_CDROM_PORT, fixture->cdrom_backend), ==,
		0);
	test_machine_run(&fixture->machine, run_guest, &part);
	ahci_destroy(fixture->ahci);
	block_backend_destroy(fixture->disk_backend);
	block_backend_destroy(fixture->cdrom_backend);
	test_machine_finish(&fixture->machine);
	g_free(fixture);
}

static unsigned int in_flight(struct ahci_fixture *fixture, struct block_backend *backend)
{
	unsigned int count;

	event_loop_lock(fixture->machine.host.loop);
	count = fake_block_backend_in_flight(backend);
	event_loop_unlock(fixture->machine.host.loop);
	return count;
}

void ahci_fixture_wait_in_flight(struct ahci_fixture *fixture, struct block_backend *backend,
				 unsigned int count)
{
	for (unsigned int i = 0; in_flight(fixture, backend) != count; i++) {
		g_assert_cmpuint(i, <, POLLS);
		g_usleep(POLL_US);
	}
}

static void complete(void *data)
{
	struct ahci_fixture *fixture = data;

	fixture->argument =
		(int)fake_block_backend_complete(fixture->backend, (unsigned int)fixture->argument);
}

void ahci_fixture_complete(struct ahci_fixture *fixture, struct block_backend *backend,
			   unsigned int count)
{
	fixture->backend = backend;
	fixture->argument = (int)count;
	test_machine_call(&fixture->machine, complete, fixture);
	g_assert_cmpint(fixture->argument, ==, count);
}

static void fail(void *data)
{
	struct ahci_fixture *fixture = data;

	fake_block_backend_fail(fixture->backend, fixture->argument);
}

void ahci_fixture_fail(struct ahci_fixture *fixture, struct block_backend *backend, int error)
{
	fixture->backend = backend;
	fixture->argument = error;
	test_machine_call(&fixture->machine, fail, fixture);
}

static void insert(void *data)
{
	struct ahci_fixture *fixture = data;

	fixture->argument = ahci_cdrom_insert(fixture->ahci, AHCI_FIXTURE_CDROM_PORT, A_DESCRIPTOR,
					      fixture->flag);
}

int ahci_fixture_insert(struct ahci_fixture *fixture, bool force)
{
	fixture->flag = force;
	test_machine_call(&fixture->machine, insert, fixture);
	return fixture->argument;
}

static void eject(void *data)
{
	struct ahci_fixture *fixture = data;

	fixture->argument = ahci_cdrom_eject(fixture->ahci, AHCI_FIXTURE_CDROM_PORT, fixture->flag);
}

int ahci_fixture_eject(struct ahci_fixture *fixture, bool force)
{
	fixture->flag = force;
	test_machine_call(&fixture->machine, eject, fixture);
	return fixture->argument;
}

static void save(void *data)
{
	struct ahci_fixture *fixture = data;
	struct state_writer *writer = state_block_write(fixture->block);

	ahci_pause(fixture->ahci);
	block_backend_drain(fixture->disk_backend);
	block_backend_drain(fixture->cdrom_backend);
	g_assert_true(ahci_is_idle(fixture->ahci));
	pci_host_bridge_save(fixture->machine.host.bridge, writer);
	ahci_save(fixture->ahci, writer);
	state_block_written(fixture->block);
	ahci_resume(fixture->ahci);
}

void ahci_fixture_save(struct ahci_fixture *fixture, struct state_block *block)
{
	fixture->block = block;
	test_machine_call(&fixture->machine, save, fixture);
}

static void load(void *data)
{
	struct ahci_fixture *fixture = data;
	struct state_reader *reader = state_block_read(fixture->block);
	int r = pci_host_bridge_load(fixture->machine.host.bridge, reader);

	if (r == 0)
		r = ahci_load(fixture->ahci, reader);
	if (r == 0) {
		state_block_loaded(fixture->block, r);
		ahci_resume(fixture->ahci);
	}
	fixture->argument = r;
}

int ahci_fixture_load(struct ahci_fixture *fixture, struct state_block *block)
{
	fixture->block = block;
	test_machine_call(&fixture->machine, load, fixture);
	return fixture->argument;
}

uint8_t *ahci_fixture_data(struct ahci_fixture *fixture)
{
	return guest_memory_at(fixture->machine.host.memory, AHCI_DRIVER_DATA, 1);
}

uint32_t ahci_fixture_disk_command(struct ahci_fixture *fixture, uint8_t command, uint64_t lba,
				   uint16_t count, uint32_t length)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, length};
	const struct ahci_request request = {
		.command = command,
		.device = 0x40,
		.lba = lba,
		.count = count,
		.regions = &region,
		.region_count = length ? 1 : 0,
	};

	return ahci_driver_run(&fixture->disk, &request);
}

uint32_t ahci_fixture_packet(struct ahci_fixture *fixture, const uint8_t packet[12],
			     uint32_t length)
{
	const struct ahci_region region = {AHCI_DRIVER_DATA, length};
	const struct ahci_request request = {
		.command = 0xA0,
		.features = 1,
		.packet = packet,
		.packet_length = 12,
		.regions = &region,
		.region_count = length ? 1 : 0,
	};

	return ahci_driver_run(&fixture->cdrom, &request);
}
