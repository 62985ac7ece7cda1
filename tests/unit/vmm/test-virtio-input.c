/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virtio/virtio-input.h"

#include <glib.h>
#include <linux/input-event-codes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_input.h>
#include <string.h>

#include "memory/guest-memory.h"
#include "protocol/input-protocol.h"
#include "virtio-pci-driver.h"
#include "virtio/virtio-device.h"

enum { DEVFN = TEST_MACHINE_DEVFN, BUFFERS = TEST_MACHINE_BUFFERS_GPA, EVENTS = 0, STATUS = 1 };

struct fixture {
	struct test_machine machine;
	struct virtio_device *device;
	struct virtio_pci_driver driver;
	struct input_event event;
};

static void run(bool tablet, void (*guest)(void *data))
{
	struct fixture *f = g_new0(struct fixture, 1);
	int r;

	test_machine_init(&f->machine);
	r = tablet ? virtio_tablet_create(&f->machine.host, DEVFN, &f->device)
		   : virtio_keyboard_create(&f->machine.host, DEVFN, &f->device);
	g_assert_cmpint(r, ==, 0);
	test_machine_run(&f->machine, guest, f);
	virtio_device_destroy(f->device);
	test_machine_finish(&f->machine);
	g_free(f);
}

static uint64_t config(struct fixture *f, size_t offset, unsigned int size)
{
	return test_machine_read(&f->machine, f->driver.device + offset, size);
}

/* The size of the answer to a question. */
static uint64_t ask(struct fixture *f, uint8_t select, uint8_t subselect)
{
	test_machine_write(&f->machine, f->driver.device, 1, select);
	test_machine_write(&f->machine, f->driver.device + 1, 1, subselect);
	return config(f, offsetof(struct virtio_input_config, size), 1);
}

static uint64_t byte(struct fixture *f, unsigned int index)
{
	return config(f, offsetof(struct virtio_input_config, u) + index, 1);
}

static void handle_now(void *data)
{
	struct fixture *f = data;

	virtio_input_input_ops.handle(f->device, &f->event);
}

static void type(struct fixture *f, uint16_t kind, uint16_t code, int32_t x, int32_t y)
{
	f->event = (struct input_event){kind, code, x, y, 0};
	test_machine_call(&f->machine, handle_now, f);
}

static void offer(struct fixture *f, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		const struct virtqueue_buffer buffer = {BUFFERS, 8, true};

		virtqueue_driver_add(&f->driver.queues[EVENTS], &buffer, 1);
	}
	virtio_pci_driver_kick(&f->driver, EVENTS);
}

static void expect(struct fixture *f, uint16_t kind, uint16_t code, uint32_t value)
{
	struct virtio_input_event event;
	uint32_t written;

	virtio_pci_driver_wait(&f->driver, EVENTS, &written);
	g_assert_cmpuint(written, ==, sizeof(event));
	g_assert_cmpint(guest_memory_read(f->machine.host.memory, BUFFERS, &event, sizeof(event)),
			==, 0);
	g_assert_cmpuint(event.type, ==, kind);
	g_assert_cmpuint(event.code, ==, code);
	g_assert_cmpuint(event.value, ==, value);
}

static void guest_keyboard_config(void *data)
{
	struct fixture *f = data;

	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_UNSET, 0), ==, 0);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_ID_NAME, 0), ==, strlen("Innkeeper Keyboard"));
	g_assert_cmpuint(byte(f, 0), ==, 'I');
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_EV_BITS, EV_KEY), ==, INPUT_MAX_KEY / 8 + 1);
	g_assert_cmphex(byte(f, KEY_A / 8) >> KEY_A % 8 & 1, ==, 1);
	g_assert_cmphex(byte(f, BTN_LEFT / 8) >> BTN_LEFT % 8 & 1, ==, 0);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_EV_BITS, EV_LED), ==, 1);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_EV_BITS, EV_ABS), ==, 0);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_ABS_INFO, ABS_X), ==, 0);
	g_assert_cmpuint(ask(f, 0xff, 0xff), ==, 0);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_ID_DEVIDS, 0), ==, 8);
	/* the rest cannot be written */
	test_machine_write(&f->machine, f->driver.device + 8, 4, 0xffffffff);
	g_assert_cmphex(byte(f, 0), ==, 0x06);
}

