/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-pci.h"

#include <errno.h>
#include <glib.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "bus/address-space.h"
#include "loop/event-loop.h"
#include "memory/guest-memory.h"
#include "pci/pci-device.h"
#include "pci/pci-host-bridge.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"

#define FEATURES (1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX)

enum { DEVFN = TEST_MACHINE_DEVFN, BUFFERS = TEST_MACHINE_BUFFERS_GPA };

struct fixture {
	struct test_machine machine;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
};

/* An entropy device, and a guest thread that drives it. */
static void run_rng(struct fixture *fixture, void (*guest)(void *data))
{
	test_machine_init(&fixture->machine);
	g_assert_cmpint(virtio_rng_create(&fixture->machine.host, DEVFN, &fixture->device), ==, 0);
	test_machine_run(&fixture->machine, guest, fixture);
	virtio_device_destroy(fixture->device);
	test_machine_finish(&fixture->machine);
}

static uint64_t common(struct fixture *fixture, unsigned int offset, unsigned int size)
{
	return test_machine_read(&fixture->machine, fixture->driver.common + offset, size);
}

static void set_common(struct fixture *fixture, unsigned int offset, unsigned int size,
		       uint64_t value)
{
	test_machine_write(&fixture->machine, fixture->driver.common + offset, size, value);
}

static unsigned int sent(struct fixture *fixture, unsigned int data)
{
	return __atomic_load_n(&fixture->machine.interrupts.sent[data], __ATOMIC_ACQUIRE);
}

static void ask(struct fixture *fixture, uint32_t length)
{
	const struct virtqueue_buffer buffer = {BUFFERS, length, true};

	virtqueue_driver_add(&fixture->driver.queues[0], &buffer, 1);
	virtio_pci_driver_kick(&fixture->driver, 0);
}

/* Asks for entropy and gets it. */
static void ask_and_wait(struct fixture *fixture)
{
	uint32_t written;

	ask(fixture, 64);
	virtio_pci_driver_wait(&fixture->driver, 0, &written);
	g_assert_cmpuint(written, ==, 64);
}

static void wait_for_status(struct fixture *fixture, uint8_t bits)
{
	for (unsigned int i = 0; !(virtio_pci_driver_status(&fixture->driver) & bits); i++) {
		g_assert_cmpuint(i, <, 100000);
		g_usleep(100);
	}
}

static void guest_identity(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	struct test_machine *machine = &fixture->machine;

	virtio_pci_driver_init(driver, machine, DEVFN);
	g_assert_cmphex(test_machine_config_read(machine, DEVFN, PCI_DEVICE_ID, 2), ==,
			0x1040 + VIRTIO_ID_RNG);
	g_assert_cmphex(test_machine_config_read(machine, DEVFN, PCI_REVISION_ID, 1), ==, 1);
	g_assert_cmphex(test_machine_config_read(machine, DEVFN, PCI_BASE_ADDRESS_4, 1) & 0xf, ==,
			PCI_BASE_ADDRESS_MEM_TYPE_64);
	g_assert_cmpuint(driver->common, !=, 0);
	g_assert_cmpuint(driver->isr, !=, 0);
	g_assert_cmpuint(driver->notify, !=, 0);
	g_assert_cmpuint(driver->notify_multiplier, ==, 4);
	g_assert_cmpuint(driver->device, ==, 0); /* entropy has no configuration */
	g_assert_cmpuint(driver->window, !=, 0);
	g_assert_cmpuint(common(fixture, VIRTIO_PCI_COMMON_NUMQ, 2), ==, 1);
	g_assert_cmphex(virtio_pci_driver_features(driver), ==,
			FEATURES | 1ULL << VIRTIO_RING_F_INDIRECT_DESC);
	set_common(fixture, VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_DF, 4), ==, 0);
}

static void test_identity(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_identity);
}

static uint64_t read_extra(void *device, uint64_t offset, unsigned int size)
{
	return 0x4711;
}

static void note_move(void *data, unsigned int index)
{
	*(unsigned int *)data = index;
}