static void guest_tablet_config(void *data)
{
	struct fixture *f = data;
	const size_t maximum = offsetof(struct virtio_input_config, u) +
			       offsetof(struct virtio_input_absinfo, max);

	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_EV_BITS, EV_ABS), ==, 1);
	g_assert_cmphex(byte(f, 0), ==, 1 << ABS_X | 1 << ABS_Y);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_EV_BITS, EV_REL), ==, 2);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_ABS_INFO, ABS_Y), ==,
			 sizeof(struct virtio_input_absinfo));
	g_assert_cmpuint(config(f, maximum, 4), ==, INPUT_POSITION_MAX);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_ABS_INFO, ABS_Z), ==, 0);
}

static void guest_keys(void *data)
{
	struct fixture *f = data;

	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	g_assert_false(virtio_input_input_ops.ready(f->device));
	virtio_pci_driver_start(&f->driver, 1ULL << VIRTIO_F_VERSION_1, 2);
	g_assert_true(virtio_input_input_ops.ready(f->device));
	offer(f, 1);
	type(f, INPUT_KEY, KEY_A, 1, 0);
	type(f, INPUT_KEY, KEY_A, 0, 0);
	expect(f, EV_KEY, KEY_A, 1);
	/* The others come as there are buffers for them. */
	offer(f, 1);
	expect(f, EV_SYN, SYN_REPORT, 0);
	offer(f, 1);
	expect(f, EV_KEY, KEY_A, 0);
	offer(f, 1);
	expect(f, EV_SYN, SYN_REPORT, 0);
}

static void guest_pointer(void *data)
{
	struct fixture *f = data;

	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	virtio_pci_driver_start(&f->driver, 1ULL << VIRTIO_F_VERSION_1, 2);
	type(f, INPUT_POSITION, 0, 100, 32767);
	type(f, INPUT_WHEEL, 0, -1, 2);
	type(f, INPUT_MOTION, 0, 1, 1); /* not the tablet's */
	type(f, INPUT_BUTTON, BTN_RIGHT, 1, 0);
	offer(f, 1);
	expect(f, EV_ABS, ABS_X, 100);
	offer(f, 1);
	expect(f, EV_ABS, ABS_Y, 32767);
	offer(f, 1);
	expect(f, EV_SYN, SYN_REPORT, 0);
	offer(f, 1);
	expect(f, EV_REL, REL_WHEEL, 2);
	offer(f, 1);
	expect(f, EV_REL, REL_HWHEEL, (uint32_t)-1);
	offer(f, 1);
	expect(f, EV_SYN, SYN_REPORT, 0);
	offer(f, 1);
	expect(f, EV_KEY, BTN_RIGHT, 1);
}

/* A guest that does not listen: motion is lost, what lets go is not. */
static void guest_flood(void *data)
{
	struct fixture *f = data;
	unsigned int groups = 0;

	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	virtio_pci_driver_start(&f->driver, 1ULL << VIRTIO_F_VERSION_1, 2);
	for (int i = 0; i < 500; i++)
		type(f, INPUT_POSITION, 0, i, i);
	type(f, INPUT_BUTTON, BTN_LEFT, 1, 0);
	type(f, INPUT_BUTTON, BTN_LEFT, 0, 0);
	for (; groups < 64; groups++) {
		offer(f, 1);
		expect(f, EV_ABS, ABS_X, groups);
		offer(f, 1);
		expect(f, EV_ABS, ABS_Y, groups);
		offer(f, 1);
		expect(f, EV_SYN, SYN_REPORT, 0);
	}
	offer(f, 1);
	expect(f, EV_KEY, BTN_LEFT, 0);
}