/* A device may have more to show than virtio knows of, in BARs of its own. */
static void test_own_bars(void)
{
	static const struct address_range_ops extra_ops = {.read = read_extra};
	struct fixture fixture;
	struct test_machine *machine = &fixture.machine;
	struct pci_device *function;
	unsigned int moved = 0;

	test_machine_init(machine);
	g_assert_cmpint(virtio_rng_create(&machine->host, DEVFN, &fixture.device), ==, 0);
	function = virtio_pci_function(fixture.device);
	pci_device_add_bar(function, 2, PCI_BAR_MEMORY_32, 4096, &extra_ops, NULL);
	virtio_pci_set_bar_listener(fixture.device, note_move, &moved);
	test_machine_config_write(machine, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	test_machine_config_write(machine, DEVFN, PCI_BASE_ADDRESS_2, 4, 0xE0000000);
	g_assert_cmpuint(moved, ==, 2);
	g_assert_cmphex(test_machine_read(machine, 0xE0000000, 4), ==, 0x4711);
	virtio_device_destroy(fixture.device);
	test_machine_finish(machine);
}

static void guest_negotiation(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	g_assert_false(virtio_pci_driver_negotiate(driver, 0));
	g_assert_false(virtio_pci_driver_negotiate(driver, FEATURES | 1ULL << 5));
	g_assert_false(virtio_pci_driver_negotiate(driver, FEATURES | 1ULL << 63));
	g_assert_true(virtio_pci_driver_negotiate(driver, FEATURES));
	/* What was agreed stays, bits do not go but by reset, NEEDS_RESET is not the driver's. */
	set_common(fixture, VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	set_common(fixture, VIRTIO_PCI_COMMON_GF, 4, 0xffffffff);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_GF, 4), ==, (uint32_t)FEATURES);
	virtio_pci_driver_set_status(driver, VIRTIO_CONFIG_S_NEEDS_RESET);
	g_assert_cmphex(virtio_pci_driver_status(driver), ==,
			VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
				VIRTIO_CONFIG_S_FEATURES_OK);
	virtio_pci_driver_reset(driver);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_GF, 4), ==, 0);
}

static void test_negotiation(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_negotiation);
}

static void guest_registers(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	g_assert_true(virtio_pci_driver_negotiate(driver, FEATURES));
	/* Vectors: none at first, and only those that exist. */
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_MSIX, 2), ==, VIRTIO_MSI_NO_VECTOR);
	set_common(fixture, VIRTIO_PCI_COMMON_MSIX, 2, 2);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_MSIX, 2), ==, VIRTIO_MSI_NO_VECTOR);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, 1);
	/* A queue that does not exist. */
	set_common(fixture, VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_Q_SIZE, 2), ==, 0);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_SIZE, 2, 4);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	/* Addresses by halves and, though unusual, whole; the other half stays. */
	set_common(fixture, VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_DESCLO, 8, 0x1122334455667788);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_DESCHI, 4, 0);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_Q_DESCLO, 8), ==, 0x55667788);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x1000);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_Q_DESCLO, 4), ==, 0x1000);
	/* In use, they are fixed. */
	virtio_pci_driver_setup_queue(driver, 0, 4, true);
	g_assert_cmpuint(common(fixture, VIRTIO_PCI_COMMON_Q_ENABLE, 2), ==, 1);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_USEDLO, 4, 0);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_SIZE, 2, 8);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_Q_USEDLO, 8), ==,
			driver->queues[0].used_gpa);
	g_assert_cmpuint(common(fixture, VIRTIO_PCI_COMMON_Q_SIZE, 2), ==, 4);
	/* A reset forgets it all. */
	virtio_pci_driver_reset(driver);
	g_assert_cmpuint(common(fixture, VIRTIO_PCI_COMMON_Q_ENABLE, 2), ==, 0);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_Q_USEDLO, 8), ==, 0);
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, VIRTIO_MSI_NO_VECTOR);
	g_assert_cmpuint(common(fixture, VIRTIO_PCI_COMMON_Q_SIZE, 2), ==, 8);
}

static void test_registers(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_registers);
}