static void guest_status(void *data)
{
	struct fixture *f = data;
	const struct virtqueue_buffer light = {BUFFERS, 8, false};
	uint32_t written;

	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	virtio_pci_driver_start(&f->driver, 1ULL << VIRTIO_F_VERSION_1, 2);
	virtqueue_driver_add(&f->driver.queues[STATUS], &light, 1);
	virtio_pci_driver_kick(&f->driver, STATUS);
	virtio_pci_driver_wait(&f->driver, STATUS, &written);
	g_assert_cmpuint(written, ==, 0);

	/* A buffer that is too small comes back empty, and the event waits for a better one. */
	type(f, INPUT_KEY, KEY_B, 1, 0);
	virtqueue_driver_add(&f->driver.queues[EVENTS],
			     &(const struct virtqueue_buffer){BUFFERS, 7, true}, 1);
	virtio_pci_driver_kick(&f->driver, EVENTS);
	virtio_pci_driver_wait(&f->driver, EVENTS, &written);
	g_assert_cmpuint(written, ==, 0);
	offer(f, 1);
	expect(f, EV_KEY, KEY_B, 1);

	/* After a reset nothing of the old guest's is left. */
	virtio_pci_driver_reset(&f->driver);
	virtio_pci_driver_start(&f->driver, 1ULL << VIRTIO_F_VERSION_1, 2);
	type(f, INPUT_KEY, KEY_C, 1, 0);
	offer(f, 1);
	expect(f, EV_KEY, KEY_C, 1);
}

static void test_keyboard_config(void)
{
	run(false, guest_keyboard_config);
}

static void test_tablet_config(void)
{
	run(true, guest_tablet_config);
}

static void test_keys(void)
{
	run(false, guest_keys);
}

static void test_pointer(void)
{
	run(true, guest_pointer);
}

static void test_flood(void)
{
	run(true, guest_flood);
}

static void test_status(void)
{
	run(false, guest_status);
}

/* A key waits for buffers, and a question has been asked. */
static void guest_before(void *data)
{
	struct fixture *f = data;

	virtio_pci_driver_init(&f->driver, &f->machine, DEVFN);
	virtio_pci_driver_start(&f->driver, 1ULL << VIRTIO_F_VERSION_1, 2);
	type(f, INPUT_KEY, KEY_A, 1, 0);
	g_assert_cmpuint(ask(f, VIRTIO_INPUT_CFG_ID_NAME, 0), ==, strlen("Innkeeper Keyboard"));
}

static void guest_after(void *data)
{
	struct fixture *f = data;

	g_assert_cmpuint(byte(f, 0), ==, 'I');
	offer(f, 1);
	expect(f, EV_KEY, KEY_A, 1);
	offer(f, 1);
	expect(f, EV_SYN, SYN_REPORT, 0);
	type(f, INPUT_KEY, KEY_A, 0, 0);
	offer(f, 1);
	expect(f, EV_KEY, KEY_A, 0);
}

static void test_state(void)
{
	g_autofree struct fixture *f = g_new0(struct fixture, 1);
	g_autofree struct fixture *other = g_new0(struct fixture, 1);

	test_machine_init(&f->machine);
	g_assert_cmpint(virtio_keyboard_create(&f->machine.host, DEVFN, &f->device), ==, 0);
	test_machine_run(&f->machine, guest_before, f);
	test_machine_init(&other->machine);
	g_assert_cmpint(virtio_keyboard_create(&other->machine.host, DEVFN, &other->device), ==, 0);
	other->driver = f->driver;
	virtio_pci_driver_carry_over(&other->driver, f->device, &other->machine, other->device);
	virtio_device_destroy(f->device);
	test_machine_finish(&f->machine);
	test_machine_run(&other->machine, guest_after, other);
	virtio_device_destroy(other->device);
	test_machine_finish(&other->machine);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/virtio-input/keyboard-config", test_keyboard_config);
	g_test_add_func("/virtio-input/tablet-config", test_tablet_config);
	g_test_add_func("/virtio-input/keys", test_keys);
	g_test_add_func("/virtio-input/pointer", test_pointer);
	g_test_add_func("/virtio-input/flood", test_flood);
	g_test_add_func("/virtio-input/status", test_status);
	g_test_add_func("/virtio-input/state", test_state);
	return g_test_run();
}