static void guest_entropy(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	uint8_t bytes[64], before[64];
	uint32_t written;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(driver, FEATURES, 1);
	guest_memory_read(fixture->machine.host.memory, BUFFERS, before, sizeof(before));
	for (unsigned int i = 1; i <= 300; i++) {
		virtqueue_driver_enable_interrupt(&driver->queues[0]);
		ask_and_wait(fixture);
		while (sent(fixture, 0x40) < i)
			g_usleep(10);
	}
	guest_memory_read(fixture->machine.host.memory, BUFFERS, bytes, sizeof(bytes));
	g_assert_cmpint(memcmp(bytes, before, sizeof(bytes)), !=, 0);
	g_assert_cmpuint(driver->exits, ==, 0);
	/* More than it gives at once, across buffers. */
	virtqueue_driver_add(&driver->queues[0],
			     (struct virtqueue_buffer[]){{BUFFERS, 100, true},
							 {BUFFERS + 0x1000, 0x10000, true}},
			     2);
	virtio_pci_driver_kick(driver, 0);
	virtio_pci_driver_wait(driver, 0, &written);
	g_assert_cmpuint(written, ==, 4096);
	/* Nothing to write to. */
	virtqueue_driver_add(&driver->queues[0], &(struct virtqueue_buffer){BUFFERS, 8, false}, 1);
	virtio_pci_driver_kick(driver, 0);
	virtio_pci_driver_wait(driver, 0, &written);
	g_assert_cmpuint(written, ==, 0);
}

static void test_entropy(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_entropy);
}

/* A driver without MSI-X: the pin, and what the ISR register says of it. */
static void guest_pin(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	const unsigned int gsi = PCI_PIN_FIRST_GSI + (DEVFN >> 3) % PCI_PIN_GSIS;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	g_assert_true(virtio_pci_driver_negotiate(driver, 1ULL << VIRTIO_F_VERSION_1));
	virtio_pci_driver_setup_queue(driver, 0, 0, false);
	virtio_pci_driver_set_status(driver,
				     virtio_pci_driver_status(driver) | VIRTIO_CONFIG_S_DRIVER_OK);
	for (unsigned int i = 0; i < 10; i++) {
		ask_and_wait(fixture);
		while (test_machine_read(&fixture->machine, driver->isr, 1) != 1)
			g_usleep(10);
		g_assert_false(fixture->machine.interrupts.lines[gsi]);
		g_assert_cmphex(test_machine_read(&fixture->machine, driver->isr, 1), ==, 0);
	}
	g_assert_cmpuint(fixture->machine.interrupts.rises, ==, 10);
	/* The driver wants none. */
	virtqueue_driver_disable_interrupt(&driver->queues[0]);
	ask_and_wait(fixture);
	g_assert_cmphex(test_machine_read(&fixture->machine, driver->isr, 1), ==, 0);
}

static void test_pin(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_pin);
}

/* No doorbell to be had, and doorbells that move with the BAR. */
static void guest_doorbells(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	struct test_machine *machine = &fixture->machine;
	uint64_t before;

	virtio_pci_driver_init(driver, machine, DEVFN);
	g_assert_cmpuint(machine->ioeventfds.count, ==, 0); /* not before there is a queue */
	virtio_pci_driver_start(driver, FEATURES, 1);
	before = driver->notify;
	g_assert_cmpuint(machine->ioeventfds.count, ==, 1);
	test_machine_config_write(machine, DEVFN, PCI_COMMAND, 2, 0);
	g_assert_cmpuint(machine->ioeventfds.count, ==, 0);
	test_machine_config_write(machine, DEVFN, PCI_BASE_ADDRESS_4, 4, 0xD0000000);
	test_machine_config_write(machine, DEVFN, PCI_BASE_ADDRESS_5, 4, 1);
	machine->ioeventfds.add_error = -ENOSPC;
	test_machine_config_write(machine, DEVFN, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	g_assert_cmpuint(machine->ioeventfds.count, ==, 0);
	driver->notify = 0x1D0003000;
	ask_and_wait(fixture);
	g_assert_cmpuint(driver->exits, ==, 1);

	machine->ioeventfds.add_error = 0;
	test_machine_config_write(machine, DEVFN, PCI_BASE_ADDRESS_5, 4, 2);
	driver->notify = 0x2D0003000;
	ask_and_wait(fixture);
	g_assert_cmpuint(driver->exits, ==, 1);
	g_assert_false(fake_ioeventfds_write(&machine->ioeventfds, before));
}

static void test_doorbells(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_doorbells);
}

/* Section 4.1.4.9: every structure can be reached through configuration space. */
static void guest_window(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	struct test_machine *machine = &fixture->machine;
	unsigned int window;

	virtio_pci_driver_init(driver, machine, DEVFN);
	window = driver->window;
	test_machine_config_write(machine, DEVFN, window + VIRTIO_PCI_CAP_BAR, 1, 4);
	test_machine_config_write(machine, DEVFN, window + VIRTIO_PCI_CAP_OFFSET, 4,
				  VIRTIO_PCI_COMMON_STATUS);
	test_machine_config_write(machine, DEVFN, window + VIRTIO_PCI_CAP_LENGTH, 4, 1);
	test_machine_config_write(machine, DEVFN, window + 16, 4, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	g_assert_cmphex(virtio_pci_driver_status(driver), ==, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	test_machine_config_write(machine, DEVFN, window + VIRTIO_PCI_CAP_OFFSET, 4,
				  VIRTIO_PCI_COMMON_NUMQ);
	test_machine_config_write(machine, DEVFN, window + VIRTIO_PCI_CAP_LENGTH, 4, 2);
	g_assert_cmphex(test_machine_config_read(machine, DEVFN, window + 16, 2), ==, 1);
	/* Nonsense goes nowhere. */
	for (uint32_t offset = 0x3ffc; offset != 0; offset = offset << 1 | 1) {
		test_machine_config_write(machine, DEVFN, window + VIRTIO_PCI_CAP_OFFSET, 4,
					  offset);
		test_machine_config_write(machine, DEVFN, window + VIRTIO_PCI_CAP_LENGTH, 4, 8);
		test_machine_config_write(machine, DEVFN, window + 16, 4, 0xffffffff);
		if (offset == 0xffffffff)
			break;
	}
	g_assert_cmphex(virtio_pci_driver_status(driver), ==, VIRTIO_CONFIG_S_ACKNOWLEDGE);
}

static void test_window(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_window);
}

static void guest_broken(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(driver, FEATURES, 1);
	ask_and_wait(fixture);
	virtqueue_driver_make_available(&driver->queues[0], 0xffff);
	virtio_pci_driver_kick(driver, 0);
	wait_for_status(fixture, VIRTIO_CONFIG_S_NEEDS_RESET);
	/* The driver is told, by the vector for configuration, and the counter moves. */
	while (sent(fixture, 0x3f) == 0)
		g_usleep(10);
	g_assert_cmpuint(common(fixture, VIRTIO_PCI_COMMON_CFGGENERATION, 1), ==, 1);
	/* A reset makes it whole. */
	virtio_pci_driver_start(driver, FEATURES, 1);
	g_assert_cmphex(virtio_pci_driver_status(driver) & VIRTIO_CONFIG_S_NEEDS_RESET, ==, 0);
	ask_and_wait(fixture);
	/* A queue outside memory. */
	virtio_pci_driver_negotiate(driver, FEATURES);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_DESCHI, 4, 0xffffffff);
	set_common(fixture, VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	g_assert_cmpuint(common(fixture, VIRTIO_PCI_COMMON_Q_ENABLE, 2), ==, 0);
	wait_for_status(fixture, VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void test_broken(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_broken);
}

static void guest_pause(void *data)
{
	struct fixture *fixture = data;
	struct virtio_pci_driver *driver = &fixture->driver;
	struct event_loop *loop = fixture->machine.host.loop;
	uint16_t head;
	uint32_t written;

	virtio_pci_driver_init(driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(driver, FEATURES, 1);
	ask_and_wait(fixture);
	event_loop_lock(loop);
	virtio_device_pause(fixture->device);
	event_loop_unlock(loop);
	ask(fixture, 64);
	g_usleep(20000);
	g_assert_false(virtqueue_driver_collect(&driver->queues[0], &head, &written));
	/* The notification that was ignored is made up for. */
	event_loop_lock(loop);
	virtio_device_resume(fixture->device);
	event_loop_unlock(loop);
	virtio_pci_driver_wait(driver, 0, &written);
	g_assert_cmpuint(written, ==, 64);
}

static void test_pause(void)
{
	struct fixture fixture;

	run_rng(&fixture, guest_pause);
}

/* A device that takes its time to stop, and has something in its configuration. */
struct slow_device {
	struct virtio_device device;
	struct fixture fixture;
	bool busy;
	uint32_t config[2];
};

static bool slow_process(struct virtio_device *device, unsigned int queue)
{
	return false;
}

static bool slow_stop(struct virtio_device *device)
{
	return !((struct slow_device *)device)->busy;
}

static void slow_drain(struct virtio_device *device)
{
	((struct slow_device *)device)->busy = false;
	virtio_device_idle(device);
}

static void slow_destroy(struct virtio_device *device)
{
}

static const struct virtio_device_ops slow_ops = {
	.process = slow_process,
	.stop = slow_stop,
	.drain = slow_drain,
	.destroy = slow_destroy,
};

static void reset_machine(void *data)
{
	struct test_machine *machine = data;

	pci_host_bridge_reset(machine->host.bridge);
}

static void guest_slow_reset(void *data)
{
	struct slow_device *slow = data;
	struct virtio_pci_driver *driver = &slow->fixture.driver;
	struct test_machine *machine = &slow->fixture.machine;

	virtio_pci_driver_init(driver, machine, DEVFN);
	g_assert_cmphex(test_machine_read(machine, driver->device, 4), ==, 0x11223344);
	g_assert_cmphex(test_machine_read(machine, driver->device + 5, 2), ==, 0x6677);
	g_assert_cmphex(test_machine_read(machine, driver->device + 7, 8), ==, 0x55);
	virtio_pci_driver_start(driver, FEATURES, 2);
	slow->busy = true;
	virtio_pci_driver_set_status(driver, 0);
	g_assert_cmphex(virtio_pci_driver_status(driver), !=, 0);
	/* An impatient driver changes nothing. */
	virtio_pci_driver_set_status(driver, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_pci_driver_set_status(driver, 0);
	event_loop_lock(machine->host.loop);
	slow->busy = false;
	virtio_device_idle(&slow->device);
	event_loop_unlock(machine->host.loop);
	g_assert_cmphex(virtio_pci_driver_status(driver), ==, 0);

	/* The machine's reset waits. */
	virtio_pci_driver_start(driver, FEATURES, 2);
	slow->busy = true;
	test_machine_call(machine, reset_machine, machine);
	g_assert_false(slow->busy);
	g_assert_cmphex(slow->device.status, ==, 0);
	g_assert_cmpuint(machine->ioeventfds.count, ==, 0);
	g_assert_cmpuint(machine->interrupts.routed, ==, 0);
}

static void test_slow_reset(void)
{
	struct slow_device slow = {.config = {0x11223344, 0x55667788}};
	struct virtio_host *host = &slow.fixture.machine.host;

	test_machine_init(&slow.fixture.machine);
	virtio_device_init(&slow.device, &slow_ops, VIRTIO_ID_BLOCK, 0);
	virtio_device_add_queue(&slow.device, host->memory, 16);
	virtio_device_add_queue(&slow.device, host->memory, 32);
	slow.device.config = slow.config;
	slow.device.config_size = sizeof(slow.config);
	g_assert_cmpint(virtio_pci_create(host, DEVFN, 0x018000, &slow.device), ==, 0);
	test_machine_run(&slow.fixture.machine, guest_slow_reset, &slow);
	virtio_device_destroy(&slow.device);
	test_machine_finish(&slow.fixture.machine);
}

/* The place is taken: nothing is left behind. */
static void test_create_refused(void)
{
	struct virtio_device *first, *second = NULL;
	struct test_machine machine;

	test_machine_init(&machine);
	g_assert_cmpint(virtio_rng_create(&machine.host, DEVFN, &first), ==, 0);
	g_assert_cmpint(virtio_rng_create(&machine.host, DEVFN, &second), ==, -EEXIST);
	g_assert_null(second);
	virtio_device_destroy(first);
	g_assert_cmpint(virtio_rng_create(&machine.host, DEVFN, &first), ==, 0);
	virtio_device_destroy(first);
	virtio_device_destroy(NULL);
	test_machine_finish(&machine);
}

static void pause_now(void *data)
{
	virtio_device_pause(((struct fixture *)data)->device);
}

/* One request is served; one comes while the device takes no more. */
static void guest_before(void *data)
{
	struct fixture *fixture = data;

	virtio_pci_driver_init(&fixture->driver, &fixture->machine, DEVFN);
	virtio_pci_driver_start(&fixture->driver, FEATURES, 1);
	ask_and_wait(fixture);
	set_common(fixture, VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	test_machine_call(&fixture->machine, pause_now, fixture);
	virtqueue_driver_enable_interrupt(&fixture->driver.queues[0]);
	ask(fixture, 64);
}

/* In another machine it is served, with an interrupt, and the next one too. */
static void guest_after(void *data)
{
	struct fixture *fixture = data;
	uint32_t written;

	virtio_pci_driver_wait(&fixture->driver, 0, &written);
	g_assert_cmpuint(written, ==, 64);
	for (unsigned int i = 0; sent(fixture, 0x40) == 0; i++) {
		g_assert_cmpuint(i, <, 100000);
		g_usleep(100);
	}
	g_assert_cmphex(common(fixture, VIRTIO_PCI_COMMON_DFSELECT, 4), ==, 1);
	g_assert_cmphex(virtio_pci_driver_status(&fixture->driver), ==, 0xf);
	ask_and_wait(fixture);
	g_assert_cmpuint(fixture->driver.exits, ==, 0); /* the doorbells are in the kernel again */
	virtio_pci_driver_reset(&fixture->driver);
	virtio_pci_driver_start(&fixture->driver, FEATURES, 1);
	ask_and_wait(fixture);
}

static void test_state(void)
{
	struct fixture fixture, other;

	test_machine_init(&fixture.machine);
	g_assert_cmpint(virtio_rng_create(&fixture.machine.host, DEVFN, &fixture.device), ==, 0);
	test_machine_run(&fixture.machine, guest_before, &fixture);
	test_machine_init(&other.machine);
	g_assert_cmpint(virtio_rng_create(&other.machine.host, DEVFN, &other.device), ==, 0);
	other.driver = fixture.driver;
	virtio_pci_driver_carry_over(&other.driver, fixture.device, &other.machine, other.device);
	virtio_device_destroy(fixture.device);
	test_machine_finish(&fixture.machine);
	test_machine_run(&other.machine, guest_after, &other);
	virtio_device_destroy(other.device);
	test_machine_finish(&other.machine);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-pci/identity", test_identity);
	g_test_add_func("/virtio-pci/own-bars", test_own_bars);
	g_test_add_func("/virtio-pci/negotiation", test_negotiation);
	g_test_add_func("/virtio-pci/registers", test_registers);
	g_test_add_func("/virtio-pci/entropy", test_entropy);
	g_test_add_func("/virtio-pci/pin", test_pin);
	g_test_add_func("/virtio-pci/doorbells", test_doorbells);
	g_test_add_func("/virtio-pci/window", test_window);
	g_test_add_func("/virtio-pci/broken", test_broken);
	g_test_add_func("/virtio-pci/pause", test_pause);
	g_test_add_func("/virtio-pci/slow-reset", test_slow_reset);
	g_test_add_func("/virtio-pci/create-refused", test_create_refused);
	g_test_add_func("/virtio-pci/state", test_state);
	return g_test_run();
}
